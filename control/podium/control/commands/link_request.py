"""``podium link request``: pairs between two nodes, with epochs, fidelities and expiries."""

import asyncio
import json
import sys
from argparse import ArgumentParser, Namespace
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from podium.control.facility.command import DONE, FOUND_PROBLEM
from podium.firmware_interfaces.exact_time import FS_PER_S

if TYPE_CHECKING:
    from podium.control.calibration.links.shared_pairs import SharedPairs
    from podium.control.client.lab import Lab
    from podium.control.links.network import Link, Network, Pair
    from podium.control.links.pair_source import NewPair
    from podium.control.parameters.store import ParameterStore
    from podium.control.records.calibration_folder import CalibrationFolder

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


class Pairs:
    """Shares pairs over links of a lab, and keeps what their runs said."""

    def __init__(self, lab: "Lab", store: "ParameterStore", place: "CalibrationFolder") -> None:
        self._lab, self._store, self._place = lab, store, place
        self._epochs: dict[str, Mapping[str, int]] = {}
        self.shared: dict[int, tuple[SharedPairs, int]] = {}
        """By the instant at which it was made: each pair's run, and its place in it."""

    async def share(self, link: "Link", number: int) -> "Sequence[NewPair]":
        """Make pairs over a link by one run; raises ``PairSourceFailed`` with the reason."""
        from podium.control.calibration.fits.least_squares import FitFailed
        from podium.control.calibration.links.link_bench import LinkBench
        from podium.control.calibration.links.link_session import link_validities
        from podium.control.calibration.links.relay_bench import RelayBench
        from podium.control.calibration.links.shared_pairs import share_pairs, share_swapped
        from podium.control.facility.links import relays_of
        from podium.control.links.measured_pairs import epochs_of_link
        from podium.control.links.network import SIGMAS
        from podium.control.links.pair_source import NewPair, PairSourceFailed
        from podium.control.parameters.entry import NotMeasured
        from podium.control.runs.errors import RunError

        facility = self._lab.facility
        keep, validities = self._place.keep, link_validities(facility)
        try:
            if link.name in facility.links:
                own = facility.links[link.name]
                bench = LinkBench.of(self._lab, own, self._store, keep, validities)
                found = await share_pairs(bench, number)
            else:
                relays = {one.name: one for one in relays_of(facility.links.values())}
                relay = relays[link.name]
                over = RelayBench.of(self._lab, relay, self._store, keep, validities)
                found = await share_swapped(over, number)
        except (FitFailed, NotMeasured, RunError) as error:
            raise PairSourceFailed(link.name, f"{link.name}: {error}") from error
        then = self._epochs.setdefault(
            link.name, await self._calibrated_under(link) or found.epochs
        )
        moved = [
            f"{domain}: epoch {then.get(domain)} then, {epoch} now"
            for domain, epoch in found.epochs.items()
            if then.get(domain) != epoch
        ]
        if moved:
            raise PairSourceFailed(link.name, f"{'; '.join(moved)}; calibrate {link.name}")
        epochs = epochs_of_link(link, max(found.epochs.values(), default=0))
        worth = max(0.0, found.fidelity - SIGMAS * found.sigma)
        for place, made_fs in enumerate(found.made_fs):
            self.shared[made_fs] = (found, place)
        return [NewPair(made_fs, epochs, worth) for made_fs in found.made_fs]

    async def _calibrated_under(self, link: "Link") -> Mapping[str, int] | None:
        """Return all epochs of the run that judged the link, where its data are still there."""
        from podium.control.records.datasets import load_dataset

        known = self._store.get(f"{link.name}.bell_fidelity")
        known = known or self._store.get(f"{link.name}.swapped_fidelity")
        files = [] if known is None else sorted(self._place.datasets.glob(f"*{known.run}*"))
        for file in files:
            try:
                data = await asyncio.to_thread(load_dataset, file)
                return {str(k): int(v) for k, v in json.loads(data.attrs["epochs"]).items()}
            except (OSError, ValueError, KeyError):
                continue
        return None


async def request(arguments: Namespace) -> int:
    """Serve one request; 1 where it gets fewer pairs than it wants."""
    from podium.control.calibration.links.link_session import UnknownLink
    from podium.control.facility.links import relays_of
    from podium.control.facility.load import load_facility
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
            pairs = Pairs(lab, store, place)

            async def now_fs() -> int:
                return (await lab.now()).total_fs

            clock = RunClock(await now_fs(), now_fs)
            found, reason = await measured_pairs(
                *(network, pairs.share, clock, (ends[0], ends[1])),
                *(arguments.fidelity, arguments.number, arguments.deadline),
            )
    plain = [plainly(one, arguments.fidelity, *pairs.shared[one.made_fs]) for one in found]
    if arguments.json:
        told = {"ends": list(ends), "pairs": plain, "refused": reason or None}
        print(json.dumps({**told, "down": dict(_down(network))}, indent=2))
    else:
        print("\n".join(_line(one) for one in plain) or "no pairs")
        if reason:
            print(f"podium link request: {reason}", file=sys.stderr)
    return FOUND_PROBLEM if reason else DONE


def _check(arguments: Namespace) -> None:
    from podium.control.calibration.links.link_session import UnknownLink

    if not 0.0 < arguments.fidelity <= 1.0:
        raise UnknownLink(f"a fidelity lies above 0 and up to 1, got {arguments.fidelity}")
    if arguments.number < 1 or not arguments.deadline > 0.0:
        raise UnknownLink("at least one pair and a deadline above 0 s are wanted")


def plainly(pair: "Pair", wanted: float, shared: "SharedPairs", place: int) -> dict[str, object]:
    """Return a pair as JSON has it; ``wanted``: the fidelity that its expiry is about."""
    from podium.control.calibration.links.shared_pairs import AXES

    expiry_fs = pair.expiry_fs(wanted)
    return {
        "number": pair.number,
        "ends": list(pair.ends),
        "links": list(pair.links),
        "fidelity": pair.fidelity,
        "made_tai": _tai(pair.made_fs),
        "expires_tai": _tai(expiry_fs),
        "lasts_s": (expiry_fs - pair.made_fs) / FS_PER_S,
        "epochs": dict(shared.epochs),
        "run": shared.run,
        "run_fidelity": {"value": shared.fidelity, "sigma": shared.sigma},
        "axes": list(AXES),
        "read": [int(one) for one in shared.outcomes[place]],
    }


def _tai(at_fs: int) -> str:
    from podium.firmware_interfaces.tai import Tai

    return str(Tai.from_fs(at_fs))


def _down(network: "Network") -> Mapping[str, str]:
    return network.down


def _line(pair: dict[str, object]) -> str:
    return (
        f"pair {pair['number']} over {', '.join(map(str, pair['links']))}: "  # type: ignore[call-overload]
        f"fidelity {pair['fidelity']:.3f} at least, made at {pair['made_tai']}, read {pair['read']}"
    )
