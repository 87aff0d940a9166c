"""A measurement seen as it comes: what is yielded, and what every way of leaving it leaves."""

import asyncio
import json
import threading
from dataclasses import replace

import numpy as np
import pytest

from podium.control.bus.messages import Done
from podium.control.bus.streams import BeginStream
from podium.control.coordinator import streaming
from podium.control.runs.errors import RunFailed, RunRefused
from podium.drivers.errors import ProtocolError


class Gate:
    """Holds a driver's call from the ``n``-th on until the test opens it."""

    def __init__(self, number: int = 1) -> None:
        self.number = number
        self.reached = threading.Event()
        self.open = threading.Event()

    def __call__(self) -> None:
        self.number -= 1
        if self.number <= 0:
            self.reached.set()
            self.open.wait(30)


async def reached(gate: Gate) -> None:
    assert await asyncio.to_thread(gate.reached.wait, 10)


async def every(stream) -> list:
    return [data async for data in stream]


async def until_none_is_on(lab) -> None:
    async with asyncio.timeout(10):
        while await lab.streams():  # noqa: ASYNC110  # nobody tells: it is somebody else's
            await asyncio.sleep(0.01)


async def test_the_last_dataset_is_what_a_run_gives_and_says_how_it_was_split(lab, trial) -> None:
    program = trial(points=5, shots=7)
    parts = await every(lab.stream(program, batch_shots=3))
    run = await lab.run(program)
    last = parts[-1]
    assert last.sizes == run.sizes
    assert set(last.coords) == set(run.coords)
    for name in run.data_vars:
        assert last[name].dims == run[name].dims
        assert last[name].attrs == run[name].attrs
        np.testing.assert_array_equal(last[name], run[name])
    same = set(run.attrs) - {"run", "started_tai_s", "started_tai", "snapshot_read"}
    assert {name: last.attrs[name] for name in same} == {name: run.attrs[name] for name in same}
    assert (last.attrs["complete"], last.attrs["shots_done"], last.attrs["done"]) == (1, 7, 1.0)
    assert "stopped" not in last.attrs
    goes = json.loads(last.attrs["batches"])
    assert [(go["shots"], go["times"]) for go in goes] == [(3, 2), (1, 1)]
    assert goes[0]["runs"][0] == last.attrs["run"]
    assert [part.attrs["complete"] for part in parts[:-1]] == [0] * (len(parts) - 1)
    assert all(part.attrs["shots"] == 7 for part in parts)


async def test_kept_shots_come_in_a_row(lab, trial, tmp_path) -> None:
    parts = await every(lab.stream(trial(shots=5, keep_shots=True), batch_shots=2))
    assert dict(parts[-1].sizes) == {"shot": 5, "point": 3}
    parts[-1].to_netcdf(tmp_path / "stream.nc", engine="h5netcdf")


async def test_a_program_without_axes_can_be_followed(lab, trial) -> None:
    program = trial(shots=5, keep_shots=True)
    program = replace(program, frames=program.frames[1:], body=program.body[1:], axes=())
    parts = await every(lab.stream(program, batch_shots=2))
    assert dict(parts[-1].sizes) == {"shot": 5}
    np.testing.assert_array_equal(parts[-1].q0_i, np.ones(5))


async def test_nobody_else_gets_the_instruments_between_two_batches(lab, bench, trial) -> None:
    bench.done.clear()
    both = asyncio.gather(
        every(lab.stream(trial(shots=4), batch_shots=1)), lab.bias({"node_a.q0.flux": 0.1})
    )
    await both
    steps = [step.partition(" ")[0] for step in bench.done]
    ramp = steps.index("bias_q0.ramp")
    assert steps.count("cluster_a.collect") == 4
    assert ramp in (0, len(steps) - 1)


async def test_one_repetition_that_takes_too_long_is_split_into_pieces(lab, bench, trial) -> None:
    parts = await every(lab.stream(trial(points=3, shots=2), every_s=1e-9))
    goes = json.loads(parts[-1].attrs["batches"])
    assert [(go["shots"], go["pieces"], go["times"]) for go in goes] == [(1, 3, 2)]
    assert bench.done.count("cluster_a.collect") == 6
    np.testing.assert_array_equal(parts[-1].q0_i, np.ones(3))


async def test_a_stop_keeps_what_was_measured_and_leaves_outputs_safe(lab, bench, trial) -> None:
    gate = bench.hooks["cluster_a.wait"] = Gate(3)
    stream = lab.stream(trial(shots=9), batch_shots=2)

    async def stop() -> None:
        await reached(gate)
        (on,) = await lab.streams()
        assert (on.program, on.shots, on.shots_done) == ("trial", 9, 4)
        await lab.stop(on.run, "enough")

    parts, _ = await asyncio.gather(every(stream), stop())
    assert parts[-1] is stream.data
    attributes = stream.data.attrs
    assert (attributes["complete"], attributes["shots_done"]) == (0, 4)
    assert attributes["stopped"] == "enough"
    assert bench.done[-1] != "cluster_a.collect"
    assert "cluster_a.safe" in bench.done
    assert not bench.playing
    assert await lab.streams() == ()
    bench.hooks.clear()
    await lab.run(trial())


async def test_the_loop_itself_may_stop_it_when_it_has_seen_enough(lab, trial) -> None:
    stream = lab.stream(trial(shots=100), batch_shots=1)
    seen = 0
    async for data in stream:
        seen = data.attrs["shots_done"]
        if seen >= 5 and not data.attrs.get("stopped"):
            await stream.stop("seen enough")
    assert 5 <= seen < 100
    assert stream.data.attrs["stopped"] == "seen enough"


async def test_a_cancelled_stream_keeps_what_was_measured_and_is_safe(lab, bench, trial) -> None:
    gate = bench.hooks["cluster_a.wait"] = Gate(2)
    stream = lab.stream(trial(shots=9), batch_shots=2)
    running = asyncio.ensure_future(every(stream))
    await reached(gate)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    assert (stream.data.attrs["complete"], stream.data.attrs["shots_done"]) == (0, 2)
    assert stream.data.attrs["stopped"] == "interrupted"
    assert "cluster_a.safe" in bench.done
    assert not bench.playing


async def test_breaking_out_of_the_loop_stops_it(lab, trial) -> None:
    stream = lab.stream(trial(shots=10**6), batch_shots=1)
    async for _ in stream:
        break
    await until_none_is_on(lab)
    await lab.run(trial())


async def test_a_failure_in_the_middle_keeps_what_was_measured(lab, bench, trial) -> None:
    left = [2]

    def hook() -> None:
        left[0] -= 1
        if left[0] < 0:
            raise ProtocolError("cluster_a: underflow")

    bench.hooks["cluster_a.wait"] = hook
    stream = lab.stream(trial(shots=9), batch_shots=2)
    with pytest.raises(RunFailed, match="underflow"):
        await every(stream)
    assert (stream.data.attrs["complete"], stream.data.attrs["shots_done"]) == (0, 4)
    assert "underflow" in stream.data.attrs["stopped"]
    assert not bench.playing


async def test_a_clock_that_was_reset_in_between_ends_it(lab, trial, monkeypatch) -> None:
    take = streaming._StreamReport.take

    def another_epoch(self, run, played, *more):
        if self.first is not None:
            played.epochs["house"] += 1
        return take(self, run, played, *more)

    monkeypatch.setattr(streaming._StreamReport, "take", another_epoch)
    stream = lab.stream(trial(shots=9), batch_shots=2)
    with pytest.raises(RunFailed, match="a clock was reset between two batches"):
        await every(stream)
    assert stream.data.attrs["shots_done"] == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [({"port": "node_a.q9.drive"}, "no port node_a.q9.drive"), ({"points": 30}, "amplitude is")],
)
async def test_what_cannot_be_played_is_refused_and_touches_nothing(
    lab, bench, trial, change, complaint
) -> None:
    bench.done.clear()
    with pytest.raises(RunRefused, match=complaint):
        await every(lab.stream(trial(**change)))
    assert bench.done == []


def test_senseless_batches_are_refused(lab, trial) -> None:
    with pytest.raises(RunRefused, match="batch_shots at least 1"):
        lab.stream(trial(), batch_shots=0)
    with pytest.raises(RunRefused, match="every_s is above 0"):
        lab.stream(trial(), every_s=float("nan"))


async def test_a_stream_is_iterated_over_once(lab, trial) -> None:
    stream = lab.stream(trial())
    await every(stream)
    with pytest.raises(RuntimeError, match="make another"):
        await every(stream)


async def test_a_stream_whose_listener_is_gone_is_given_up(lab, bench, trial, monkeypatch) -> None:
    from podium.control.program.serialise import to_json

    monkeypatch.setattr(streaming, "UNFOLLOWED_S", 0.05)
    await lab._ask(BeginStream("t", to_json(trial(shots=10**6)), 0.1, 1), Done)
    await until_none_is_on(lab)
    await lab.run(trial())


async def test_a_stop_before_it_has_begun_ends_it_too(lab, bench, trial) -> None:
    gate = bench.hooks["cluster_a.load"] = Gate()
    stream = lab.stream(trial())
    running = asyncio.ensure_future(every(stream))
    await reached(gate)
    await stream.stop("never mind")
    with pytest.raises(RunFailed, match="before anything was measured: never mind"):
        await running
    assert stream.data is None
    await lab.stop("no such stream")


async def test_news_tell_of_a_stream_as_of_one_run(lab, trial) -> None:
    from podium.control.bus.news import PastRuns, Recent, past_runs_key
    from podium.control.bus.wire import decode, encode

    await every(lab.stream(trial(shots=6), batch_shots=2))
    key = past_runs_key(lab.facility.name)
    while True:
        past = decode(await lab._bus.request(key, encode(Recent()), 5), PastRuns)
        if past.data and past.data[-1].complete:
            break
        await asyncio.sleep(0.01)
    assert [(news.shots, news.state) for news in past.runs] == [(6, "done")]
    assert len(past.data) == 1
    assert past.done == 1
