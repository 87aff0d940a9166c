"""Several who use one facility: each thing in turn, each with the name of who asked for it."""

import asyncio
import logging
import threading
from dataclasses import replace

import pytest

from podium.control.bus import client_name
from podium.control.bus.memory import MemoryBus
from podium.control.bus.news import RunNews, runs_key
from podium.control.bus.wire import decode
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.coordinator import manual_requests
from podium.control.runs.errors import RunFailed, RunRefused


@pytest.fixture
def bus() -> MemoryBus:
    return MemoryBus()


@pytest.fixture
async def both(example, bench, bus, open_lab):
    async with open_lab(example, bench, bus), asyncio.timeout(60):
        yield Lab(example, bus, "ada's notebook"), Lab(example, bus, "bob's script")


@pytest.fixture
def held(bench):
    """A run that is asked for its data stays on until the event is set."""
    playing, go_on = threading.Event(), threading.Event()

    def hold() -> None:
        playing.set()
        go_on.wait(30)

    bench.hooks["cluster_a.collect"] = hold
    yield playing, go_on
    go_on.set()


async def test_data_and_log_and_status_say_who_asked(both, trial, caplog) -> None:
    caplog.set_level(logging.INFO, "podium")
    ada, bob = both
    data = await ada.run(trial())
    assert data.attrs["by"] == "ada's notebook"
    async for streamed in bob.stream(trial(shots=4), batch_shots=2):
        assert streamed.attrs["by"] == "bob's script"
    await bob.bias({"node_a.q0.flux": 0.1})
    await ada.release("lo_q2")
    await ada.take_back("lo_q2")
    asked = (await bob.status()).asked
    assert [(one.number, one.what, one.by, one.state) for one in asked] == [
        (1, f"run {data.attrs['run']} trial", "ada's notebook", "done"),
        (2, f"run {streamed.attrs['run']} trial", "bob's script", "done"),
        (3, "bias node_a.q0.flux to 0.1 V", "bob's script", "done"),
        (4, "release lo_q2", "ada's notebook", "done"),
        (5, "take back lo_q2", "ada's notebook", "done"),
    ]
    said = "\n".join(caplog.messages)
    for what, by in (("run done", "ada"), ("run done", "bob"), ("biases moved", "bob")):
        assert any(line.startswith(what) and by in line for line in caplog.messages), said


async def test_what_fails_is_told_with_the_reason_and_by_whom(both, trial) -> None:
    ada, _ = both
    with pytest.raises(RunRefused, match=r"allows|allow"):
        await ada.bias({"node_a.q0.flux": 1e3})
    (failed,) = (await ada.status()).asked
    assert (failed.state, failed.by) == ("failed", "ada's notebook")
    assert "1000.0 V" in failed.error


async def test_during_a_run_a_question_is_refused_naming_the_run_and_whose_it_is(
    both, trial, held, monkeypatch
) -> None:
    monkeypatch.setattr(manual_requests, "PATIENCE_S", 0.05)
    ada, bob = both
    playing, go_on = held
    running = asyncio.ensure_future(ada.run(trial()))
    assert await asyncio.to_thread(playing.wait, 10)
    not_now = r"not now: run \d+-00001 trial is on, asked by ada's notebook"
    with pytest.raises(RunRefused, match=not_now):
        await bob.ask("lo_q2", "power", -3, write=True)
    with pytest.raises(RunRefused, match=not_now):
        await bob.release("lo_q2")
    go_on.set()
    await running


async def test_between_the_batches_of_a_stream_nobody_sets_anything(
    both, trial, bench, monkeypatch
) -> None:
    monkeypatch.setattr(manual_requests, "PATIENCE_S", 0.05)
    ada, bob = both
    seen = 0
    async for _ in ada.stream(trial(shots=10**6), batch_shots=1):
        with pytest.raises(RunRefused, match=r"not now: run \d+-00001 trial is on"):
            await bob.ask("lo_q2", "power", -3, write=True)
        seen += 1
        if seen == 2:
            break
    assert seen == 2


async def test_a_run_in_one_piece_is_stopped_by_another_and_outputs_are_safe(
    both, trial, bench, bus
) -> None:
    ada, bob = both
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    async with bus.subscribe(runs_key(ada.facility.name)) as told:
        running = asyncio.ensure_future(ada.run(trial()))
        on = decode((await anext(told))[1], RunNews)
        while "cluster_a.wait" not in bench.done:  # noqa: ASYNC110  nobody tells
            await asyncio.sleep(0.01)
        await bob.stop(str(on.run), "smoke")
        assert bench.done[-1] == "cluster_a.safe"
        with pytest.raises(RunFailed, match=f"run {on.run}: smoke; nothing of it is kept"):
            await running
        ended = decode((await anext(told))[1], RunNews)
    assert not on.batches
    assert (ended.state, ended.error) == ("stopped", "smoke")
    assert (ended.by, ended.stopped_by) == ("ada's notebook", "bob's script")
    status = await ada.status()
    assert (status.runs_done, status.runs_failed) == (0, 0)
    assert [(one.state, one.error) for one in status.asked] == [("stopped", "smoke")]
    bench.hooks.clear()
    await ada.run(trial())


async def test_a_stream_that_another_stops_says_who_it_was(both, trial, bus) -> None:
    ada, bob = both
    stream = ada.stream(trial(shots=10**6), batch_shots=1)
    async with bus.subscribe(runs_key(ada.facility.name)) as told:
        async for data in stream:
            for on in await bob.streams():
                assert (on.by, on.run) == ("ada's notebook", data.attrs["run"])
                await bob.stop(on.run)
        news = [decode((await anext(told))[1], RunNews)]
        while news[-1].state == "on":
            news.append(decode((await anext(told))[1], RunNews))
    assert stream.data.attrs["stopped_by"] == "bob's script"
    assert stream.data.attrs["complete"] == 0
    assert news[-1] == replace(
        news[-1], state="stopped", by="ada's notebook", stopped_by="bob's script", batches=True
    )
    assert news[-1].shots_done >= 1
    assert any(one.shots_done == 1 for one in news)


@pytest.mark.parametrize("name", ["", "  ", "a\nb", "x" * 121])
async def test_what_is_no_name_is_refused(name) -> None:
    with pytest.raises(ValueError, match="is no name: it takes 1 to 120 printable"):
        async with open_facility("examples/first_light/facility.yaml", who=name):
            pass


@pytest.mark.parametrize(
    ("words", "told"),
    [
        ([], "python"),
        (["-c"], "python"),
        (["/lab/scan.py", "3"], "scan.py"),
        (["/env/bin/podium", "run", "f.yaml"], "podium run"),
        (["/src/podium/control/cli.py", "ask", "lo"], "podium ask"),
        (["/src/podium_start.py", "up"], "podium up"),
        (["/env/lib/ipykernel_launcher.py", "-f", "x"], "notebook"),
        (["/env/lib/pytest/__main__.py"], "pytest"),
    ],
)
def test_a_process_is_called_by_what_was_started(words, told) -> None:
    assert client_name.program_name(words) == told
