"""Runs of several instruments are played together: their elements share photons of links.

Each instrument's run stays what it is: its own feedlines, its own records. Only the two qubits at
the ends of a link over which somebody plays are evolved together, three levels each, and
neighbours that flux pulses bring one of them together with; what their readings find is handed to
the feedlines, where all else goes on as in a run by itself.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.drive_line import (
    Drives,
    drives_of,
    joined,
    without_silence,
)
from podium.sim_instruments.physics.episodes import (
    APART_FOLDS,
    Episodes,
    NotSimulated,
    episodes_of,
    ring_down_ns,
)
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.links.link_point import Link, LinkEnd
from podium.sim_instruments.physics.meeting.atom_maps import LEVELS, three_levels
from podium.sim_instruments.physics.meeting.gate_pulses import (
    GateMemory,
    GatePair,
    GateRows,
    gate_pairs,
    joined_gates,
)
from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
from podium.sim_instruments.physics.meeting.kept_states import KeptState
from podium.sim_instruments.physics.meeting.member import Member, ShoneRows
from podium.sim_instruments.physics.meeting.shared_run import SharedRun
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.met_qubits import check_alone
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import flight
from podium.sim_instruments.physics.schedule import FORGOTTEN, schedule_of
from podium.sim_instruments.physics.short_run import driven_ns, later_ns
from podium.sim_instruments.physics.shots import PreparedShots, prepare
from podium.sim_instruments.physics.signals import CaptureTrain, PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import felt, parted, pumped
from podium.sim_instruments.physics.walk import Paths, Readings

JOINED_NS = 16
"""Pulses on a sideband that follow each other so closely are one window: pieces of one shape."""
DARK, BRIGHT = (0.0, 0.0), (1.0, 1.0)
"""What part of the photons of both ends gets through: nothing, and all that the link lets."""
FAR_HZ = 1e8
"""A sideband of another run so far off its resonance is left out."""
APART = 10
"""Widths between two transfer resonators that are driven by one line, one at a time."""
Lateness = Callable[[NDArray[np.int64]], NDArray[np.int64]]
Known = dict[str, tuple[NDArray[np.int64], Paths]]


@dataclass(frozen=True, slots=True, eq=False)
class MeetingRun:
    """One instrument's run, with its own clock."""

    signals: RunSignals
    late_fs: Lateness
    """By how much each nanosecond (n,) of the run comes later than its start says, fs (n,): its
    clock's error."""
    cut: frozenset[str] = frozenset()
    """Names of links that were cut when it began: no photon gets through."""
    light: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By link: what part of the light of both arms optical switches let through when it began."""

    def at_fs(self, at_ns: int) -> int:
        """Return the world's instant (TAI, fs) of a nanosecond of the run."""
        late = self.late_fs(np.array([at_ns], np.int64))
        return self.signals.start_tai_fs + FS_PER_NS * at_ns + int(late[0])


def ideal_run(signals: RunSignals) -> MeetingRun:
    """Return a run of a clock without errors."""
    return MeetingRun(signals, np.zeros_like)


@dataclass(frozen=True, eq=False)
class HeardFeedline:
    """A feedline that a run listens to."""

    run: FeedlineRun
    mine: Sequence[int]
    """Numbers of the run's captures on it."""
    late_fs: Lateness

    @cached_property
    def episodes(self) -> Episodes:
        """Return its readouts."""
        tones, captures = _listened(self)
        feedline = self.run.feedline
        return episodes_of(feedline, tones, captures, driven_ns(self.run.signals, feedline))


def with_cuts(links: Sequence[Link], runs: Sequence[MeetingRun]) -> list[Link]:
    """Return the links as a meeting finds them; one that any run finds cut lets nothing through.

    Through a switch that moves meanwhile goes what gets through all of the time: the least that
    any run finds.
    """
    cut = frozenset[str]().union(*(run.cut for run in runs))
    shares = dict.fromkeys(cut, DARK)
    for run in runs:
        for name, (first, second) in run.light.items():
            before = shares.get(name, BRIGHT)
            shares[name] = min(before[0], first), min(before[1], second)
    found = [_seen(x, shares[x.name]) if x.name in shares else x for x in links]
    return _parted(found, shares)


def _seen(link: Link, share: tuple[float, float]) -> Link:
    """Return a link of whose photons these parts get through, by end."""
    station = None if link.station is None else link.station.seen_through(share)
    return replace(link, transmission=DARK if share == DARK else link.transmission, station=station)


def _parted(links: Sequence[Link], shares: Mapping[str, tuple[float, float]]) -> list[Link]:
    """Give each resonator that several links have to the one that its photons are led to.

    That is one both of whose arms have light, else one where its own has, else the first.
    """
    users: dict[tuple[str, float], list[tuple[Link, int]]] = {}
    for link in links:
        for number, end in enumerate(link.ends):
            users.setdefault((end.sideband, end.transfer_hz), []).append((link, number))

    def led(one: tuple[Link, int]) -> tuple[bool, bool]:
        light = shares.get(one[0].name, BRIGHT)
        return min(light) > 0, light[one[1]] > 0

    lost = {
        (link.name, number)
        for having in users.values()
        for link, number in having
        if link is not max(having, key=led)[0]
    }
    parted = []
    for link in links:
        first, second = (
            replace(end, sideband="") if (link.name, number) in lost else end
            for number, end in enumerate(link.ends)
        )
        parted.append(replace(link, ends=(first, second)))
    return parted if lost else list(links)


def check_own_sidebands(
    links: Sequence[Link], runs: Sequence[MeetingRun], heard: Sequence[Sequence[FeedlinePoint]]
) -> None:
    """Raise NotSimulated where a run drives the f0-g1 of a qubit that another run reads.

    ``heard``: the feedlines of each run. ASSUMED: what is :data:`FAR_HZ` off its resonance, as
    where two cables are swapped, does nothing to it.
    """
    reads = {
        qubit.name: (number, qubit)
        for number, feedlines in enumerate(heard)
        for feedline in feedlines
        for qubit in feedline.qubits
    }
    for end in {end.sideband: end for link in links for end in link.ends}.values():
        reader, qubit = reads.get(end.qubit, (-1, None))
        for number, run in enumerate(runs):
            if qubit is None or number == reader:
                continue
            resonance_hz = float(qubit.levels_hz[2]) - end.transfer_hz
            trains = (t for t in run.signals.drives if t.line == end.sideband and t.start_ns.size)
            carriers = {piece.carrier_hz for t in trains if not t.spur for piece in t.pieces}
            if any(abs(carrier - resonance_hz) < FAR_HZ for carrier in carriers):
                raise NotSimulated(
                    f"{end.sideband} is driven near its resonance by a run that does not read "
                    f"{end.qubit}, which another one does: that is not simulated; let one "
                    "instrument do both (are cables swapped?)"
                )


def sidebands_played(links: Sequence[Link], drives: Sequence[PulseTrain]) -> set[str]:
    """Return the sidebands of links on which somebody means to play something."""
    lines = {end.sideband for link in links for end in link.ends}
    meant = (train for train in drives if train.line in lines and not train.spur)
    return {train.line for train in meant if train.start_ns.size}


def levels_found(
    links: Sequence[Link],
    channel: WindowChannel,
    feedlines: Sequence[HeardFeedline],
    played: set[str],
    seed: int,
    kept: Sequence[KeptState] = (),
    *,
    whole: bool = False,
    memory: GateMemory | None = None,
    clicks: list[HeraldClicks] | None = None,
) -> tuple[list[Known], list[KeptState]]:
    """Return what readings of qubits that share photons or states find, for each feedline.

    Second: the states that are left behind. ``played``: see :func:`sidebands_played`, of all runs;
    ``kept``: states of qubits of these feedlines; ``whole``: also those that were read and share
    nothing are left behind, as the run goes on; ``memory``: of gates in earlier parts of the run;
    ``clicks``: takes those of herald stations. Raises NotSimulated for what cannot be simulated.
    """
    active = [link for link in links if played & {end.sideband for end in link.ends}]
    driven = {end.qubit: end for link in active for end in link.ends if end.sideband in played}
    names = [*driven, *(name for state in kept for name in state.names if name not in driven)]
    known_gates = GateMemory() if memory is None else memory
    gates = [pair for one in feedlines for pair in gates_of(one, names, known_gates)]
    names += [name for pair in gates for name in pair.names]
    origin_fs = min((one.run.signals.start_tai_fs for one in feedlines), default=0)
    members = _members(
        list(dict.fromkeys(names)), active, gates, feedlines, played, kept, whole=whole
    )
    ends = [[end.qubit if end.sideband in played else "" for end in link.ends] for link in active]
    known: list[Known] = [{} for _ in feedlines]
    left: list[KeptState] = []
    together = [*ends, *(state.names for state in kept), *(pair.names for pair in gates)]
    for group in _groups(list(members), together):
        number = {name: n for n, name in enumerate(group)}
        here = [n for n, pair in enumerate(ends) if number.keys() & set(pair)]
        beside = [n for n, pair in enumerate(gates) if number.keys() & set(pair.names)]
        run = SharedRun(
            [_renumbered(members[name][1], here, beside) for name in group],
            [active[n] for n in here],
            [(number.get(ends[n][0], -1), number.get(ends[n][1], -1)) for n in here],
            [gates[n] for n in beside],
            [state for state in kept if number.keys() & set(state.names)],
            channel,
            seed,
            origin_fs,
            whole,
        )
        paths, states, seen = run.played()
        left += states
        if clicks is not None:
            clicks += seen
        for name, path in zip(group, paths, strict=True):
            known[members[name][0]][name] = members[name][1].episode, path
    return known, left


def _members(
    names: Sequence[str],
    active: Sequence[Link],
    gates: Sequence[GatePair],
    feedlines: Sequence[HeardFeedline],
    played: set[str],
    kept: Sequence[KeptState],
    *,
    whole: bool,
) -> dict[str, tuple[int, Member]]:
    """Return each qubit as its run plays and reads it, and which feedline, by name."""
    origin_fs = min((one.run.signals.start_tai_fs for one in feedlines), default=0)
    begun = {name for state in kept if state.is_coherent for name in state.names}
    members: dict[str, tuple[int, Member]] = {}
    for name in names:
        own = [(n, end) for n, link in enumerate(active) for end in link.ends if end.qubit == name]
        own = [(n, end) for n, end in own if end.sideband in played]
        rows = [
            pair.rows(number, pair.names.index(name))
            for number, pair in enumerate(gates)
            if name in pair.names
        ]
        found = _member(
            name,
            own,
            joined_gates(rows),
            feedlines,
            origin_fs,
            begun=name in begun,
            goes_on=whole,
        )
        if found is not None:
            members[name] = found
        elif own:
            raise NotSimulated(
                f"a photon is made or caught at {name}, which the run does not reach: that is not "
                "simulated; read it, or drive it, by the instrument that plays its sideband"
            )
    return members


def as_heard(one: HeardFeedline) -> HeardFeedline:
    """Return a feedline with flux pulses as their lines deliver them."""
    return replace(one, run=one.run.as_arrived(*_listened(one)))


def gates_of(one: HeardFeedline, names: Sequence[str], memory: GateMemory) -> list[GatePair]:
    """Return the pairs of a feedline that flux pulses bring together, one being of these names."""
    run = one.run
    pulses = [t for t in run.signals.drives if t.line in run.fluxes and t.start_ns.size]
    if not pulses and not run.before:
        return []
    pulses = [t for t in as_heard(one).run.signals.drives if t.line in run.fluxes]
    biases_v = run.signals.biases_v
    return gate_pairs(run.feedline, run.flux_lines, pulses, biases_v, names, memory)


def _renumbered(member: Member, links: Sequence[int], pairs: Sequence[int]) -> Member:
    """Return a member with the numbers of links and of gates' pairs of its group."""
    link = [links.index(n) for n in member.link.tolist()]
    pair = [pairs.index(n) for n in member.gates.pair.tolist()]
    gates = replace(member.gates, pair=np.array(pair, np.int64))
    return replace(member, link=np.array(link, np.int64), gates=gates)


def _groups(names: Sequence[str], joined: Sequence[Sequence[str]]) -> list[list[str]]:
    """Return names in groups of those that are connected, each in its order."""
    group = {name: {name} for name in names}
    for together in joined:
        here = [name for name in together if name in group]
        if here:
            whole = set().union(*(group[name] for name in here))
            group |= dict.fromkeys(whole, whole)
    found: list[list[str]] = []
    for name in names:
        if not any(name in one for one in found):
            found.append([other for other in names if other in group[name]])
    return found


def _member(
    name: str,
    own: Sequence[tuple[int, LinkEnd]],
    gates: GateRows,
    feedlines: Sequence[HeardFeedline],
    origin_fs: int,
    *,
    begun: bool,
    goes_on: bool,
) -> tuple[int, Member] | None:
    """Return a qubit as its run plays and reads it, and which feedline; None: no run has it.

    ``begun``: it begins with coherences; ``goes_on``: its run goes on behind what is played.
    """
    having = [
        (number, one)
        for number, one in enumerate(feedlines)
        if any(qubit.name == name for qubit in one.run.feedline.qubits)
    ]
    reading = [(number, one) for number, one in having if one.mine] or having
    if len(reading) > 1:
        raise NotSimulated(
            f"{name} is played or read by two runs that meet: that is not simulated; let one "
            "instrument do all of it"
        )
    found = (
        (n, _member_of(one, name, own, gates, origin_fs, begun=begun, goes_on=goes_on))
        for n, one in reading
    )
    return next(found, None)


def _member_of(
    one: HeardFeedline,
    name: str,
    own_ends: Sequence[tuple[int, LinkEnd]],
    gates: GateRows,
    origin_fs: int,
    *,
    begun: bool,
    goes_on: bool,
) -> Member:
    run, feedline = one.run, one.run.feedline
    (at_rest,) = (qubit for qubit in feedline.qubits if qubit.name == name)
    on_its_line = [t for t in run.signals.drives if t.line == f"{name}.drive"]
    qubit = three_levels(pumped(at_rest, on_its_line))
    check_alone(qubit)
    later = later_ns(qubit, feedline)
    own = without_silence(drives_of(felt(qubit, on_its_line)))
    # ASSUMED: a sideband's line is as long as the qubit's drive line, and what a mixer adds to it
    # is far from any resonance.
    windows, link = _windows(run.signals.drives, own_ends, float(qubit.levels_hz[2]))
    silence, episodes = drives_of([]), one.episodes
    schedule = schedule_of(silence, later, episodes)
    shots = prepare(qubit, schedule, episodes, silence, (0.0, 0.0), False, coherent=True)
    _, fraction = flight(feedline)
    from_origin_fs = run.signals.start_tai_fs - origin_fs
    delay_fs = round(FS_PER_NS * qubit.drive_delay_ns) + from_origin_fs

    def carrier_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        return (at_ns - later) * FS_PER_NS + delay_fs

    def world_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        return carrier_fs(at_ns) + one.late_fs(at_ns - later)

    own = replace(own, start_ns=own.start_ns + later)
    windows = replace(windows, start_ns=windows.start_ns + later)
    lit_ns = schedule.start_ns[schedule.sampled]
    starts = np.concatenate([own.start_ns, windows.start_ns, gates.start_ns])
    through = _stays_coherent(shots, lit_ns, starts, begun=begun, goes_on=goes_on)
    return Member(
        qubit=qubit,
        run=run.signals.run,
        drives=own,
        windows=windows,
        link=link,
        world_fs=world_fs,
        carrier_fs=carrier_fs,
        readings=Readings(*(one[~through] for one in shots.readings)),
        pace=shots.pace,
        lit_ns=lit_ns[~through],
        episode=schedule.episode[~through],
        fraction=fraction,
        slow_hz=run.slow_hz(run.signals, qubit),
        gates=gates,
        shone=ShoneRows(
            lit_ns[through],
            _rung_down(one, (lit_ns + shots.readings.end_ns - shots.readings.begin_ns)[through]),
            shots.part[through],
            shots.part_factors[:, :LEVELS, :LEVELS],
        ),
    )


def _rung_down(one: HeardFeedline, dark_ns: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return from when on a qubit may be driven again that others' readouts leave coherent, (n,).

    What is left then of their photons, ``dark_ns`` being when nothing is, is dropped.
    """
    tones = drives_of(_tones(one))
    if not dark_ns.size or not tones.start_ns.size:
        return dark_ns
    last = np.searchsorted(tones.start_ns, dark_ns) - 1
    over = tones.end_ns[np.maximum(last, 0)] + ring_down_ns(one.run.feedline, APART_FOLDS)
    return np.asarray(np.minimum(dark_ns, over), np.int64)


def _stays_coherent(
    shots: PreparedShots,
    lit_ns: NDArray[np.int64],
    starts_ns: NDArray[np.int64],
    *,
    begun: bool,
    goes_on: bool,
) -> NDArray[np.bool_]:
    """Return through which readouts of its feedline a qubit stays coherent, (S,).

    Those that neither tell its level nor take its coherence, where something has been played to it
    since one that did, and something more is before the next one. ``starts_ns``: when it is played;
    ``begun``: something was before the first one, in an earlier run or part of one; ``goes_on``:
    something may be behind the last one.
    """
    count = lit_ns.size
    found = shots.told | (shots.lost >= -np.log(FORGOTTEN))
    played = np.bincount(np.searchsorted(lit_ns, starts_ns), minlength=count + 1) > 0
    played[0] |= begun
    played[count] |= goes_on
    at = np.arange(count + 1)
    last_played = np.maximum.accumulate(np.where(played, at, -1))[:count]
    next_played = np.minimum.accumulate(np.where(played, at, count + 1)[::-1])[::-1][1:]
    last_found = np.append(-1, np.maximum.accumulate(np.where(found, at[:count], -1)))[:count]
    next_found = np.minimum.accumulate(np.where(found, at[:count], count)[::-1])[::-1]
    return np.asarray(~found & (last_played > last_found) & (next_played <= next_found))


def _windows(
    trains: Sequence[PulseTrain], ends: Sequence[tuple[int, LinkEnd]], f_hz: float
) -> tuple[Drives, NDArray[np.int64]]:
    """Return what is played on a qubit's sidebands, and over which link each pulse goes.

    What fills blocks of samples up is no pulse: another one may begin in it. Where links share a
    line, a pulse goes over the one whose resonance (``f_hz`` less its transfer
    resonator's) its carrier is nearest to.
    """
    parts: list[Drives] = []
    links: list[NDArray[np.int64]] = []
    for line in dict.fromkeys(end.sideband for _, end in ends):
        mine = [(number, end) for number, end in ends if end.sideband == line]
        alone = drives_of([t for t in trains if t.line == line and not t.spur])
        own = joined(without_silence(alone), JOINED_NS)
        nearest = [_nearest(shape.carrier_hz - f_hz, mine) for shape in own.shapes]
        links.append(np.array(nearest, np.int64)[own.shape] if nearest else np.zeros(0, np.int64))
        parts.append(own)
    if not parts:
        return drives_of([]), np.zeros(0, np.int64)
    first = np.cumsum([0, *(len(part.shapes) for part in parts)])
    start = np.concatenate([part.start_ns for part in parts])
    order = np.argsort(start, kind="stable")
    shape = np.concatenate([p.shape + at for p, at in zip(parts, first, strict=False)])
    turns = np.concatenate([part.phase_turns for part in parts])
    shapes = tuple(shape for part in parts for shape in part.shapes)
    whole = Drives(start[order], shape[order].astype(np.int64), turns[order], shapes)
    return whole, np.concatenate(links)[order]


def _nearest(off_hz: float, ends: Sequence[tuple[int, LinkEnd]]) -> int:
    """Return the link whose transfer resonator a pulse of a carrier less f's frequency drives.

    Raises NotSimulated where two are too near each other.
    """
    near = sorted(ends, key=lambda one: abs(off_hz + one[1].transfer_hz))
    if len(near) > 1:
        first, second = near[0][1], near[1][1]
        widest = max(first.kappa_hz, second.kappa_hz)
        if abs(first.transfer_hz - second.transfer_hz) < APART * widest:
            raise NotSimulated(
                f"two transfer resonators of {first.qubit} are within {APART} widths of each other "
                f"and share the line {first.sideband}: that a pulse drives both is not simulated"
            )
    return near[0][0]


def _tones(one: HeardFeedline) -> list[PulseTrain]:
    run = one.run
    mine = (train for train in run.signals.drives if train.line == run.feedline.name)
    return list(parted(run.feedline, mine)[0])


def _listened(one: HeardFeedline) -> tuple[list[PulseTrain], list[CaptureTrain]]:
    """Return tones and windows of a feedline; a tone that never sounds where there are none."""
    tones, captures = _tones(one), [one.run.signals.captures[i] for i in one.mine]
    if not tones and not captures:
        none = np.zeros(0, np.int64)
        tones = [PulseTrain(one.run.feedline.name, none, none.astype(np.int32), np.zeros(0), ())]
    return tones, captures
