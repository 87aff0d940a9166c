"""``podium link request`` on ``podium up``, with what was calibrated of the example before."""

import json
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from subprocess import CompletedProcess
from typing import Any

import httpx
from tests.benches.command_line import answer_of, podium_here
from tests.benches.links.linked_ends import LINKED
from tests.benches.nodes.podium_up import Up

from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.servers.back_door_client import ask

HUB = LINKED.with_name("facility_hub.yaml")
DEADLINE_S = 120.0
"""Of each request, in the facility's time."""
LONG = 2_000
"""Pairs of a run that takes some seconds, so that it is seen while it is on."""
LAST_SHOT_FS = FS_PER_S // 1000
"""The last pulse of a run is no further before the end of its last shot."""
ENDED_S = 240.0
"""By then a request has ended, on the wall of a busy machine."""


@dataclass(frozen=True, slots=True)
class Wanted:
    """Which pairs are asked for, of which facility."""

    facility: Path
    calibrated: str
    """File beside this one with what calibrations of seed 1 found: name, value, sigma, unit."""
    ends: tuple[str, ...]
    clusters: frozenset[str]
    """That play while a pair is made."""
    way: str
    """The link that pairs come over, or the links of a hub that swaps."""
    best: str
    """Name of the best fidelity that the world allows."""


OVER_A_LINK = Wanted(
    *(LINKED, "calibrated_link.json", ("link_ab",)),
    *(frozenset({"cluster_a", "cluster_b"}), "link_ab", "link_ab.best_bell_fidelity"),
)
OVER_A_HUB = Wanted(
    *(HUB, "calibrated_hub.json", ("node_a", "node_c")),
    frozenset({"cluster_a", "cluster_b", "cluster_c"}),
    *("link_ab.link_bc", "link_ab.link_bc.best_swapped_fidelity"),
)


@dataclass(frozen=True, slots=True)
class Answered:
    """What came of a request."""

    status: int
    pairs: list[dict[str, Any]]
    reason: str

    @classmethod
    def of(cls, done: "CompletedProcess[str]") -> "Answered":
        plain = json.loads(done.stdout) if done.stdout else {"pairs": [], "refused": done.stderr}
        return cls(done.returncode, plain["pairs"], plain["refused"] or "")


class RequestedPairs:
    """Linked nodes, up, their skews measured and their links calibrated."""

    def __init__(self, folder: Path, wanted: Wanted = OVER_A_LINK) -> None:
        self.wanted = wanted
        self.store = folder / "parameters.sqlite"
        instruments = len(load_facility(wanted.facility).instruments)
        self.up = Up(folder, wanted.facility, instruments, ("--store", self.store))
        self._thread = ThreadPoolExecutor(1)
        self._page = _page_of(self.up)
        self.folder = folder

    def calibrate(self, epoch: int = 1) -> None:
        """Measure the skew, and write what calibrations find as if they had found it now."""
        self.epoch = epoch
        for left in reversed(range(5)):  # too many starts are lost where a machine is busy
            said = self.measure_skew()
            if not said.returncode:
                break
            assert left, said.stderr
        tai_s = self.do("time")["tai_s"]
        kept = Path(__file__).with_name(self.wanted.calibrated)
        entries = [
            ParameterEntry(name, value, sigma, unit, "run", "routine", tai_s, epoch)
            for name, value, sigma, unit in json.loads(kept.read_text())
        ]
        with ParameterStore(self.store) as store:
            store.put(entries)

    def measure_skew(self) -> "CompletedProcess[str]":
        """Measure the skews of all nodes, by few starts."""
        words = ("skew", "measure", self.wanted.facility, "--state", self.up.state)
        return podium_here(*words, "--starts", 3)

    def close(self) -> None:
        self._thread.shutdown()
        self._page.close()
        self.up.close()

    def do(self, what: str, **how: object) -> Any:
        """Ask at the back door of the twins."""
        return ask(self.up.endpoints, {"do": what, **how})

    def fault(self, name: str, on: str) -> None:
        self.do("fault", fault=name, on=on)

    def begin(self, number: int = 2, fidelity: float = 0.5) -> "Future[CompletedProcess[str]]":
        """Begin a request."""
        words = ("link", "request", self.wanted.facility, *self.wanted.ends)
        words += ("--state", self.up.state)
        words += ("--store", self.store, "--out", self.folder / "data", "--json")
        words += ("--number", number, "--fidelity", fidelity, "--deadline", DEADLINE_S)
        return self._thread.submit(podium_here, *words)

    def ended(self, request: "Future[CompletedProcess[str]]") -> Answered:
        """Return what came of a request; raises ``TimeoutError`` where it hangs."""
        return Answered.of(request.result(ENDED_S))

    def judged(self, request: "Future[CompletedProcess[str]]") -> Answered:
        """Return what came of a request, where its pairs agree with what the world played."""
        answered = self.ended(request)
        assert bool(answered.reason) is (answered.status != 0), answered
        played = self.do("played") if answered.pairs else []
        for pair in (*answered.pairs[:1], *answered.pairs[-1:]):
            assert pair["fidelity"] <= self.allowed, pair
            made_fs = Tai.parse(pair["made_tai"]).total_fs
            at_that_time = {
                one["instrument"]
                for one in played
                if one["at_fs"][0] <= made_fs <= one["last_fs"] + LAST_SHOT_FS
            }
            assert self.wanted.clusters <= at_that_time, pair
        return answered

    def served(self) -> Answered:
        """Return what comes of a request for two pairs that is served."""
        answered = self.judged(self.begin())
        assert answered.reason == ""
        assert [one["links"] for one in answered.pairs] == [[self.wanted.way]] * 2
        return answered

    def asked_behind(self, name: str, on: str) -> Answered:
        """Return what comes of a request behind one in whose run a fault came about.

        The run of the one before may have been on its way by then.
        """
        self.judged(self.hit_by(lambda: self.fault(name, on)))
        return self.judged(self.begin())

    def hit_by(self, fault: Callable[[], object]) -> "Future[CompletedProcess[str]]":
        """Return a request during whose run a fault came about.

        One that has ended before its run was seen on the page is followed by another.
        """
        give_up = time.monotonic() + ENDED_S
        request = self.begin(LONG)
        while not self.run_is_on():
            assert time.monotonic() < give_up
            if request.done():
                self.judged(request)
                request = self.begin(LONG)
            time.sleep(0.03)
        fault()
        return request

    def run_is_on(self) -> bool:
        """Return whether the page shows a run with a number."""
        return any(one["run"] for one in self._page.get("/api/state").json()["runs"])

    @cached_property
    def allowed(self) -> float:
        """The best fidelity that the world allows a pair."""
        told = json.loads(answer_of("twin", "truth", "--endpoints", self.up.endpoints, "--json"))
        return float(told[self.wanted.best]["value"])


def _page_of(up: Up) -> httpx.Client:
    address, key = up.page()
    return httpx.Client(base_url=address, headers=key, timeout=60)
