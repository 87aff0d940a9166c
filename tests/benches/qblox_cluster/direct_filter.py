"""Filters samples one by one: slow and obvious."""

import numpy as np
from scipy.signal import lfilter

from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping


def directly(shaping: OutputShaping, x: np.ndarray) -> np.ndarray:
    for tau, amp in shaping.exponentials:
        alpha = 1 - np.exp(-1 / tau)
        x = x + amp * (lfilter([alpha], [1, alpha - 1], x) - x)
    if shaping.high_pass_ns is not None:
        x = x + np.cumsum(x) / shaping.high_pass_ns
    return np.convolve(x, shaping.fir)[: len(x)]
