"""A facility with a network analyzer on its feedline, and the S21 that theory gives for it."""

import math
import re
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

ROOT = Path(__file__).parents[3]
FIRST_LIGHT = (ROOT / "examples/first_light/facility.yaml").read_text(encoding="utf-8")
QUBITS = ("q0", "q1", "q2")
INTERNAL_HZ = 80e3
"""Loss of a resonator that does not reach the line: 80 +- 20 kHz in worlds of this chip."""
PORTS = "output: vna_a.port1, input: vna_a.port2"


def facility_text(model: str, attenuation: str = "40 dB", ports: str = PORTS) -> str:
    """Return first_light with an analyzer of this model beside the readout of its feedline."""
    box = (
        f"  vna_a:\n    model: {model}\n"
        '    address: "TCPIP::192.168.0.6::5025::SOCKET"\n\n'
        "# Design numbers."
    )
    line = "  node_a.feedline:\n"
    wired = f"{line}    analyzer: {{{ports}, attenuation: {attenuation}}}\n"
    return FIRST_LIGHT.replace("# Design numbers.", box, 1).replace(line, wired, 1)


def resource(clients: Mapping[str, str], client: str) -> str:
    """Return the VISA resource string in a client's line of Python."""
    found = re.search(r"'(TCPIP::[^']*)'", clients[client])
    assert found is not None, clients[client]
    return found[1]


def resonators(truth: Mapping[str, float], frequency_hz: NDArray) -> NDArray:
    """Return what passes hangers beside a matched line, shape (n,), after Probst et al. (2015).

    ``S21 = 1 - sum of (Ql/Qc) / (1 + 2j Ql (f/fr - 1))``, each with its qubit in 0 or 1 by the
    thermal population. Of the loss that does not reach the line only the spread is known.
    """
    passed = np.ones(frequency_hz.size, complex)
    for qubit in QUBITS:
        name = f"node_a.{qubit}"
        middle, chi, kappa = (
            truth[f"{name}.{one}"] for one in ("readout_frequency", "chi", "kappa")
        )
        coupled = 1 - INTERNAL_HZ / kappa
        excited = truth[f"{name}.thermal_population"]
        for share, at_hz in ((1 - excited, middle - chi), (excited, middle + chi)):
            loaded = at_hz / kappa
            passed -= share * coupled / (1 + 2j * loaded * (frequency_hz / at_hz - 1))
    return passed


def residue(trace: NDArray, frequency_hz: NDArray, model: NDArray) -> tuple[float, float, float]:
    """Lay a model on a trace by a gain and a delay: return gain (dB), delay (s), rms of the rest.

    The rest is over the gain, so that a dip of a resonator is about 1.
    """
    from_start = frequency_hz - frequency_hz[0]
    delay_s = 0.0
    for _ in range(3):
        turned = model * np.exp(-2j * np.pi * from_start * delay_s)
        phase = np.unwrap(np.angle(trace / turned))
        if delay_s == 0.0:
            delay_s = -np.polyfit(from_start, phase, 1)[0] / (2 * math.pi)
            continue
        slope = np.polyfit(
            from_start, np.angle(trace / turned * np.conj(_mean(trace, turned))), 1, w=abs(model)
        )[0]
        delay_s -= slope / (2 * math.pi)
    turned = model * np.exp(-2j * np.pi * from_start * delay_s)
    gain = _mean(trace, turned)
    rest = trace / gain - turned
    return 20 * math.log10(abs(gain)), delay_s, float(np.sqrt(np.mean(abs(rest) ** 2)))


def _mean(trace: NDArray, turned: NDArray) -> complex:
    return complex(np.vdot(turned, trace) / np.vdot(turned, turned))
