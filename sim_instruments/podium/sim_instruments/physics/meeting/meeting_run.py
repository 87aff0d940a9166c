"""Runs of several instruments are played together: their elements share photons of links.

Each instrument's run stays what it is: its own feedlines, its own records. Only the two qubits at
the ends of a link over which somebody plays are evolved together, three levels each; what their
readings find is handed to the feedlines, where all else goes on as in a run by itself.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.sim_instruments.physics.counter_based_random import key
from podium.sim_instruments.physics.drive_line import drives_of, joined
from podium.sim_instruments.physics.episodes import Episodes, NotSimulated, episodes_of
from podium.sim_instruments.physics.fast_flux import moving
from podium.sim_instruments.physics.feedline_run import FeedlineRun, check_alone, driven_ns
from podium.sim_instruments.physics.joint.joint_run import noise_nodes
from podium.sim_instruments.physics.links.link_point import Link
from podium.sim_instruments.physics.meeting.atom_maps import AtomMaps, three_levels
from podium.sim_instruments.physics.meeting.member import Member, MemberBlocks, member_blocks
from podium.sim_instruments.physics.meeting.pair_evolution import PairEvolution
from podium.sim_instruments.physics.meeting.pair_shots import draws_of, pair_paths, phased
from podium.sim_instruments.physics.meeting.window_channel import WindowChannel
from podium.sim_instruments.physics.meeting.window_pairs import window_pairs
from podium.sim_instruments.physics.operating_point import FeedlinePoint
from podium.sim_instruments.physics.readout import flight
from podium.sim_instruments.physics.schedule import schedule_of
from podium.sim_instruments.physics.short_run import later_ns
from podium.sim_instruments.physics.shots import prepare
from podium.sim_instruments.physics.signals import PulseTrain, RunSignals
from podium.sim_instruments.physics.spurs import felt, parted, pumped
from podium.sim_instruments.physics.walk import Paths, Readings

JOINED_NS = 16
"""Pulses on a sideband that follow each other so closely are one window: pieces of one shape."""
FAR_HZ = 1e8
"""A sideband of another run so far off its resonance is left out."""
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

    def at_fs(self, at_ns: int) -> int:
        """Return the world's instant (TAI, fs) of a nanosecond of the run."""
        late = self.late_fs(np.array([at_ns], np.int64))
        return self.signals.start_tai_fs + FS_PER_NS * at_ns + int(late[0])


def ideal_run(signals: RunSignals) -> MeetingRun:
    """Return a run of a clock without errors."""
    return MeetingRun(signals, np.zeros_like)


@dataclass(frozen=True, slots=True, eq=False)
class HeardFeedline:
    """A feedline that a run listens to."""

    run: FeedlineRun
    mine: Sequence[int]
    """Numbers of the run's captures on it."""
    late_fs: Lateness


def with_cuts(links: Sequence[Link], runs: Sequence[MeetingRun]) -> list[Link]:
    """Return the links as a meeting finds them; one that any run finds cut lets nothing through."""
    cut = frozenset[str]().union(*(run.cut for run in runs))
    return [replace(x, transmission=(0.0, 0.0)) if x.name in cut else x for x in links]


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
) -> list[Known]:
    """Return what readings of qubits at ends of links find, for each feedline.

    ``played``: see :func:`sidebands_played`, of all runs. Raises NotSimulated for what cannot be
    simulated.
    """
    found: list[Known] = [{} for _ in feedlines]
    active = [link for link in links if played & {end.sideband for end in link.ends}]
    origin_fs = min((one.run.signals.start_tai_fs for one in feedlines), default=0)
    busy: dict[str, str] = {}
    for link in active:
        members: list[tuple[int, Member] | None] = []
        for end in link.ends:
            if end.qubit in busy and end.sideband in played:
                raise NotSimulated(
                    f"{end.qubit} sends or catches photons of {busy[end.qubit]} and {link.name} "
                    "in one meeting: a state over more than two nodes is not simulated"
                )
            if end.sideband not in played:
                members.append(None)
                continue
            busy[end.qubit] = link.name
            members.append(_member(end.qubit, end.sideband, feedlines, origin_fs))
            if members[-1] is None:
                raise NotSimulated(
                    f"a photon is made or caught at {end.qubit}, whose feedline nobody listens to "
                    f"in this run: that is not simulated; read {end.qubit} in every shot"
                )
        here = [one for one in members if one is not None]
        if len(here) == 2:
            pair = here[0][1], here[1][1]
        else:
            (alone,) = here
            silent = _silent(alone[1])
            pair = (alone[1], silent) if members[0] is not None else (silent, alone[1])
        paths = _paths(link, channel, pair, seed)
        for one, member, path in zip(members, pair, paths, strict=True):
            if one is not None:
                found[one[0]][member.qubit.name] = member.episode, path
    return found


def _paths(
    link: Link, channel: WindowChannel, members: tuple[Member, Member], seed: int
) -> list[Paths]:
    """Return the levels of both ends at their readings."""
    blocks = member_blocks(members[0]), member_blocks(members[1])
    pairs = window_pairs(link, members[0].window_fs(), members[1].window_fs())
    phases = (
        phased(members[0], blocks[0], pairs, 0),
        phased(members[1], blocks[1], pairs, 1),
    )
    draws = draws_of(members, blocks, pairs, phases)
    maps = _maps(members[0], blocks[0]), _maps(members[1], blocks[1])
    evolution = PairEvolution(link, channel, members, maps)
    names = [end.qubit for end in link.ends]
    runs = "+".join(str(member.run) for member in members)
    shared = key(seed, "+".join(names), f"joint levels of runs {runs}")
    own = key(seed, names[0], "levels"), key(seed, names[1], "levels")
    return pair_paths(members, blocks, pairs, phases, draws, evolution, (shared, own))


def _maps(member: Member, blocks: MemberBlocks) -> AtomMaps:
    has = np.flatnonzero(np.diff(blocks.first))
    spans = blocks.end_ns[blocks.first[has + 1] - 1] - blocks.start_ns[blocks.first[has]]
    nodes = noise_nodes(member.slow_hz, float(np.max(spans, initial=0)))
    return AtomMaps(member.qubit, member.drives.shapes, nodes)


def _silent(member: Member) -> Member:
    """Return a partner that plays nothing and is not read: what it is does not matter."""
    none = np.zeros(0, np.int64)
    nothing = drives_of([])
    return replace(
        member,
        drives=nothing,
        windows=nothing,
        readings=Readings(none, none, none),
        lit_ns=none,
        episode=none,
    )


def _member(
    name: str, sideband: str, feedlines: Sequence[HeardFeedline], origin_fs: int
) -> tuple[int, Member] | None:
    """Return a qubit as its run plays and reads it, and which feedline; None: nobody listens."""
    for number, one in enumerate(feedlines):
        for qubit in one.run.feedline.qubits:
            if qubit.name == name:
                return number, _member_of(one, name, sideband, origin_fs)
    return None


def _member_of(one: HeardFeedline, name: str, sideband: str, origin_fs: int) -> Member:
    run, feedline = one.run, one.run.feedline
    (at_rest,) = (qubit for qubit in feedline.qubits if qubit.name == name)
    on_its_line = [t for t in run.signals.drives if t.line == f"{name}.drive"]
    qubit = three_levels(pumped(at_rest, on_its_line))
    check_alone(qubit)
    _check_still(run, name)
    later = later_ns(qubit, feedline)
    own = drives_of(felt(qubit, on_its_line))
    # ASSUMED: a sideband's line is as long as the qubit's drive line, and what a mixer adds to it
    # is far from any resonance.
    on_sideband = [t for t in run.signals.drives if t.line == sideband and not t.spur]
    windows = joined(drives_of(on_sideband), JOINED_NS)
    silence, episodes = drives_of([]), _episodes(one)
    schedule = schedule_of(silence, later, episodes)
    shots = prepare(qubit, schedule, episodes, silence, (0.0, 0.0), False, coherent=True)
    _, fraction = flight(feedline)
    from_origin_fs = run.signals.start_tai_fs - origin_fs
    delay_fs = round(FS_PER_NS * qubit.drive_delay_ns) + from_origin_fs

    def world_fs(at_ns: NDArray[np.int64]) -> NDArray[np.int64]:
        played_ns = at_ns - later
        return played_ns * FS_PER_NS + one.late_fs(played_ns) + delay_fs

    return Member(
        qubit=qubit,
        run=run.signals.run,
        drives=replace(own, start_ns=own.start_ns + later),
        windows=replace(windows, start_ns=windows.start_ns + later),
        world_fs=world_fs,
        readings=shots.readings,
        pace=shots.pace,
        lit_ns=schedule.start_ns[schedule.sampled],
        episode=schedule.episode,
        fraction=fraction,
        slow_hz=run.slow_hz(run.signals, qubit),
    )


def _episodes(one: HeardFeedline) -> Episodes:
    run = one.run
    mine = (train for train in run.signals.drives if train.line == run.feedline.name)
    tones, _ = parted(run.feedline, mine)
    captures = [run.signals.captures[i] for i in one.mine]
    return episodes_of(run.feedline, tones, captures, driven_ns(run.signals, run.feedline))


def _check_still(run: FeedlineRun, name: str) -> None:
    """Raise NotSimulated for a qubit of a link that flux pulses of its run move."""
    pulses = [t for t in run.signals.drives if t.line in run.fluxes and t.start_ns.size]
    if run.flux_lines is None or not pulses:
        return
    if moving(run.flux_lines, name, pulses, run.signals.biases_v) is not None:
        raise NotSimulated(
            f"flux pulses move {name}, which sends or catches photons over a link in the same run: "
            "that is not simulated; play them in a run of their own"
        )
