"""What agents and the coordinator tell without being asked."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import AgentStatus, CaptureData, RunId, ask
from podium.control.bus.news import (
    DataSummary,
    PastRuns,
    Recent,
    RunNews,
    data_key,
    past_runs_key,
    runs_key,
    status_key,
)
from podium.control.bus.wire import decode, encode
from podium.control.coordinator.summaries import CLOUD, POINTS, SIDE, summary_of
from podium.control.program.program import Axis, Linear, Variable
from podium.control.runs.errors import RunFailed
from podium.drivers.errors import Unreachable

RUN = RunId(7, 1)


async def test_a_run_is_told_when_it_begins_and_when_it_ends(example, bench, open_lab, trial):
    bus = MemoryBus()
    async with (
        open_lab(example, bench, bus) as lab,
        bus.subscribe(runs_key(example.name)) as told,
        bus.subscribe(data_key(example.name)) as data,
        asyncio.timeout(30),
    ):
        brought = await lab.run(trial(points=3, shots=2))
        on, done = [decode((await anext(told))[1], RunNews) for _ in range(2)]
        summary = decode((await anext(data))[1], DataSummary)
        past = await ask(bus, past_runs_key(example.name), Recent(), PastRuns, timeout_s=5)
    assert (on.state, done.state) == ("on", "done")
    assert str(on.run) == str(done.run) == brought.attrs["run"]
    assert (on.program, on.axes, on.points, on.shots) == ("trial", ("point",), 3, 2)
    assert "node_a.q0.drive" in on.ports
    assert done.took_s > 0
    assert done.tai_s == pytest.approx(brought.attrs["started_tai_s"])
    assert summary.captures["q0"].i == pytest.approx(brought["q0_i"].values)
    assert summary.axes[0].variables[0].values == pytest.approx(brought["amplitude"].values)
    assert isinstance(past, PastRuns)
    assert (past.done, past.failed, past.runs) == (1, 0, (done,))
    assert [one.run for one in past.data] == [on.run]


async def test_a_run_that_fails_is_told_with_the_reason(example, bench, open_lab, trial):
    def broken() -> None:
        raise Unreachable("cluster_a: the cable is off")

    bus = MemoryBus()
    async with (
        open_lab(example, bench, bus) as lab,
        bus.subscribe(runs_key(example.name)) as told,
        asyncio.timeout(30),
    ):
        bench.hooks["cluster_a.arm"] = broken
        with pytest.raises(RunFailed):
            await lab.run(trial())
        _, ended = [decode((await anext(told))[1], RunNews) for _ in range(2)]
    assert ended.state == "failed"
    assert "the cable is off" in ended.error


async def test_an_instrument_that_is_lost_is_told_in_status_and_log(
    example, bench, open_agent, caplog, monkeypatch
):
    monkeypatch.setattr("podium.control.agent.biasing.BACK_S", 0.2)
    bus = MemoryBus()

    def broken() -> None:
        raise Unreachable("bias_q0: the cable is off")

    async with (
        bus.subscribe(status_key(example.name, "*")) as told,
        open_agent(example, bench, bus),
        asyncio.timeout(30),
    ):

        async def until(state: str) -> None:
            async for _, payload in told:
                status = decode(payload, AgentStatus)
                if {one.name: one.state for one in status.instruments}["bias_q0"] == state:
                    return

        await until("connected")
        bench.hooks["bias_q0.connect"] = broken
        bench.hooks["bias_q0.ramp  0.1 0.5"] = broken
        await ask(
            bus,
            messages.agent_key(example.name, "room"),
            messages.Begin("t", messages.Bias({"node_a.q0.flux": 0.1}), 5.0),
            messages.Done,
            timeout_s=10,
        )
        await until("lost")
    assert any("instrument lost" in line and "cable is off" in line for line in caplog.messages)


def captured(shape: tuple[int, ...], trace: int = 0) -> CaptureData:
    values = np.arange(float(np.prod(shape))).reshape(shape)
    samples = np.zeros(trace) if trace else None
    return CaptureData(values, -values, np.ones(shape), samples, samples, False)


def swept(*counts: int) -> tuple[Axis, ...]:
    return tuple(
        Axis(f"a{n}", (Variable(f"v{n}", "fs", Linear.steps(0, 10**6, count)),))
        for n, count in enumerate(counts)
    )


def test_a_long_line_is_thinned_with_its_axis(trial):
    program = replace(trial(), axes=swept(3 * POINTS))
    summary = summary_of(program, RUN, {"c": captured((3 * POINTS,))})
    assert summary.captures["c"].i.tolist() == [3.0 * k for k in range(POINTS)]
    assert summary.axes[0].variables[0].unit == "s"
    assert summary.axes[0].variables[0].values[1] == pytest.approx(3e-9)


def test_a_large_map_is_thinned_along_both_axes(trial):
    program = replace(trial(), axes=swept(2 * SIDE, 10))
    summary = summary_of(program, RUN, {"c": captured((2 * SIDE, 10))})
    assert summary.captures["c"].i.shape == (SIDE, 10)
    assert [axis.variables[0].values.size for axis in summary.axes] == [SIDE, 10]


def test_of_single_shots_the_mean_is_told_and_some(trial):
    program = replace(trial(), axes=swept(2), keep_shots=True, shots=50_000)
    summary = summary_of(program, RUN, {"c": captured((50_000, 2), trace=3 * POINTS)})
    capture = summary.captures["c"]
    assert capture.i == pytest.approx(np.arange(1e5).reshape(-1, 2).mean(axis=0))
    assert capture.cloud_i is not None
    assert capture.cloud_i.size <= CLOUD
    assert capture.cloud_i.shape[1] == 2
    assert capture.trace_i is not None
    assert (capture.trace_i.size, capture.trace_step_s) == (POINTS, pytest.approx(3e-9))


def test_single_shots_of_many_points_are_no_more_than_of_few(trial):
    program = replace(trial(), axes=swept(3 * CLOUD), keep_shots=True, shots=2)
    capture = summary_of(program, RUN, {"c": captured((2, 3 * CLOUD))}).captures["c"]
    assert capture.cloud_i is not None
    assert capture.cloud_q is not None
    assert capture.cloud_i.shape == capture.cloud_q.shape == (1, CLOUD)


@pytest.mark.parametrize(
    ("counts", "shape", "keep_shots"),
    [((2,), (50_000, 2), True), ((3 * POINTS,), (3 * POINTS,), False)],
)
def test_a_summary_keeps_nothing_of_what_it_is_of(trial, counts, shape, keep_shots):
    program = replace(trial(), axes=swept(*counts), keep_shots=keep_shots)
    whole = captured(shape, trace=3 * POINTS)
    thin = summary_of(program, RUN, {"c": whole}).captures["c"]
    arrays = (thin.i, thin.q, thin.cloud_i, thin.cloud_q, thin.trace_i, thin.trace_q)
    held = [_owner(one) for one in arrays if one is not None]
    assert sum(one.nbytes for one in held) <= 8 * 6 * POINTS
    assert not any(np.shares_memory(one, whole.i) for one in held)


def _owner(array: np.ndarray) -> np.ndarray:
    """Return the array that holds the memory of this one."""
    while isinstance(array.base, np.ndarray):
        array = array.base
    return array


def test_a_program_without_axes_has_a_summary(trial):
    summary = summary_of(replace(trial(), axes=()), RUN, {"c": captured(())})
    arrived = decode(encode(summary), DataSummary)  # a plain number in place of an array would not
    assert arrived.captures["c"].i.shape == arrived.captures["c"].q.shape == ()
