"""``podium twin fridge``: a fridge by itself, its data sheet or a story of heaters and faults."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, Any

from podium.firmware_interfaces.fridge_stages import FRIDGE_MODELS
from podium.sim_instruments.serve_command import DONE, WRONG_USE, CommandFailed

if TYPE_CHECKING:
    from podium.sim_instruments.physics.cryostat.parameters import CryostatParameters
    from podium.sim_instruments.physics.cryostat.story import FaultChange, InputChange

FRIDGE_HELP = "measure a simulated fridge's data sheet, or run it through heaters and faults"
SHEET_K = (0.02, 0.1)
"""Temperatures at which data sheets give cooling powers."""


def add_fridge(fridge: ArgumentParser) -> None:
    """Add the arguments of ``podium twin fridge``."""
    known = " or ".join(FRIDGE_MODELS)
    fridge.add_argument("model", choices=FRIDGE_MODELS, metavar="MODEL", help=known)
    fridge.add_argument(
        "--from",
        dest="start",
        choices=("cold", "warm"),
        help="start of a story: cold and circulating (default), or at room temperature, from "
        "where it is cooled down",
    )
    fridge.add_argument(
        "--for", dest="span", type=_span, metavar="SPAN", help="length of a story (default 24h)"
    )
    fridge.add_argument(
        "--fault",
        type=_fault,
        action="append",
        metavar="NAME[=SIZE]@WHEN",
        help="let something go wrong, e.g. compressor_trip@2h, plug=0.5@1h; `list` names all",
    )
    fridge.add_argument(
        "--repair",
        type=_repair,
        action="append",
        metavar="NAME@WHEN",
        help="put a fault right; what it stopped has to be started again",
    )
    fridge.add_argument(
        "--heater",
        type=_heater,
        action="append",
        metavar="NAME=POWER@WHEN",
        help="set a heater: still, mixing_chamber, 4k or 50k, e.g. mixing_chamber=20uW@1h",
    )
    fridge.add_argument(
        "--set",
        dest="inputs",
        type=_input,
        action="append",
        metavar="SIGNAL=VALUE@WHEN",
        help="write any input, in SI units, e.g. pulse_tube.on=1@30min",
    )
    fridge.add_argument(
        "--signal", action="append", metavar="SIGNAL", help="show this output; may come again"
    )
    fridge.add_argument(
        "--every", type=_span, metavar="SPAN", help="between two rows (default 10min)"
    )
    fridge.add_argument(
        "--untouched", action="store_true", help="nobody cools it down that starts warm"
    )
    fridge.add_argument("--magnet", action="store_true", help="with a vector magnet")
    fridge.add_argument("--seed", type=int, default=0, metavar="N", help="of what wanders")
    fridge.add_argument("--json", action="store_true", help="print JSON")
    fridge.add_argument(
        "--dialogue",
        action="store_true",
        help="answer JSON, line by line, on standard input: readings, writes, faults",
    )
    fridge.add_argument(
        "--vary",
        type=_part,
        default=0.0,
        metavar="PART",
        help="in a dialogue: constants and calibrations differ by up to this part, e.g. 0.2",
    )


def run_fridge(arguments: Namespace) -> int:
    """Print a data sheet, or the series of a story."""
    from podium.sim_instruments.physics.cryostat.parameters import MODELS as KNOWN

    parameters = KNOWN[arguments.model]
    if arguments.dialogue:
        return _converse(parameters, arguments.seed, arguments.vary)
    if any(fault == "list" for fault, _, _ in arguments.fault or ()):
        return _list_faults()
    told = ("start", "span", "fault", "repair", "heater", "inputs", "signal", "every")
    if any(getattr(arguments, name) is not None for name in told):
        return _tell_story(parameters, arguments)
    return _tell_sheet(parameters, arguments.json)


def _converse(parameters: "CryostatParameters", seed: int, part: float) -> int:
    """Answer requests until standard input ends; what cannot be is answered with ``refused``."""
    from podium.sim_instruments.physics.cryostat.fridge_dialogue import BadRequest, dialogue

    about = dialogue(parameters, seed, part)
    for line in sys.stdin:
        if not line.strip():
            continue
        try:
            request = json.loads(line)
            answer = about.answer(request if isinstance(request, dict) else {})
        except (BadRequest, ValueError, RecursionError) as error:
            answer = {"refused": str(error)}
        print(json.dumps(answer), flush=True)
    return DONE


def _list_faults() -> int:
    from podium.sim_instruments.physics.cryostat.faults import FAULTS

    for name, fault in FAULTS.items():
        print(f"{name:16s} {fault.size:g} {fault.unit:8s} {fault.does}")
    return DONE


def _tell_sheet(parameters: "CryostatParameters", as_json: bool) -> int:
    from podium.sim_instruments.physics.cryostat.performance import (
        base_temperature_k,
        cooldown,
        cooling_power_w,
    )

    base_k, cooled = base_temperature_k(parameters), cooldown(parameters)
    powers = {at_k: cooling_power_w(parameters, at_k) for at_k in SHEET_K}
    if as_json:
        sheet = {
            "model": parameters.model,
            "base_temperature_k": base_k,
            "cooling_power_w": {f"{at_k:g}": power_w for at_k, power_w in powers.items()},
            "cooldown_s": cooled.seconds,
            "steps_s": dict(cooled.began_s),
        }
        print(json.dumps(sheet, indent=2))
        return DONE
    print(f"{parameters.model}: base {base_k * 1e3:.2f} mK")
    for at_k, power_w in powers.items():
        print(f"cooling power at {at_k * 1e3:g} mK: {power_w * 1e6:.1f} uW")
    print(
        f"cooldown from 295 K to 10 mK: {cooled.seconds / 3600:.1f} h from the pulse tube's start"
    )
    return DONE


def _tell_story(parameters: "CryostatParameters", arguments: Namespace) -> int:
    from podium.sim_instruments.physics.cryostat.story import USUAL, Story, play

    for_s = 86400.0 if arguments.span is None else arguments.span
    every_s = 600.0 if arguments.every is None else arguments.every
    if every_s <= 0.0:
        raise CommandFailed("--every wants more than 0 s", WRONG_USE)
    try:
        story = Story(
            start=arguments.start or "cold",
            for_s=for_s,
            every_s=every_s,
            changes=_changes(arguments),
            shown=tuple(arguments.signal or USUAL),
            operated=not arguments.untouched,
            magnet=arguments.magnet,
            seed=arguments.seed,
        )
        series = play(parameters, story)
    except (KeyError, ValueError) as error:
        raise CommandFailed(error.args[0], WRONG_USE) from error
    if arguments.json:
        found: dict[str, Any] = {
            "model": parameters.model,
            "from": story.start,
            "times_s": series.times_s,
            "values": series.values,
        }
        if series.steps:
            found["steps_s"] = dict(series.steps)
        print(json.dumps(found))
        return DONE
    print(" ".join(["time_s", *series.values]))
    for time_s, *row in zip(series.times_s, *series.values.values(), strict=True):
        print(" ".join([f"{time_s:g}", *(f"{value:.6g}" for value in row)]))
    return DONE


def _changes(arguments: Namespace) -> "tuple[FaultChange | InputChange, ...]":
    from podium.firmware_interfaces.fridge_signals import power_of
    from podium.sim_instruments.physics.cryostat.story import FaultChange, InputChange

    changes: list[FaultChange | InputChange] = []
    for name, size, at_s in arguments.fault or ():
        changes.append(FaultChange(at_s, name, size))
    for name, _, at_s in arguments.repair or ():
        changes.append(FaultChange(at_s, name, repaired=True))
    for name, value, at_s in arguments.heater or ():
        changes.append(InputChange(at_s, power_of(name), value))
    for name, value, at_s in arguments.inputs or ():
        changes.append(InputChange(at_s, name, value))
    return tuple(sorted(changes, key=lambda change: change.at_s))


def _quantity(text: str, unit: str) -> float:
    from podium.firmware_interfaces.quantity import QuantityError, parse_quantity

    try:
        value = parse_quantity(text, unit=unit)
    except QuantityError as error:
        raise ArgumentTypeError(str(error)) from error
    if value < 0:
        raise ArgumentTypeError(f"{text}: from 0 up is wanted")
    return value


def _part(text: str) -> float:
    part = _number(text, "--vary")
    if not 0.0 <= part <= 0.5:
        raise ArgumentTypeError(f"{text}: 0 to 0.5 can be")
    return part


def _span(text: str) -> float:
    return _quantity(text, "s")


def _timed(text: str) -> tuple[str, float]:
    what, at, when = text.rpartition("@")
    if not at:
        raise ArgumentTypeError(f"{text!r} says no time; write it like {text}@2h")
    return what, _span(when)


def _number(text: str, name: str) -> float:
    try:
        return float(text)
    except ValueError as error:
        raise ArgumentTypeError(f"{name}: {text!r} is no number in SI units") from error


def _fault(text: str) -> tuple[str, float | None, float]:
    if text == "list":
        return text, None, 0.0
    what, at_s = _timed(text)
    name, given, size = what.partition("=")
    return name, _number(size, name) if given else None, at_s


def _repair(text: str) -> tuple[str, None, float]:
    name, at_s = _timed(text)
    return name, None, at_s


def _heater(text: str) -> tuple[str, float, float]:
    what, at_s = _timed(text)
    name, _, power = what.partition("=")
    return name, _quantity(power, "W"), at_s


def _input(text: str) -> tuple[str, float, float]:
    what, at_s = _timed(text)
    name, _, value = what.partition("=")
    return name, _number(value, name), at_s
