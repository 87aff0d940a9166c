"""Programs of a routine are asked for ahead, and their data come in the order of the programs."""

import asyncio
from pathlib import Path

import pytest
import xarray
from tests.benches.calibration.synthetic_data import (
    EXAMPLE,
    NODE,
    MadeRunner,
    known,
    rabi_oscillation,
)

from podium.control.calibration.bench import Bench
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.refit import runs_of
from podium.control.calibration.routines.rabi import rabi_program
from podium.control.calibration.state import CalibrationState, told
from podium.control.facility.load import load_facility
from podium.control.program.program import Program
from podium.control.records.datasets import save_dataset
from podium.control.records.run_attributes import all_run_attributes
from podium.control.runs.errors import RunFailed

FACILITY = load_facility(EXAMPLE)


class Overtaken(MadeRunner):
    """Plays the second of two programs that are asked for at once first."""

    waiting: asyncio.Event | None = None
    on = most = 0

    async def run(self, program: Program) -> xarray.Dataset:
        self.on += 1
        self.most = max(self.most, self.on)
        first, self.waiting = self.waiting, None
        if first is None:
            first = self.waiting = asyncio.Event()
            await first.wait()
            data = await super().run(program)
        else:
            data = await super().run(program)
            first.set()
        data.attrs["played"] = program.name
        data.attrs |= await all_run_attributes()  # as a lab's recorder does
        self.on -= 1
        return data


def bench_of(runner: MadeRunner, folder: Path) -> Bench:
    qubits = tuple(FACILITY.qubits().values())

    def keep(data: xarray.Dataset) -> None:
        save_dataset(data, folder)

    return Bench(runner, NODE, qubits, known(FACILITY), keep=keep)


def programs(bench: Bench, count: int):
    for k in range(count):
        program = rabi_program(bench, bench.qubits, ef=False)
        yield Program(f"number {k}", program.frames, program.body, program.axes, program.shots)


async def test_data_come_in_the_order_of_programs_whichever_was_played_first(
    tmp_path: Path,
) -> None:
    runner = Overtaken(rabi_oscillation)
    bench, outcome = bench_of(runner, tmp_path), Outcome("rabi", "Rabi")
    words = [{"drawn": {"number": float(k)}} for k in range(6)]
    asked = zip(programs(bench, 6), words, strict=True)
    async with asyncio.timeout(60):
        every = await bench.run_told(outcome, asked)
    assert [one.attrs["played"] for one in every] == [f"number {k}" for k in range(6)]
    assert [told(one, "drawn")["number"] for one in every] == list(range(6))
    runs = [one.attrs["run"] for one in every]
    assert runs == outcome.runs
    assert runs != sorted(runs), "some were overtaken"
    assert runner.most == 2
    for k, one in enumerate(every):
        assert CalibrationState.of(one).runs_before == tuple(runs[:k])
    for run in runs:
        assert [one.attrs["run"] for one in runs_of(run, tmp_path)] == runs


async def test_a_run_that_fails_ends_the_one_behind_it(tmp_path: Path) -> None:
    ended = []

    class Failing(MadeRunner):
        async def run(self, program: Program) -> xarray.Dataset:
            if program.name == "number 1":
                raise RunFailed("run 1-00001: no")
            if program.name == "number 2":
                try:
                    await asyncio.Event().wait()
                finally:
                    ended.append(program.name)
            return await super().run(program)

    bench, outcome = bench_of(Failing(rabi_oscillation), tmp_path), Outcome("rabi", "Rabi")
    async with asyncio.timeout(60):
        with pytest.raises(RunFailed, match="run 1-00001: no"):
            await bench.run_all(outcome, programs(bench, 4))
    assert len(outcome.runs) == 1
    assert ended in ([], ["number 2"])
    assert bench.latest is outcome
