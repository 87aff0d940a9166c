"""The hidden truth of a chip, under the names of the parameter store.

Definitions: docs/reference/parameters.md. Everything follows from the same operating point
that the dynamics start from.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from podium.sim_instruments.physics.assignment import best_assignment
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.operating_point import QubitPoint
from podium.sim_instruments.physics.relaxation import (
    equilibrium,
    jump_dephasing_1_s,
    lifetime_s,
    ramsey_time_s,
)
from podium.sim_instruments.physics.world_file import MixerWorld


@dataclass(frozen=True, slots=True)
class Truth:
    """A value that a perfect measurement would find."""

    value: float
    unit: str
    """``Hz``, ``s``, ``V``, ``rad`` or ``1``."""


def truth(
    chip: Chip, biases_v: Mapping[str, float] | None = None, optima: bool = True
) -> dict[str, Truth]:
    """Tell every parameter of every qubit, ``node_a.q0.f01`` and so on.

    ``biases_v`` are volts on the flux lines (a line not named is at 0 V); None puts every
    qubit at its sweet spot. Takes about a second for each qubit, all of it for
    ``assignment_fidelity``; without ``optima`` that is left out.
    """
    sweet_v = chip.sweet_spots_v()
    told: dict[str, Truth] = {}
    for feedline in chip.at(sweet_v if biases_v is None else biases_v):
        for index, point in enumerate(feedline.qubits):
            values = qubit_truth(point)
            values["sweet_spot"] = Truth(sweet_v[f"{point.name}.flux"], "V")
            if optima:
                best = best_assignment(feedline, index)
                values["assignment_fidelity"] = Truth(best.fidelity, "1")
            told.update({f"{point.name}.{quantity}": known for quantity, known in values.items()})
    return told


def mixer_truth(mixers: Mapping[str, MixerWorld]) -> dict[str, Truth]:
    """Tell what is wrong with mixers, ``cluster_a.slot4.out0.gain_ratio`` and so on."""
    return {
        f"{name}.{quantity}": Truth(known.value, known.unit)
        for name, mixer in mixers.items()
        for quantity, known in (
            ("gain_ratio", mixer.gain_ratio),
            ("phase", mixer.phase),
            ("offset_i", mixer.offset_i),
            ("offset_q", mixer.offset_q),
        )
    }


def qubit_truth(point: QubitPoint) -> dict[str, Truth]:
    """Tell what one qubit's operating point says by itself, by the quantity's short name."""
    in_0, in_1 = float(point.resonator_hz[0]), float(point.resonator_hz[1])
    f01 = float(point.levels_hz[1])
    coherence_1_s = jump_dephasing_1_s(point.rates_1_s) + point.dephasing_1_s
    return {
        "f01": Truth(f01, "Hz"),
        "anharmonicity": Truth(float(point.levels_hz[2]) - 2 * f01, "Hz"),
        "t1": Truth(lifetime_s(point.rates_1_s), "s"),
        "t2_ramsey": Truth(ramsey_time_s(coherence_1_s, point.slow_sigma_hz), "s"),
        "t2_echo": Truth(1 / coherence_1_s, "s"),
        "readout_frequency": Truth((in_0 + in_1) / 2, "Hz"),
        "chi": Truth((in_1 - in_0) / 2, "Hz"),
        "kappa": Truth(point.kappa_hz, "Hz"),
        "thermal_population": Truth(float(equilibrium(point.rates_1_s)[1]), "1"),
    }
