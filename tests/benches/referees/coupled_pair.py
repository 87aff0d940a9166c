"""Two coupled transmons whose flux lines leave one output each, and what a CZ on them has to be.

The example's chip; bias and pulses of a flux line come from one output of a QCM, as most stacks
have it.
"""

from pathlib import Path

import numpy as np
import pytest

FACILITY = Path(__file__).parents[3] / "examples" / "two_qubit" / "facility.yaml"
EDGE = "node_a.q0_q1"
FULL_V = 2.5
"""Of an output of a QCM."""
DESIGN_V, DESIGN_GAP_HZ = 0.2804, 2 * np.sqrt(2) * 5.5e6
"""By the file's middle values: where f01 of q0 is 5.575 GHz, and an exchange of 5.5 MHz."""
WITHIN_S = 840.0
"""A script that finds a gate takes two minutes on an idle machine, and ends within this."""
RESONANCE, GAP = 0.003, 0.015
"""Within these parts a chevron has to find both, the gap and two of its sigmas: the design's are
4 to 5 % and 3 to 10 % off in the worlds of :data:`.foreign_stack.HELD_OUT`. A gap comes out long by
a per cent, since a line's edges are no edges."""
PI_AMPLITUDE, PI_RAD = 0.006, 0.15
"""How near to the resonance the phase is pi, and how near to pi it is there."""
PLAYED = 0.02
"""The world's own infidelity of the gate, as it was played: a phase of 2.7 rad in place of pi costs
0.03, an amplitude 0.5 % off at least as much by leakage."""


def pair_facility(folder: Path) -> Path:
    """Write the facility file; return its path."""
    text = FACILITY.read_text()
    for bias, pulses in (("out2", "out0"), ("out3", "out1")):
        assert text.count(f"source: cluster_a.slot6.{bias}") == 1
        text = text.replace(f"source: cluster_a.slot6.{bias}", f"source: cluster_a.slot6.{pulses}")
    assert text.count("line_attenuation: 14 dB") == 2
    path = folder / "facility.yaml"
    path.write_text(text.replace("line_attenuation: 14 dB", "line_attenuation: 0 dB"))
    return path


def arrives(truth: dict[str, float], lasts_s: float) -> float:
    """Return what the line of q0 makes of a pulse's height: the mean of its step response."""
    part = 1.0 + truth["node_a.q0.flux_reflection"]
    for n in (1, 2, 3, 4):
        size, tau = (truth[f"node_a.q0.flux_{name}{n}"] for name in ("amplitude", "tau"))
        part += size * tau / lasts_s * (1 - np.exp(-lasts_s / tau))
    return float(part)


def finds_the_chevron(found: dict[str, float], truth: dict[str, float], qubit: str) -> None:
    """Assert that resonance and gap, as one qubit shows them, are those of the world."""
    gap_hz, resonance_v = truth[f"{EDGE}.cz_gap"], truth[f"{EDGE}.cz_resonance"]
    volts = FULL_V * arrives(truth, 1 / gap_hz) * found[f"{qubit}_resonance"]
    print(f"{qubit}: {volts:.5f} V, truth {resonance_v:.5f} V; {found[f'{qubit}_gap'] / 1e6:.3f} "
          f"MHz, truth {gap_hz / 1e6:.3f} MHz")  # fmt: skip
    assert volts == pytest.approx(resonance_v, rel=RESONANCE)
    off_hz = abs(found[f"{qubit}_gap"] - gap_hz)
    assert off_hz < GAP * gap_hz + 2 * found[f"{qubit}_gap_sigma"]
    assert found[f"{qubit}_gap_sigma"] < 0.03 * gap_hz
    assert abs(DESIGN_V / resonance_v - 1) > 5 * RESONANCE, "a guess would do"
    assert abs(DESIGN_GAP_HZ / gap_hz - 1) > GAP, "a guess would do"


def plays_a_cz(truth: dict[str, float]) -> None:
    """Assert that what was played last is a CZ, by the world's own tomography."""
    print({name: value for name, value in truth.items() if name.startswith(f"{EDGE}.cz_")})
    assert truth[f"{EDGE}.cz_played_infidelity"] < PLAYED
