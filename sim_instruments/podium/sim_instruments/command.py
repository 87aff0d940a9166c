"""``podium twin``: draw, start, question and disturb the simulated instruments."""

import json
import sys
from argparse import ArgumentParser, Namespace
from pathlib import Path
from typing import Any

DONE, FOUND_PROBLEM, WRONG_USE = 0, 1, 2

SPANS_S = {"ms": 1e-3, "s": 1.0, "min": 60.0, "h": 3600.0, "d": 86400.0}


class TwinCommand:
    """The subcommand with its own subcommands."""

    name = "twin"
    help = "draw, start, question and disturb the simulated instruments"

    def add_arguments(self, parser: ArgumentParser, /) -> None:
        """Add sample, serve, truth, fault, advance, tallies."""
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        sample = verbs.add_parser("sample", help="draw a hidden world for a facility")
        sample.add_argument("facility", type=Path)
        sample.add_argument("--seed", type=int, default=0, help="same seed, same world (default 0)")
        sample.add_argument("--out", type=Path, required=True, help="twin file to write")

        serve = verbs.add_parser("serve", help="start every simulated instrument on loopback")
        serve.add_argument("facility", type=Path)
        serve.add_argument("--twin", type=Path, required=True, help="twin file with the world")
        serve.add_argument("--endpoints", type=Path, required=True, help="endpoints file to write")
        serve.add_argument(
            "--clock",
            choices=("leap", "paced", "manual"),
            default="leap",
            help="how world time passes (default leap)",
        )

        truth = verbs.add_parser("truth", help="tell the hidden truth")
        truth.add_argument(
            "twin", type=Path, nargs="?", help="twin file: every qubit at its sweet spot"
        )
        truth.add_argument("--endpoints", type=Path, help="a running simulation: at its biases")
        truth.add_argument("--at", choices=("now",), default="now")
        truth.add_argument("--json", action="store_true")

        fault = verbs.add_parser("fault", help="make something go wrong in a running simulation")
        fault.add_argument("--endpoints", type=Path, required=True)
        fault.add_argument("fault", help="`list` names all")
        fault.add_argument("on", nargs="?", default="", help="line, instrument or fridge")

        advance = verbs.add_parser("advance", help="let laboratory time pass")
        advance.add_argument("--endpoints", type=Path, required=True)
        advance.add_argument("span", help="e.g. 3h, 10min, 2.5s")

        for verb, text in (
            ("time", "tell the world's time and what it was spent on"),
            ("tallies", "count the commands that came, and those that mean nothing"),
        ):
            asked = verbs.add_parser(verb, help=text)
            asked.add_argument("--endpoints", type=Path, required=True)

    def run(self, arguments: Namespace, /) -> int:
        """Carry out the verb; exit status 0 done, 1 a problem was found, 2 wrong use."""
        verb = {
            "sample": _sample,
            "serve": _serve,
            "truth": _truth,
            "fault": _fault,
            "advance": _advance,
            "time": _ask_and_print,
            "tallies": _ask_and_print,
        }[arguments.verb]
        return verb(arguments)


def _problem(text: object) -> int:
    print(f"podium twin: {text}", file=sys.stderr)
    return FOUND_PROBLEM


def _sample(arguments: Namespace) -> int:
    from podium.sim_instruments.physics.design import DesignError
    from podium.sim_instruments.physics.sampling import SamplingError, sample
    from podium.sim_instruments.physics.world_file import write_world

    try:
        write_world(sample(arguments.facility, arguments.seed), arguments.out)
    except (DesignError, SamplingError, OSError) as error:
        return _problem(error)
    return DONE


def _serve(arguments: Namespace) -> int:
    import asyncio

    from podium.sim_instruments.physics.world_file import WorldFileError
    from podium.sim_instruments.servers.clock import ClockMode
    from podium.sim_instruments.servers.serving import serve

    try:
        asyncio.run(
            serve(
                arguments.facility, arguments.twin, arguments.endpoints, ClockMode(arguments.clock)
            )
        )
    except (WorldFileError, OSError, KeyError, ValueError) as error:
        return _problem(f"{type(error).__name__}: {error}")
    return DONE


def _truth(arguments: Namespace) -> int:
    found: dict[str, dict[str, Any]]
    if arguments.endpoints is not None:
        from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

        try:
            found = ask(arguments.endpoints, {"do": "truth"})
        except BackDoorError as error:
            return _problem(error)
    elif arguments.twin is not None:
        from podium.sim_instruments.physics.truth import truth
        from podium.sim_instruments.physics.world_file import WorldFileError, read_world

        try:
            world = read_world(arguments.twin)
        except (WorldFileError, OSError) as error:
            return _problem(error)
        found = {n: {"value": t.value, "unit": t.unit} for n, t in truth(world.chip()).items()}
    else:
        print("podium twin truth: give a twin file or --endpoints FILE", file=sys.stderr)
        return WRONG_USE
    if arguments.json:
        print(json.dumps(found, indent=2))
    else:
        for name, entry in found.items():
            print(f"{name:36s} {entry['value']:.9g} {entry['unit']}")
    return DONE


def _fault(arguments: Namespace) -> int:
    from podium.sim_instruments.servers.back_door import FAULTS
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    if arguments.fault == "list":
        for name, text in FAULTS.items():
            print(f"{name:8s} {text}")
        return DONE
    try:
        print(
            ask(arguments.endpoints, {"do": "fault", "fault": arguments.fault, "on": arguments.on})
        )
    except BackDoorError as error:
        return _problem(error)
    return DONE


def seconds_of(span: str) -> float:
    """Return a span like ``3h`` in seconds. Raises ValueError naming the units."""
    for unit in sorted(SPANS_S, key=len, reverse=True):
        number = span.removesuffix(unit).strip()
        if number != span.strip():
            try:
                return float(number) * SPANS_S[unit]
            except ValueError:
                break
    raise ValueError(f"{span!r} is not a span of time: write 3h, 10min, 2.5s, 20ms or 1d")


def _advance(arguments: Namespace) -> int:
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    try:
        seconds = seconds_of(arguments.span)
    except ValueError as error:
        print(f"podium twin advance: {error}", file=sys.stderr)
        return WRONG_USE
    try:
        print(json.dumps(ask(arguments.endpoints, {"do": "advance", "seconds": seconds})))
    except BackDoorError as error:
        return _problem(error)
    return DONE


def _ask_and_print(arguments: Namespace) -> int:
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    try:
        print(json.dumps(ask(arguments.endpoints, {"do": arguments.verb}), indent=2))
    except BackDoorError as error:
        return _problem(error)
    return DONE


command = TwinCommand()
