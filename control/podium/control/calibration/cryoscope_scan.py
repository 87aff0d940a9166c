"""Plays flux pulses on a line, and holds what was seen of it by the end that they move."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.edge_pulses import RESET_LIFETIMES, EdgePulses
from podium.control.calibration.edge_sequences import Fringes, phase_program
from podium.control.calibration.fits.cryoscope import WholeTurns, told_apart, unwound, whole_turns
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.line_phases import PhaseModel, Shots, spectrum_of
from podium.control.calibration.fits.line_rivals import apart, telling
from podium.control.calibration.line_pulses import CHECKS, KINDS, SINGLE, TELLING, WHOLE_NS, Kind
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.sequences import Pulses, precession_ns
from podium.control.calibration.target import Target
from podium.control.program.program import Barrier, Delay, Program, Statement
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]
SHOTS = 500
TOLD, TELLING_ROUNDS = 6, 2
"""So many of :data:`.line_pulses.TELLING` at a time, and how often."""


@dataclass(frozen=True, slots=True, eq=False)
class PulsedLine:
    """The line that is looked at, by an end that its pulses shift."""

    owner: Target
    """Whose line it is: a qubit or a coupler."""
    amplitude: float
    """Of the pulses, of full scale."""
    shift_of: Callable[[Array, float], Array]
    """The shift in Hz at a level relative to such a share of the amplitude."""
    kinds: tuple[Kind, ...] = KINDS
    checks: tuple[Kind, ...] = CHECKS
    thoroughness: int = 1
    telling: tuple[Kind, ...] = TELLING
    """Of which some are played where others leave two lines."""


@dataclass(frozen=True, slots=True)
class CryoscopeScan:
    """Plays shots of several kinds."""

    p: EdgePulses
    outcome: Outcome
    amplitude: float
    thoroughness: int = 1
    """Times the usual number of shots."""

    @property
    def reset_ns(self) -> int:
        """The wait before a shot."""
        wait = passive_reset(self.p.both, self.p.names, RESET_LIFETIMES)[0]
        if not isinstance(wait, Delay) or not isinstance(wait.duration_fs, int):
            raise TypeError(f"a wait of unknown length: {wait}")
        return wait.duration_fs // FS_PER_NS

    @property
    def prepared_ns(self) -> int:
        """From the first pulse of the qubits to the flux pulse."""
        return self.p.first.pulse_ns + self.p.second.pulse_ns

    async def rows(self, kinds: tuple[Kind, ...], seen: Pulses | None = None) -> list[Fringes]:
        """Return the fringes of each kind, on ``seen``: None: on the end that is moved."""
        p = self.p
        target = p.moved if seen is None else seen
        every = await p.bench.run_all(self.outcome, (self._program(one, target) for one in kinds))
        return [
            Fringes(p, target, data, self._shots(kind))
            for kind, data in zip(kinds, every, strict=True)
        ]

    def _shots(self, kind: Kind) -> int:
        return self.p.bench.shots(SHOTS * kind.shots * self.thoroughness)

    def _program(self, kind: Kind, target: Pulses) -> Program:
        """Return shots of a kind, seen by an end."""
        p = self.p
        title = f"cryoscope, {kind.describe()}"
        if target is not p.moved:
            title += f", seen by {target.qubit.element}"
        before: list[Statement] = []
        if kind.before is not None:
            before = [
                *([p.step(-self.amplitude, kind.before.long_ns)] * kind.before.is_led),
                p.step(self.amplitude, kind.before.long_ns),
                Delay((p.flux,), kind.before.later_ns * FS_PER_NS),
                Barrier(p.names),
            ]
        gates, shots = self.between(kind), self._shots(kind)
        return phase_program(p, target, gates, shots, title, controls=(0.0,), before=before)

    def between(self, kind: Kind) -> list[Statement]:
        """Return what is played between the pulses of the qubit."""
        p, played_ns = self.p, 0
        found: list[Statement] = [Barrier(p.names)]
        for number in range(kind.count):
            gap_ns = (
                kind.gap_ns if number + 1 < kind.count else WHOLE_NS - kind.duration_ns - played_ns
            )
            found += [
                p.step(kind.sign(number) * self.amplitude, kind.duration_ns),
                Delay((p.flux,), gap_ns * FS_PER_NS),
            ]
            played_ns += kind.duration_ns + gap_ns
        return [*found, Barrier(p.names)]

    def shots(self, kinds: tuple[Kind, ...]) -> Shots:
        """Return what is played in them.

        A qubit precesses in its half pi pulses, too: what a long pulse has left counts there.
        """
        own_ns = round(precession_ns(self.p.moved.pulse_ns))
        pulses = np.zeros((len(kinds), 2 + max(kind.count for kind in kinds), 3))
        period = np.zeros(len(kinds))
        for k, kind in enumerate(kinds):
            begun = -self.prepared_ns
            if kind.before is not None:
                end = begun - kind.before.later_ns
                begun = end - kind.before.long_ns
                pulses[k, -1] = begun + own_ns, end + own_ns, 1.0
                if kind.before.is_led:
                    begun -= kind.before.long_ns
                    pulses[k, -2] = begun + own_ns, begun + own_ns + kind.before.long_ns, -1.0
            for number in range(kind.count):
                at = own_ns + number * (kind.duration_ns + kind.gap_ns)
                pulses[k, number] = at, at + kind.duration_ns, kind.sign(number)
            read_ns = max(p.flight_ns() + p.probe_ns for p in self.p.both)
            whole_ns = WHOLE_NS + self.p.moved.pulse_ns + read_ns
            period[k] = self.reset_ns - begun + whole_ns
        pulses[..., :2] *= 1e-9
        return Shots(pulses, period * 1e-9, (WHOLE_NS + 2 * own_ns) * 1e-9)


def phases_of_kinds(rows: list[Fringes], kinds: tuple[Kind, ...]) -> tuple[Array, Array]:
    """Return phases and sigmas, turns; raises FitFailed, which names the shots."""
    found = []
    for row, kind in zip(rows, kinds, strict=True):
        try:
            found.append(row.phases()[0])
        except FitFailed as error:
            raise FitFailed(f"{kind.describe()}: {error}") from error
    return np.array([f.turns[0] for f in found]), np.array([f.sigma[0] for f in found])


@dataclass(slots=True, eq=False)
class LineFringes:
    """Holds the fringes that were measured of a line."""

    scan: CryoscopeScan
    line: PulsedLine
    kinds: tuple[Kind, ...]
    rows: list[Fringes]
    known: WholeTurns | None = None

    def shift_of(self, level: Array) -> Array:
        """Return the shift in Hz at levels relative to the pulses'."""
        return self.line.shift_of(level, 1.0)

    def phases(self) -> tuple[Array, Array]:
        """Return phases, those of single pulses unwound, and sigmas, turns. Raises FitFailed."""
        turns, sigma = phases_of_kinds(self.rows, self.kinds)
        short = len(SINGLE)
        at = self.scan.shots(SINGLE).turning_s
        turns[:short] = unwound(turns[:short], at, float(self.shift_of(np.ones(1))[0]))
        return turns, sigma

    async def look(self) -> bool:
        """Find whole turns and lines by what was played so far; tell whether phases make any."""
        try:
            self.known = await asyncio.to_thread(self._known)
        except FitFailed:
            return False  # fitted once more, it says why
        return True

    async def tell_apart(self, outcome: Outcome) -> None:
        """Play further trains where phases leave more than one line that was found.

        Where they are several all the same, the outcome's notes say so.
        """
        known = self.known
        for _ in range(TELLING_ROUNDS):
            kinds = () if known is None else await asyncio.to_thread(self._further, known)
            if not kinds:
                break
            self.rows += await self.scan.rows(kinds)
            self.kinds += kinds
            if not await self.look():
                return
            known = self.known
        if known is None:
            return
        others = [apart(one.values, known.values) for one in known.lines[1:]]
        if others:
            outcome.notes.append(
                f"{self.line.owner.name}: phases leave another line nearly as likely; its step "
                f"differs by {max(others):.1e}"
            )

    def _known(self) -> WholeTurns:
        """Return the whole turns and lines by all that was played. Raises FitFailed."""
        (turns, sigma), played = self.phases(), self.scan.shots(self.kinds)
        if self.known is None:
            return whole_turns(played, turns, sigma, self.shift_of)
        return told_apart(played, turns, sigma, self.shift_of, self.known)

    def _further(self, known: WholeTurns) -> tuple[Kind, ...]:
        """Return the trains that tell lines apart."""
        if len(known.lines) == 1 or not self.line.telling:
            return ()
        played = self.scan.shots(self.line.telling)
        model = PhaseModel(played, spectrum_of(played), self.shift_of)
        sigma = float(np.median(self.phases()[1][len(SINGLE) :]))
        return tuple(self.line.telling[k] for k in telling(model, sigma, known.lines, TOLD))
