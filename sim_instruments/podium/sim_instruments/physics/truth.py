"""The hidden truth of a chip, under the names of the parameter store.

Definitions: docs/reference/parameters.md. Everything follows from the same operating point
that the dynamics start from.
"""

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from types import MappingProxyType

import numpy as np

from podium.sim_instruments.physics.bath import Bath, warmed
from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.drift import Drift, slow_noise
from podium.sim_instruments.physics.flux_truth import (
    coupler_truth,
    defect_truth,
    drive_crosstalk_truth,
    flux_line_truth,
    fluxonium_truth,
)
from podium.sim_instruments.physics.known_truth import Truth as Truth
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint, frozen
from podium.sim_instruments.physics.relaxation import (
    equilibrium,
    jump_dephasing_1_s,
    lifetime_s,
    ramsey_time_s,
)
from podium.sim_instruments.physics.world_file import MixerWorld


@dataclass(frozen=True, slots=True)
class Span:
    """A stretch of world time, TAI, s; of duration 0: an instant."""

    start_s: float
    duration_s: float

    @classmethod
    def of_text(cls, text: str) -> "Span":
        """Return the span of ``START..END`` or of one instant, in s; raises ValueError."""
        start, dots, end = text.partition("..")
        try:
            first_s = float(start)
            last_s = float(end) if dots else first_s
        except ValueError:
            first_s = last_s = math.nan
        if not (math.isfinite(first_s) and math.isfinite(last_s) and first_s <= last_s):
            raise ValueError(
                f"{text!r} is no time: seconds of TAI since 1970 as 1767225637.5, or from when "
                "until when as 1767225637.5..1767225640"
            )
        return cls(first_s, last_s - first_s)


@dataclass(frozen=True, slots=True)
class MovingTruth:
    """Drifts in world time; its mean over a stretch is the truth."""

    seed: int
    span: Span
    drift: Drift | None

    def at(self, chip: Chip, biases_v: Mapping[str, float]) -> tuple[FeedlinePoint, ...]:
        """Return the mean operating point: of what drifts and, over a stretch, of slow noise.

        At an instant slow noise, which changes within a few shots, is left out.
        """
        start_s, duration_s = self.span.start_s, self.span.duration_s
        if self.drift is None:
            points = chip.at(biases_v)
        else:
            points = self.drift.at(biases_v, None, start_s, duration_s)
        if duration_s == 0:
            return points
        return tuple(
            replace(point, qubits=tuple(self._with_noise(qubit) for qubit in point.qubits))
            for point in points
        )

    def sweet_spots_v(self, chip: Chip, held_v: Mapping[str, float]) -> dict[str, float]:
        """Return the mean sweet spots; ``held_v``: lines that stay at these volts."""
        if self.drift is None:
            return chip.sweet_spots_v(held_v=held_v)
        more_flux = self.drift.flux(self.span.start_s, self.span.duration_s)
        return chip.sweet_spots_v(more_flux, held_v)

    def _with_noise(self, qubit: QubitPoint) -> QubitPoint:
        noise = slow_noise(qubit, self.seed)
        mean_hz, _ = noise.over(self.span.start_s, self.span.duration_s)
        number = np.arange(qubit.levels_hz.size)
        return replace(qubit, levels_hz=frozen(qubit.levels_hz + mean_hz * number))


def truth(
    chip: Chip,
    biases_v: Mapping[str, float] | None = None,
    optima: bool = True,
    moving: MovingTruth | None = None,
    baths: Mapping[str, Bath] | None = None,
    links: Sequence[Link] = (),
    held_v: Mapping[str, float] = MappingProxyType({}),
) -> dict[str, Truth]:
    """Tell every parameter of every qubit, ``node_a.q0.f01`` and so on.

    ``biases_v`` are volts on the flux lines (a line not named is at 0 V); None puts every
    qubit at its sweet spot, but for the lines of ``held_v``. ``moving``: over a stretch of world
    time; None: what all drift and noise is about. ``baths``: mixing chambers by node; those not
    named are cold. Takes about a second for each qubit, all of it for ``assignment_fidelity``, and
    for each of ``links``; without ``optima`` that is left out.
    """

    def spots_v(held_v: Mapping[str, float]) -> dict[str, float]:
        if moving is None:
            return chip.sweet_spots_v(held_v=held_v)
        return moving.sweet_spots_v(chip, held_v)

    sweet_v = spots_v(held_v)
    at_v = sweet_v if biases_v is None else biases_v
    told: dict[str, Truth] = {}
    points = chip.at(at_v) if moving is None else moving.at(chip, at_v)
    feedlines = warmed(points, baths or {})
    for feedline in feedlines:
        for index, point in enumerate(feedline.qubits):
            values = qubit_truth(point)
            if point.drive_elements is not None:
                values |= shelving_truth(point)
            else:
                values["t1_ef"] = Truth(1 / float(point.rates_1_s[1, 2]), "s")
            if f"{point.name}.flux" in sweet_v:
                values["sweet_spot"] = Truth(sweet_v[f"{point.name}.flux"], "V")
            if optima:
                # heavy: see .relaxation.lifetime_s
                from podium.sim_instruments.physics.assignment import best_assignment

                best = best_assignment(feedline, index)
                values["assignment_fidelity"] = Truth(best.fidelity, "1")
                if point.drive_elements is not None:
                    best = best_assignment(shelved(feedline, index), index)
                    values["shelved_fidelity"] = Truth(best.fidelity, "1")
            told.update({f"{point.name}.{quantity}": known for quantity, known in values.items()})
    of_couplers_v = spots_v({}) if held_v else sweet_v
    told |= {
        f"{name}.sweet_spot": Truth(of_couplers_v[f"{name}.flux"], "V")
        for name in sorted(chip.couplers)
    }
    told |= flux_line_truth(chip) | coupler_truth(chip, at_v)
    told |= defect_truth(chip) | fluxonium_truth(chip)
    f01_hz = {q.name: float(q.levels_hz[1]) for feedline in feedlines for q in feedline.qubits}
    told |= drive_crosstalk_truth(chip, f01_hz)
    if optima and chip.edges:
        from podium.sim_instruments.physics.joint.gate_truth import gate_truth  # compiled: as above

        told |= gate_truth(chip, at_v)
    if optima and links:
        from podium.sim_instruments.physics.links.link_truth import best_of_links  # compiled, too
        from podium.sim_instruments.physics.links.relay_truth import best_of_relays

        known = {qubit.name: qubit for feedline in feedlines for qubit in feedline.qubits}
        ways = [link for link in links if link.station is None]
        told |= best_of_links(ways, known) | best_of_relays(ways, known)
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


def shelved(feedline: FeedlinePoint, index: int) -> FeedlinePoint:
    """Return a feedline on which 2 of a qubit is called 1."""
    qubits = list(feedline.qubits)
    qubits[index] = qubits[index].exchanged()
    return replace(feedline, qubits=tuple(qubits))


def shelving_truth(point: QubitPoint) -> dict[str, Truth]:
    """Tell what a fluxonium's operating point says of level 2, in which 1 is shelved."""
    return {
        "shelving_frequency": Truth(float(point.levels_hz[2] - point.levels_hz[1]), "Hz"),
        "shelved_shift": Truth(float(point.resonator_hz[2] - point.resonator_hz[0]), "Hz"),
        "shelved_t1": Truth(1 / float(point.rates_1_s[:, 2].sum()), "s"),
    }


def qubit_truth(point: QubitPoint) -> dict[str, Truth]:
    """Tell what one qubit's operating point says by itself, by the quantity's short name."""
    in_0, in_1 = float(point.resonator_hz[0]), float(point.resonator_hz[1])
    f01 = float(point.levels_hz[1])
    slow_hz = math.hypot(point.slow_sigma_hz, point.stray_hz)
    coherence_1_s = jump_dephasing_1_s(point.rates_1_s) + point.dephasing_1_s
    return {
        "f01": Truth(f01, "Hz"),
        "anharmonicity": Truth(float(point.levels_hz[2]) - 2 * f01, "Hz"),
        "t1": Truth(lifetime_s(point.rates_1_s), "s"),
        "t2_ramsey": Truth(ramsey_time_s(coherence_1_s, slow_hz), "s"),
        "t2_echo": Truth(1 / coherence_1_s, "s"),
        "readout_frequency": Truth((in_0 + in_1) / 2, "Hz"),
        "chi": Truth((in_1 - in_0) / 2, "Hz"),
        "kappa": Truth(point.kappa_hz, "Hz"),
        "thermal_population": Truth(float(equilibrium(point.rates_1_s)[1]), "1"),
    }
