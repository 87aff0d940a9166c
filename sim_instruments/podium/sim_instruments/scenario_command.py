"""``podium scenario``: written incidents for a person or a rule to master, scored by the truth."""

import json
import sys
import time
from argparse import ArgumentParser, Namespace
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

from podium.sim_instruments.serve_command import DONE, FOUND_PROBLEM, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from podium.sim_instruments.scenarios.act_execution import ControlProcesses
    from podium.sim_instruments.scenarios.rules import Desk
    from podium.sim_instruments.scenarios.scenario import Scenario
    from podium.sim_instruments.scenarios.score import PlayEvent, Score

PERSON, NOTHING, SOLUTION = "person", "nothing", "solution"
"""Who plays, of ``--rule``, besides a file."""
BY_SCENARIO = "scenario"
"""Shown to nobody before the end."""
LOOKS_S = 0.05
"""How often a clock is looked at that goes by itself, s of the wall."""


class ScenarioCommand:
    """The subcommand with its own subcommands."""

    name = "scenario"
    help = "play written incidents into a running simulation, and score who masters them"

    def add_arguments(self, parser: ArgumentParser, /) -> None:
        """Add list, run and score."""
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        listed = verbs.add_parser("list", help="list the incidents there are")
        listed.add_argument("--json", action="store_true", help="print JSON")

        played = verbs.add_parser("run", help="play an incident, and score what was done about it")
        played.add_argument("scenario", metavar="NAME", help="of `list`, or a file NAME.yaml")
        played.add_argument(
            "--rule",
            default=PERSON,
            metavar="WHO",
            help="who plays: a file RULE.py with a function act(desk); solution, what the incident "
            "says that masters it; nothing, nobody does anything; person (default), world time "
            "goes by itself and you act with other commands",
        )
        played.add_argument(
            "--endpoints",
            type=Path,
            metavar="FILE",
            help="play it into this running simulation (default: one of its own)",
        )
        played.add_argument(
            "--advance",
            action="store_true",
            help="with --endpoints: let world time pass, too; on a manual clock nobody else does",
        )
        played.add_argument(
            "--control",
            action="store_true",
            help="run `podium up` beside a simulation of its own (where the incident needs the "
            "control processes, they run in any case)",
        )
        played.add_argument(
            "--facility", type=Path, metavar="FILE", help="serve this one, and not the example"
        )
        played.add_argument(
            "--seed", type=int, default=0, metavar="N", help="of its world (default 0)"
        )
        played.add_argument(
            "--rate",
            type=int,
            metavar="N",
            help="world time goes N times as fast as the wall's where it goes by itself: for a "
            "person, and with control processes (default: as the incident says)",
        )
        played.add_argument("--hints", action="store_true", help="print its hints first")
        played.add_argument("--out", type=Path, metavar="FILE", help="write the result, as JSON")
        played.add_argument("--json", action="store_true", help="print the result as JSON")

        scored = verbs.add_parser("score", help="add up results that `run --out` wrote")
        scored.add_argument("results", type=Path, nargs="+", metavar="FILE", help="a result")
        scored.add_argument("--json", action="store_true", help="print JSON")

    def run(self, arguments: Namespace, /) -> int:
        """Carry out the verb; exit status 0 done, 1 not mastered or a problem, 2 wrong use."""
        verb = {"list": _list, "run": _run, "score": _score}[arguments.verb]
        try:
            return verb(arguments)
        except CommandFailed as ended:
            print(f"podium scenario {arguments.verb}: {ended}", file=sys.stderr)
            return ended.status


def _list(arguments: Namespace) -> int:
    from podium.sim_instruments.scenarios.scenario import ScenarioError, scenarios

    try:
        found = scenarios().values()
    except ScenarioError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    if arguments.json:
        keys = ("name", "title", "facility", "told", "hints", "needs_action", "control")
        rows = [{key: getattr(one, key) for key in keys} for one in found]
        whole = [
            {**row, "lasts_s": one.lasts, "of": one.of}
            for row, one in zip(rows, found, strict=True)
        ]
        print(json.dumps(whole))
        return DONE
    width = max(len(one.name) for one in found)
    for one in found:
        print(f"{one.name:{width}}  {one.facility:12}  {one.lasts / 60:5.0f} min  {one.title}")
    return DONE


def _run(arguments: Namespace) -> int:
    from podium.sim_instruments.scenarios.rules import rule_function
    from podium.sim_instruments.scenarios.scenario import ScenarioError, scenario_named

    try:
        scenario = scenario_named(arguments.scenario)
        function = None
        if arguments.rule not in (PERSON, NOTHING, SOLUTION):
            function = rule_function(Path(arguments.rule))
    except ScenarioError as error:
        raise CommandFailed(error, WRONG_USE) from error
    _check(arguments)
    if not arguments.json:
        _introduce(scenario, arguments.hints)
    try:
        result = _played(arguments, scenario, function).as_json()
    except ScenarioError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    try:
        if arguments.out is not None:
            arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    except OSError as error:
        raise CommandFailed(error, WRONG_USE) from error
    if arguments.json:
        print(json.dumps(result))
    else:
        _print_result(result)
    return DONE if result["mastered"] else FOUND_PROBLEM


def _check(arguments: Namespace) -> None:
    """Raise :class:`CommandFailed` where arguments make no sense together."""
    if arguments.rate is not None and arguments.rate < 1:
        raise CommandFailed(f"--rate {arguments.rate}: world time goes forward", WRONG_USE)
    if arguments.endpoints is None:
        if arguments.advance:
            raise CommandFailed("--advance wants --endpoints", WRONG_USE)
        return
    for name in ("control", "facility", "rate"):
        if getattr(arguments, name):
            raise CommandFailed(
                f"--{name} is of a simulation of its own: no --endpoints", WRONG_USE
            )


def _played(
    arguments: Namespace, scenario: "Scenario", function: "Callable[[Desk], object] | None"
) -> "Score":
    """Play into the simulation that is named, or into one of its own."""
    from podium.sim_instruments.scenarios.own_simulation import own_simulation
    from podium.sim_instruments.scenarios.scenario import ScenarioError

    if arguments.endpoints is not None:
        if scenario.control and arguments.rule != PERSON:
            raise ScenarioError(f"{scenario.name} needs control processes: leave --endpoints out")
        return _played_into(arguments, scenario, function, arguments.endpoints, None)
    control = scenario.control or arguments.control
    by_itself = control or arguments.rule == PERSON
    rate = (arguments.rate or scenario.rate) if by_itself else None
    with own_simulation(
        scenario, facility=arguments.facility, seed=arguments.seed, rate=rate, control=control
    ) as own:
        if arguments.rule == PERSON and not arguments.json:
            print(f"instruments: {own.endpoints}")
            if own.control is not None:
                print(f"control processes: podium cold status --state {own.control.state}")
            print(f"world time goes {rate} times as fast as yours", flush=True)
        arguments.advance = own.manual
        return _played_into(arguments, scenario, function, own.endpoints, own.control)


def _played_into(
    arguments: Namespace,
    scenario: "Scenario",
    function: "Callable[[Desk], object] | None",
    endpoints: Path,
    control: "ControlProcesses | None",
) -> "Score":
    from podium.sim_instruments.scenarios.act_execution import ActExecution, instruments_of
    from podium.sim_instruments.scenarios.incident_play import play
    from podium.sim_instruments.scenarios.rules import Rule
    from podium.sim_instruments.scenarios.scenario import ScenarioError
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    def asked(request: dict[str, Any]) -> Any:
        try:
            return ask(endpoints, request)
        except BackDoorError as error:
            raise ScenarioError(str(error)) from error

    def tell(event: "PlayEvent") -> None:
        if not arguments.json and event.by != BY_SCENARIO:
            print(f"{event.clock}  {event.what}", flush=True)

    execution = ActExecution(asked, instruments_of(endpoints), control)
    return play(
        scenario,
        execution,
        _advancing(asked) if arguments.advance else _waiting(asked),
        solved=arguments.rule == SOLUTION,
        rule=None if function is None else Rule(function, execution),
        tell=tell,
    )


def _introduce(scenario: "Scenario", hints: bool) -> None:
    print(f"{scenario.title}. It is {scenario.begins}; {scenario.lasts / 60:.0f} min are played.")
    print(scenario.told.strip(), flush=True)
    for hint in scenario.hints if hints else ():
        print(f"hint: {hint}", flush=True)


def _print_result(result: dict[str, Any]) -> None:
    for event in result["events"]:
        print(f"{event['clock']}  {event['by']}: {event['what']}")
    for one in result["conditions"]:
        print(f"{'met    ' if one['met'] else 'NOT MET'}  {one['points']:3d}  {one['what']}")
    for one in result["safeguards"]:
        print(f"{'held   ' if one['held'] else 'BROKEN '}  {-one['points']:3d}  {one['what']}")
    for one in result["costs"]:
        print(f"cost     {one['points']:5.1f}  {one['what']}: {one['amount']:.3g}")
    said = "mastered" if result["mastered"] else "not mastered"
    print(f"{result['name']}: {said}, {result['points']:g} of {result['of']} points")


def _advancing(ask: Callable[[dict[str, Any]], Any]) -> Callable[[float], None]:
    """Return what lets world time pass up to a time."""

    def wait(until_s: float) -> None:
        ahead_s = until_s - float(ask({"do": "time"})["since_start_s"])
        if ahead_s > 0.0:
            ask({"do": "advance", "seconds": ahead_s})

    return wait


def _waiting(ask: Callable[[dict[str, Any]], Any]) -> Callable[[float], None]:
    """Return what waits until world time, which goes by itself, has come to a time."""

    def wait(until_s: float) -> None:
        while float(ask({"do": "time"})["since_start_s"]) < until_s:
            time.sleep(LOOKS_S)

    return wait


def _score(arguments: Namespace) -> int:
    results: list[dict[str, Any]] = []
    for file in arguments.results:
        try:
            one = json.loads(file.read_text(encoding="utf-8"))
            kept = {key: one[key] for key in ("name", "mastered", "points", "of")}
            results.append({**kept, "points": float(kept["points"]), "of": int(kept["of"])})
        except OSError as error:
            raise CommandFailed(error, WRONG_USE) from error
        except (ValueError, KeyError, TypeError) as error:
            raise CommandFailed(
                f"{file} is no result of `podium scenario run --out`: {error}", FOUND_PROBLEM
            ) from error
    mastered = sum(one["mastered"] is True for one in results)
    total = {
        "played": len(results),
        "mastered": mastered,
        "points": round(sum(one["points"] for one in results), 1),
        "of": sum(one["of"] for one in results),
    }
    if arguments.json:
        print(json.dumps({**total, "scenarios": results}))
        return DONE
    for one in results:
        said = "mastered" if one["mastered"] is True else "not mastered"
        print(f"{one['name']}: {said}, {one['points']:g} of {one['of']} points")
    print(f"{mastered} of {len(results)} mastered, {total['points']:g} of {total['of']} points")
    return DONE
