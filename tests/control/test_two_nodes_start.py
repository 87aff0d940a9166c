"""Two nodes of the example start together: agents, drivers and twins as a facility has them."""

import json
import re
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import suppress

import pytest
import pytest_asyncio
from tests.benches.nodes.triggered import Node, together
from tests.benches.nodes.two_nodes_up import Twins, TwoNodes, two_nodes_up

from podium.control.agent.run_hardware import RunHardware
from podium.control.runs.errors import RunError
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.world_file import read_world

pytestmark = [
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

BOTH = together([Node("a"), Node("b")])
ALONE = together([Node("a")])
READOUT, MARKER = "slot2.out0", "slot4.marker2"
TOGETHER_NS = 12
"""Uncorrected: a sample of either input, both clocks and cables."""
PULSES = 16


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Twins]:
    twins = Twins(tmp_path_factory.mktemp("two_nodes"))
    yield twins
    twins.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def up(twins, tmp_path_factory) -> AsyncIterator[TwoNodes]:
    """Each test compares epochs with those before it, and leaves clocks locked and agents well."""
    async with two_nodes_up(twins, tmp_path_factory.mktemp("up")) as here:
        yield here


async def epochs(up: TwoNodes) -> Mapping[str, int]:
    """Return the epochs that a run of both nodes reports."""
    data = await up.run(BOTH, corrected=False)
    found: Mapping[str, int] = json.loads(data.attrs["epochs"])
    return found


async def test_only_the_nodes_of_a_run_play_and_do_so_within_a_few_ns(up, twins) -> None:
    since = twins.entry()
    data = await up.run(BOTH, corrected=False)
    a, b = (twins.began(f"cluster_{one}", READOUT, since) for one in "ab")
    assert abs(b - a) < TOGETHER_NS * FS_PER_NS
    assert set(twins.played(since)) == {"cluster_a", "cluster_b", "wrtd_a", "wrtd_b"}, (
        "no room, no tagger"
    )
    assert set(json.loads(data.attrs["starts"])) == {"cluster_a", "cluster_b"}
    said = {name: Tai.parse(at) for name, at in json.loads(data.attrs["first_shots"]).items()}
    for name, left in (("cluster_a", a), ("cluster_b", b)):  # its readout begins with the shot
        assert abs(left - said[name]) < TOGETHER_NS * FS_PER_NS
    assert set(json.loads(data.attrs["epochs"])) == {"ticks_a", "ticks_b", "plane_a", "plane_b"}
    assert dict(data.sizes) == {"point": 3}

    since = twins.entry()
    await up.run(ALONE, timed=True)
    assert set(twins.played(since)) == {"cluster_a", "wrtd_a"}


async def test_a_loopback_brings_the_tags_of_each_node_and_the_starts_of_all(up, twins) -> None:
    seen = await up.loopback()
    assert set(seen.started) == {"cluster_a", "cluster_b", "tagger"}
    for counts in seen.counts.values():
        assert counts.tolist() == [1] * PULSES
    skew_fs = twins.began("cluster_b", MARKER) - twins.began("cluster_a", MARKER)
    delays_s = read_world(twins.twin).timing.delays_s()
    cables_s = delays_s["tagger.slot10.io1"] - delays_s["tagger.slot10.io0"]
    tagged_fs = seen.tags_fs["node_b"].mean() - seen.tags_fs["node_a"].mean()
    assert tagged_fs - round(cables_s * 1e15) == pytest.approx(skew_fs, abs=100_000)
    assert {"ticks_tagger", "plane_room"} < dict(seen.epochs.numbers).keys()


async def test_a_start_is_set_as_the_run_says(up, twins) -> None:
    as_wired = await up.loopback()
    after_fs = {name: at - as_wired.t0 for name, at in as_wired.started.items()}
    since = twins.entry()
    held = {
        "cluster_b": StartSetting(0, offset_ns=100),
        "cluster_a": StartSetting(8, 0, 0, after_fs["cluster_a"] + 8 * FS_PER_NS, 2 * FS_PER_NS),
    }
    seen = await up.loopback(held)
    late_fs = {name: at - seen.t0 - after_fs[name] for name, at in seen.started.items()}
    assert late_fs["cluster_a"] == 8 * FS_PER_NS, "two samples of the trigger input"
    assert abs(late_fs["cluster_b"]) <= 4 * FS_PER_NS, "the offset comes after the start"
    moved_fs = {
        one: twins.began(f"cluster_{one}", MARKER, since) - seen.t0 - after_fs[f"cluster_{one}"]
        for one in "ab"
    }
    apart_fs = moved_fs["b"] - moved_fs["a"]
    assert apart_fs == pytest.approx((100 - 8) * FS_PER_NS, abs=5 * FS_PER_NS)

    wrong = after_fs["cluster_b"] + 40 * FS_PER_NS
    why = await up.refused_loopback({"cluster_b": StartSetting(0, 0, 0, wrong, FS_PER_NS)})
    assert re.search(r"node_b: it started -4\d+ fs from where its start belongs", why)


async def test_what_was_measured_under_an_epoch_that_is_over_is_refused(up, twins) -> None:
    before = await epochs(up)
    twins.relock("cluster_b")
    measured = Epochs.of({name: before[name] for name in ("ticks_b", "plane_b")})
    since = twins.entry()
    then = before["ticks_b"]
    assert (
        f"skew of cluster_b was measured under epoch {then} of ticks_b, now {then + 1}: measure it "
        "anew: podium skew measure"
    ) in await up.refused_loopback({"cluster_b": StartSetting(0, epochs=measured)})
    assert twins.played(since) == {}
    after = await epochs(up)
    assert after == before | {"ticks_b": before["ticks_b"] + 1}
    now = Epochs.of({name: after[name] for name in ("ticks_b", "plane_b")})
    await up.loopback({"cluster_b": StartSetting(0, epochs=now)})


async def test_nothing_starts_on_a_clock_that_is_not_locked(up, twins) -> None:
    before = await epochs(up)
    since = twins.entry()
    twins.fault("unlock", "cluster_a")
    assert "cluster_a: its clock is not locked to its reference" in await up.refused(BOTH)
    twins.relock("cluster_a")
    twins.fault("unlock", "wrtd_b")
    assert "wrtd_b has no time: its White Rabbit link is offline" in await up.refused(BOTH)
    twins.relock("wrtd_b")
    assert twins.played(since) == {}
    moved = {name: before[name] + 1 for name in ("ticks_a", "plane_b")}
    assert await epochs(up) == before | moved


async def test_only_what_happened_to_a_clock_moves_its_epoch(up, twins) -> None:
    before = await epochs(up)
    for name in ("cluster_a", "wrtd_a", "cluster_b"):
        twins.fault("drop", name)
    with suppress(RunError):  # whoever asks is the first to notice
        await up.lab.run(BOTH, corrected=False)
    await up.ready()
    assert await epochs(up) == before, "a connection is no clock"

    await up.end("node_a")
    await up.begin("node_a")
    await up.ready()
    assert await epochs(up) == before, "nor is an agent"

    await up.end("node_b")
    twins.relock("cluster_b", "wrtd_b")
    await up.begin("node_b")
    await up.ready()
    after = before | {name: before[name] + 1 for name in ("ticks_b", "plane_b")}
    assert await epochs(up) == after

    data = await up.lab.run(together([Node("b")]))
    assert json.loads(data.attrs["epochs"]) == {"ticks_b": after["ticks_b"]}, "started at once"


@pytest.mark.parametrize(
    ("clock", "step"),
    [
        pytest.param("cluster_a", "arm", marks=pytest.mark.slow),
        ("cluster_a", "set_trigger"),
        pytest.param("wrtd_b", "arm", marks=pytest.mark.slow),
        pytest.param("wrtd_b", "set_trigger", marks=pytest.mark.slow),
    ],
)
async def test_a_clock_that_loses_its_lock_on_the_way_costs_the_run(
    up, twins, monkeypatch, clock: str, step: str
) -> None:
    before = await epochs(up)
    since = twins.entry()
    as_it_is = getattr(RunHardware, step)
    faults = [clock]

    async def after_a_fault(hardware: RunHardware, *what: object) -> object:
        while faults:
            twins.fault("relock", faults.pop())
        return await as_it_is(hardware, *what)

    monkeypatch.setattr(RunHardware, step, after_a_fault)
    assert re.search(
        r"epoch \d+ then, \d+ now|not locked|has no time|not come", await up.refused(BOTH)
    )
    if step == "arm":
        assert twins.played(since) == {}
    twins.locked()
    await up.ready()
    moved = {"cluster_a": "ticks_a", "wrtd_b": "plane_b"}[clock]
    assert await epochs(up) == before | {moved: before[moved] + 1}


@pytest.mark.slow
async def test_a_controller_that_was_switched_off_counts_for_nothing_before_its_time_is_set(
    up, twins
) -> None:
    before = await epochs(up)
    since = twins.entry()
    twins.fault("restart", "cluster_b")
    with suppress(RunError):  # whoever asks is the first to notice
        await up.lab.run(BOTH, corrected=False)
    await up.ready()
    why = await up.refused(BOTH)
    assert re.search(r"cluster_b shows 1970-01-01 .*, its trigger node wrtd_b 20", why)
    assert "cluster_b" not in twins.played(since)

    await up.lab.ask("cluster_b", "reference_source", "external", write=True)
    twins.locked()
    shown = json.loads(str(await up.lab.ask("cluster_b", "TIMEkeeping:CURRent:TIMEstamp?")))
    await set_forward(up, (await up.lab.now()).total_fs // FS_PER_NS - shown["ns"])
    why = await up.refused(BOTH)  # set by hand, it is some ms off
    (off_fs,) = re.findall(r"node_b: it started (-?\d+) fs from where its start belongs", why)
    await set_forward(up, -round(int(off_fs) / FS_PER_NS))
    after = await epochs(up)
    assert after["ticks_b"] > before["ticks_b"]
    assert after | {"ticks_b": 0} == before | {"ticks_b": 0}


async def set_forward(up: TwoNodes, ns: int) -> None:
    """Set the time of cluster_b."""
    ahead = json.dumps({"ns": ns, "sub": 0})
    block = f"#{len(str(len(ahead)))}{len(ahead)}{ahead}"
    await up.lab.ask("cluster_b", f"TIMEkeeping:ADJust {block}", write=True)
    await up.ready()
