"""A run that comes piece by piece, and whose qubits exchange photons or share a state.

Each chunk that asks for windows is played as a short run of its own up to these
(:mod:`.meeting_run`); between two of them the qubits' states are kept, coherences and what was read
alike (:mod:`.kept_states`). So a pulse that depends on what one qubit was found in meets what that
has made of the others. What is played to qubits that are not read yet waits until it matters
(:mod:`.parted_pulses`). What a flux line has left goes from part to part, too
(:mod:`.line_memory`). Sessions of several instruments meet (:mod:`.session_meetings`): a part is
played with what the others have said by then, each by its own clock.
ASSUMED: slow noise is its mean over each part.
"""

from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.cable import CableSession, split_by_cable
from podium.sim_instruments.physics.drive_crosstalk import NO_CROSSTALK, DriveCrosstalk
from podium.sim_instruments.physics.drive_line import drives_of
from podium.sim_instruments.physics.episodes import APART_FOLDS, NotSimulated, ring_down_ns
from podium.sim_instruments.physics.fast_flux import FluxLines
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.session_clusters import SessionChip
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import SIZE, three_levels
from podium.sim_instruments.physics.meeting.gate_pulses import GateMemory
from podium.sim_instruments.physics.meeting.kept_states import KeptState, KeptStates
from podium.sim_instruments.physics.meeting.line_memory import LineMemory
from podium.sim_instruments.physics.meeting.meeting_run import (
    HeardFeedline,
    Known,
    as_heard,
    gates_of,
    levels_found,
    sidebands_played,
)
from podium.sim_instruments.physics.meeting.parted_pulses import (
    LinkedLines,
    PendingPulses,
    ends_ns,
    opens_ns,
    parted_pulses,
)
from podium.sim_instruments.physics.meeting.session_meetings import SessionMeetings
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.operating_point import FeedlinePoint, QubitPoint
from podium.sim_instruments.physics.session import Session
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.shots import thermal
from podium.sim_instruments.physics.signals import (
    CaptureAnswer,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.physics.spurs import without_faint_crosstalk

SHARED_NS = 2
"""What begins so little before the last thing that happened to its qubit follows it."""
PARTS = 24
"""Bits of the number of a part in the number that keys its random numbers."""


@dataclass(frozen=True, slots=True)
class LinkedWorld:
    """The part of the world that a session needs."""

    links: Sequence[Link]
    channel: WindowChannel
    kept: KeptStates
    feedline_of: Mapping[str, str]
    """By qubit: of all that links end at, and of those that are coupled to them."""
    point: Callable[[str], FeedlinePoint]
    """The operating point of a feedline, whoever shares a state with its qubits."""
    flux_lines: FluxLines | None
    meetings: SessionMeetings


@dataclass(frozen=True, slots=True, eq=False)
class _Part:
    """A part of one session, as a short run of its own."""

    session: "PhotonSession"
    signals: RunSignals
    heard: Sequence[HeardFeedline]


class PhotonSession(Session):
    """One run in which photons may be exchanged; until then, it is a :class:`.Session`."""

    def __init__(
        self,
        feedline_at: Callable[[str], FeedlinePoint],
        check: Callable[[Sequence[PulseTrain], Sequence[CaptureTrain]], None],
        check_drive: Callable[[QubitPoint], None],
        seed: int,
        beginning: RunStart,
        cables: Mapping[str, CableSession],
        chip: SessionChip | None,
        linked: LinkedWorld,
        *,
        crosstalk: DriveCrosstalk = NO_CROSSTALK,
    ) -> None:
        """Arguments as of :class:`.Session`, and the links."""
        super().__init__(feedline_at, check, check_drive, seed, beginning, cables, chip, crosstalk)
        self._linked = linked
        self.reached = beginning.reached or frozenset[str]()
        """Lines that the instrument drives; none if it drives all."""
        self.remote = _remote(linked.links, beginning.reached)
        """Sidebands that others drive, of links of which the instrument drives an end."""
        self._pending: list[PulseTrain] = []
        self._said: list[PulseTrain] = []
        """Said, and not shared."""
        self._says = False
        self._shares = False
        self._gates = GateMemory()
        self._parts = 0
        self._over_fs: dict[str, int] = {}
        """World time (TAI) at which the last thing that happened to each qubit is over."""
        self._lit_from_fs: dict[str, int] = {}
        """When a tone may begin where that is earlier: the last thing was a readout."""
        self._lines_left = LineMemory(linked.flux_lines, self.flux_lines)
        self._shown: dict[int, tuple[NDArray[np.complex128], float]] = {}
        self._ends = {e.sideband: e for link in linked.links for e in link.ends}
        lines = {f"{name}.drive": name for name in linked.feedline_of}
        lines |= {sideband: end.qubit for sideband, end in self._ends.items()}
        self._lines = LinkedLines(linked.links, linked.feedline_of, lines)

    def shares(self, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether qubits share photons or a state from now on."""
        if self._shares:
            return True
        named = {train.line for train in drives} | {capture.line for capture in captures}
        feedlines = self._linked.feedline_of
        touched = {q for q, line in feedlines.items() if {line, f"{q}.drive"} & named}
        return bool(sidebands_played(self._linked.links, drives)) or (
            self._linked.kept.holds(touched, self._beginning.start_tai_fs)
        )

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[CaptureAnswer, ...]:
        """Play one more chunk and answer windows: see :meth:`.Session.go_on`."""
        named = {train.line for train in drives} | {capture.line for capture in captures}
        if named & self.cables:
            return split_by_cable(self._cables, self.go_on, drives, captures, listeners)
        drives, self._said = [*self._said, *drives], []
        if not self._share(drives, captures):
            return super().go_on(drives, captures, listeners)
        if not any(capture.start_ns.size for capture in captures):
            none = np.zeros(0, np.complex128)
            return tuple(CaptureAnswer(none, None) for _ in captures)
        with self._linked.meetings.lock:
            answers = self._played(captures)
            if self.meets:
                self._linked.meetings.answered(self)
        for place, capture, answer in zip(listeners, captures, answers, strict=True):
            if answer.trace is not None:
                self._shown[place] = answer.trace, float(capture.windows[-1].demod_hz)
        return answers

    @property
    def instrument(self) -> str:
        """Return whose run it is."""
        return self._beginning.instrument

    @property
    def meets(self) -> bool:
        """Tell whether others may share photons with it."""
        return bool(self.remote)

    def say(self, drives: Sequence[PulseTrain], until_ns: int) -> None:
        """Hear all that begins before a time and was not given before."""
        self._says = True
        with self._linked.meetings.lock:
            if not self._share([*self._said, *drives], ()):
                self._said += drives
            else:
                self._said = []
                begins = [t for t in drives if t.line in self._ends and t.start_ns.size]
                for train in begins:
                    at_fs = self._tai_fs(int(train.start_ns[0]))
                    self._linked.meetings.check_in_time(self, at_fs)
            self._linked.meetings.say(self, self._tai_fs(until_ns))

    def asks(self, captures: Sequence[CaptureTrain]) -> bool:
        """Tell whether windows may be answered, which are to be asked for next."""
        asked = [ends_ns(capture) for capture in captures if _any(capture)]
        if not asked or not self.shares((), captures):
            return True
        return self._linked.meetings.asks(self, self._tai_fs(max(asked)))

    @property
    def may_go_on(self) -> bool:
        """Tell whether windows that others were waited for may be answered now."""
        return self._linked.meetings.may_go_on(self)

    def end(self, at_ns: int) -> None:
        """Hear when the run is over."""
        if self._says:
            self._linked.meetings.end(self, self._tai_fs(at_ns))

    def _tai_fs(self, at_ns: int) -> int:
        """Return the world's instant of a time of the run."""
        late_fs = int(self._late_fs(np.array([at_ns], np.int64))[0])
        return self._beginning.start_tai_fs + at_ns * FS_PER_NS + late_fs

    def _late_fs(self, at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        """Return by how much later its clock has times than an ideal one, fs (n,).

        Where nobody else's clock counts, not at all.
        """
        late = self._beginning.late_fs
        return np.zeros_like(at_ns) if late is None or not self.meets else late(at_ns)

    def trace(self, listener: int) -> tuple[NDArray[np.complex128], float] | None:
        """Return the trace of a listener's last window; None for one that never listened."""
        return self._shown.get(listener) or super().trace(listener)

    def populations(self, line: str, at_ns: int) -> dict[str, NDArray[np.float64]]:
        """Return populations as :meth:`.Session.populations`, none where a state is shared."""
        return {} if self._shares else super().populations(line, at_ns)

    def _share(self, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain]) -> bool:
        """Keep what is played if qubits share photons or a state from now on; tell whether."""
        if not self.shares(drives, captures):
            return False
        if not self._shares:
            self._begin_sharing()
        self._check(drives, captures)
        self._check_reached(drives)
        self._keep_pending(drives)
        return True

    def _begin_sharing(self) -> None:
        if self.feedlines:
            raise NotSimulated(
                "a photon is sent or caught behind a reading, in a run in which what is played "
                "depends on what was measured and none was sent before: that is not simulated; "
                "send one before the first reading"
            )
        self._shares = True
        kept = (train for trains in self.kept().values() for train in trains)
        self._keep_pending([train for train in kept if train.spur != "crosstalk"])
        self._keep_pending(self.early_fluxes)
        self.keep({})

    def _keep_pending(self, drives: Sequence[PulseTrain]) -> None:
        leaking = sorted({train.line for train in drives if train.spur == "carrier"})
        if leaking:
            raise NotSimulated(
                f"a carrier leaks into {', '.join(leaking)} in a run in which photons are "
                "exchanged and what is played depends on what was measured: that is not "
                "simulated; calibrate its mixer"
            )
        self._pending += [train for train in drives if train.start_ns.size]

    def _check_reached(self, drives: Sequence[PulseTrain]) -> None:
        """Raise NotSimulated for a photon whose other end another instrument drives.

        Where this one does not say what it plays, nobody can play with it.
        """
        played = sidebands_played(self._linked.links, drives)
        for link in self._linked.links:
            lines = {end.sideband for end in link.ends}
            if link.station is not None and lines & played:
                raise NotSimulated(
                    f"a photon goes to the herald station of {link.name} in a run in which what is "
                    "played depends on what was measured: that is not simulated; take the clicks "
                    "of each shot, and choose among the shots"
                )
            if lines & played and lines & self.remote and not self._says:
                raise NotSimulated(
                    f"a photon of {link.name} in a run in which what is played depends on what was "
                    "measured, and whose other end another instrument drives: this one's runs "
                    "meet no others; drive both ends by one instrument"
                )

    def _played(self, captures: Sequence[CaptureTrain]) -> tuple[CaptureAnswer, ...]:
        """Play what is pending as far as these windows need it, and answer them."""
        sessions = [self]
        if self.meets and self._says:
            sessions += self._linked.meetings.others(self)
        origin_fs = self._beginning.start_tai_fs
        pending = [PendingPulses(one._pending, one._from(origin_fs)) for one in sessions]
        opens_tai_fs = self._tai_fs(opens_ns(captures))
        parts: list[_Part] = []
        for session, (drives, rest) in zip(
            sessions, parted_pulses(self._lines, captures, pending), strict=True
        ):
            session._pending = rest
            if drives or session is self:
                asked = captures if session is self else ()
                parts.append(session._part(drives, asked, opens_tai_fs))
        known = self._levels(parts)
        values = [np.zeros(one.start_ns.size, np.complex128) for one in captures]
        traces: list[NDArray[np.complex128] | None] = [None] * len(captures)
        for one, found in zip(parts[0].heard, known, strict=False):
            one.run.listen(one.mine, values, traces, found)
        return tuple(CaptureAnswer(v, t) for v, t in zip(values, traces, strict=True))

    def _from(self, origin_fs: int) -> Callable[[NDArray[np.int64]], NDArray[np.int64]]:
        """Return what tells world time from an instant on, of times of the run."""
        offset_fs = self._beginning.start_tai_fs - origin_fs

        def world_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
            return at_ns * FS_PER_NS + (self._late_fs(at_ns) + offset_fs)

        return world_fs

    def _part(
        self, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain], opens_tai_fs: int
    ) -> _Part:
        """Return what is played until windows as a short run of its own; of others no windows.

        ``opens_tai_fs``: when the last window opens.
        """
        self._parts += 1
        begins = [*(d.start_ns[0] for d in drives), *(c.start_ns[0] for c in captures if _any(c))]
        begin_ns = int(min(begins))
        part = self._short_run(drives, captures, begin_ns)
        lines = {capture.line for capture in captures if _any(capture)}
        lines |= {
            self._linked.feedline_of[self._lines.qubit_of[train.line]]
            for train in drives
            if train.line in self._lines.qubit_of
        }
        points = [self._linked.point(line) for line in sorted(lines)]
        for point in points:
            self._check_point(point, part)
        flux_lines, before = self._linked.flux_lines, self._lines_left.before(begin_ns)
        known = {f"{name}.drive" for name in self._linked.feedline_of}
        spread = [
            train
            for train in self._crosstalk.spread(part.drives)
            if train.spur != "crosstalk" or train.line in known
        ]
        feedlines = [
            FeedlineRun(
                p,
                replace(part, drives=tuple(without_faint_crosstalk(p, spread))),
                *(self._seed, self.flux_lines, flux_lines, before),
            )
            for p in points
        ]
        until_ns = (opens_tai_fs - self._beginning.start_tai_fs) // FS_PER_NS
        self._lines_left.pass_on(drives, until_ns)
        mine = [
            [n for n, one in enumerate(captures) if one.line == p.name and _any(one)]
            for p in points
        ]

        def late_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
            return self._late_fs(at_ns + begin_ns)

        heard = [
            as_heard(HeardFeedline(feedline, own, late_fs))
            for feedline, own in zip(feedlines, mine, strict=True)
        ]
        return _Part(self, part, heard)

    def _short_run(
        self, drives: Sequence[PulseTrain], captures: Sequence[CaptureTrain], begin_ns: int
    ) -> RunSignals:
        """Return a part of the run as a run of its own, with a number of its own."""
        windows = [ends_ns(capture) for capture in captures if _any(capture)]
        end_ns = max(windows or [train.end_ns for train in drives])
        return RunSignals(
            (self.run << PARTS) + self._parts,
            self._beginning.start_tai_fs + begin_ns * FS_PER_NS,
            end_ns - begin_ns,
            tuple(replace(one, start_ns=one.start_ns - begin_ns) for one in drives),
            tuple(replace(one, start_ns=one.start_ns - begin_ns) for one in captures),
            dict(self._beginning.biases_v),
            self._beginning.baths,
        )

    def _levels(self, parts: Sequence[_Part]) -> list[Known]:
        """Return what readings find on each feedline; keep the states that are left behind."""
        linked = self._linked
        heard = [one for part in parts for one in part.heard]
        start_fs = min(part.signals.start_tai_fs for part in parts)
        qubits = {
            qubit.name: qubit
            for one in heard
            for qubit in one.run.feedline.qubits
            if qubit.name in linked.feedline_of
        }
        taken = linked.kept.take(qubits, start_fs)
        left: Sequence[KeptState] = taken
        try:
            begun = {name for state in taken for name in state.names}
            fresh = [
                _at_rest(qubit, start_fs) for name, qubit in qubits.items() if name not in begun
            ]
            for part in parts:
                part.session._check_behind(part.heard, part.signals)
            played = [train for part in parts for train in part.signals.drives]
            known, left = levels_found(
                linked.links,
                linked.channel,
                heard,
                sidebands_played(linked.links, played),
                self._seed,
                [*taken, *fresh],
                whole=True,
                memory=self._gates,
            )
            for part in parts:
                part.session._note_over(part.heard, left)
                part.session._note_lit(part.heard, part.signals)
        finally:
            linked.kept.give(taken, left)
        return known

    def _note_over(self, heard: Sequence[HeardFeedline], left: Sequence[KeptState]) -> None:
        """Note when the last thing that happened to qubits of feedlines is over."""
        mine = {qubit.name for one in heard for qubit in one.run.feedline.qubits}
        for state in left:
            at_fs = zip(state.names, state.at_fs, strict=True)
            self._over_fs |= {name: at for name, at in at_fs if name in mine}

    def _check_behind(self, heard: Sequence[HeardFeedline], part: RunSignals) -> None:
        """Raise NotSimulated for what is played before the last thing that happened is over."""
        for one in heard:
            feedline = one.run.feedline
            names = [qubit.name for qubit in feedline.qubits if qubit.name in self._over_fs]
            gates = gates_of(one, names, self._gates) if names else []
            tones = [t for t in part.drives if t.line == feedline.name]
            tone_fs = part.start_tai_fs + _first_ns(t.start_ns for t in tones) * FS_PER_NS
            tolerated_fs = round((SHARED_NS + feedline.delay_in_ns) * FS_PER_NS)
            for qubit in feedline.qubits:
                if qubit.name not in self._over_fs:
                    continue
                over_fs = self._over_fs[qubit.name]
                begins = self._begins_ns(qubit, feedline, part)
                begins += [pair.start_ns for pair in gates if qubit.name in pair.names]
                begin_fs = part.start_tai_fs + _first_ns(begins) * FS_PER_NS
                if tone_fs < min(over_fs, self._lit_from_fs.get(qubit.name, over_fs)):
                    begin_fs = min(begin_fs, tone_fs)
                if begin_fs < over_fs - tolerated_fs:
                    early_ns = (over_fs - begin_fs) / FS_PER_NS
                    raise NotSimulated(
                        f"something is played to {qubit.name}, which shares photons with another "
                        f"node, {early_ns:.0f} ns before the last thing that happened to it is "
                        "over, as photons in the resonators of its feedline: that is not "
                        "simulated; wait until that has rung down"
                    )

    def _note_lit(self, heard: Sequence[HeardFeedline], part: RunSignals) -> None:
        """Note from when on others may be read, of qubits that nothing is played to but a readout.

        What is left then of their photons is dropped, as between two readouts of a whole run.
        """
        for feedline in (one.run.feedline for one in heard):
            tones = drives_of([t for t in part.drives if t.line == feedline.name])
            if not tones.start_ns.size:
                continue
            last_ns = int(tones.end_ns[-1]) + ring_down_ns(feedline, APART_FOLDS)
            for qubit in feedline.qubits:
                begins = self._begins_ns(qubit, feedline, part)
                if any((one > tones.start_ns[-1]).any() for one in begins):
                    self._lit_from_fs.pop(qubit.name, None)
                else:
                    self._lit_from_fs[qubit.name] = part.start_tai_fs + last_ns * FS_PER_NS

    def _begins_ns(
        self, qubit: QubitPoint, feedline: FeedlinePoint, part: RunSignals
    ) -> list[NDArray[np.int64]]:
        """Return when drives and sidebands of a qubit begin, in the time of its feedline."""
        later = later_ns(qubit, feedline)
        return [
            t.start_ns + later
            for t in part.drives
            if self._lines.qubit_of.get(t.line) == qubit.name
        ]

    def _check_point(self, point: FeedlinePoint, part: RunSignals) -> None:
        """Raise NotSimulated for a qubit of a feedline that is driven and far from links."""
        played = {train.line for train in part.drives}
        for qubit in point.qubits:
            known = qubit.name in self._linked.feedline_of
            if not known and f"{qubit.name}.drive" in played:
                raise NotSimulated(
                    f"{qubit.name}, which is neither at a link's end nor coupled to one, is driven "
                    "in a run in which photons are exchanged and what is played depends on what "
                    "was measured: that is not simulated; play it in a run of its own"
                )


def _any(train: PulseTrain | CaptureTrain) -> bool:
    return bool(train.start_ns.size)


def _first_ns(starts: Iterable[NDArray[np.int64]]) -> int:
    """Return the first of times that ascend in each row; a far one where there is none."""
    return min((int(one[0]) for one in starts if one.size), default=1 << 40)


def _remote(links: Sequence[Link], reached: frozenset[str] | None) -> frozenset[str]:
    """Return the sidebands that others drive, of links of which an instrument drives an end."""
    if reached is None:
        return frozenset()
    ends = [{end.sideband for end in link.ends} for link in links]
    return frozenset[str]().union(*(lines - reached for lines in ends if lines & reached))


def _at_rest(qubit: QubitPoint, at_fs: int) -> KeptState:
    """Return a qubit that nothing has been played to for long."""
    still = thermal(three_levels(qubit))
    rho = np.zeros(SIZE, np.complex128)
    rho[:: len(still) + 1] = still / still.sum()
    return KeptState((three_levels(qubit),), (0.0,), (at_fs,), rho)
