"""``podium link request``: pairs between two nodes, with epochs, fidelities and expiries."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM
from podium.firmware_interfaces.exact_time import FS_PER_S

if TYPE_CHECKING:
    from podium.control.commands.link_runs import MeasuredPair
    from podium.control.links.network import Network, Pair

RUNS_PER_S = 0.1
"""ASSUMED: a run from a command takes 10 s; a link without a word for 30 times that is down."""


def add_arguments(request: ArgumentParser) -> None:
    """Add the arguments of a request."""
    request.add_argument(
        "--fidelity", type=float, default=0.5, metavar="F", help="at least, of each (default 0.5)"
    )
    request.add_argument("--number", type=int, default=1, metavar="N", help="of pairs (default 1)")
    request.add_argument(
        "--deadline",
        type=float,
        default=300.0,
        metavar="S",
        help="seconds of the facility's time; what is not there then is refused (default 300)",
    )


async def request(arguments: Namespace) -> int:
    """Serve one request; 1 where it gets fewer pairs than it wants."""
    from podium.control.calibration.links.link_session import UnknownLink, link_validities
    from podium.control.commands.link_runs import DeadlineClock, Runs
    from podium.control.facility.links import relays_of
    from podium.control.facility.load import load_facility
    from podium.control.links.heralded_links import with_stations
    from podium.control.links.measured_network import measured_network
    from podium.control.links.measured_pairs import RunClock, measured_pairs
    from podium.control.parameters.store import ParameterStore
    from podium.control.processes.lab_access import reached
    from podium.control.records.calibration_folder import STORE, CalibrationFolder

    facility = await asyncio.to_thread(load_facility, arguments.facility, None)
    ends = tuple(arguments.ends)
    if len(ends) == 1 and ends[0] in facility.links:
        ends = facility.links[ends[0]].ends
    if not ends and len(facility.links) == 1:
        ends = next(iter(facility.links.values())).ends
    if len(ends) != 2 or not set(ends) <= facility.nodes.keys() or ends[0] == ends[1]:
        there = ", ".join(facility.nodes)
        raise UnknownLink(f"two different nodes are wanted of {there}; got {' and '.join(ends)}")
    _check(arguments)
    store_at = arguments.store or arguments.out / STORE
    place = CalibrationFolder(arguments.out, store_at, arguments.facility)
    async with reached(
        arguments.facility, arguments.endpoints, arguments.state, store=store_at
    ) as lab:
        with ParameterStore(store_at, make=False) as store:
            ways = [*lab.facility.links, *(x.name for x in relays_of(lab.facility.links.values()))]
            network = measured_network(lab.facility, store, dict.fromkeys(ways, RUNS_PER_S))
            now_fs = DeadlineClock(lab).now_fs
            asked_fs = await now_fs()
            network, figures = with_stations(
                *(network, lab.facility, store, link_validities(lab.facility)),
                *(asked_fs / FS_PER_S, arguments.fidelity, arguments.number),
            )
            until_fs = asked_fs + round(arguments.deadline * FS_PER_S)
            runs = Runs(lab, store, place, figures, arguments.fidelity, until_fs)
            clock = RunClock(asked_fs, now_fs)
            found, reason = await measured_pairs(
                *(network, runs.share, clock, (ends[0], ends[1])),
                *(arguments.fidelity, arguments.number, arguments.deadline),
            )
            answered_fs = await now_fs()
    plain = [plainly(one, arguments.fidelity, runs.made[one.made_fs], asked_fs) for one in found]
    charged = _charged(len(plain), runs.attempts, (answered_fs - asked_fs) / FS_PER_S)
    if arguments.json:
        told: dict[str, object] = {
            "ends": list(ends),
            "pairs": plain,
            "refused": reason or None,
        }
        told |= {"charged": charged} if runs.attempts else {}
        print(json.dumps({**told, "down": dict(_down(network))}, indent=2))
    else:
        print("\n".join(_line(one) for one in plain) or "no pairs")
        if runs.attempts:
            print(_charge(charged))
        if reason:
            print(f"podium link request: {reason}", file=sys.stderr)
    return FOUND_PROBLEM if reason else DONE


def _check(arguments: Namespace) -> None:
    from podium.control.calibration.links.link_session import UnknownLink

    if not 0.0 < arguments.fidelity <= 1.0:
        raise UnknownLink(f"a fidelity lies above 0 and up to 1, got {arguments.fidelity}")
    if arguments.number < 1 or not arguments.deadline > 0.0:
        raise UnknownLink("at least one pair and a deadline above 0 s are wanted")


def plainly(pair: "Pair", wanted: float, made: "MeasuredPair", asked_fs: int) -> dict[str, object]:
    """Return a pair as JSON has it; ``wanted``: the fidelity that its expiry is about."""
    from podium.control.calibration.links.shared_pairs import AXES

    expiry_fs = pair.expiry_fs(wanted)
    plain: dict[str, object] = {
        "number": pair.number,
        "ends": list(pair.ends),
        "links": list(pair.links),
        "fidelity": pair.fidelity,
        "made_tai": _tai(pair.made_fs),
        "waited_s": (pair.made_fs - asked_fs) / FS_PER_S,
        "expires_tai": _tai(expiry_fs),
        "lasts_s": (expiry_fs - pair.made_fs) / FS_PER_S,
        "epochs": dict(made.epochs),
        "run": made.run,
        "run_fidelity": {"value": made.fidelity, "sigma": made.sigma},
        "axes": list(AXES),
        "read": list(made.read),
    }
    return plain if made.herald is None else {**plain, "herald": dict(made.herald)}


def _charged(pairs: int, attempts: Mapping[str, int], answered_s: float) -> dict[str, object]:
    """Return what heralded pairs have cost: all attempts, the time, pairs in each second of it.

    A pair is measured when it is there, and known to be one when its run is over.
    """
    return {
        "attempts": dict(attempts),
        "answered_s": answered_s,
        "pairs_per_s": pairs / answered_s if answered_s > 0.0 else 0.0,
    }


def _charge(charged: Mapping[str, object]) -> str:
    attempts = charged["attempts"]
    assert isinstance(attempts, dict)
    played = ", ".join(f"{number} over {name}" for name, number in attempts.items())
    return f"attempts: {played}; answered after {charged['answered_s']:.3g} s"


def _tai(at_fs: int) -> str:
    from podium.firmware_interfaces.tai import Tai

    return str(Tai.from_fs(at_fs))


def _down(network: "Network") -> Mapping[str, str]:
    return network.down


def _line(pair: dict[str, object]) -> str:
    herald = pair.get("herald")
    said = ""
    if isinstance(herald, dict):
        said = f", {herald['state']} by {' and '.join(herald['clicks'])}"
    return (
        f"pair {pair['number']} over {', '.join(map(str, pair['links']))}: "  # type: ignore[call-overload]
        f"fidelity {pair['fidelity']:.3f} at least, made at {pair['made_tai']}, read "
        f"{pair['read']}{said}"
    )
