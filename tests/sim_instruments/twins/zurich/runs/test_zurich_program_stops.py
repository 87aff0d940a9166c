"""Programs on a data server are stopped where they are worked out, and do the same as without."""

import threading
from typing import Any

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, SG, US, Bench
from tests.benches.zurich.precomputed_runs import DRIVE, READ, Inline, set_up, trigger

from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.execution.breakpoints import Breakpoint
from podium.sim_instruments.twins.zurich.runs.program_stops import sequencer_named

KEYS = [("dev12000", SG), ("dev12000", QA), ("dev8001", "awgs/0")]
ONE_BY_ONE = (
    "wave w = 0.5 * ones(64);\nrepeat (3) {\nwaitDigTrigger(1);\nplayWave(1, 2, w);\n"
    "playZero(320);\n}\n"
)


@pytest.fixture
def bench():
    return Bench(world=Inline())


def stopping(bench: Bench, at: str, *breakpoints: Breakpoint) -> list[dict[str, Any]]:
    """Set breakpoints; return what will be told at each stop, which goes on at once."""
    seen: list[dict[str, Any]] = []

    def halted(name: str, tell: Any) -> bool:
        assert threading.current_thread() is threading.main_thread()
        assert bench.execution.signals_until_now(("dev12000", at)) is not None
        seen.append({"name": name, **tell()})
        return False

    bench.execution.stop_at(("dev12000", at), breakpoints, halted)
    return seen


def read_out(bench: Bench) -> np.ndarray:
    set_up(bench, DRIVE, READ)
    trigger(bench)
    bench.world.work()
    bench.wait(100 * US)
    return numbers_of(bench.get(f"{READOUT}/result/data/0/wave"))


@pytest.mark.parametrize("at", [SG, QA])
def test_a_run_that_was_stopped_gives_what_it_gives_without(bench, at) -> None:
    seen = stopping(bench, at, Breakpoint(1))
    found = read_out(bench)
    assert [one["name"] for one in seen] == [f"dev12000/{at}"] * len(seen)
    assert len(seen) >= 1
    np.testing.assert_array_equal(found, read_out(Bench(world=Inline())))


def test_what_is_played_until_a_stop_is_known(bench) -> None:
    known: list[tuple[int, int]] = []

    def halted(name: str, tell: Any) -> bool:
        signals, at_ns = bench.execution.signals_until_now(("dev12000", SG))
        (drive,) = (one for one in signals.drives if one.line == "dev12000.sg0")
        waves = [one for one in tell()["played"] if one["what"] == "wave"]
        known.append((int(np.sum(drive.start_ns < at_ns)), len(waves)))
        return False

    bench.execution.stop_at(("dev12000", SG), [Breakpoint(when="time >= 5000")], halted)
    read_out(bench)
    assert known == [(2, 2)], "one each 2080 ns"


def test_a_sequencer_is_stopped_from_its_next_start_on_and_no_longer_once_cleared(bench) -> None:
    set_up(bench, DRIVE, READ)
    trigger(bench)
    seen = stopping(bench, SG, Breakpoint(1))
    bench.world.work()
    assert seen == []
    bench.wait(100 * US)
    bench.execution.stop_at(("dev12000", SG), [], lambda name, tell: False)
    trigger(bench)
    bench.world.work()
    assert seen == []


def test_triggers_that_come_one_by_one_stop_each_once(bench) -> None:
    """What was played before a trigger is executed once more, and does not stop again."""
    seen = stopping(bench, SG, Breakpoint(4))
    bench.upload(SG, ONE_BY_ONE)
    bench.set(f"{SG}/auxtriggers/0/channel", 8)
    bench.set(f"{SG}/enable", 1)
    for count in (1, 2, 3):
        bench.wait(50 * US)
        bench.set("system/internaltrigger/repetitions", 1)
        bench.set("system/internaltrigger/enable", 1)
        bench.world.work()
        bench.wait(50 * US)
        assert [one["line"] for one in seen] == [4] * count
    assert bench.get(f"{SG}/enable") == 0


def test_a_generator_that_waits_for_nothing_is_stopped_too(bench) -> None:
    seen = stopping(bench, SG, Breakpoint(2))
    bench.upload(SG, "wave w = ones(64);\nplayWave(1, 2, w);\nplayZero(320);\n")
    bench.set(f"{SG}/enable", 1)
    bench.world.work()
    assert [one["source"] for one in seen] == ["playWave(1, 2, w);"]
    bench.wait(10 * US)
    assert bench.get(f"{SG}/enable") == 0


def test_a_run_that_is_worked_out_anew_stops_and_the_one_before_does_not(bench) -> None:
    seen = stopping(bench, SG, Breakpoint(3))
    bench.upload(SG, "wave w = ones(64);\nplayZero(4096);\nsetUserReg(1, getUserReg(0));\n")
    bench.set(f"{SG}/enable", 1)
    before = bench.world.waiting
    bench.wait(US)
    bench.set(f"{SG}/userregs/0", 7)
    assert bench.world.waiting is not before, "it may read the register"
    before(bench.world.play)
    assert seen == []
    bench.world.work()
    assert [one["line"] for one in seen] == [3]


def test_what_no_world_hears_cannot_be_stopped() -> None:
    def refused(bench: Bench, at: str, said: str) -> None:
        with pytest.raises(ValueError, match=said):
            bench.execution.stop_at(("dev12000", at), [Breakpoint(1)], lambda *_: False)

    refused(Bench(), SG, "no world plays what it does")
    refused(Bench(world=Inline()), "qachannels/1/generator", "its input has no line of the world")


@pytest.mark.parametrize(
    ("name", "key"),
    [
        (f"dev12000/{SG}", KEYS[0]),
        ("sgchannels/0", KEYS[0]),
        ("/DEV12000/qachannels/0", KEYS[1]),
        ("awgs/0", KEYS[2]),
        ("dev8001", KEYS[2]),
    ],
)
def test_a_sequencer_is_named_by_its_node(name: str, key: tuple[str, str]) -> None:
    assert sequencer_named(name, KEYS) == key


@pytest.mark.parametrize(
    ("name", "said"),
    [("sgchannels/9", "is no sequencer"), ("", "is no sequencer"), ("dev12000", "more than one")],
)
def test_what_names_none_or_more_is_refused(name: str, said: str) -> None:
    with pytest.raises(ValueError, match=said):
        sequencer_named(name, KEYS)
