"""What is explored: agents, jobs, faults; and which of its histories are the same by exchange."""

from dataclasses import dataclass, replace
from itertools import permutations

from tests.explorer.abstraction import Exchange
from tests.explorer.jobs import Wanted

from podium.control.bus.messages import RunId
from podium.control.runs.messages import UNVERIFIED

STRANGE = "stranger says what is wrong"
REPLACED = "coordinator is replaced"
MESSAGES = "message is lost", "message is repeated", "message is slow", STRANGE
CRASHES = "agent crashes", "coordinator crashes", REPLACED
OF_PROCESSES = "agent freezes", "coordinator freezes"
OF_HARDWARE = (
    "hardware fails",
    "hardware is slow",
    "compiled otherwise",
    "clock re-locks",
    "edge lost",
    "edge late",
)
OF_PEOPLE = "job is withdrawn", "job is wanted again"
KINDS = (*MESSAGES, *CRASHES, *OF_PROCESSES, *OF_HARDWARE, *OF_PEOPLE)
USUAL = tuple(one for one in KINDS if one not in (STRANGE, REPLACED))
"""Without strangers and coordinators that wake up again: those have scenarios of their own."""
ONCE = {
    **dict.fromkeys(CRASHES, 1),
    "clock re-locks": 2,
    "job is withdrawn": 4,
    "job is wanted again": 8,
}
"""Faults that happen once in a history, as bits; of crashes there is one, whoever's."""


@dataclass(frozen=True, slots=True)
class Scenario:
    """What is explored."""

    name: str
    agents: tuple[str, ...]
    jobs: tuple[Wanted, ...]
    kinds: tuple[str, ...] = USUAL
    """Faults that happen."""
    faults: int = 99
    """At most so many in a history."""
    in_flight: int = 3
    """So many messages are on their way at once: what finds no room is lost."""
    sources: tuple[tuple[str, str], ...] = ()
    """Where starts of an agent are taken from, unless it is a capture."""
    newborn: bool = False
    """Whether its agents have just been started; otherwise they are well and greeted."""


BOTH, A, B = ("a", "b"), ("a",), ("b",)
ONE_JOB = (Wanted("job 1", A),)
TWO_JOBS = (*ONE_JOB, Wanted("job 2", A))
ONE_AT_ONCE = (Wanted("job 1", A, True),)
OF_BOTH = (Wanted("job 1", BOTH),)
TWO_NODES = Scenario("two nodes, two jobs", BOTH, (*OF_BOTH, Wanted("job 2", BOTH)))
THREE_NODES = Scenario(
    "three nodes",
    ("a", "b", "c"),
    (Wanted("job 1", ("a", "b", "c")), Wanted("job 2", BOTH), Wanted("job 3", A, True)),
    in_flight=4,
)
SIDE_BY_SIDE = Scenario("two nodes, a job for each", BOTH, (*ONE_JOB, Wanted("job 2", B)))
ONE_NODE = Scenario("one node, two jobs", A, TWO_JOBS)
AT_ONCE = Scenario("at once, then at a time", A, (*ONE_AT_ONCE, Wanted("job 2", A)))
BOTH_WAYS = Scenario("one at once, two at a time", BOTH, (*ONE_AT_ONCE, Wanted("job 2", BOTH)))
NOT_SAFE_AT_ONCE = Scenario(
    "at once where something is not safe",
    A,
    ONE_AT_ONCE,
    ("hardware fails", "hardware is slow", "job is withdrawn"),
    2,
    newborn=True,
)
SLOW_CLOCK = Scenario("slow clock", A, ONE_JOB, ("message is lost", "hardware is slow"), 2)
FROZEN_AT_FIRE = Scenario(
    "frozen while it fires", A, ONE_JOB, ("coordinator freezes", "message is lost"), 2
)
A_COORDINATOR_WAKES_UP = Scenario(
    "a coordinator that was replaced wakes up",
    BOTH,
    (*OF_BOTH, Wanted("job 2", A, True)),
    (REPLACED,),
    1,
)
STRANGERS = Scenario("strangers", A, ONE_JOB, (STRANGE, "agent crashes", "hardware fails"), 3)
STRANGERS_AT_ONCE = Scenario("strangers at once", A, ONE_AT_ONCE, (STRANGE,), 1)
LATE_AFTER_A_CRASH = Scenario(
    "late after a crash",
    A,
    ONE_JOB,
    ("agent crashes", "coordinator crashes", "message is slow", "message is lost"),
    2,
)
SLOW_TWICE = Scenario(
    "slow twice",
    A,
    ONE_JOB,
    ("message is slow", "hardware is slow", "hardware fails", "job is withdrawn"),
    2,
)
UNVERIFIED_NODE = Scenario(
    "a node that cannot tell its start",
    BOTH,
    (*OF_BOTH, Wanted("job 2", A)),
    (),
    0,
    sources=(("a", UNVERIFIED),),
)
IN_MAKE_TEST = (
    (TWO_NODES, 71_000),
    (SIDE_BY_SIDE, 4_000),
    (AT_ONCE, 5_000),
    (BOTH_WAYS, 4_000),
    (NOT_SAFE_AT_ONCE, 5_000),
    (SLOW_CLOCK, 4_500),
    (FROZEN_AT_FIRE, 3_000),
    (A_COORDINATOR_WAKES_UP, 6_000),
    (LATE_AFTER_A_CRASH, 6_000),
    (SLOW_TWICE, 3_000),
    (STRANGERS, 2_500),
    (STRANGERS_AT_ONCE, 1_000),
    (UNVERIFIED_NODE, 2_000),
)
"""What is explored each time, with how many states at most."""


@dataclass(frozen=True, slots=True)
class Group:
    """An exchange that makes of each history another one."""

    number: int
    places: tuple[int, ...]
    """Where each agent's place goes."""
    first: int
    """Which of them goes to the first place."""
    exchange: Exchange


def groups_of(scenario: Scenario) -> tuple[Group, ...]:
    """Return the exchanges under which a scenario is the same; that of nothing is left out.

    Agents are exchanged together with the jobs that want them. Where no two jobs share an agent,
    the two runs of the first session are exchanged as well: nobody compares their numbers.
    """
    agents = scenario.agents
    wanted = {job.ticket: (frozenset(job.agents), job.at_once) for job in scenario.jobs}
    sources = dict(scenario.sources)
    all_agents = [agent for job in scenario.jobs for agent in job.agents]
    disjoint = len(all_agents) == len(set(all_agents))
    runs: list[tuple[tuple[RunId, RunId], ...]] = [()]
    if disjoint and len(wanted) == 2:
        one, other = RunId(1, 1), RunId(1, 2)
        runs.append(((one, other), (other, one)))
    found: list[Group] = []
    for order in permutations(range(len(agents))):
        names = {agents[one]: agents[order[one]] for one in range(len(agents))}
        if any(sources.get(one) != sources.get(names[one]) for one in agents):
            continue
        tickets = _tickets_of(wanted, names)
        if tickets is None:
            continue
        same = all(one == other for one, other in (names | tickets).items())
        clocks = {f"clock of {one}": f"clock of {other}" for one, other in names.items()}
        pairs = tuple((names | tickets | clocks).items())
        found += [
            Group(0, order, order.index(0), Exchange(pairs, exchanged))
            for exchanged in runs
            if exchanged or not same
        ]
    return tuple(replace(one, number=number) for number, one in enumerate(found))


def _tickets_of(
    wanted: dict[str, tuple[frozenset[str], bool]], names: dict[str, str]
) -> dict[str, str] | None:
    left = list(wanted)
    found = {}
    for ticket, (agents, at_once) in wanted.items():
        image = frozenset(names[one] for one in agents), at_once
        same = next((one for one in left if wanted[one] == image), None)
        if same is None:
            return None
        left.remove(same)
        found[ticket] = same
    return found
