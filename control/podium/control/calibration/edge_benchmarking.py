"""Builds the programs of two-qubit benchmarking, and reads populations from their shots."""

from collections.abc import Sequence as Many
from dataclasses import dataclass
from typing import TYPE_CHECKING
from zlib import crc32

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.edge_pulses import EdgePulses
from podium.control.calibration.fits.benchmarking import STATES, Decay, Populations
from podium.control.calibration.fits.iq_clouds import refuse_alike_clouds
from podium.control.calibration.fits.least_squares import FitFailed, look_at
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.sequence_lengths import take_lengths
from podium.control.calibration.sequences import frame_names, frames_of
from podium.control.calibration.single_qubit_sequences import played_turn
from podium.control.calibration.state import Told, told
from podium.control.calibration.two_qubit_cliffords import (
    OF_CZ,
    OF_ISWAP,
    TURNS,
    Native,
    Sequence,
    draw,
)
from podium.control.facility.edges import Edge
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Program,
    Statement,
    Table,
    Variable,
)

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
DRAWS = 6
"""Sequences of each length."""
SHOTS = 600
SHOTS_UP_TO = 64
"""Longer sequences have fewer shots, so that a run plays no more gates than one of so many
Cliffords."""
LEVEL_SHOTS = 3000
FIRST_LENGTHS = (1, 4, 16)
LONGEST = 256
DECAYED = 0.5
"""Lengths are doubled until less of the signal of the shortest is left. An exponential is known
best by what is left after its own length, 0.37; the last length leaves 0.25 to 0.5, and is within a
tenth of that."""
FORGOTTEN_LIFETIMES = 9.0
"""Wait between shots in T1: exp(-9) = 1e-4 of what was in 1 is left, and twice that of 2. With
exp(-4) a sequence starts from what the one before has ended in: those with target 00 came back to
1.06, those with 11 to 0.92, behind levels that had begun from 2. Of six drawn targets at each
length more are one than the other, and the gate's error was off by three of its sigmas."""
DRAWN_SHOTS = 300
"""Of each level, where the panel shows nothing else."""
TOLD_APART = 0.6
"""Of shots prepared in a level, the least share that must be taken for it."""


@dataclass(frozen=True, slots=True, eq=False)
class PlayedGates:
    """The statements of gates, laid out once for all sequences."""

    p: EdgePulses
    turns: tuple[tuple[tuple[Statement, ...], ...], ...]
    """Of each end, by the place of the Clifford in TURNS."""
    gate: tuple[Statement, ...]

    @property
    def native(self) -> Native:
        """The gate that Cliffords are made of: a CNOT is played as a CZ."""
        return OF_ISWAP if self.p.edge.gate == "iswap" else OF_CZ

    @classmethod
    def of(cls, p: EdgePulses) -> "PlayedGates":
        """Return the gates of an edge as they are calibrated. Raises NotMeasured."""
        # the other end waits for each pulse
        waits = (Barrier(p.names),)
        turns = tuple(
            tuple(tuple(played_turn(one, turn, waits)) for turn in TURNS) for one in p.both
        )
        return cls(p, turns, tuple(p.gate()))

    def program(self, drawn: Sequence, shots: int, title: str) -> Program:
        """Return the Cliffords of a sequence, and a readout of which every shot is kept."""
        layers: list[list[Statement]] = [[]]
        for k, element in enumerate(drawn.layers):
            if drawn.interleaved and k:
                layers.append([])
            for n, layer in enumerate(element):
                if n:
                    layers.append([])
                for turns, place in zip(self.turns, layer, strict=True):
                    layers[-1] += turns[place]
        first, *behind = self.p.in_step(layers)
        body = [*self.p.begin(FORGOTTEN_LIFETIMES), *first]
        for one in behind:
            body += [*self.gate, *one]
        body += self.p.read()
        frames = (*self.p.frames(), *self.p.gate_frames())
        return Program(title, frames, tuple(body), shots=shots, keep_shots=True)


def tells_second(p: EdgePulses) -> bool:
    """Tell whether level 2 of both ends can be prepared, and so what it is read as."""
    return all(
        p.bench.measured(one.qubit, "ef_pi_amplitude") is not None and one.qubit.kind != "fluxonium"
        for one in p.both
    )


def levels_program(p: EdgePulses, shots: int, *, second: bool) -> Program:
    """Return both ends in 0, in 1, and with ``second`` in 2; every shot is kept."""
    names = tuple(dict.fromkeys((*frame_names(p.both, ef=second), p.flux)))
    body = [*p.begin(FORGOTTEN_LIFETIMES), Barrier(names)]
    variables = []
    for one in p.both:
        height, pi = f"{one.qubit.element}_preparation", one.pi_amplitude()
        heights = (0.0, pi, pi) if second else (0.0, pi)
        variables.append(Variable(height, "1", Table(heights)))
        body += [one.pulse(Affine(height)), Barrier(names)]
        if second:
            further = f"{one.qubit.element}_ef_amplitude"
            variables.append(Variable(further, "1", Table((0.0, 0.0, one.ef_pi_amplitude()))))
            body += [one.ef_pulse(Affine(further)), Barrier(names)]
    body += p.read()
    frames = {one.name: one for one in (*frames_of(p.both, ef=second), *p.frames())}
    axis = Axis("level", tuple(variables))
    title = "levels of both ends"
    return Program(title, tuple(frames.values()), tuple(body), (axis,), shots, keep_shots=True)


@dataclass(frozen=True, slots=True, eq=False)
class Assignment:
    """Tells levels of one end: a shot is of the level whose mean is nearest."""

    means: NDArray[np.complex128]
    """Of the levels, V, shape (levels,)."""
    matrix: Array
    """P(told | prepared), shape (levels, levels)."""

    @classmethod
    def of(cls, shots: Many[NDArray[np.complex128]]) -> "Assignment":
        """Return it from the shots of each level, (n,), of :func:`levels_program`.

        Level 2 is left out where it cannot be told from 0 and 1. Raises FitFailed where these
        cannot be told apart.
        """
        look_at(*shots)
        refuse_alike_clouds(shots[0], shots[1])
        for count in range(len(shots), 1, -1):
            some = shots[:count]
            one = cls(np.array([cloud.mean() for cloud in some]), np.empty(0))
            shares = [np.bincount(one.told(cloud), minlength=count) / cloud.size for cloud in some]
            matrix = np.stack(shares, axis=1)
            if np.min(np.diag(matrix)) > TOLD_APART:
                return cls(one.means, matrix)
        worst = float(np.min(np.diag(matrix)))
        raise FitFailed(f"0 and 1 are told apart in {worst * 100:.0f} % of the shots only")

    def told(self, iq: NDArray[np.complex128]) -> NDArray[np.intp]:
        """Return the level that each shot is taken for, shape as given."""
        return np.asarray(np.argmin(np.abs(iq[..., None] - self.means), axis=-1))


@dataclass(slots=True, eq=False)
class Scan:
    """Collects the data of one kind of sequences by length."""

    gates: PlayedGates
    shots: int
    levels: "xarray.Dataset"
    interleaved: bool
    data: "dict[int, list[xarray.Dataset]]"

    @property
    def kind(self) -> str:
        """Its name."""
        return "interleaved" if self.interleaved else "reference"

    def asked(self, length: int, number: int) -> tuple[Program, Told]:
        """Return the program of one sequence, and what a fit needs to know of it.

        Its Cliffords are drawn anew each time the routine runs, and again the same in a refit:
        were they the same each time, what they lack of the mean Clifford would be in every value.
        """
        seed = crc32(str(self.levels.attrs["run"]).encode())
        drawn = draw(length, (seed, length, number), self.interleaved, self.gates.native)
        title = f"benchmarking, {self.kind}, {length} Cliffords, draw {number}"
        shots = max(1, self.shots * SHOTS_UP_TO // max(SHOTS_UP_TO, length))
        program = self.gates.program(drawn, shots, title)
        return program, {"drawn": {"length": float(length), "target": float(drawn.target)}}

    def assignments(self) -> tuple[Assignment, Assignment]:
        """Return how levels of both ends are told, by as many levels. Raises FitFailed."""
        shots = [
            _counted(self.gates.p, self.levels, one.qubit.element) for one in self.gates.p.both
        ]
        found = [Assignment.of(one) for one in shots]
        least = min(len(one.means) for one in found)
        first, second = (Assignment.of(one[:least]) for one in shots)
        return first, second

    @property
    def leaks(self) -> bool:
        """Return whether level 2 is distinguished from 0 and 1 at both ends. Raises FitFailed."""
        return len(self.assignments()[0].means) > 2

    def populations(self) -> Populations:
        """Return the populations at the end of all sequences. Raises FitFailed."""
        first, second = self.assignments()
        lengths = sorted(self.data)
        parts = np.array(
            [[_read(one, self.gates.p, first, second) for one in self.data[m]] for m in lengths]
        )
        returned, inside, *variances = (parts[..., k] for k in range(4))
        return Populations(np.array(lengths, float), returned, inside, variances[0], variances[1])

    def all(self) -> "Many[xarray.Dataset]":
        """Return the data of all sequences."""
        return [one for some in self.data.values() for one in some]

    def signal(self, at: int) -> float:
        """Return the mean signal of the shortest (0) or longest (-1) ones; raises FitFailed."""
        return float(self.populations().signal.mean(axis=1)[at])


def _counted(p: EdgePulses, data: "xarray.Dataset", element: str) -> list[NDArray[np.complex128]]:
    """Return the shots of each point, (n,), that began in 0 as far as heralds tell, V.

    Raises FitFailed and NotMeasured.
    """
    iq, began = iq_of(data, element), p.began(data)
    look_at(iq)
    flat = iq.reshape(len(iq), -1)
    kept = np.ones(flat.shape, np.bool_) if began is None else began.reshape(flat.shape)
    return [shots[sure] for shots, sure in zip(flat.T, kept.T, strict=True)]


def _read(
    data: "xarray.Dataset", p: EdgePulses, first: Assignment, second: Assignment
) -> tuple[float, float, float, float]:
    """Return one sequence's population of its target, of the subspace, and both variances.

    Frequencies times the inverse of what the readout makes of levels: unbiased, and negative where
    chance wants it. The first variance is that of the target's less a quarter of the subspace's.
    """
    [one], [other] = (_counted(p, data, end.qubit.element) for end in p.both)
    size, shots = len(first.means), one.size
    outcome = size * first.told(one) + second.told(other)
    shares = np.bincount(outcome, minlength=size**2) / shots
    undo = np.kron(np.linalg.inv(first.matrix), np.linalg.inv(second.matrix))
    places = [size * a + b for a in (0, 1) for b in (0, 1)]
    target = undo[places[round(told(data, "drawn")["target"])]]
    inside = undo[places].sum(axis=0)
    signal = target - inside / STATES

    def variance(weights: Array) -> float:
        return float((weights**2 @ shares - (weights @ shares) ** 2) / (shots - 1))

    floor = 0.25 / shots**2
    return (
        float(target @ shares),
        float(inside @ shares),
        max(variance(signal), floor),
        max(variance(inside), floor),
    )


async def benchmark(p: EdgePulses, outcome: Outcome, kinds: tuple[bool, ...]) -> tuple[Scan, ...]:
    """Run sequences of more and more Cliffords until most of the signal has decayed.

    ``kinds``: for each scan whether a gate follows each Clifford; the first one decides on the
    lengths. Sequences of both kinds take turns, so that a drift is in both. No sequence is run
    where levels cannot be told apart: the fit says why.
    """
    bench = p.bench
    program = levels_program(p, p.shots(bench.shots(LEVEL_SHOTS)), second=tells_second(p))
    levels = await bench.run(outcome, program)
    shots, gates = p.shots(bench.shots(SHOTS)), PlayedGates.of(p)
    scans = tuple(Scan(gates, shots, levels, kind, {}) for kind in kinds)
    first = FIRST_LENGTHS if _can_tell(scans[0]) else ()

    async def take(length: int, numbers: range) -> None:
        each = [(scan, number) for number in numbers for scan in scans]
        asked = (scan.asked(length, number) for scan, number in each)
        for (scan, _), data in zip(each, await bench.run_told(outcome, asked), strict=True):
            scan.data.setdefault(length, []).append(data)

    await take_lengths(first, LONGEST, DRAWS, take, lambda _: _goes_on(scans[0]))
    return scans


def _can_tell(scan: Scan) -> bool:
    try:
        scan.assignments()
    except FitFailed:
        return False
    return True


def _goes_on(scan: Scan) -> bool:
    try:
        return scan.signal(-1) > DECAYED * scan.signal(0) > 0
    except FitFailed:
        return False


def raw_panel(edge: Edge, scans: Many[Scan]) -> Panel:
    """Return what the first end is read as over the length, mean of each sequence.

    Where no sequence was run: the levels' shots, which could not be told apart.
    """
    if not scans[0].data:
        shots = iq_of(scans[0].levels, edge.ends[0])[:DRAWN_SHOTS] * 1e3
        clouds = tuple(
            Series(str(k), shots[:, k].real, shots[:, k].imag) for k in range(shots.shape[1])
        )
        return Panel(edge.element, "I (mV)", "Q (mV)", clouds, equal_axes=True)
    series = []
    for scan in scans:
        at = [length for length, some in scan.data.items() for _ in some]
        iq = [np.mean(iq_of(one, edge.ends[0])).real * 1e3 for one in scan.all()]
        series.append(Series(scan.kind, np.array(at, float), np.array(iq, float)))
    return Panel(edge.element, "Cliffords", f"I of {edge.ends[0]} (mV)", tuple(series))


def series_of(
    label: str, populations: Populations, found: Decay, *, leaks: bool
) -> tuple[Series, ...]:
    """Return points and lines of a scan: what came back less a quarter of what is left, leakage."""
    lengths = populations.lengths
    fine = np.linspace(0.0, lengths[-1], 200)
    series = [
        Series(label, lengths, populations.signal.mean(axis=1)),
        Series(f"{label}, fit", fine, found.signal(fine), line=True),
    ]
    if leaks:
        series += [
            Series(f"{label}, leaked", lengths, 1 - populations.inside.mean(axis=1)),
            Series(f"{label}, leakage fit", fine, found.outside(fine), line=True),
        ]
    return tuple(series)


def said_of_leakage(*found: Decay) -> str:
    """Return what a text adds where leakage does not go as a decay does; else nothing."""
    wider = max(one.leakage_scatter for one in found)
    if wider == 1.0:
        return ""
    return f", whose points scatter {wider:.1f} times as much as draws explain, as of coherent"
