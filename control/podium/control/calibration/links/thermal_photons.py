"""Measures the thermal photons that an end of a link meets: what its sideband lifts from 0 to f.

A drive of f0-g1 brings an atom in g and a photon of the transfer resonator to f. As it lasts, f
comes to as much as there are photons in what comes in: n / (1 + 2 n) of the atom where nothing
decays, detailed balance of three levels. Some in a thousand: so the drive is on the line in half of
the shots, some widths off it in the others, and nothing else differs between them. What is in f
by itself leaves on the line, and is taken out.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from math import ceil, erfc, sqrt

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of, values_of
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.links.link_bench import (
    EndPulses,
    LinkBench,
)
from podium.control.calibration.links.link_model import Heated, heated
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.photon_shapes import played
from podium.control.calibration.links.photon_transfer import LEAST_READY, reference_program
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.calibration.routines.single_shot import levels
from podium.control.calibration.sequences import on_grid_ns
from podium.control.facility.facility import LinkEnd
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Play,
    Program,
    SetFrequency,
    Table,
    Variable,
)

Array = NDArray[np.float64]

OFF_WIDTHS = (-5.0, -4.5, -4.0, -1.5, -0.25, -0.15, -0.05, 0.05, 0.15, 0.25, 1.5, 4.0, 4.5, 5.0)
"""Of the drive from its line, in widths of the resonator: half on it, half where it lifts nothing,
and two on the slopes, which tell a line of this width from what is not one."""
SHOTS, SHOTS_AGAIN = 18_000, 9_000
"""Of each point, by the square pulse and by the photon's. Shots are counted: a mean has the noise
of all of them, a count that of the few that are read as 1. So many leave 0.001 of an absorption
open, a quarter of its sigma."""
SHOTS_OF_A_RUN = 9_000
"""Of each point at most: a module has memory for 131 072."""
REFERENCE_SHOTS = 6000
RATE, LASTS = 0.35, 10.5
"""Of the square pulse: g over kappa, and how long, in 1 / (2 pi kappa): 0.5 % of f is left."""
HIGHEST = 0.9
ALIKE = 4.0
"""Sigmas by which two pulses may differ in what they find."""
UNEXPLAINED = 4.0
"""Chi-square over its 12 degrees from which on a scan is not what is fitted (3e-6 of noise)."""
MANY = 0.2
"""Photons from which on a linear model does not do."""


@dataclass(frozen=True, slots=True, eq=False)
class HeatingPulse:
    """A sideband pulse under which f comes to what is thermal."""

    label: str
    envelope: NDArray[np.complex128]
    """Of full scale, shape (n,), 1 ns each; it stays on the line that it moves."""

    @classmethod
    def square(cls, end: EndPulses) -> "HeatingPulse":
        """Return a strong square pulse, turned so that it follows the line's shift."""
        drive, kappa = end.drive(), end.kappa_hz()
        lasts_ns = on_grid_ns(LASTS / (2 * np.pi * kappa))
        rate = min(RATE * kappa, HIGHEST * abs(drive.rate_hz))
        return cls("square", drive.samples(np.full(lasts_ns, rate)))


def heating_program(end: EndPulses, pulse: HeatingPulse, shots: int) -> Program:
    """Return a scan over the frequency of a sideband pulse on an atom at rest, f read."""
    off_hz = np.round(np.array(OFF_WIDTHS) * end.kappa_hz() + end.sideband_hz(), 0)
    axis = Axis("frequency", (Variable("sideband_frequency", "Hz", Table(tuple(off_hz.tolist()))),))
    body = (
        SetFrequency(end.sideband, Affine("sideband_frequency")),
        *passive_reset([end.node], end.names),
        Play(end.sideband, played(pulse.envelope)),
        *end.read_f(),
    )
    return Program("thermal photons", end.frames(), body, (axis,), shots=shots, keep_shots=True)


@dataclass(frozen=True, slots=True, eq=False)
class LiftedScan:
    """Holds what a scan has lifted to f, in the population of f; n detunings."""

    off_hz: Array
    lifted: Array
    sigma: Array


@dataclass(frozen=True, slots=True, eq=False)
class Lifted:
    """Thermal photons by one scan."""

    photons: float
    sigma: float
    chi2: float
    """Per degree of freedom."""
    series: tuple[Series, ...]
    """The scan and what is fitted to it."""


def fit_photons(
    scan: LiftedScan, heat: Heated, second: float, at_rest: tuple[float, float]
) -> Lifted:
    """Return the photons whose heat explains a scan best.

    ``second``: what has fallen to e is read as so much of f; ``at_rest``: the atom's populations of
    1 and 2 by themselves.
    """
    in_one, in_two = at_rest
    warm = (1 - in_one - in_two) * (heat.f + second * heat.fallen)
    own = in_two * (heat.left + second * heat.left_fallen)
    weight = 1 / scan.sigma
    design = np.stack([warm, np.ones_like(warm)], axis=1)
    weighted = design * weight[:, None]
    inverse = np.linalg.inv(weighted.T @ weighted)
    found = inverse @ weighted.T @ ((scan.lifted - own) * weight)
    line = own + design @ found
    share = float(found[0])  # n / (1 + 2 n)
    at_mhz = scan.off_hz / 1e6
    return Lifted(
        share / (1 - 2 * share),
        float(np.sqrt(inverse[0, 0])) / (1 - 2 * share) ** 2,
        float(np.sum(((scan.lifted - line) * weight) ** 2)) / (scan.lifted.size - 2),
        (Series("counted", at_mhz, scan.lifted), Series("fit", at_mhz, line, line=True)),
    )


def in_equilibrium(f01_hz: float, anharmonicity_hz: float, in_one: float) -> tuple[float, float]:
    """Return the populations of 1 and 2 of an atom at rest, by the temperature that 1 tells."""
    if in_one <= 0:
        return 0.0, 0.0
    step = (f01_hz + anharmonicity_hz) / f01_hz
    return in_one, float(in_one * in_one**step)


async def thermal_photons(bench: LinkBench) -> Outcome:
    """Drive the sideband of an atom at rest, on its line and beside it, and read f.

    Needs :func:`.sideband_rate` before. Each end by itself, by a square pulse, and anew by the
    pulse of the photon: what both do not agree on is not stored. Stores for each end
    ``mode_photons`` (1): the mean thermal photons of what comes in to its transfer resonator, all
    of it: of a second end also what the way brings from the first.
    """
    outcome = Outcome("thermal_photons", "Thermal photons of the link's modes")
    for end in bench.ends:
        await _of_end(bench, outcome, end)
    return outcome


@dataclass(frozen=True, slots=True)
class Counter:
    """Counts how often an end is read as 1, by a line that hardly ever takes 0 for it."""

    reference: Levels
    line: float

    @classmethod
    def of(cls, end: EndPulses) -> "Counter":
        """Return the line as it was set: it has no doubt."""
        bench, qubit = end.bench, end.node.qubit
        with bench.taking():
            rare, usual = (
                bench.measured(qubit, one) for one in ("rare_threshold", "readout_threshold")
            )
            line = rare if rare is not None else usual if usual is not None else 0.5
            return cls(levels(bench, qubit), line)

    def ones(self, iq: NDArray[np.complex128]) -> Array:
        """Return the part of shots (shots, points) that is read as 1, by point."""
        look_at(iq)
        return np.asarray((self.reference.project(iq) > self.line).mean(axis=0))

    def second(self, second_level: float) -> float:
        """Return how often 2 is read as 1, where it is read at ``second_level``."""
        away = (self.line - second_level) / sqrt(2 * self.reference.excited_variance)
        return 0.5 * erfc(away)


@dataclass(frozen=True, slots=True, eq=False)
class _Counted:
    """Counts of a pulse's scan, over all its runs."""

    pulse: HeatingPulse
    off_hz: Array
    ones: Array
    shots: int
    scale: float
    """How often f, brought to 1, is read as 1, above 0."""


async def _of_end(bench: LinkBench, outcome: Outcome, end: EndPulses) -> None:
    counter = Counter.of(end)
    reference = replace(reference_program(end, bench.shots(REFERENCE_SHOTS)), keep_shots=True)
    known = await end.bench.run(outcome, reference)

    async def counted(pulse: HeatingPulse, shots: int) -> _Counted:
        runs = ceil(shots / SHOTS_OF_A_RUN)
        each = ceil(shots / runs)
        program = heating_program(end, pulse, each)
        data = [await end.bench.run(outcome, program) for _ in range(runs)]
        ones = np.mean([counter.ones(iq_of(one, end.capture)) for one in data], axis=0)
        zero, full = (float(one) for one in counter.ones(iq_of(known, end.capture)))
        off_hz = values_of(data[0], "sideband_frequency") - end.sideband_hz()
        return _Counted(pulse, off_hz, np.asarray(ones), runs * each, full - zero)

    square = await counted(HeatingPulse.square(end), bench.shots(SHOTS))

    def raw() -> Panel:
        points = Series(square.pulse.label, square.off_hz / 1e6, square.ones)
        label = "sideband off its line (MHz)"
        return Panel(end.end.name, label, "read as 1", (points,), judged=False)

    def fit(_: LinkEnd, panel: Panel) -> Found:
        found = _photons(end, square, counter)
        return {"mode_photons": Measured(found.photons, found.sigma, "1")}, replace(
            panel, series=found.series, y_label="in f", text="{mode_photons} photons"
        )

    async def verify(found: Mapping[str, Measured]) -> Panel:
        photon, first = bench.photon(), found["mode_photons"]
        envelope = photon.sent if end is bench.first else photon.caught
        again = await counted(HeatingPulse("the photon's", envelope), bench.shots(SHOTS_AGAIN))
        second = _photons(end, again, counter)
        text = f"anew by the photon's pulse: {second.photons:.5f} ± {second.sigma:.5f}"
        if abs(second.photons - first.value) > ALIKE * np.hypot(first.sigma, second.sigma):
            raise FitFailed(
                f"a square pulse finds {first.value:.5f} ± {first.sigma:.5f} photons; {text}: "
                "neither is believed"
            )
        label = "sideband off its line (MHz)"
        return Panel(end.end.name, label, "in f", second.series, text=text, judged=False)

    await analyse_verified(end.bench, outcome, end.end, raw, fit, verify)


def _photons(end: EndPulses, seen: _Counted, counter: Counter) -> Lifted:
    """Fit counts; raises FitFailed where they are not what thermal photons make."""
    if seen.scale < LEAST_READY:
        raise FitFailed(f"only {seen.scale:.2f} of {end.capture} comes to f and back")
    at_rest = _at_rest(end)
    scale = seen.scale / (1 - 2 * at_rest[0])
    sigma = np.sqrt(np.maximum(seen.ones * (1 - seen.ones), 1 / seen.shots) / seen.shots)
    scan = LiftedScan(seen.off_hz, seen.ones / scale, sigma / scale)
    rate_hz = np.abs(of_resonance(seen.pulse.envelope, end.drive()))
    heat = heated(rate_hz, seen.off_hz, end.model())
    found = fit_photons(scan, heat, counter.second(end.second_level()) / scale, at_rest)
    if found.chi2 > UNEXPLAINED:
        raise FitFailed(
            f"what {seen.pulse.label} pulse lifts does not follow its line: chi-square "
            f"{found.chi2:.1f} for each degree of freedom; calibrate the sideband anew"
        )
    if found.photons > MANY:
        raise FitFailed(f"{found.photons:.2f} thermal photons: more than {MANY} are not few")
    return found


def _at_rest(end: EndPulses) -> tuple[float, float]:
    """Return the atom's populations of 1 and 2 by themselves, as measured or assumed."""
    bench, qubit = end.bench, end.node.qubit
    f01_hz = bench.known(qubit, "f01").value
    return in_equilibrium(f01_hz, bench.best(qubit, "anharmonicity"), end.population_of_1())
