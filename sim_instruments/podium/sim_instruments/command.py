"""``podium twin``: draw, start, question and disturb the simulated instruments."""

import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace, _SubParsersAction
from pathlib import Path
from typing import Any

from podium.sim_instruments.budget_command import BUDGET_HELP, add_budget, run_budget
from podium.sim_instruments.cable_command import CABLE_HELP, add_cable, run_cable
from podium.sim_instruments.copy_command import (
    FORK_HELP,
    SAVE_HELP,
    add_fork,
    add_save,
    run_fork,
    run_save,
)
from podium.sim_instruments.debug_command import DEBUG_HELP, add_debug, run_debug
from podium.sim_instruments.fridge_command import FRIDGE_HELP, add_fridge, run_fridge
from podium.sim_instruments.herald_command import HERALD_HELP, add_herald, run_herald
from podium.sim_instruments.photon_command import PHOTON_HELP, add_photon, run_photon
from podium.sim_instruments.record_command import RECORD_HELP, add_record, run_record
from podium.sim_instruments.scenario_command import ScenarioCommand
from podium.sim_instruments.serve_command import (
    DONE,
    FACILITY_HELP,
    FOUND_PROBLEM,
    SERVE_HELP,
    WRONG_USE,
    CommandFailed,
    add_chips,
    add_serve,
    chosen_facility,
    run_chips,
    run_serve,
)
from podium_command_line import add_facility
from podium_process import no_collection

REPLAY_HELP = "play a recorded trace to the instrument's twin and tell where it answers otherwise"


class TwinCommand:
    """The subcommand with its own subcommands."""

    name = "twin"
    help = "draw, start, question and disturb the simulated instruments"

    def add_arguments(self, parser: ArgumentParser, /) -> None:
        """Add sample, serve, chips, truth, fault, advance, record, fridge, replay, time ..."""
        verbs = parser.add_subparsers(dest="verb", metavar="VERB", required=True)

        _add_sample(verbs)
        add_serve(verbs.add_parser("serve", help=SERVE_HELP))

        add_chips(
            verbs.add_parser(
                "chips", help="list the chips there are, or write a facility file of one"
            )
        )

        listed = verbs.add_parser("list", help="list the twins there are, each with its quality")
        listed.add_argument("--json", action="store_true", help="print JSON")
        _add_truth(verbs)
        _add_played(verbs)
        _add_log(verbs)
        _add_changes(verbs)
        add_debug(verbs.add_parser("debug", help=DEBUG_HELP))
        add_save(verbs.add_parser("save", help=SAVE_HELP))
        add_fork(verbs.add_parser("fork", help=FORK_HELP))
        add_record(verbs.add_parser("record", help=RECORD_HELP))
        add_fridge(verbs.add_parser("fridge", help=FRIDGE_HELP))
        add_herald(verbs.add_parser("herald", help=HERALD_HELP))
        add_photon(verbs.add_parser("photon", help=PHOTON_HELP))
        add_cable(verbs.add_parser("cable", help=CABLE_HELP))
        add_budget(verbs.add_parser("budget", help=BUDGET_HELP))
        replay = verbs.add_parser("replay", help=REPLAY_HELP)
        _add_replay(replay)
        verbs.add_parser(
            "emulate",
            help="execute a compiled program that comes as JSON on standard input, without a world",
        )
        for verb, text in (
            (
                "clocks",
                "tell how each clock stands: locked or not, in which epoch, by how much off",
            ),
            ("time", "tell the world's time and what it was spent on"),
            ("state", "tell how fridges, clocks and lines truly stand"),
            ("tallies", "count the commands that came, and those that mean nothing"),
            ("parts", "tell the processes of `serve --split`: what each has, and how it is"),
        ):
            _add_endpoints(verbs.add_parser(verb, help=text))

    def needs(self, facility: Path) -> list[str]:
        """Return what a simulation of the facility file needs or assumes, for ``podium check``."""
        from podium.sim_instruments.servers.twin_needs import twin_needs

        return twin_needs(facility)

    def run(self, arguments: Namespace, /) -> int:
        """Carry out the verb; exit status 0 done, 1 a problem was found, 2 wrong use."""
        verb = {
            "sample": _sample,
            "serve": run_serve,
            "chips": run_chips,
            "list": _list,
            "log": _log,
            "truth": _truth,
            "fault": _fault,
            "advance": _advance,
            "rate": _rate,
            "debug": run_debug,
            "save": run_save,
            "fork": run_fork,
            "record": run_record,
            "fridge": run_fridge,
            "herald": run_herald,
            "photon": run_photon,
            "cable": run_cable,
            "budget": run_budget,
            "replay": _replay,
            "played": _played,
            "emulate": _emulate,
            "clocks": _ask_and_print,
            "time": _ask_and_print,
            "state": _ask_and_print,
            "tallies": _ask_and_print,
            "parts": _ask_and_print,
        }[arguments.verb]
        try:
            return verb(arguments)
        except CommandFailed as ended:
            print(f"podium twin {arguments.verb}: {ended}", file=sys.stderr)
            return ended.status


class ReplayCommand:
    """``podium replay``: the same as ``podium twin replay``."""

    name = "replay"
    help = REPLAY_HELP

    def add_arguments(self, parser: ArgumentParser, /) -> None:
        """Add the command's arguments."""
        _add_replay(parser)

    def run(self, arguments: Namespace, /) -> int:
        """Replay; exit status 0 all the same, 1 not, 2 wrong use."""
        try:
            return _replay(arguments)
        except CommandFailed as ended:
            print(f"podium replay: {ended}", file=sys.stderr)
            return ended.status


def _add_sample(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    sample = verbs.add_parser("sample", help="draw a hidden world for a facility")
    add_facility(sample, FACILITY_HELP)
    sample.add_argument(
        "--seed", type=int, default=0, metavar="N", help="same seed, same world (default 0)"
    )
    sample.add_argument(
        "--out", type=Path, required=True, metavar="TWIN", help="twin file to write"
    )
    sample.add_argument(
        "--mixers",
        action="store_true",
        help="draw imperfect I/Q mixers, too: images and carriers that leak",
    )

    sample.add_argument(
        "--drift",
        action="store_true",
        help="draw what moves in world time, too: f01, T1, flux, gain and delay of the readout",
    )
    sample.add_argument(
        "--warm",
        action="store_true",
        help="fridges whose model is known begin at room temperature, not cold",
    )
    sample.add_argument(
        "--ideal-lines",
        action="store_true",
        help="flux lines pass pulses as they are; all else as without this",
    )
    sample.add_argument(
        "--vary",
        type=_part,
        default=0.0,
        metavar="PART",
        help="constants of fridges whose model is known differ from it by up to this part, "
        "e.g. 0.2 (default 0)",
    )
    sample.add_argument(
        "--wrong",
        type=_spreads,
        default=0.0,
        metavar="K",
        help="a world K spreads off the facility file: each design value to a side of its own, "
        "line attenuations and gains off by up to 6 dB, delays by 20 ns (default 0)",
    )


def _add_truth(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    truth = verbs.add_parser("truth", help="tell the hidden truth")
    truth.add_argument(
        "twin", type=Path, nargs="?", metavar="TWIN", help="a file: all qubits at sweet spots"
    )
    _add_endpoints(truth, required=False, text="or a running simulation: at its biases")
    truth.add_argument(
        "--at",
        type=_when,
        action="append",
        metavar="WHEN",
        help="world time: TAI in seconds, START..END for the mean over a run, or now (default: "
        "now; of a file, what drift and noise are about); given again, one answer for each",
    )
    truth.add_argument(
        "--quick",
        action="store_true",
        help="without assignment_fidelity, which takes a second for each qubit",
    )
    truth.add_argument(
        "--at-rest",
        action="store_true",
        help="of a running simulation: with all qubits at sweet spots, as a file has them, and "
        "couplers where they are",
    )
    truth.add_argument("--json", action="store_true", help="print JSON")


def _add_played(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    played = verbs.add_parser(
        "played", help="tell what left which connector when, TAI in femtoseconds"
    )
    _add_endpoints(played)
    played.add_argument(
        "--since", type=int, default=0, metavar="N", help="only what came after the entry N"
    )
    played.add_argument(
        "--connector",
        action="append",
        default=[],
        metavar="NAME",
        help="only what left this connector, of whatever instrument; may be repeated",
    )
    played.add_argument(
        "--vcd",
        type=Path,
        metavar="FILE",
        help="write the signals of each instrument's latest run instead, for a wave viewer "
        "(with --since of all runs after the Nth that are kept)",
    )
    played.add_argument(
        "--on", default="", metavar="INSTRUMENT", help="with --vcd: of this instrument only"
    )


def _add_log(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    log = verbs.add_parser("log", help="tell every command that came, of `serve --log`")
    _add_endpoints(log)
    log.add_argument(
        "--since", type=int, default=0, metavar="N", help="only what came after the entry N"
    )
    log.add_argument("--unknown", action="store_true", help="only what no such instrument knows")
    log.add_argument("--json", action="store_true", help="one JSON object a line")


def _add_changes(verbs: "_SubParsersAction[ArgumentParser]") -> None:
    """Add what changes a running simulation."""
    fault = verbs.add_parser("fault", help="make something go wrong in a running simulation")
    _add_endpoints(fault, required=False)
    fault.add_argument("fault", metavar="FAULT", help="`list` names all")
    fault.add_argument("on", nargs="?", default="", help="line, instrument or fridge")

    advance = verbs.add_parser("advance", help="let laboratory time pass")
    _add_endpoints(advance)
    advance.add_argument("span", metavar="SPAN", help="e.g. 3h, 10min, 2.5s")

    rate = verbs.add_parser("rate", help="let a paced clock go so many times as fast")
    _add_endpoints(rate)
    rate.add_argument(
        "rate",
        metavar="N",
        help="seconds in each of the wall's; - takes one after the other from standard input, "
        "a line each",
    )


def _list(arguments: Namespace) -> int:
    """List the twins of the house: what each is of, and the tier of its quality."""
    from podium.firmware_interfaces.models import BUILT_IN
    from podium.sim_instruments.twins.quality_scale import quality_of, tier_of

    rows = [
        {"model": one.name, "of": f"{one.vendor} {one.product}", "tier": tier_of(quality_of(one))}
        for one in BUILT_IN
    ]
    if arguments.json:
        print(json.dumps(rows))
        return DONE
    widths = [max(len(row[key]) for row in rows) for key in ("model", "of")]
    for row in rows:
        print(f"{row['model']:{widths[0]}}  {row['of']:{widths[1]}}  {row['tier']}")
    return DONE


def _when(text: str) -> str:
    """Check a time of ``--at`` and return it."""
    from podium.sim_instruments.physics.truth import Span

    if text != "now":
        try:
            Span.of_text(text)
        except ValueError as error:
            raise ArgumentTypeError(str(error)) from error
    return text


def _part(text: str) -> float:
    """Return the PART of ``--vary``."""
    try:
        part = float(text)
    except ValueError:
        part = -1.0
    if not 0.0 <= part <= 0.5:
        raise ArgumentTypeError(f"{text}: 0 to 0.5 can be")
    return part


def _spreads(text: str) -> float:
    """Return the K of ``--wrong``."""
    from podium.sim_instruments.physics.displaced_design import check_wrong
    from podium.sim_instruments.physics.sampling_qubits import SamplingError

    try:
        return check_wrong(float(text))
    except ValueError as error:
        told = error if isinstance(error, SamplingError) else f"{text!r} is no number of spreads"
        raise ArgumentTypeError(f"{told}; 3 is three spreads off") from error


def _add_replay(parser: ArgumentParser) -> None:
    parser.add_argument("trace", type=Path, metavar="TRACE", help="written by podium twin record")
    parser.add_argument(
        "--against", choices=("twin",), default="twin", help="who answers (default twin)"
    )
    parser.add_argument(
        "--leap",
        action="store_true",
        help="world time leaps over what runs, as it did if a twin was recorded",
    )
    parser.add_argument("--all", action="store_true", help="tell of every command")
    parser.add_argument("--json", action="store_true", help="print JSON")


def _add_endpoints(
    parser: ArgumentParser, *, required: bool = True, text: str = "of a running simulation"
) -> None:
    parser.add_argument("--endpoints", type=Path, required=required, metavar="FILE", help=text)


def _sample(arguments: Namespace) -> int:
    arguments.facility = chosen_facility(arguments)
    from podium.sim_instruments.physics.design import DesignError
    from podium.sim_instruments.physics.sampling import sample
    from podium.sim_instruments.physics.sampling_qubits import SamplingError
    from podium.sim_instruments.physics.world_file import write_world

    try:
        with no_collection():  # the process ends with it
            world = sample(
                arguments.facility,
                arguments.seed,
                mixers=arguments.mixers,
                wrong=arguments.wrong,
                drift=arguments.drift,
                warm=arguments.warm,
                vary=arguments.vary,
                ideal_lines=arguments.ideal_lines,
            )
            write_world(world, arguments.out)
    except (DesignError, SamplingError) as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    except OSError as error:
        raise CommandFailed(error, WRONG_USE) from error
    return DONE


def _truth(arguments: Namespace) -> int:
    if (arguments.endpoints is None) == (arguments.twin is None):
        raise CommandFailed("give either a twin file or --endpoints FILE", WRONG_USE)
    times = arguments.at or ["now"]
    if arguments.twin:
        found = _told_truth(arguments.twin, times, optima=not arguments.quick)
    else:
        request = {"do": "truth", "optima": not arguments.quick, "at_rest": arguments.at_rest}
        found = {when: _ask(arguments, {**request, "at": when}) for when in times}
    if arguments.json:
        print(json.dumps(found if len(times) > 1 else found[times[0]], indent=2))
        return DONE
    for when, truths in found.items():
        if len(times) > 1:
            print(f"at {when}:")
        for name, entry in truths.items():
            print(f"{name:36s} {entry['value']:.9g} {entry['unit']}")
    return DONE


def _told_truth(twin: Path, times: list[str], optima: bool) -> dict[str, dict[str, dict[str, Any]]]:
    from podium.sim_instruments.physics.links.link_world import link_truth
    from podium.sim_instruments.physics.truth import MovingTruth, Span, mixer_truth, truth
    from podium.sim_instruments.physics.world_file import WorldFileError, read_world

    try:
        world = read_world(twin)
    except WorldFileError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    except OSError as error:
        raise CommandFailed(error, WRONG_USE) from error
    chip, told = world.chip(), {}
    drift = world.drift(chip)
    for when in times:
        moving = None if when == "now" else MovingTruth(world.seed, Span.of_text(when), drift)
        known = truth(chip, None, optima, moving, links=world.quantum_links())
        known |= link_truth(world.links, known) | mixer_truth(world.mixers)
        told[when] = {n: {"value": t.value, "unit": t.unit} for n, t in known.items()}
    return told


def _fault(arguments: Namespace) -> int:
    from podium.sim_instruments.servers.faults import FAULTS

    if arguments.fault == "list":
        for name, fault in FAULTS.items():
            print(f"{name:15s} {fault.on.value.upper():12s} {fault.does}")
        return DONE
    if arguments.fault not in FAULTS:
        raise CommandFailed(
            f"no fault {arguments.fault!r}; there are {', '.join(FAULTS)}", WRONG_USE
        )
    if arguments.endpoints is None:
        raise CommandFailed("say in which simulation: --endpoints FILE", WRONG_USE)
    print(_ask(arguments, {"do": "fault", "fault": arguments.fault, "on": arguments.on}))
    return DONE


def _advance(arguments: Namespace) -> int:
    from podium.firmware_interfaces.quantity import QuantityError, parse_quantity

    try:
        seconds = parse_quantity(arguments.span, unit="s")
    except QuantityError as error:
        raise CommandFailed(error, WRONG_USE) from error
    if seconds < 0:
        raise CommandFailed(f"{arguments.span}: world time does not go back", WRONG_USE)
    print(json.dumps(_ask(arguments, {"do": "advance", "seconds": seconds}), indent=2))
    return DONE


def _rate(arguments: Namespace) -> int:
    for rate in sys.stdin if arguments.rate == "-" else [arguments.rate]:
        if not rate.strip().isdecimal():
            raise CommandFailed(f"{rate.strip()!r} is no whole number of seconds", WRONG_USE)
        told = _ask(arguments, {"do": "rate", "rate": int(rate)})
        print(json.dumps(told, indent=None if arguments.rate == "-" else 2), flush=True)
    return DONE


def _replay(arguments: Namespace) -> int:
    from podium.firmware_interfaces.trace import TraceError, read_trace
    from podium.sim_instruments.servers.replay import replay, told, twin_of, words
    from podium.sim_instruments.servers.twin_factory import TwinError

    try:
        with arguments.trace.open(encoding="utf-8") as lines:
            head, pieces = read_trace(lines)
        found = replay(twin_of(head, pieces), pieces, leap=arguments.leap)
    except (TraceError, TwinError, UnicodeDecodeError) as error:
        raise CommandFailed(f"{arguments.trace}: {error}", FOUND_PROBLEM) from error
    except OSError as error:
        raise CommandFailed(error, WRONG_USE) from error
    verdicts = [exchange.verdict for exchange in found]
    if arguments.json:
        print(json.dumps({"instrument": head.instrument, "commands": told(found)}, indent=2))
    else:
        for number, exchange in enumerate(found, start=1):
            if arguments.all or exchange.verdict == "differs":
                print(f"{number} {exchange.port}: {words(exchange.sent)}   [{exchange.verdict}]")
                print(f"    {head.instrument}: {words(exchange.recorded) or '(nothing)'}")
                print(f"    twin: {words(exchange.answered) or '(nothing)'}")
        print(
            f"{head.instrument} ({head.model}): {len(found)} commands, {verdicts.count('same')} "
            f"answered the same, {verdicts.count('numbers')} with other numbers, "
            f"{verdicts.count('differs')} otherwise"
        )
    return FOUND_PROBLEM if "differs" in verdicts else DONE


def _played(arguments: Namespace) -> int:
    if arguments.vcd is not None:
        if arguments.connector:
            raise CommandFailed("--connector goes without --vcd", WRONG_USE)
        request = {"do": "signals", "since": arguments.since, "on": arguments.on}
        try:
            arguments.vcd.write_text(_ask(arguments, request), encoding="ascii")
        except OSError as error:
            raise CommandFailed(error, WRONG_USE) from error
        print(arguments.vcd)
        return DONE
    if arguments.on:
        raise CommandFailed("--on wants --vcd", WRONG_USE)
    asked = {"do": "played", "since": arguments.since, "connectors": arguments.connector}
    for entry in _ask(arguments, asked):
        print(json.dumps(entry))
    return DONE


def _log(arguments: Namespace) -> int:
    for entry in _ask(arguments, {"do": "log", "since": arguments.since}):
        if arguments.json:
            print(json.dumps(entry))
        elif not arguments.unknown or entry["verdict"] == "unknown":
            print(
                f"{entry['number']:6d} {entry['instrument']} {entry['port']}: {entry['text']}"
                f"   [{entry['verdict']}]"
            )
    return DONE


def _emulate(arguments: Namespace) -> int:
    from podium.firmware_interfaces.qblox_cluster.program import from_plain
    from podium.sim_instruments.twins.qblox_cluster.runs.emulation import CannotEmulate, emulate

    try:
        asked = json.load(sys.stdin)
        program = from_plain(asked["program"])
        spans = [(int(start_ns), int(duration_ns)) for start_ns, duration_ns in asked["spans"]]
        results = {str(name): int(result) for name, result in asked.get("results", {}).items()}
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise CommandFailed(
            f'standard input holds no {{"program": ..., "spans": ...}}: {error!r}', WRONG_USE
        ) from error
    try:
        json.dump(emulate(program, spans, results), sys.stdout)
    except CannotEmulate as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error
    return DONE


def _ask_and_print(arguments: Namespace) -> int:
    print(json.dumps(_ask(arguments, {"do": arguments.verb}), indent=2))
    return DONE


def _ask(arguments: Namespace, request: dict[str, Any]) -> Any:
    from podium.sim_instruments.servers.back_door_client import BackDoorError, ask

    try:
        return ask(arguments.endpoints, request)
    except BackDoorError as error:
        raise CommandFailed(error, FOUND_PROBLEM) from error


command = TwinCommand()
replay_command = ReplayCommand()
scenario_command = ScenarioCommand()
