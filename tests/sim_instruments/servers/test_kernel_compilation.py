"""Instruments answer while kernels are compiled; what has been started waits, and its replies."""

import asyncio

import pytest
from tests.benches.servers.socket_client import WITHIN_S, client

from podium.sim_instruments.servers import kernel_cache, kernel_compilation
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.kernel_compilation import (
    GateClosed,
    KernelGate,
    compiling,
    families_of,
)
from podium.sim_instruments.servers.serving import open_serving

PROGRAM = b"nop\nstop\n"
BEGIN = (
    b"SEQuencer0:PROGram #19" + PROGRAM + b"\n",
    b"SEQuencer0:ARM\n",
)


@pytest.fixture
def opened(facility, twin_file):
    """Open the example's serving."""
    return lambda: open_serving(facility, twin_file, WorldClock(ClockMode.LEAP))


@pytest.fixture
def compiler(tmp_path, monkeypatch):
    """Have this text of a module compile, in place of ours, and nothing be compiled before."""

    def of(text: str) -> None:
        (tmp_path / "stand_in_compiler.py").write_text(text)
        monkeypatch.setenv("PYTHONPATH", str(tmp_path))
        monkeypatch.setattr(kernel_compilation, "MODULE", "stand_in_compiler")
        monkeypatch.setattr(kernel_cache, "at_hand", lambda families: False)

    return of


async def test_an_armed_instrument_answers_when_the_gate_is_open_and_all_others_at_once(
    opened,
) -> None:
    async with (
        opened() as serving,
        client(serving, "cluster_a", "slot2") as module,
        client(serving, "bias_q0") as source,
    ):
        serving.laboratory.kernels.close()
        assert b"QRM" in await module.ask(b"*IDN?\n")
        for words in BEGIN:
            module.tell(words)
        async with asyncio.TaskGroup() as tasks:
            late = tasks.create_task(module.ask(b"SEQuencer0:STATE?\n"))
            for _ in range(20):
                assert b"GS210" in await source.ask(b"*IDN?\n")
            assert not late.done()
            serving.laboratory.kernels.open()
            async with asyncio.timeout(WITHIN_S):
                assert b"ARMED" in await late


async def test_progress_is_told_and_then_the_gate_is_open(opened, compiler) -> None:
    compiler('import json\nfor n in range(3): print(json.dumps({"done": n, "of": 2, "what": "x"}))')
    told: list[str] = []
    async with opened() as serving, compiling(serving.laboratory, told.append) as work:
        assert work is not None
        async with asyncio.timeout(WITHIN_S):
            await work
        assert serving.laboratory.kernels.is_open
    assert told[0].startswith("compiling")
    assert [line.partition(":")[0] for line in told[1:]] == ["compiled 1 of 2", "compiled 2 of 2"]


async def test_what_cannot_be_compiled_is_told_and_holds_nothing_up(opened, compiler) -> None:
    compiler("raise SystemExit('the disk is full')")
    told: list[str] = []
    async with opened() as serving, compiling(serving.laboratory, told.append) as work:
        assert work is not None
        async with asyncio.timeout(WITHIN_S):
            await work
        assert serving.laboratory.kernels.is_open
    assert "the disk is full" in told[-1]


async def test_who_ends_earlier_waits_for_no_compiler(opened, compiler) -> None:
    compiler("import sys\nsys.stdin.read()")
    async with (
        asyncio.timeout(WITHIN_S),
        opened() as serving,
        compiling(serving.laboratory, lambda line: None) as work,
    ):
        assert work is not None
        assert not serving.laboratory.kernels.is_open


async def test_a_facility_names_the_kernels_that_it_needs(opened) -> None:
    async with opened() as serving:
        assert families_of(serving.laboratory) == ("chip", "qblox_cluster")


def test_what_waits_at_a_gate_that_ends_is_turned_back() -> None:
    gate = KernelGate()
    gate.wait()
    gate.close()
    gate.end()
    with pytest.raises(GateClosed):
        gate.wait()


def test_a_gate_that_was_open_at_its_end_turns_nobody_back() -> None:
    gate = KernelGate()
    gate.end()
    gate.wait()
