"""Measures how long f of a link's end lives before it falls to e: photons come from f.

Each shot prepares f by pi pulses on 0-1 and 1-2, waits, and lets levels change places before one
readout: none do, e and f (a pi pulse on 1-2), g and e (0-1), or both one after the other. So the
population of each level is read against that of the others, wherever the readout has f. Rate
equations of a ladder in a bath, rates in 1/s::

    e' = -down_e e + down_f f + up_e g - up_f e,   f' = -(down_f + up_f') f + up_f e + down_h h

f falls to e and not to g, as in a transmon by charge noise or dielectric loss (Peterer et al.,
Phys. Rev. Lett. 114, 010501 (2015), measured so). Detailed balance: each way up has the same ratio
to the way down, that of the thermal population. A fourth level h above f is in equilibrium with it.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import (
    FORGOTTEN_LIFETIMES,
    GRID_NS,
    EndPulses,
    LinkBench,
)
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse, refuse_clipped
from podium.control.calibration.routines.single_shot import levels
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Delay,
    Program,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]

WAITS = (0.0, 0.4, 0.8, 1.2, 1.6, 2.0, 2.4, 6.0)
"""In lifetimes of f as expected; behind the last one next to nothing is left of it."""
READINGS = (("none", 0, 0), ("1-2", 0, 1), ("0-1", 1, 0), ("1-2, 0-1", 1, 1))
"""What goes before a readout: its name, and whether there are pulses on 0-1 (last) and on 1-2."""
SHOTS = 3000
LEVELS = 4
HIGHER = 1.5
"""Decay of h over that of f: of a harmonic ladder. ASSUMED: it moves nothing but what heat does."""
LEAST_READ = 0.3
"""Of the difference between 0 and 1: below it f is not prepared, or not read."""
SMALLEST = 1e-4
"""Variance of one shot, at least."""
KEPT = 4
"""Sets of populations: slopes by how levels are read are of the same."""
FARTHEST = 8.0
"""A lifetime is looked for so many times above and below what is expected of it."""


def waits_ns(end: EndPulses) -> list[int]:
    """Return the waits, ns, on the grid of pulses."""
    expected_ns = 1e9 / end.loss_of_f()[0]
    return [GRID_NS * round(one * expected_ns / GRID_NS) for one in WAITS]


def lifetime_program(end: EndPulses, shots: int) -> Program:
    """Return f, a wait, and each of :data:`READINGS`: all readings of one wait, then the next."""
    node, count = end.node, len(WAITS)
    waits = np.repeat(waits_ns(end), len(READINGS)) * FS_PER_NS
    pi = np.tile([first * node.pi_amplitude() for _, first, _ in READINGS], count)
    ef_pi = np.tile([second * node.ef_pi_amplitude() for _, _, second in READINGS], count)
    variables = (
        Variable("wait", "fs", Table(tuple(int(one) for one in waits))),
        Variable("pi", "1", Table(tuple(pi.tolist()))),
        Variable("ef_pi", "1", Table(tuple(ef_pi.tolist()))),
    )
    body = (
        *passive_reset([node], end.names, FORGOTTEN_LIFETIMES),
        *end.prepare_f(),
        *(Delay(end.names, Affine("wait")), Barrier(end.names)),
        *(node.ef_pulse(Affine("ef_pi")), Barrier(end.names)),
        *(node.pulse(Affine("pi")), Barrier(end.names)),
        *node.measured(),
    )
    axis = Axis("setting", variables)
    return Program("lifetime of f", end.frames(), body, (axis,), shots=shots)


@dataclass(frozen=True, slots=True)
class FallingLadder:
    """Describes a ladder of four levels that falls and is heated, but for the rate of f."""

    t1_s: float
    """1/e time of 1 towards its thermal value."""
    thermal: float
    """Population of 1 in equilibrium."""
    pulse_s: float
    """Length of each pulse; it acts in its middle."""

    def generator(self, decay_1_s: float) -> Array:
        """Return the rates [to, from] of all levels, (4, 4), 1/s; f falls by ``decay_1_s``."""
        ratio = self.thermal / (1 - self.thermal)
        whole = np.zeros((LEVELS, LEVELS))
        downs = (1 / (self.t1_s * (1 + ratio)), decay_1_s, HIGHER * decay_1_s)
        for low, down in enumerate(downs):
            whole[low, low + 1], whole[low + 1, low] = down, ratio * down
        return whole - np.diag(whole.sum(axis=0))

    def populations(self, decay_1_s: float, moved: float, wait_s: Array) -> Array:
        """Return populations as they are read, (waits, readings, 4).

        ``moved``: the part of 1 and of 2 that a pulse on 1-2 makes change places.
        """
        falls, modes = np.linalg.eig(self.generator(decay_1_s))
        pulses_s = self.pulse_s * np.array([1.0, 0.5])
        lasts_s = np.concatenate([pulses_s, wait_s])
        kept = ((modes * np.exp(lasts_s[:, None, None] * falls)) @ np.linalg.inv(modes)).real
        between, behind, waited = kept[0], kept[1], kept[2:]
        flip, lift = np.eye(LEVELS)[[1, 0, 2, 3]], np.eye(LEVELS)
        lift[1:3, 1:3] = [[1 - moved, moved], [moved, 1 - moved]]
        rest = np.array([1 - self.thermal, self.thermal, 0.0, 0.0])
        found = waited @ (behind @ lift @ between @ flip @ rest)
        first = np.stack([lift if ef else np.eye(LEVELS) for _, _, ef in READINGS])
        last = np.stack([flip if pi else np.eye(LEVELS) for _, pi, _ in READINGS])
        maps = behind @ last @ between @ first @ behind
        return np.asarray(np.einsum("rij,wj->wri", maps, found))

    def read(self, values: Mapping[str, float], wait_s: Array) -> Array:
        """Return means between 0 (0) and 1 (1), by the values of a fit, (waits * readings,)."""
        return _read(values, self.populations(values["decay"], values["moved"], wait_s))

    def variance(self, values: Mapping[str, float], wait_s: Array, clouds: "Clouds") -> Array:
        """Return the variance of one shot at each setting, (waits * readings,).

        A shot is of one level, and scatters in its cloud: of 0 and 2 more than of 0 and 1.
        """
        found = self.populations(values["decay"], values["moved"], wait_s).reshape(-1, LEVELS)
        heights = values["height"] * _heights(values)
        drawn = found @ heights**2 - (found @ heights) ** 2
        return np.asarray(drawn + found[:, 0] * (clouds[0] - clouds[1]) + clouds[1])


Clouds = tuple[float, float]
"""Variances of single shots in 0 and above it, of the squared distance between 0 and 1."""


def _heights(values: Mapping[str, float]) -> Array:
    """Return where each level is read, between 0 (0) and 1 (1)."""
    return np.array([0.0, 1.0, values["second"], values["second"]])


def _read(values: Mapping[str, float], populations: Array) -> Array:
    """Return means between 0 (0) and 1 (1) of populations, (waits * readings,)."""
    means = (populations @ _heights(values)).ravel()
    return np.asarray(values["offset"] + values["height"] * means)


def fit_lifetime(
    ladder: FallingLadder,
    wait_s: Array,
    seen: Array,
    clouds: Clouds,
    shots: int,
    expected_s: float,
) -> Fit:
    """Fit ``decay`` (1/s) and how levels are read; raises FitFailed.

    ``wait_s``: (waits,); ``seen``, between 0 (0) and 1 (1): means of ``shots``, (waits *
    readings,). Fitted besides are where 0 is read (``offset``), how far 1 is from it (``height``)
    and 2, in that (``second``), and what pulses on 1-2 move (``moved``). How much a point scatters
    depends on which levels it is of: a first fit tells them.
    """

    @lru_cache(maxsize=KEPT)
    def populations(decay_1_s: float, moved: float) -> Array:
        return ladder.populations(decay_1_s, moved, wait_s)

    def model(values: Mapping[str, float]) -> Array:
        return _read(values, populations(values["decay"], values["moved"]))

    expected = 1 / expected_s
    alike = {"offset": 0.0, "height": 1.0, "second": 1.0, "moved": 1.0}
    starts = [{"decay": share * expected, **alike} for share in (0.5, 1.0, 2.0)]
    bounds = {
        "decay": Bound(expected / FARTHEST, expected * FARTHEST),
        "height": Bound(0.0, 3.0),
        "moved": Bound(0.5, 1.1),
    }
    evenly = np.full(seen.size, 1 / float(np.sqrt(shots)))
    rough = fit_least_squares(model, seen, evenly, starts, bounds)
    sigma = np.sqrt(np.maximum(ladder.variance(rough.values, wait_s, clouds), SMALLEST) / shots)
    fit = fit_least_squares(model, seen, sigma, [rough.values], bounds)
    if fit.values["height"] < LEAST_READ:
        raise FitFailed(
            f"0 and 1 are read {fit.values['height']:.2f} apart behind f, of 1: look at the pulses "
            "on 1-2, and at the readout"
        )
    return fit


async def f_lifetime(bench: LinkBench) -> Outcome:
    """Measure how long f of both ends lives, one after the other.

    Needs the qubits' T1 and 1-2 pulses before. Stores ``t1_ef`` (s) of each qubit: the inverse of
    the rate at which 2 falls to 1. From there on fits of photons take f's decay from it.
    """
    outcome = Outcome("f_lifetime", "Lifetime of f")
    for end in bench.ends:
        await _of_end(outcome, end, bench.shots(SHOTS))
    return outcome


async def _of_end(outcome: Outcome, end: EndPulses, shots: int) -> None:
    expected_s = 1 / end.loss_of_f()[0]
    data = await end.bench.run(outcome, lifetime_program(end, shots))
    wait_s = values_of(data, "wait")[:: len(READINGS)]

    def drawn(name: str, x_s: Array, values: Array, *, line: bool = False) -> tuple[Series, ...]:
        by_reading = values.reshape(-1, len(READINGS)).T
        return tuple(
            Series(f"{one}{name}", x_s * 1e6, by_reading[k], line=line)
            for k, (one, _, _) in enumerate(READINGS)
        )

    def raw(qubit: Qubit) -> Panel:
        points = drawn("", wait_s, end.fraction(data))
        return Panel(qubit.name, "wait in f (us)", "read", points)

    def fit(qubit: Qubit, panel: Panel) -> Found:
        refuse_clipped(outcome, end.capture)
        seen = end.fraction(data)
        t1_s, pulse_s = end.bench.best(qubit, "t1"), 1e-9 * end.node.pulse_ns
        ladder = FallingLadder(t1_s, end.population_of_1(), pulse_s)
        known = levels(end.bench, qubit)
        clouds = known.ground_variance, known.excited_variance
        found = fit_lifetime(ladder, wait_s, seen, clouds, shots, expected_s)
        decay, decay_sigma = found.values["decay"], found.sigmas["decay"]
        grid = np.linspace(0.0, float(wait_s.max()), 100)
        lines = drawn(", fit", grid, ladder.read(found.values, grid), line=True)
        return {"t1_ef": Measured(1 / decay, decay_sigma / decay**2, "s")}, panel.fitted(
            *lines, text="f falls to e in {t1_ef}"
        )

    await analyse(end.bench, outcome, (end.node.qubit,), raw, fit)
