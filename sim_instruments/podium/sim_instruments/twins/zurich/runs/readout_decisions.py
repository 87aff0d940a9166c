"""Decides of a window of an integrator whether it is above its threshold."""

from dataclasses import replace
from functools import partial
from math import sqrt

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.execution.firmware import CannotBranch, Decision
from podium.sim_instruments.physics.signals import CaptureAnswer
from podium.sim_instruments.twins.zurich.quantum_analyzer.input_saturation import (
    digitised,
    tone_share,
)
from podium.sim_instruments.twins.zurich.runs.feedback_sequencers import Reader
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import IntegratorCapture


def decision_by(reader: Reader, unit: int) -> Decision:
    """Return the decision by which a window of an integrator becomes a bit; it names no window."""
    one = reader.listening[unit]
    thresholds = reader.at.settings.thresholds
    threshold = thresholds[unit] if unit < len(thresholds) else 0.0
    gain = one.factor * sqrt(2 * IMPEDANCE_OHM) * one.train.windows[0].duration_ns
    scale = tone_share(one) * reader.full / len(reader.listening)
    rule = (
        scale,
        scale,
        0.0,
        0.0,
        scale,
        gain.real,
        -gain.imag,
        float(np.nextafter(threshold, np.inf)),
        1.0,
        0.0,
    )
    return Decision(((-1, -1), (-1, -1)), rule, partial(_above, reader, unit, gain, threshold))


def _above(
    reader: Reader, unit: int, gain: complex, threshold: float, value: complex, _: complex
) -> bool:
    """Return the bit of a window that may be beyond the range of the converter."""
    if len(reader.listening) > 1:
        raise CannotBranch("several tones are beyond the range of the input")
    only = {unit: reader.listening[unit]}
    part = {unit: _first_of(only[unit])}
    (left,), _over = digitised(1, part, [CaptureAnswer(np.array([value]), None)], reader.full)
    return bool((complex(left.integrated[0]) * gain).real > threshold)


def _first_of(one: IntegratorCapture) -> IntegratorCapture:
    return replace(one, readouts=np.zeros(1, np.int64))
