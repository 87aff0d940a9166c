"""Plays a scenario into a running simulation through its back door, in world time."""

from collections.abc import Callable

from podium.sim_instruments.scenarios.act_execution import ActExecution, Ask
from podium.sim_instruments.scenarios.rules import Rule
from podium.sim_instruments.scenarios.scenario import Act, Scenario, ScenarioError
from podium.sim_instruments.scenarios.score import Look, PlayEvent, Score, score
from podium.sim_instruments.servers.back_door import BY_SCENARIO

Wait = Callable[[float], None]
"""Returns when so many s of world time, since the simulation began, are over."""
SOLUTION = "solution"
RULE = "rule"


def play(
    scenario: Scenario,
    execution: ActExecution,
    wait: Wait,
    *,
    solved: bool = False,
    rule: Rule | None = None,
    tell: Callable[[PlayEvent], None] = lambda event: None,
) -> Score:
    """Play a scenario from now to its end, and score it by the truth.

    ``solved``: its written solution is played, too. ``rule`` acts after each look. ``tell`` hears
    of each event. Raises :class:`.ScenarioError` when the simulation lacks what the scenario is
    about (nothing has gone wrong there then), and where an act cannot be done.
    """
    ask = execution.ask
    begin_s = _now_s(ask)
    first = _state(scenario, ask)
    before = {name: first[name] for name in COUNTED & first.keys()}
    looks = [Look(0.0, _since(first, before))]
    events: list[PlayEvent] = []

    def note(by: str, words: str) -> None:
        elapsed_s = _now_s(ask) - begin_s
        event = PlayEvent(elapsed_s, scenario.time_of_day(elapsed_s), by, words)
        events.append(event)
        tell(event)

    for at_s, acts in _timetable(scenario, solved):
        wait(begin_s + at_s)
        for by, one in acts:
            execution.do(one, by)
            note(by, one.words)
        elapsed_s = min(_now_s(ask) - begin_s, scenario.lasts)
        looks.append(Look(elapsed_s, _since(_state(scenario, ask), before)))
        if rule is not None and at_s < scenario.lasts:
            for words in rule.act(elapsed_s):
                note(RULE, words)
    return score(scenario, looks, events)


COUNTED = frozenset({"interventions"})
"""States that are counts since the simulation began: a play counts from its own begin."""


def _since(state: dict[str, float], before: dict[str, float]) -> dict[str, float]:
    return {name: value - before.get(name, 0.0) for name, value in state.items()}


def _timetable(scenario: Scenario, solved: bool) -> list[tuple[float, list[tuple[str, Act]]]]:
    """Return the times of looks and acts in order, s, with what is done at each."""
    at: dict[float, list[tuple[str, Act]]] = {scenario.lasts: []}
    for number in range(1, int(scenario.lasts / scenario.look_every) + 1):
        at[number * scenario.look_every] = []
    acts = [(BY_SCENARIO, one) for one in scenario.faults]
    acts += [(SOLUTION, one) for one in scenario.solution if solved]
    for by, one in acts:
        at.setdefault(one.at, []).append((by, one))
    return sorted(at.items(), key=lambda due: due[0])


def _now_s(ask: Ask) -> float:
    return float(ask({"do": "time"})["since_start_s"])


def _state(scenario: Scenario, ask: Ask) -> dict[str, float]:
    """Return those states that the scenario looks at."""
    told = ask({"do": "state"})
    missing = sorted(scenario.states - told.keys())
    if missing:
        raise ScenarioError(
            f"{scenario.name} is of the facility {scenario.facility}: this simulation has no "
            f"{missing[0]}; serve examples/{scenario.facility}/facility.yaml"
        )
    return {name: float(told[name]) for name in scenario.states}
