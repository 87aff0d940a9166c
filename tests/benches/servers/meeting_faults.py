"""Meetings of two runs in which something goes wrong, and what can be true of their results.

A case is drawn from a seed: when each of two clusters enters a meeting or why it does not, what
happens to its run, to the cables and to the link. One sends a photon in each shot, the other
catches it. The judge knows pulses and instants alone.
"""

from collections.abc import Sequence
from concurrent.futures import Future, ThreadPoolExecutor, wait
from dataclasses import dataclass, field, replace
from functools import cache, partial
from threading import Event

import numpy as np
from tests.benches.physics.linked_nodes import (
    PERIOD_NS,
    Gate,
    PhotonExchange,
    link_of,
    nodes,
    run_of,
    world_of,
)

from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
from podium.sim_instruments.servers.meetings import Meetings
from podium.sim_instruments.twins.twin import IDLE, Horizon

FS = 10**6
START_FS = 10**24
SHOTS = 4
PAIR = nodes(t1=30e-6)
LINK = link_of(*PAIR)
SEND = (Gate("ge", 100), Gate("ef", 140), Gate("sideband", 180))
CATCH = (Gate("sideband", 185), Gate("ef", 365))
SENT_NS, CAUGHT_NS = 180, 185
NAMES = ("cluster_a", "cluster_b")
SIDEBANDS = tuple(f"{one.name}.sideband" for one in PAIR)
ARMED = Horizon(armed=True, busy_until_fs=None, computing=False)
COMPUTING = Horizon(armed=False, busy_until_fs=None, computing=True)
DEADLINE_FS = 10**15
FATES = ("plays",) * 6 + ("idle", "armed", "aborted", "hangs", "stopped", "dead", "unplugged")
OFFSETS_NS = (0, 0, 0, PERIOD_NS, 2 * PERIOD_NS, 60_000, 8 * PERIOD_NS)
STEPS = 4


@dataclass(frozen=True, slots=True)
class Part:
    """What one cluster does in a case."""

    fate: str
    enters: int
    """Before which look, of those that play."""
    before: str
    """Before it enters: computes, armed (computes behind its start) or idle."""
    start_fs: int
    stopped_fs: int

    @property
    def comes(self) -> bool:
        return self.fate not in ("idle", "armed", "aborted", "hangs")

    @property
    def end_fs(self) -> int:
        return self.start_fs + SHOTS * PERIOD_NS * FS


@dataclass(frozen=True, slots=True)
class Case:
    """Two parts, and what is wrong with link and cables."""

    parts: tuple[Part, Part]
    cut: bool
    swapped: bool


@dataclass(slots=True)
class Outcome:
    """Levels (shots,) found by each, or why there are none; None: it did not come."""

    case: Case
    levels: list["np.ndarray | None"] = field(default_factory=lambda: [None, None])
    errors: list[BaseException | None] = field(default_factory=lambda: [None, None])
    hung: list[str] = field(default_factory=list)


def case_of(seed: int) -> Case:
    draw = np.random.default_rng([20260, seed])
    parts = []
    for _ in NAMES:
        start_fs = START_FS + FS * int(draw.choice(OFFSETS_NS))
        stop_ns = int(draw.integers(0, SHOTS)) * PERIOD_NS + int(draw.choice([90, 1_000]))
        parts.append(
            Part(
                str(draw.choice(FATES)),
                int(draw.integers(0, STEPS)),
                str(draw.choice(["computes", "armed", "idle"])),
                start_fs,
                start_fs + stop_ns * FS,
            )
        )
    return Case((parts[0], parts[1]), draw.random() < 0.15, draw.random() < 0.15)


def signals_of(case: Case, end: int, run: int) -> RunSignals:
    """Return what arrives at the world's lines of a cluster's run."""
    gates = SEND if end == 0 else CATCH
    part = case.parts[end]
    whole = run_of(PAIR[end], gates, SHOTS, run=run, start_fs=part.start_fs)
    line, drives = SIDEBANDS[end], whole.drives
    if part.fate == "unplugged":
        drives = tuple(train for train in drives if train.line != line)
    if case.swapped:
        other = SIDEBANDS[1 - end]
        drives = tuple(replace(t, line=other) if t.line == line else t for t in drives)
    return replace(whole, drives=drives)


@cache
def reference() -> list[np.ndarray]:
    """Return the signal of each level (3,) of both qubits."""
    found, world = [], world_of(PAIR, LINK, PhotonExchange())
    for one in PAIR:
        prepared = ([], [Gate("ge", 1_900)], [Gate("ge", 1_860), Gate("ef", 1_900)])
        runs = [run_of(one, gates, 12) for gates in prepared]
        found.append(np.array([np.median(world.play(run)[0].integrated) for run in runs]))
    return found


def played(case: Case, number: int) -> Outcome:
    """Play a case through a meeting; every thread has ended when this returns."""
    outcome = Outcome(case)
    drivers = dict(zip(SIDEBANDS, NAMES[::-1] if case.swapped else NAMES, strict=True))
    world = world_of(PAIR, LINK, PhotonExchange())
    told = [Event() for _ in NAMES]

    def together(runs: Sequence[MeetingRun]) -> list[tuple[CaptureAnswer, ...]]:
        """Have no run answered before its stop: whose instrument was answered was not stopped."""
        answers = world.meet(runs)
        for run in runs:
            told[run.signals.run % 2].wait()
        return answers

    meetings = Meetings([LINK], lambda: drivers, together, 60.0, DEADLINE_FS)
    levels = reference()
    futures: list[Future[np.ndarray] | None] = [None, None]
    cut = frozenset({LINK.name} if case.cut else ())

    def horizon(name: str) -> Horizon:
        end = NAMES.index(name)
        part, future = case.parts[end], futures[end]
        if future is not None:
            over = future.done() or part.fate == "dead"
            return IDLE if over else COMPUTING
        if part.fate == "hangs" or (part.comes and part.before == "computes"):
            return COMPUTING
        if "idle" in (part.fate, part.before if part.comes else "") or (
            part.fate == "aborted" and now_fs > part.stopped_fs
        ):
            return IDLE
        if part.comes:
            return ARMED if now_fs < part.start_fs else COMPUTING
        return ARMED

    def work(end: int) -> np.ndarray:
        run = MeetingRun(signals_of(case, end, 2 * number + end), np.zeros_like, cut)
        (answer,) = meetings.play(NAMES[end], run)
        far = np.abs(answer.integrated[:, None] - levels[end])
        silent = np.abs(answer.integrated) < 0.1 * np.abs(levels[end]).min()
        return np.where(silent, -1, far.argmin(axis=1))

    with ThreadPoolExecutor(len(NAMES)) as pool:
        last_fs = max(part.end_fs for part in case.parts)
        for step in range(STEPS + 2):
            now_fs = START_FS + step * (last_fs - START_FS) // STEPS
            if step == STEPS + 1:
                _settle(meetings, futures, partial(meetings.look, now_fs, horizon))
                now_fs = last_fs + DEADLINE_FS + FS * 10**6
            for end, part in enumerate(case.parts):
                if part.comes and part.enters == step:
                    _enter(meetings, pool, futures, work, part, end, 2 * number + end, told[end])
            meetings.look(now_fs, horizon)
        begun = [future for future in futures if future is not None]
        _, hung = wait(begun, 20.0)
        meetings.look(now_fs, horizon)
        _, hung = wait(begun, 20.0)
        outcome.hung = [NAMES[end] for end, one in enumerate(futures) if one in hung]
        meetings.close()
    for end, future in enumerate(futures):
        if future is not None:
            outcome.errors[end] = future.exception()
            outcome.levels[end] = None if outcome.errors[end] else future.result()
    return outcome


def _settle(meetings, futures, look) -> None:  # type: ignore[no-untyped-def]
    """Let all be played that can: world time does not leap meanwhile."""
    for _ in range(10_000):
        look()
        left = [one for one in futures if one is not None and not one.done()]
        if not meetings._playing and len(left) == len(meetings._waiting):
            break
        Event().wait(0.001)


def _enter(meetings, pool, futures, work, part, end, run, told) -> None:  # type: ignore[no-untyped-def]
    """Have a run enter; ``told`` is set once it is known whether and when it was stopped."""
    stops = part.fate in ("stopped", "dead")
    early = stops and run % 4 < 2
    if early:  # stopped while its signals are worked out
        meetings.stopped(NAMES[end], run, "", part.stopped_fs)
    if early or not stops:
        told.set()
    before = len(meetings._waiting)
    futures[end] = pool.submit(work, end)
    while not futures[end].done() and len(meetings._waiting) == before:
        if meetings._playing:
            break
        Event().wait(0.0005)
    if stops and not early:
        meetings.stopped(NAMES[end], run, "", part.stopped_fs)
        told.set()


def instants(case: Case, end: int, at_ns: int) -> list[int]:
    """Return when a cluster's sideband pulses begin, fs; none of it where its cable is off."""
    part = case.parts[end]
    if part.fate == "unplugged" or case.swapped:
        return []
    stops = part.fate in ("stopped", "dead")
    found = [part.start_fs + FS * (shot * PERIOD_NS + at_ns) for shot in range(SHOTS)]
    return [at for at in found if not stops or at < part.stopped_fs]


def contradictions(outcome: Outcome) -> tuple[list[str], Sequence[bool]]:
    """Return what cannot be true, and of all that is likely whether it is so."""
    case, wrong = outcome.case, []
    arrived: list[bool] = []
    caught: list[bool] = []
    answered = [levels is not None for levels in outcome.levels]
    sent = instants(case, 0, SENT_NS) if answered[0] else []
    arrivals = {at + LINK.delay_fs for at in sent} if not case.cut else set()
    for end, levels in enumerate(outcome.levels):
        part = case.parts[end]
        own = instants(case, end, (SENT_NS, CAUGHT_NS)[end])
        for shot, level in enumerate([] if levels is None else levels.tolist()):
            begin = part.start_fs + FS * shot * PERIOD_NS
            read = begin + 2_000 * FS
            if part.fate in ("stopped", "dead") and read >= part.stopped_fs:
                if level != -1:
                    wrong.append(f"{NAMES[end]} shot {shot}: a readout after its stop")
                continue
            plays = any(begin <= at < read for at in own)
            if end == 0 and plays:
                arrived.append(level == 0)  # f decays a little before it is sent
                if level == 2:
                    wrong.append(f"{NAMES[end]} shot {shot}: a photon was sent and f is left")
            if end == 0 and not plays:
                arrived.append(level == 2)  # nothing takes f away, but it decays
            if end == 1:
                hits = plays and begin + CAUGHT_NS * FS in arrivals
                if not hits and level != 0:
                    wrong.append(f"{NAMES[end]} shot {shot}: {level} without a photon")
                if hits:
                    caught.append(level == 1)
    if len(caught) > 2 and not any(caught):
        wrong.append(f"none of {len(caught)} photons arrives")
    arrived += caught
    return wrong, arrived
