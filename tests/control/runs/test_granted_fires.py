"""Fires that a client may ask of an agent: rules one by one, and all orders of a few messages."""

from dataclasses import dataclass, replace
from itertools import chain

import pytest
from tests.benches.runs.agent_events import EPOCHS, NEXT, RUN, STARTED, TOKEN, fresh

from podium.control.bus.messages import RunId
from podium.control.runs import agent_machine
from podium.control.runs.agent_values import (
    AgentState,
    Collected,
    MakeSafe,
    PlayFired,
    Reply,
    RequestReceived,
)
from podium.control.runs.coordinator_machine import CoordinatorSide
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.granted_fires import GrantedFires, begun, counted, noted
from podium.control.runs.messages import (
    UNVERIFIED,
    AtOnce,
    Beat,
    FiredProgram,
    FireGrant,
    Prepare,
    Present,
    Report,
    Start,
)
from podium.control.runs.run_values import HeldProgram, Send

FIRED = FiredProgram("hash", b"values")
LAST = RunId(5, 3)
GRANT = FireGrant("secret", LAST, 1.0)
PREPARE = Prepare(RUN, 7, FIRED, AtOnce(TOKEN, GRANT))
AT = Start(STARTED.at, 0, UNVERIFIED)
REPORT = Report("node_a", RUN, "", "hash", EPOCHS, (), AT, 1, 0, 0, b"data")


@pytest.fixture
def granted() -> GrantedFires:
    one = noted(None, PREPARE, REPORT, 100.0)
    assert one is not None
    return one


def test_nothing_is_granted_by_what_has_not_played(granted) -> None:
    assert noted(None, PREPARE, replace(REPORT, ended="it hung"), 100.0) is None
    assert noted(None, replace(PREPARE, plan=AtOnce(TOKEN)), REPORT, 100.0) is None
    assert noted(None, PREPARE, None, 100.0) is None


def test_an_answer_said_again_renews_nothing(granted) -> None:
    over = replace(granted, recalled=True)
    assert noted(over, PREPARE, REPORT, 200.0) == over


@pytest.mark.parametrize(
    ("run", "secret", "now_s", "why"),
    [
        (NEXT, "guessed", 100.0, "no fire was granted as run 5-00002"),
        (RUN, "secret", 100.0, "no fire was granted as run 5-00001"),
        (RunId(5, 4), "secret", 100.0, "no fire was granted as run 5-00004"),
        (RunId(6, 2), "secret", 100.0, "no fire was granted as run 6-00002"),
        (NEXT, "secret", 101.1, "the time of the grant is over"),
    ],
)
def test_what_was_not_granted_does_not_begin(granted, run, secret, now_s, why) -> None:
    assert begun(granted, run, secret, now_s) == why
    assert begun(None, run, secret, now_s) == f"no fire was granted as run {run}"


def test_once_recalled_none_begins_and_what_has_begun_is_answered_again(granted) -> None:
    on = begun(granted, NEXT, "secret", 100.5)
    assert isinstance(on, GrantedFires)
    over = replace(on, recalled=True)
    assert begun(over, NEXT, "secret", 200.0) == over
    assert begun(over, LAST, "secret", 100.5) == "the grant was recalled"


def test_each_is_counted_once(granted) -> None:
    twice = counted(counted(granted, NEXT), NEXT)
    assert twice.done == 1
    assert counted(twice, LAST).done == 2


def test_it_is_the_request_that_the_coordinator_would_make(granted) -> None:
    assert granted.request(NEXT, 7, b"values") == Prepare(NEXT, 7, FIRED, AtOnce(TOKEN))


def test_the_coordinator_keeps_their_numbers_free() -> None:
    side = CoordinatorSide(5)
    side.handle(Beat("node_a", 7), 0.0)
    side.handle(Present("node_a", 7, None, ""), 0.0)
    held = HeldProgram(FIRED, 7, TOKEN, 20, granted=2, secret="secret", granted_s=1.0)
    first = Submitted("one", "", ("node_a",), True, kept=False, turn_held=True, held=held)
    (sent,) = [one for one in side.handle(first, 0.0) if isinstance(one, Send)]
    assert sent.request == PREPARE
    side.handle(REPORT, 0.1)
    second = replace(first, ticket="two", held=replace(held, granted=0))
    (sent,) = [one for one in side.handle(second, 0.2) if isinstance(one, Send)]
    assert sent.request == Prepare(RunId(5, 4), 7, FIRED, AtOnce(TOKEN))


# All orders of a few messages: a client, a coordinator, an agent, and a bus that loses and repeats


@dataclass(frozen=True, slots=True)
class World:
    """What the three know, and what has happened."""

    agent: AgentState
    granted: GrantedFires | None
    asked: int = 1
    """The client has asked for runs up to this number; it asks for the next after an answer."""
    waits: bool = False
    """It has no answer yet."""
    recalling: bool = False
    free: bool = False
    """The recall was answered: the turn is somebody else's."""
    other: bool = False
    """He has asked for a run."""
    played: tuple[RunId, ...] = ()
    noted: frozenset[str] = frozenset()


OTHERS = RunId(5, 9)


def _heard(world: World, request: Prepare) -> World:
    agent, actions = agent_machine.step(world.agent, RequestReceived(request), 100.0)
    return _acted(replace(world, agent=agent), actions)


def _acted(world: World, actions) -> World:
    for action in actions:
        match action:
            case PlayFired(run):
                assert run not in world.played, "it is played once"
                assert not (world.free and run < OTHERS), "nothing begins once it was recalled"
                world = replace(world, played=(*world.played, run))
            case MakeSafe():
                raise AssertionError("no fire is cut off by another one")
            case Reply():
                pass
    return world


def _plays(world: World) -> RunId | None:
    hand = world.agent.hand
    return None if hand is None or hand.report is not None else hand.run


def _steps(world: World):
    """Give each world that may come next."""
    if not world.waits and world.asked < LAST.number:
        yield replace(world, asked=world.asked + 1, waits=True)
    for number in range(2, world.asked + 1):  # each of its messages comes, again and late too
        run = RunId(5, number)
        if not (world.waits and number == world.asked) and number != world.asked - 1:
            continue
        now = begun(world.granted, run, "secret", 100.0)
        if isinstance(now, str):
            noted = world.noted | ({"refused"} if number == world.asked else set())
            yield replace(world, waits=False, asked=LAST.number, noted=noted)
            continue
        again = {"said again"} if run in world.played else set()
        then = _heard(replace(world, granted=now), now.request(run, 7, b"values"))
        yield replace(then, noted=then.noted | again)
    if (run := _plays(world)) is not None:
        report = Collected(run, EPOCHS, (), AT, 1, 0, 0, b"data")
        agent, actions = agent_machine.step(world.agent, report, 100.0)
        yield _acted(replace(world, agent=agent), actions)
    if world.waits and world.asked in {run.number for run in world.played} and not _plays(world):
        yield replace(world, waits=False)  # its answer has come
    if not world.recalling:
        yield replace(world, recalling=True)
    if world.recalling and not world.free and world.granted is not None:
        over = replace(world.granted, recalled=True)
        if _plays(world) is None:
            yield replace(world, granted=over, free=True)
        else:
            yield replace(world, granted=over, noted=world.noted | {"recalled while it plays"})
    if world.free and not world.other:
        yield _heard(replace(world, other=True), Prepare(OTHERS, 7, FIRED, AtOnce(TOKEN)))


def test_in_no_order_of_messages_does_a_fire_begin_late_or_twice_or_cut_another_off() -> None:
    told = fresh().hear(Prepare(RUN, 7, FIRED, AtOnce(TOKEN, GRANT)))
    told.tell(Collected(RUN, EPOCHS, (), AT, 1, 0, 0, b"data"))
    first = World(told.state, noted(None, PREPARE, REPORT, 100.0), played=(RUN,))
    seen, new = {first}, [first]
    while new:
        new = [one for one in chain.from_iterable(map(_steps, new)) if one not in seen]
        new = list(dict.fromkeys(new))
        seen.update(new)
    sometimes = frozenset().union(*(one.noted for one in seen))
    assert sometimes == {"refused", "said again", "recalled while it plays"}
    assert any(OTHERS in one.played and LAST in one.played for one in seen)
    assert any(OTHERS in one.played and LAST not in one.played for one in seen)
