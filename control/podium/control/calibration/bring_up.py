"""Brings qubits up from nothing: each routine finds what the next ones need."""

from collections.abc import AsyncIterator, Mapping

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import (
    BRING_UP,
    DECLARATIONS,
    ROUTINES,
    cannot_calibrate,
    needs_of,
    targets_edges,
)
from podium.control.calibration.declaration import Routine
from podium.control.calibration.gate_path import defects_in_path
from podium.control.calibration.outcome import Outcome, joined
from podium.control.calibration.sequences import all_pulses, resets_actively
from podium.control.calibration.shelving import has_plasmon_line
from podium.control.calibration.target import Target
from podium.control.facility.edges import Edge
from podium.control.parameters.entry import NotMeasured
from podium.control.runs.errors import RunRefused

ROUGHLY = 0.3
"""Share of its shots at most that a routine is done with which comes again later."""
DECAYS_WITH_FLIPS = {"relaxation": 0.4, "ramsey": 0.1}
"""The same where flips reset the qubits: what these first scans find lays out the second ones, and
is needed well where shots wait: waits are so many T1."""
RESTS = {"thermal_population": 0.12}
"""The same, whatever resets qubits: the first scan tells how many shots the second one needs."""


async def bring_up(
    bench: Bench,
    steps: tuple[str, ...] = BRING_UP,
    routines: Mapping[str, Routine] = ROUTINES,
) -> AsyncIterator[Outcome]:
    """Run ``steps`` on all qubits, yielding each outcome; the bench receives each before it begins.

    A routine that comes again later is done with :data:`ROUGHLY` of its shots at most.
    A qubit for which a routine finds nothing is left out of the routines that need it: they say
    so. Raises what the runner raises when the facility itself fails.
    """
    lost: set[str] = set()
    thoroughness = bench.thoroughness
    for number, name in enumerate(steps):
        able = tuple(one for one in _asked(bench, name) if one.name not in lost)
        if not able:
            continue
        again = name in steps[number + 1 :]
        bench.thoroughness = (
            min(thoroughness, _roughly(bench, lost, name)) if again else thoroughness
        )
        await bench.begin_step(number + 1, name)
        try:
            outcome = await _for_its_gates(routines[name], bench, able, name)
        finally:
            bench.thoroughness = thoroughness
        if name in DECLARATIONS and DECLARATIONS[name].essential:
            lost.update(outcome.failures)  # a feedline may be among them, and harms nobody
        await bench.keep_outcome(outcome)
        yield outcome


def _asked(bench: Bench, routine: str) -> tuple[Target, ...]:
    """Return what a routine works on of all that is on the bench."""
    if targets_edges(routine):
        return bench.edges
    if routine in DECLARATIONS and DECLARATIONS[routine].targets == "plasmon qubits":
        return tuple(q for q in bench.qubits if has_plasmon_line(bench, q))
    return bench.qubits


def _roughly(bench: Bench, lost: set[str], routine: str) -> float:
    """Return the share of its shots with which a routine makes do that comes again."""
    qubits = tuple(q for q in bench.qubits if q.name not in lost)
    if routine in DECAYS_WITH_FLIPS and resets_actively(all_pulses(bench, qubits)):
        return DECAYS_WITH_FLIPS[routine]
    return RESTS.get(routine, ROUGHLY)


async def _for_its_gates(
    routine: Routine, bench: Bench, targets: tuple[Target, ...], name: str
) -> Outcome:
    """Run a routine on those edges that have a gate that it is for; where none has, say so."""
    reasons = {one.name: cannot_calibrate(name, one) for one in targets}
    suited = tuple(one for one in targets if reasons[one.name] is None)
    if suited:
        outcome = await _attempt(routine, bench, suited, name)
        _name_defects(bench, outcome, suited)
        return outcome
    outcome = Outcome(name, name.replace("_", " ").capitalize())
    outcome.failures = {key: reason for key, reason in reasons.items() if reason is not None}
    return outcome


def _name_defects(bench: Bench, outcome: Outcome, targets: tuple[Target, ...]) -> None:
    """Add to failures on edges which defects lie in the path of their pulse, where any is known."""
    for target in targets:
        if isinstance(target, Edge) and target.name in outcome.failures:
            found = defects_in_path(bench, target)
            if found:
                outcome.failures[target.name] += f"; {found}"


async def _attempt(
    routine: Routine, bench: Bench, qubits: tuple[Target, ...], name: str
) -> Outcome:
    """Run a routine; what it misses of single qubits fails those qubits only."""
    try:
        done: Outcome | None = None
        for group in _groups(bench, name, qubits):
            await bench.begin(needs_of(name), group)
            more = await _flipping_if_it_can(routine, bench, group)
            more.notes += bench.known_now.said.values()
            more.assumed += bench.told_assumed()
            done = more if done is None else joined(done, more)
        if done is None:
            raise ValueError(f"{name} was asked to work on nothing")
        return done
    except NotMeasured as error:
        outcome = Outcome(name, name.replace("_", " ").capitalize())
        missing = [q for q in qubits if _is_of(error.name, q)]
        if not missing:
            raise
        for q in missing:
            outcome.failures[q.name] = str(error)
        rest = tuple(q for q in qubits if q not in missing)
        if not rest:
            return outcome
        again = await _attempt(routine, bench, rest, name)
        again.failures.update(outcome.failures)
        return again


async def _flipping_if_it_can(routine: Routine, bench: Bench, group: tuple[Target, ...]) -> Outcome:
    """Run a routine; where its controllers refuse a program with flips, once more with waits.

    Nothing of a refused program is played. Raises RunRefused where waits do not help.
    """
    try:
        return await routine(bench, group)
    except RunRefused as error:
        if not bench.active_reset:
            raise
        reason = str(error)
    bench.active_reset = False
    try:
        outcome = await routine(bench, group)
    finally:
        bench.active_reset = True
    outcome.notes.append(f"qubits waited, as a program with flips was refused: {reason}")
    return outcome


def _groups(bench: Bench, routine: str, targets: tuple[Target, ...]) -> list[tuple[Target, ...]]:
    """Return targets in groups that are worked on one after another.

    Coupled qubits are in different ones where the routine is declared so.
    """
    if routine not in DECLARATIONS or not DECLARATIONS[routine].apart:
        return [targets]
    node = bench.runner.facility.nodes[bench.node]
    pairs = [edge.ends for edge in node.edges.values()]
    pairs += [coupling.ends for coupling in node.couplings.values()]
    coupled = {frozenset(f"{bench.node}.{end}" for end in ends) for ends in pairs}
    groups: list[list[Target]] = []
    for one in targets:
        free = (
            group
            for group in groups
            if not any(frozenset((one.name, other.name)) in coupled for other in group)
        )
        group = next(free, None)
        if group is None:
            groups.append([one])
        else:
            group.append(one)
    return [tuple(group) for group in groups]


def _is_of(parameter: str, target: Target) -> bool:
    """Tell whether a parameter is of a qubit, or of an edge or one of its ends."""
    names = [target.name]
    if isinstance(target, Edge):
        names += [f"{target.node}.{end}" for end in target.ends]
    return any(f"{parameter}.".startswith(f"{name}.") for name in names)
