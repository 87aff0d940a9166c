"""What becomes of a bias whose ramp was cut off: its safe rule, read back, and the store knows."""

import asyncio
import resource
import signal
import threading
from collections.abc import Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from tests.control.conftest import Box

from podium.control.agent.agent import Agent
from podium.control.agent.ramp_journal import RampIntent, RampJournal
from podium.control.agent.safe_rules import address_of
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.frozen_map import FrozenMap
from podium.control.families.family import compiler_for
from podium.control.parameters.store import ParameterStore, StoreError
from podium.control.runs.errors import RunFailed, RunRefused
from podium.drivers.errors import Refused, Unreachable

FLUX = {"node_a.q0.flux": "bias_q0", "node_a.q1.flux": "cluster_a.slot6.out2"}


def ruled(facility, safe):
    wiring = {port: replace(facility.wiring[port], safe=safe) for port in FLUX}
    return replace(facility, wiring=FrozenMap({**facility.wiring, **wiring}))


def cut_off(facility, port: str, place: Path, *, target_v: float = 0.4, **changed) -> None:
    """Leave a ramp without an end, as a process that dies does."""
    source = FLUX[port]
    name = source.partition(".")[0]
    address = address_of(facility.instruments[name])
    intent = RampIntent(port, source, address, f"ACME {name} 1", 0.0, target_v, 0.5, "ada")
    journal = RampJournal(place)
    journal.begin(replace(intent, **changed))
    journal.close()


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return tmp_path / "up.ramps.sqlite"


@pytest.fixture
def open_rules(bench, place, tmp_path):
    """Open a lab whose agent has a journal and a store: ``open_rules(facility)``."""
    from tests.control.conftest import instruments_on

    @asynccontextmanager
    async def opened(facility, *, reading_only: bool = False):
        bus = MemoryBus()
        agent = Agent(
            "room",
            facility,
            instruments_on(facility, bench),
            compiler_for(facility),
            bus,
            journal=RampJournal(place),
            store=str(tmp_path / "kept" / "parameters.sqlite"),
            reading_only=reading_only,
        )
        async with agent.running(), Coordinator(facility, bus).running():
            lab = Lab(facility, bus)
            await lab.ready(10)
            yield lab

    return opened


def in_store(tmp_path: Path, name: str):
    file = tmp_path / "kept" / "parameters.sqlite"
    try:
        with ParameterStore(file, make=False) as store:
            return store.history(name)
    except StoreError:  # not there yet
        return ()


async def until(condition: Callable[[], object]) -> None:
    async with asyncio.timeout(10):
        while not condition():  # noqa: ASYNC110  # it waits for threads and files
            await asyncio.sleep(0.01)


async def notes(lab) -> str:
    return " ".join(note for agent in (await lab.status()).agents for note in agent.notes)


@pytest.mark.parametrize("port", list(FLUX))
@pytest.mark.parametrize(
    ("safe", "end_v", "ramps", "said"),
    [
        ("hold", 0.25, 0, "safe rule: hold"),
        ("finish", 0.4, 1, "safe rule: finish"),
        (0.0, 0.0, 1, "safe rule: 0 V"),
        (-0.3, -0.3, 1, "safe rule: -0.3 V"),
    ],
)
async def test_a_ramp_that_an_agent_left_behind_ends_where_the_rule_says(
    port, safe, end_v, ramps, said, example, bench, place, tmp_path, open_rules
) -> None:
    facility = ruled(example, safe)
    cut_off(facility, port, place)
    name, _, channel = FLUX[port].partition(".")
    bench.levels[f"{name}.{channel}"] = 0.25
    parameter = port.replace(".flux", ".flux_bias")
    async with open_rules(facility) as lab:
        await until(lambda: in_store(tmp_path, parameter))
        assert bench.levels[f"{name}.{channel}"] == end_v
        made = [one for one in bench.done if ".ramp " in one]
        assert made == [f"{name}.ramp {channel} {end_v} 0.5"] * ramps
        assert f"{port}: at {end_v:g} V since its last ramp was cut off" in await notes(lab)
    (entry,) = in_store(tmp_path, parameter)
    assert (entry.value, entry.unit, entry.who) == (end_v, "V", "agent room")
    assert entry.why.startswith(f"the agent ended during the ramp; {said}; it was on its way from")
    assert "from 0 V to 0.4 V" in entry.why
    assert "by ada" in entry.why
    assert entry.tai_s == pytest.approx(1_800_000_000, abs=2)
    if name == "bias_q0":
        assert "bias_q0.safe" in bench.done  # a box that ramps by itself is stopped first
    else:
        assert "cluster_a.safe" not in bench.done  # it would silence all others


async def test_a_bias_is_said_to_be_where_it_is_read_back(
    example, bench, place, tmp_path, open_rules, monkeypatch
) -> None:
    cut_off(example, "node_a.q0.flux", place)

    def stops_short(box, channel: str, target_v: float, slew_v_per_s: float) -> None:
        bench.levels[f"{box.name}.{channel}"] = target_v - 0.001

    monkeypatch.setattr(Box, "ramp_v", stops_short)
    async with open_rules(ruled(example, -0.3)) as lab:
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
        assert "node_a.q0.flux: at -0.301 V" in await notes(lab)
    (entry,) = in_store(tmp_path, "node_a.q0.flux_bias")
    assert entry.value == -0.301


async def test_it_is_done_and_told_once(example, bench, place, tmp_path, open_rules) -> None:
    cut_off(example, "node_a.q0.flux", place)
    async with open_rules(example):
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
    bench.done.clear()
    async with open_rules(example) as lab:
        assert "since its last ramp was cut off" in await notes(lab)
        await lab.bias({"node_a.q0.flux": 0.2})
        assert await notes(lab) == ""
    assert "bias_q0.safe" not in bench.done
    assert len(in_store(tmp_path, "node_a.q0.flux_bias")) == 1


async def test_what_only_reads_leaves_it_until_the_first_job(
    example, bench, place, tmp_path, open_rules
) -> None:
    cut_off(example, "node_a.q0.flux", place)
    bench.levels["bias_q0."] = 0.1
    async with open_rules(ruled(example, 0.0), reading_only=True) as lab:
        assert "was cut off" in await notes(lab)
        assert await lab.read("bias_q0", "") == 0.1
        assert not [one for one in bench.done if ".ramp" in one or ".safe" in one]
        await lab.bias({"node_a.q1.flux": 0.2})
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
        assert bench.levels["bias_q0."] == 0.0


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({"identity": "ACME bias_q0 2"}, "was 'ACME bias_q0 2' then and is 'ACME bias_q0 1' now"),
        ({"source": "bias_q7"}, "node_a.q0.flux is not wired to bias_q7 any longer"),
    ],
)
async def test_what_is_not_what_it_was_is_left_alone_and_said(
    changed, said, example, bench, place, tmp_path, open_rules
) -> None:
    cut_off(example, "node_a.q0.flux", place, **changed)
    async with open_rules(ruled(example, 0.0)) as lab:
        async with asyncio.timeout(10):
            while said not in await notes(lab):  # noqa: ASYNC110  # it asks over the bus
                await asyncio.sleep(0.01)
    assert not [one for one in bench.done if ".ramp" in one or one == "bias_q0.safe"]
    assert in_store(tmp_path, "node_a.q0.flux_bias") == ()


async def test_of_another_address_it_is_not_ours(example, bench, place, open_rules) -> None:
    cut_off(example, "node_a.q0.flux", place, address="TCPIP::elsewhere")
    async with open_rules(ruled(example, 0.0)) as lab:
        await lab.bias({"node_a.q0.flux": 0.3})
        assert await notes(lab) == ""
    assert [one for one in bench.done if ".ramp" in one] == ["bias_q0.ramp  0.3 0.5"]
    journal = RampJournal(place)
    assert len(journal.cut_off("TCPIP::elsewhere")) == 1
    journal.close()


async def test_of_an_owner_that_lives_it_is_not_ours(example, bench, place, open_rules) -> None:
    address = address_of(example.instruments["bias_q0"])
    living = RampJournal(place)
    living.begin(
        RampIntent("node_a.q0.flux", "bias_q0", address, "ACME bias_q0 1", 0.0, 0.4, 0.5, "bob")
    )
    async with open_rules(ruled(example, 0.0)) as lab:
        with pytest.raises(RunRefused, match=r"process \d+ ramps it to 0.4 V since .* one owner"):
            await lab.bias({"node_a.q0.flux": 0.3})
        assert not [one for one in bench.done if ".ramp" in one or one == "bias_q0.safe"]
    living.close()


@pytest.mark.parametrize("target_v", [5.0, -5.0])
async def test_a_finish_beyond_todays_limit_holds(
    target_v, example, bench, place, tmp_path, open_rules
) -> None:
    cut_off(example, "node_a.q0.flux", place, target_v=target_v)
    bench.levels["bias_q0."] = 0.25
    async with open_rules(ruled(example, "finish")):
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
    assert bench.levels["bias_q0."] == 0.25
    (entry,) = in_store(tmp_path, "node_a.q0.flux_bias")
    assert "held: it was to finish, beyond today's limit of 1.2 V" in entry.why


async def test_a_ramp_that_is_given_up_ends_where_the_rule_says(
    example, bench, tmp_path, open_rules
) -> None:
    begun, gate = threading.Event(), threading.Event()

    def half_way() -> None:
        bench.levels["cluster_a.slot6.out2"] = 0.2
        begun.set()
        gate.wait(10)
        raise Refused("given up")

    bench.hooks["cluster_a.ramp slot6.out2 0.4 0.5"] = half_way
    async with open_rules(ruled(example, 0.0)) as lab:
        moving = asyncio.create_task(lab.bias({"node_a.q1.flux": 0.4}))
        assert await asyncio.to_thread(begun.wait, 10)
        moving.cancel()
        with pytest.raises(asyncio.CancelledError):
            await moving
        await until(lambda: in_store(tmp_path, "node_a.q1.flux_bias"))
        assert bench.levels["cluster_a.slot6.out2"] == 0.0
        gate.set()
    (entry,) = in_store(tmp_path, "node_a.q1.flux_bias")
    assert entry.why.startswith("the ramp was given up; safe rule: 0 V")


async def test_a_source_that_is_lost_in_a_ramp_is_made_safe_when_it_is_back(
    example, bench, tmp_path, open_rules
) -> None:
    def lost() -> None:
        bench.levels["bias_q0."] = 0.3
        del bench.hooks["bias_q0.ramp  0.4 0.5"]
        raise Unreachable("bias_q0: the cable is off")

    bench.hooks["bias_q0.ramp  0.4 0.5"] = lost
    async with open_rules(ruled(example, "finish")) as lab:
        with pytest.raises(RunFailed, match="the cable is off"):
            await lab.bias({"node_a.q0.flux": 0.4})
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
        assert bench.levels["bias_q0."] == 0.4
    (entry,) = in_store(tmp_path, "node_a.q0.flux_bias")
    assert "the ramp failed: bias_q0: the cable is off; safe rule: finish" in entry.why


async def test_a_ramp_that_was_refused_before_it_moved_leaves_nothing_to_do(
    example, bench, tmp_path, open_rules
) -> None:
    def refuses() -> None:
        raise Refused("bias_q0 sources CURR, not VOLT")

    bench.levels["bias_q0."] = 0.1
    bench.hooks["bias_q0.ramp  0.4 0.5"] = refuses
    async with open_rules(ruled(example, 0.0)) as lab:
        with pytest.raises(RunRefused, match="sources CURR"):
            await lab.bias({"node_a.q0.flux": 0.4})
        assert await notes(lab) == ""
    assert bench.levels["bias_q0."] == 0.1
    assert in_store(tmp_path, "node_a.q0.flux_bias") == ()


@pytest.mark.parametrize("moved_v", [-0.05, 0.05])
async def test_a_ramp_that_was_refused_on_its_way_is_made_safe_whichever_way_it_went(
    moved_v, example, bench, tmp_path, open_rules
) -> None:
    target_v = 0.1 + 4 * moved_v

    def refuses() -> None:
        bench.levels["bias_q0."] = 0.1 + moved_v
        raise Refused("bias_q0: overload")

    bench.levels["bias_q0."] = 0.1
    bench.hooks[f"bias_q0.ramp  {target_v} 0.5"] = refuses
    async with open_rules(ruled(example, 0.0)) as lab:
        with pytest.raises(RunRefused, match="overload"):
            await lab.bias({"node_a.q0.flux": target_v})
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
    assert bench.levels["bias_q0."] == 0.0


async def test_a_new_ramp_begins_after_the_safe_rule_of_the_one_that_was_cut_off(
    example, bench, place, tmp_path, open_rules
) -> None:
    cut_off(example, "node_a.q0.flux", place)
    bench.levels["bias_q0."] = 0.1
    async with open_rules(ruled(example, -0.2), reading_only=True) as lab:
        await lab.bias({"node_a.q0.flux": 0.3})
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
        assert await notes(lab) == ""
    made = [one for one in bench.done if ".ramp " in one]
    assert made == ["bias_q0.ramp  -0.2 0.5", "bias_q0.ramp  0.3 0.5"]
    assert bench.levels["bias_q0."] == 0.3


async def test_no_run_is_played_at_a_bias_that_was_cut_off(
    example, bench, place, tmp_path, open_rules, trial, monkeypatch
) -> None:
    monkeypatch.setattr("podium.control.agent.biasing.SETTLE_S", 0.3)
    cut_off(example, "node_a.q0.flux", place)

    def unreachable() -> None:
        raise Unreachable("bias_q0: no answer")

    bench.hooks["bias_q0.safe"] = unreachable
    async with open_rules(ruled(example, 0.0)) as lab:
        with pytest.raises(RunFailed, match=r"bias_q0: node_a.q0.flux: a ramp .*was cut off"):
            await lab.run(trial())
        assert "cluster_a.load" not in bench.done
        del bench.hooks["bias_q0.safe"]
        await lab.ready(10)
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
        await lab.run(trial())


async def test_a_released_source_is_its_holders_affair(
    example, bench, place, tmp_path, open_rules, trial
) -> None:
    """Also when it is released while it is asked in vain to follow its safe rule."""
    cut_off(example, "node_a.q0.flux", place)
    asked, gate = threading.Event(), threading.Event()

    def unreachable() -> None:
        asked.set()
        assert gate.wait(10)
        raise Unreachable("bias_q0: no answer")

    bench.hooks["bias_q0.safe"] = unreachable
    async with open_rules(ruled(example, 0.0)) as lab:
        assert await asyncio.to_thread(asked.wait, 10)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(lab.release("bias_q0"))
            await lab.status()  # the agent has the request
            gate.set()
        await lab.run(trial())
        assert "nobody knows its level" in await notes(lab)


async def test_on_a_full_disk_nothing_moves(example, bench, place, open_rules) -> None:
    async with open_rules(example) as lab:
        await lab.bias({"node_a.q0.flux": 0.1})
        bench.done.clear()
        soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
        before = signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        room = place.with_name(f"{place.name}-wal").stat().st_size
        resource.setrlimit(resource.RLIMIT_FSIZE, (room, hard))
        try:
            with pytest.raises(
                RunRefused, match=r"not ramped to 0.4 V, it stays at 0.1 V: .*free some space"
            ):
                await lab.bias({"node_a.q0.flux": 0.4})
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))
            signal.signal(signal.SIGXFSZ, before)
        assert not [one for one in bench.done if ".ramp" in one]
        assert bench.levels["bias_q0."] == 0.1
        await lab.bias({"node_a.q0.flux": 0.4})
        assert bench.levels["bias_q0."] == 0.4


async def test_a_store_that_cannot_be_told_is_told_later(
    example, bench, place, tmp_path, open_rules, caplog
) -> None:
    cut_off(example, "node_a.q0.flux", place)
    (tmp_path / "kept").write_text("no folder")
    async with open_rules(example):
        await until(lambda: "the store does not know of a bias" in caplog.text)
    (tmp_path / "kept").unlink()
    async with open_rules(example):
        await until(lambda: in_store(tmp_path, "node_a.q0.flux_bias"))
