"""``podium link`` calibrates quantum links, shares a Bell pair, and shows what is known of them."""

import asyncio
import json
import sys
from argparse import ArgumentParser, ArgumentTypeError, Namespace
from typing import TYPE_CHECKING, TypeVar

from podium.control.commands import link_request
from podium.control.commands.options.calibration_arguments import add_folder_arguments
from podium.control.commands.options.facility_file import add_facility_arguments, with_facility
from podium.control.facility.command import DONE, FOUND_PROBLEM, WRONG_USE, Command

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from podium.control.calibration.outcome import Outcome
    from podium.control.calibration.routine_result import Calibrated
    from podium.control.facility.links import Link, Relay
    from podium.control.parameters.entry import ParameterEntry
    from podium.control.parameters.validity import Validities


ROUTINES = {
    "thermal": "measure the thermal photons that both ends meet, by what sidebands lift from 0",
    "track": "follow the carrier's phase from start to start, and find what that leaves of it",
    "bell": "share a pair over a calibrated link, and find its state by tomography",
    "process": "send six states of a qubit over a calibrated link, and find what becomes "
    "of any state by tomography",
    "shape": "shape the photon for the link as it was measured, share pairs by it and by the "
    "photon before in turns, and keep it where they are better",
    "chsh": "share pairs over a calibrated link, read both ends along axes of the equator, and "
    "count S with nothing corrected",
    "benchmark": "send a qubit there and back between random gates, and find by how much that "
    "decays; for a link without a circulator",
    "latency": "how long a result of one end takes to decide what the other end plays, where a "
    "wire carries it",
    "prepare": "prepare states of one end by reading the other half of a pair, whose result "
    "travels and turns it; where a wire carries results",
    "cnot": "teleport a CNOT between data qubits beside both ends, and find its process fidelity; "
    "results of the pair are put to use when all is over, and waited for as if they travelled",
    "cnot-fed": "the same with results that travel and turn the data qubits; where a wire carries "
    "results",
    "beside": "by how much a readout of either end turns the data qubit beside it, and what it "
    "leaves of its coherence; gates that consume pairs take the turn out",
    "grover": "search four entries over two nodes, both controlled Zs by a pair each, with results "
    "that travel: how often the marked one is found, beside what was foretold and stored before",
    "one-click": "herald pairs by one click at the link's station, both ends emitting rarely: how "
    "often, and their state by tomography",
    "two-clicks": "herald pairs by one click in each of two windows, whatever the phase of the "
    "way: how often, and their state by tomography",
    "alphas": "rate against fidelity of one click: pairs at six chances to emit; a request then "
    "takes the alpha that gives its fidelity at the highest rate",
    "ghz": "share a GHZ state of three nodes by a hub between two calibrated links, and find its "
    "fidelity; END is the hub",
    "swap": "swap entanglement at a hub between two calibrated links, and find the fidelity of "
    "the pair that the outer nodes share; END is the hub",
}
"""Actions that play one routine on calibrated links, and their help."""


def add_arguments(parser: ArgumentParser) -> None:
    """Add the command's arguments."""
    actions = parser.add_subparsers(dest="action", metavar="ACTION", required=True)
    calibrate = actions.add_parser(
        "calibrate",
        help="find sidebands, shape the photon, and measure delay, loss, detuning and phase; the "
        "qubits at the ends have been calibrated",
    )
    _common(calibrate)
    _plays(calibrate)
    calibrate.add_argument(
        "--only",
        action="append",
        metavar="ROUTINE",
        help="run this routine; may be repeated (default: all)",
    )
    for name, told in ROUTINES.items():
        played = actions.add_parser(name, help=told)
        _common(played)
        _plays(played)
        if name == "one-click":
            played.add_argument(
                "--alpha",
                type=_alpha,
                metavar="A",
                help="each end's chance to emit, above 0 and up to 0.5 (default 0.1): twice as "
                "much heralds twice as often, and is wrong twice as often",
            )
    wanted = actions.add_parser(
        "request",
        help="pairs over whatever links are up, each measured as soon as it is there: epochs, "
        "fidelity, expiry; refused where a clock was set anew since the link was calibrated",
    )
    _common(wanted)
    link_request.add_arguments(wanted)
    status = actions.add_parser("status", help="what is known of the link, and how old it is")
    _common(status)


def _alpha(text: str) -> float:
    """Return a chance to emit for one click; raises ``ArgumentTypeError`` for what is none."""
    from podium.control.parameters.one_click_model import BadAlpha, checked_alpha

    try:
        return checked_alpha(float(text))
    except BadAlpha as error:
        raise ArgumentTypeError(str(error)) from error
    except ValueError as error:
        raise ArgumentTypeError(f"alpha is a number above 0 and up to 0.5; got {text}") from error


def _common(parser: ArgumentParser) -> None:
    add_facility_arguments(parser, before=("ends",))
    parser.add_argument(
        "ends",
        nargs="*",
        metavar="END",
        help="both nodes, e.g. node_a node_b, or the link, e.g. link_ab (default: the only one)",
    )
    add_folder_arguments(parser, "data")
    parser.add_argument("--json", action="store_true", help="answer as JSON on standard output")


def _plays(parser: ArgumentParser) -> None:
    parser.add_argument("--thoroughness", type=float, default=1.0, metavar="X")


def run(arguments: Namespace) -> int:
    """Do what is asked; 1 when a routine fails, or when nothing is known of the link."""
    from podium.control.bus.shutdown import run_until_terminated
    from podium.control.calibration.links.link_session import NoHub, UnknownLink
    from podium.control.calibration.readiness import NotCold
    from podium.control.facility.problems import FacilityError
    from podium.control.facility.state_file import AlreadyUp
    from podium.control.parameters.entry import NotMeasured
    from podium.control.parameters.store import StoreError
    from podium.control.runs.errors import RunError

    what = f"podium link {arguments.action}"
    action = {"status": _status, "request": link_request.request}.get(arguments.action, _play)
    try:
        return run_until_terminated(action(arguments))
    except FacilityError as error:
        print(error, file=sys.stderr)
        return FOUND_PROBLEM
    except (UnknownLink, NoHub) as error:
        print(f"{what}: {error}", file=sys.stderr)
        return WRONG_USE
    except (RunError, AlreadyUp, NotCold, NotMeasured, StoreError, OSError) as error:
        print(f"{what}: {error}", file=sys.stderr)
        return FOUND_PROBLEM


async def _play(arguments: Namespace) -> int:
    from podium.control.calibration.links.link_routines import (
        ACTIONS,
        CALIBRATION,
        HERALDED_CALIBRATION,
        LINK_ROUTINES,
        OVER_HUB_ACTIONS,
    )
    from podium.control.calibration.links.link_session import (
        UnknownLink,
        calibrate,
        chosen_link,
        relay_of,
    )
    from podium.control.facility.links import station_of
    from podium.control.facility.load import load_facility
    from podium.control.facility.problems import suggest
    from podium.control.processes.lab_access import reached
    from podium.control.records.calibration_folder import STORE, CalibrationFolder

    facility = await asyncio.to_thread(load_facility, arguments.facility, None)
    link: Link | Relay
    if arguments.action in OVER_HUB_ACTIONS:
        link = relay_of(facility, arguments.ends[0] if arguments.ends else None)
    else:
        link = chosen_link(facility, arguments.ends)
    every = CALIBRATION if station_of(link) is None else HERALDED_CALIBRATION
    steps: Sequence[str] = {**ACTIONS, **OVER_HUB_ACTIONS}.get(arguments.action, every)
    if arguments.action == "calibrate":
        steps = arguments.only or every
        known = [one.name for one in LINK_ROUTINES]
        for one in steps:
            if one not in known:
                raise UnknownLink(f"no routine {one!r} of links; {suggest(one, known)}")
    store = arguments.store or arguments.out / STORE
    place = CalibrationFolder(arguments.out, store, arguments.facility)

    def ended(outcome: "Outcome") -> None:
        if not arguments.json:
            print("\n".join(_lines((outcome,))), flush=True)

    async with reached(
        arguments.facility, arguments.endpoints, arguments.state, store=store
    ) as lab:
        found = await calibrate(
            lab,
            link,
            steps,
            place,
            thoroughness=arguments.thoroughness,
            alpha=getattr(arguments, "alpha", None),
            ended=ended,
        )
    if arguments.json:
        print(json.dumps(_plainly(link, found), indent=2))
    return FOUND_PROBLEM if found.failures else DONE


def _lines(outcomes: "tuple[Outcome, ...]") -> list[str]:
    from podium.control.parameters.quantities import told

    lines = []
    for outcome in outcomes:
        lines.append(outcome.title)
        for name, one in _without_heights(outcome.measured).items():
            lines.append(f"  {name} = {told(one.value, one.sigma, one.unit)}")
        lines += [f"  {name}: FAILED: {why}" for name, why in outcome.failures.items()]
        lines += [f"  note: {note}" for note in dict.fromkeys((*outcome.notes, *outcome.assumed))]
    return lines


T = TypeVar("T")


def _without_heights(values: "Mapping[str, T]") -> "dict[str, T]":
    """Return parameters by name without the heights of a photon's drives, which are many."""
    from podium.control.calibration.links.shaped_photon import HEIGHTS

    return {name: one for name, one in values.items() if name.rpartition(".")[2] not in HEIGHTS}


def _plainly(link: "Link | Relay", found: "Calibrated") -> "dict[str, object]":
    return {
        "link": link.name,
        "ends": list(link.ends),
        "values": {
            name: {"value": one.value, "sigma": one.sigma, "unit": one.unit}
            for name, one in found.values.items()
        },
        "failures": dict(found.failures),
        "runs": list(found.runs),
        "notes": list(found.notes),
    }


async def _status(arguments: Namespace) -> int:
    from podium.control.calibration.links.link_session import chosen_link, link_validities
    from podium.control.facility.load import load_facility
    from podium.control.parameters.quantities import told
    from podium.control.parameters.store import ParameterStore
    from podium.control.records.calibration_folder import STORE

    facility = await asyncio.to_thread(load_facility, arguments.facility, None)
    link = chosen_link(facility, arguments.ends)
    validities = link_validities(facility)
    with ParameterStore(arguments.store or arguments.out / STORE, make=False) as store:
        known: Mapping[str, ParameterEntry] = store.all(link.name)
    heralds = {} if link.station is None else _heralds(link, known, validities)
    if arguments.json:
        plain: dict[str, object] = {
            "link": link.name,
            "ends": list(link.ends),
            "values": {
                name: {
                    "value": one.value,
                    "sigma": one.sigma,
                    "unit": one.unit,
                    "measured_tai_s": one.tai_s,
                    "valid_s": validities.of(name).lasts_s,
                    "epoch": one.epoch,
                    "run": one.run,
                }
                for name, one in known.items()
            },
        }
        print(json.dumps({**plain, "heralds": heralds} if heralds else plain, indent=2))
    else:
        print(f"{link.name}: {' to '.join(link.ends)}")
        for name, one in _without_heights(known).items():
            print(f"  {name} = {told(one.value, one.sigma, one.unit)} ({one.routine})")
        if not known:
            print("  nothing is known; podium link calibrate measures it")
        for scheme, told_of in heralds.items():
            print(f"  {scheme}: {_herald_line(told_of)}")
    return DONE if known else FOUND_PROBLEM


def _heralds(
    link: "Link", known: "Mapping[str, ParameterEntry]", validities: "Validities"
) -> dict[str, dict[str, object]]:
    """Return what each scheme of a station gives, or what is missing, when it was measured."""
    from podium.control.links.heralded_links import SCHEMES, known_figure
    from podium.control.parameters.memory_record import MemoryRecord

    record, found = MemoryRecord(known.values()), dict[str, dict[str, object]]()
    for scheme in SCHEMES:
        entry = known.get(f"{link.name}.{scheme}_fidelity")
        then_s = 0.0 if entry is None else entry.tai_s
        figure = known_figure(record, validities, link.name, scheme, then_s)
        if isinstance(figure, str):
            found[scheme] = {"missing": figure}
            continue
        found[scheme] = {
            "fidelity": figure.fidelity,
            "fidelity_at_least": figure.least,
            "attempts_for_one": 1.0 / figure.chance,
            "pairs_per_s": figure.rate_hz,
            "measured_tai_s": then_s,
        }
    return found


def _herald_line(told_of: "Mapping[str, object]") -> str:
    if "missing" in told_of:
        return str(told_of["missing"])
    least, attempts, rate = (
        float(str(told_of[one])) for one in ("fidelity_at_least", "attempts_for_one", "pairs_per_s")
    )
    return (
        f"fidelity {least:.3f} at least, a pair in {attempts:.1f} attempts, {rate:.0f} in a second"
    )


command = Command(
    name="link",
    help="calibrate a quantum link, share a Bell pair over it, show what is known of it",
    add_arguments=add_arguments,
    run=with_facility(run),
)
