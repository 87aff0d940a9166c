"""The skew of two nodes, measured by loopback on twins, against what the world knows of it."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pytest
from tests.benches.compilers.qblox_playback import processors, shot
from tests.benches.programs.example_programs import target
from tests.benches.servers.loopback_drivers import MARKER, TWO_NODES, LoopbackDrivers

from podium.control.compilers.qblox.compile import compile_program
from podium.control.facility.load import load_facility
from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.waveforms import Gaussian
from podium.control.timebase.epochs import DomainRecord, EpochMoved, Epochs
from podium.control.timebase.loopback import (
    LoopbackFailed,
    LoopbackStart,
    NearBorder,
    choose_delays_ns,
    measure_skew,
)
from podium.control.timebase.skew import Cable, Pair, Skew
from podium.control.timebase.skew_ledger import Correction, SkewLedger
from podium.control.timebase.skew_store import SkewStore
from podium.drivers.errors import NotStarted
from podium.drivers.roles import Tags
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_NS, FS_PER_S, TickGrid
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.world_file import WorldFile, write_world
from podium.sim_instruments.physics.world_quantities import Known
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.faults import bring_about
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.serving import ServedLaboratory, open_serving
from podium.sim_instruments.twins.qblox_cluster.cluster_clock import next_cycle
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.wiring import read_plan

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

A, B = "cluster_a", "cluster_b"
PAIR = Pair(B, A)
PERIOD_NS = 4
GRID = TickGrid.from_rate_hz(1_000_000_000)
PULSES = 16
ROOM_K = 295.0
STARTS = 60
NODE_OF = {A: "node_a", B: "node_b"}


@dataclass
class OnTwins:
    """The bench, by the drivers' roles alone. ``corrections`` delay the starts of the ports."""

    drivers: LoopbackDrivers
    offsets_ns: dict[str, int] = field(default_factory=dict)

    async def prepare(self, delays_ns: Mapping[str, int]) -> None:
        await asyncio.to_thread(self.drivers.delay, delays_ns)

    async def correct(self, corrections: Mapping[str, Correction]) -> None:
        offsets_ns = {port: one.ticks for port, one in corrections.items()}
        if offsets_ns != self.offsets_ns:
            self.offsets_ns = offsets_ns
            await asyncio.to_thread(self.drivers.load, offsets_ns)

    async def _in_time(self) -> tuple[Tai, dict[str, Tags]]:
        """Start; again where this machine was so busy that an event came too late to be raised."""
        for _ in range(5):
            t0 = await asyncio.to_thread(self.drivers.fire)
            try:
                return t0, await asyncio.to_thread(self.drivers.tags)
            except NotStarted as error:
                await asyncio.to_thread(self.drivers.disarm)
                if not await asyncio.to_thread(self.drivers.was_late):
                    raise LoopbackFailed(str(error)) from error
        raise LoopbackFailed("five events in turn came too late")

    async def start(self) -> LoopbackStart:
        t0, tags = await self._in_time()
        started = {
            port: await asyncio.to_thread(self.drivers.clusters[port].started_at) for port in (A, B)
        }
        for port, node in NODE_OF.items():
            if started[port] is None or tags[node].counts.tolist() != [1] * PULSES:
                raise LoopbackFailed(f"{port}: started {started[port]}, tags {tags[node].counts}")
        return LoopbackStart(
            t0,
            {port: at for port, at in started.items() if at is not None},
            {port: tags[node].delta_fs for port, node in NODE_OF.items()},
        )


@dataclass
class Bench:
    serving: ServedLaboratory
    drivers: LoopbackDrivers
    bench: OnTwins

    def truth_fs(self, since: int) -> np.ndarray:
        """Return the true skew of the first edge of every start since an entry, fs."""
        played = self.serving.laboratory.played.since(since)
        at_fs = {
            port: [
                one.at_fs[0] for one in played if (one.instrument, one.connector) == (port, MARKER)
            ]
            for port in (A, B)
        }
        both = [(a, b) for a in at_fs[A] for b in at_fs[B] if abs(b - a) < FS_PER_MS]
        return np.array([b - a for a, b in both])

    def entry(self) -> int:
        played = self.serving.laboratory.played.since()
        return played[-1].number if played else 0

    def advance(self, seconds: int) -> None:
        self.serving.timekeeper.clock.advance(seconds * FS_PER_S)


@pytest.fixture(scope="module")
def world() -> WorldFile:
    return sample(TWO_NODES, 5)


@asynccontextmanager
async def two_nodes(world: WorldFile, folder: Path) -> AsyncIterator[Bench]:
    write_world(world, folder / "twin.yaml")
    clock = WorldClock(ClockMode.LEAP)
    async with open_serving(TWO_NODES, folder / "twin.yaml", clock) as serving:
        endpoints = serving.endpoints()["instruments"]
        drivers = await asyncio.to_thread(LoopbackDrivers, endpoints, PULSES)
        try:
            await asyncio.to_thread(drivers.prepare)
            yield Bench(serving, drivers, OnTwins(drivers))
        finally:
            await asyncio.to_thread(drivers.close)


def cables() -> tuple[Cable, Cable]:
    """Return what the facility file says of the markers' cables."""
    markers = load_facility(TWO_NODES).timing.markers
    b, a = (markers[node].delay for node in ("node_b", "node_a"))
    return Cable(b.value_fs, b.sigma_fs), Cable(a.value_fs, a.sigma_fs)


def lost_locks(record: DomainRecord, drivers: LoopbackDrivers, port: str) -> DomainRecord:
    """Return what a cluster shows of its clock's history; what is read is cleared."""
    lost = "PLL_UNLOCKED" in drivers.clusters[port].examine().complaints
    before = dict(record.signs or ()).get("lost locks", 0)
    drivers.clusters[port].tell("*CLS")
    return record.seen({"lost locks": before + lost})


async def epochs_of(records: dict[str, DomainRecord], drivers: LoopbackDrivers) -> Epochs:
    for port, record in records.items():
        records[port] = await asyncio.to_thread(lost_locks, record, drivers, port)
    return Epochs.of({record.domain: record.epoch for record in records.values()})


def rest_taken_out_fs(correction: Correction) -> float:
    """Return how much later the middle of a pulse is heard than with whole ticks alone."""
    frame = Frame("f", "node_a.q0.drive", target().ports["node_a.q0.drive"].lo_hz)
    body = (Play("f", Gaussian(40 * FS_PER_NS, 10 * FS_PER_NS)), Delay(("f",), 4960 * FS_PER_NS))
    middles_ns = []
    for late_fs in (0, int(correction.remainder_fs)):
        start = ExternalStart(3, correction.ticks, late_fs)
        compiled = compile_program(Program("pulse", (frame,), body), target(), start)
        (trace,) = run_together(processors(compiled), triggers=[Trigger(10_000, 3)])
        begun_ns = int(trace.time_ns[1])
        words = shot(compiled.sequencers[0], trace, begun_ns, 100).words.real
        middles_ns.append(begun_ns + np.sum(words * np.arange(len(words))) / np.sum(words))
    return float(middles_ns[1] - middles_ns[0]) * FS_PER_NS


@pytest.mark.slow
async def test_a_static_skew_is_found_taken_out_and_stays_out_for_an_epoch(world, tmp_path) -> None:
    records = {port: DomainRecord.first(f"ticks_{port}", {"lost locks": 0}) for port in (A, B)}
    async with two_nodes(world, tmp_path) as here:
        with SkewStore(tmp_path / "skews.sqlite") as store:
            ledger = SkewLedger(store)
            await choose_delays_ns(here.bench, (A, B), PERIOD_NS, starts=2)
            epochs = await epochs_of(records, here.drivers)
            since = here.entry()
            measured = await measure_skew(
                here.bench, PAIR, cables(), PERIOD_NS, ROOM_K, epochs, starts=STARTS
            )
            assert await epochs_of(records, here.drivers) == epochs
            ledger.record(measured)

            before_fs = here.truth_fs(since)
            assert len(before_fs) == STARTS
            known: Skew = ledger.skew(PAIR, measured.at, ROOM_K, epochs)
            assert known.sigma_fs < 40_000
            assert abs(known.value_fs - before_fs.mean()) < 3 * known.sigma_fs
            assert abs(before_fs.mean()) > 100_000, "there is something to take out"

            left_fs: list[float] = []
            for _ in range(12):
                here.advance(900)  # three hours in all
                now = Tai.from_fs(here.serving.timekeeper.clock.now_fs())
                ports = dict.fromkeys((A, B), (GRID, epochs))
                corrections = ledger.corrections(A, ports, now, ROOM_K, sigma_limit_fs=80_000)
                await here.bench.correct(corrections)
                since = here.entry()
                for _ in range(2):
                    await here.bench.start()
                # what whole ticks leave over, pulses take out that start between two of them
                rest_fs = rest_taken_out_fs(corrections[B]) - rest_taken_out_fs(corrections[A])
                left_fs += (here.truth_fs(since) + rest_fs).tolist()
            rms_fs = float(np.sqrt(np.mean(np.square(left_fs))))
            print(f"skew {known.value_fs} fs, sigma {known.sigma_fs:.0f} fs, left {rms_fs:.0f} fs")
            assert rms_fs < 100_000

            bring_about(here.serving, "relock", B)
            here.advance(11)
            after = await epochs_of(records, here.drivers)
            with pytest.raises(EpochMoved, match=r"ticks_cluster_b: epoch 1 then, 2 now"):
                ledger.skew(PAIR, now, ROOM_K, after)


def late_by(world: WorldFile, fs: int) -> WorldFile:
    """Return a world in which the trigger of the second node comes so much later."""
    name = f"{B}.trigger"
    known = world.timing.cables[name]
    longer = Known(value=known.value + fs / FS_PER_S, unit="s", assumed=True)
    cables = {**world.timing.cables, name: longer}
    return world.model_copy(update={"timing": type(world.timing)(cables=cables)})


def to_border_fs(laboratory: Laboratory, delay_ns: int) -> float:
    """Return how long the second node's edge comes before the sample that sees it, on average."""
    line, clock = laboratory.trigger_lines[f"{B}.trigger"], laboratory.twins[B].clock
    raising = laboratory.twins["wrtd_b"].clock
    first_fs = laboratory.clock.now_fs() // FS_PER_MS * FS_PER_MS + delay_ns * FS_PER_NS
    early_fs = []
    for number in range(400):
        edge_fs = raising.world_fs(first_fs + number * 2_012 * FS_PER_NS)
        edge_fs += line._cable.delay_fs(laboratory.room, edge_fs)
        early_fs.append(clock.to_world(next_cycle(clock, edge_fs)) - edge_fs)
    return float(np.mean(early_fs))


async def test_a_start_near_a_samples_border_is_kept_away_from_it(world, tmp_path) -> None:
    laboratory = Laboratory(read_plan(TWO_NODES), world, WorldClock(ClockMode.LEAP))
    early_fs = round(to_border_fs(laboratory, delay_ns=0))
    laboratory.close()
    moved = late_by(world, early_fs)  # now the edge comes just when a sample is taken
    epochs = Epochs.of({})
    async with two_nodes(moved, tmp_path) as here:
        with pytest.raises(NearBorder, match="Choose the delay of the trigger outputs anew"):
            # all of 20 starts on one side: 2e-6 by chance
            await measure_skew(here.bench, PAIR, cables(), PERIOD_NS, ROOM_K, epochs, starts=20)
        delays_ns = await choose_delays_ns(here.bench, (A, B), PERIOD_NS, starts=3)
        margin_fs = to_border_fs(here.serving.laboratory, delays_ns[B])
        assert 0.8 * FS_PER_NS < margin_fs < (PERIOD_NS - 0.8) * FS_PER_NS
        found = await measure_skew(here.bench, PAIR, cables(), PERIOD_NS, ROOM_K, epochs, starts=10)
        assert found.random_fs < 30_000
