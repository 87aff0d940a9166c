"""A facility with a network analyzer on its feedline, and the S21 that theory gives for it."""

import math
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
FIRST_LIGHT = (ROOT / "examples/first_light/facility.yaml").read_text(encoding="utf-8")
QUBITS = ("q0", "q1", "q2")
LINE_DB = 70.0 - 66.0
"""Gain less attenuation of the feedline of first_light, as designed."""


def facility_text(model: str, port: int, attenuation: str = "40 dB") -> str:
    """Return first_light with an analyzer of this model beside the readout of its feedline."""
    box = (
        f"  vna_a:\n    model: {model}\n"
        f'    address: "TCPIP::192.168.0.6::{port}::SOCKET"\n\n'
        "# Design numbers."
    )
    line = "  node_a.feedline:\n"
    wired = f"{line}    analyzer: {{output: vna_a.port1, input: vna_a.port2, attenuation: {attenuation}}}\n"
    return FIRST_LIGHT.replace("# Design numbers.", box, 1).replace(line, wired, 1)


def resonators(truth: Mapping[str, float], frequency_hz: NDArray[np.float64]) -> NDArray:
    """Return what passes hangers beside a matched line, shape (n,), after Probst et al. (2015).

    ``S21 = 1 - (Ql/Qc) / (1 + 2j Ql (f/fr - 1))``, mean over 0 and 1 by the thermal population.
    Quality factors are those of kappa; internal losses are 100 times smaller in these worlds'
    design, so that ``Ql/Qc`` is left free by the tests that use it.
    """
    passed = np.ones(frequency_hz.size, complex)
    for qubit in QUBITS:
        name = f"node_a.{qubit}"
        middle, chi, kappa = (
            truth[f"{name}.{one}"] for one in ("readout_frequency", "chi", "kappa")
        )
        excited = truth[f"{name}.thermal_population"]
        for share, at_hz in ((1 - excited, middle - chi), (excited, middle + chi)):
            loaded = at_hz / kappa
            passed -= share / (1 + 2j * loaded * (frequency_hz / at_hz - 1))
    return passed


def scaled(trace: NDArray, frequency_hz: NDArray, model: NDArray) -> tuple[complex, float]:
    """Return gain and delay (s) that lay a model on a trace, and nothing else."""
    phase = np.unwrap(np.angle(trace / model))
    weights = np.abs(model)
    slope, _ = np.polyfit(frequency_hz - frequency_hz[0], phase, 1, w=weights)
    delay_s = -slope / (2 * math.pi)
    turned = model * np.exp(-2j * np.pi * (frequency_hz - frequency_hz[0]) * delay_s)
    return complex(np.vdot(turned, trace) / np.vdot(turned, turned)), delay_s
