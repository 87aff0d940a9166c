"""The facility without async: plain calls, and Ctrl-C that leaves nothing playing."""

import asyncio
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from podium.control.client.blocking import Begun, LoopThread, _blocking, open_facility_blocking
from podium.control.facility.problems import FacilityError
from podium.control.runs.errors import RunRefused


@pytest.fixture
def lab(example, bench, open_lab):
    with _blocking(lambda: open_lab(example, bench)) as lab:
        yield lab


def interrupting(bench, step: str, number: int) -> None:
    """Let Ctrl-C come when a driver does ``step`` for the ``number``-th time, which then hangs."""
    left = [number]
    over = threading.Event()

    def hook() -> None:
        left[0] -= 1
        if left[0] == 0:
            os.kill(os.getpid(), signal.SIGINT)
            over.wait(1)

    bench.hooks[step] = hook


def test_all_that_a_lab_does_it_does_without_await(lab, trial, bench, example) -> None:
    assert lab.facility is example
    assert dict(lab.run(trial()).sizes) == {"point": 3}
    assert [data.attrs["shots_done"] for data in lab.stream(trial(shots=1))] == [1]
    prepared = lab.prepare(trial())
    assert prepared.parameters == {}
    assert prepared.fire()["q0"].shape == (3,)
    lab.bias({"node_a.q0.flux": 0.1})
    assert bench.levels == {"bias_q0.": 0.1}
    assert lab.read("thermometry_a", "mixing_chamber") == 0.011
    assert lab.now().seconds == 1_800_000_000
    assert lab.status().missing == lab.ready(1).missing == ()


def test_errors_come_out_as_they_are(lab, trial) -> None:
    with pytest.raises(RunRefused, match="q9"):
        lab.run(trial(port="node_a.q9.drive"))
    with pytest.raises(RunRefused, match="no instrument 'thermometer_z'"):
        lab.read("thermometer_z", "")


def test_a_facility_that_cannot_be_opened_says_so_and_leaves_no_thread(tmp_path) -> None:
    path = tmp_path / "facility.yaml"
    path.write_text("facility: f\nfridge: {}\n")
    before = set(threading.enumerate())
    with pytest.raises(FacilityError, match="fridge"), open_facility_blocking(path):
        pass
    assert not set(threading.enumerate()) - before


def test_an_error_of_the_body_comes_out_and_all_is_left(example, bench, open_lab) -> None:
    before = set(threading.enumerate())
    with pytest.raises(KeyError, match="mine"), _blocking(lambda: open_lab(example, bench)):
        raise KeyError("mine")
    assert "cluster_a.close" in bench.done
    for thread in set(threading.enumerate()) - before:
        thread.join(10)  # a driver's thread ends once its last call has returned
        assert not thread.is_alive()


def test_ctrl_c_gives_a_run_up_and_returns_once_outputs_are_safe(lab, bench, trial) -> None:
    interrupting(bench, "cluster_a.wait", 1)
    with pytest.raises(KeyboardInterrupt):
        lab.run(trial())
    assert "cluster_a.safe" in bench.done
    assert not bench.playing
    bench.hooks.clear()
    lab.run(trial())


def test_ctrl_c_during_a_stream_keeps_what_was_measured(lab, bench, trial) -> None:
    interrupting(bench, "cluster_a.wait", 3)
    stream = lab.stream(trial(shots=9), batch_shots=2)
    with pytest.raises(KeyboardInterrupt):
        for _ in stream:
            pass
    assert (stream.data.attrs["complete"], stream.data.attrs["shots_done"]) == (0, 4)
    assert stream.data.attrs["stopped"] == "interrupted"
    assert not bench.playing
    bench.hooks.clear()
    lab.run(trial())


def test_a_stream_is_stopped_by_leaving_the_loop_or_by_asking(lab, trial) -> None:
    stream = lab.stream(trial(shots=10**6), batch_shots=1)
    for _ in stream:
        break
    assert stream.data.attrs["complete"] == 0
    lab.run(trial())
    stream = lab.stream(trial(shots=10**6), batch_shots=1)
    for data in stream:
        if not data.attrs.get("stopped"):
            stream.stop()
    assert data.attrs["stopped"] == "stopped by who began it"


def test_a_loop_left_half_way_after_the_facility_is_no_error(
    example, bench, open_lab, trial
) -> None:
    with _blocking(lambda: open_lab(example, bench)) as lab:
        parts = iter(lab.stream(trial(shots=10**6), batch_shots=1))
        next(parts)
    parts.close()


def test_ctrl_c_again_and_again_does_not_end_the_waiting(capfd) -> None:
    cancelled = threading.Event()
    safe = []

    async def work() -> None:
        try:
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(10)
        finally:
            cancelled.set()
            os.kill(os.getpid(), signal.SIGINT)
            await asyncio.sleep(0.2)
            safe.append(True)

    with LoopThread() as thread, pytest.raises(KeyboardInterrupt):
        thread.do(work)
    assert cancelled.is_set()
    assert safe == [True]
    assert "making outputs safe" in capfd.readouterr().err


def test_ctrl_c_before_anything_was_begun_ends_it_too() -> None:
    started = []

    async def work() -> None:
        started.append(True)
        await asyncio.sleep(10)

    with LoopThread() as thread:
        for _ in range(20):
            begun = Begun(thread, work)

            def at_once(begun=begun) -> None:
                begun.start()
                begun._task.cancel()

            thread.call_soon(at_once)
            with pytest.raises(asyncio.CancelledError):
                begun.outcome.result(10)
            early = Begun(thread, work)
            early.give_up()
            thread.call_soon(early.start)
            with pytest.raises(asyncio.CancelledError):
                early.outcome.result(10)
    assert started == []


def test_ctrl_c_between_the_asking_and_the_beginning_ends_it_too() -> None:
    started = []

    async def work() -> None:
        started.append(True)

    with LoopThread() as thread:
        begun = Begun(thread, work)
        begun.give_up()
        thread.call_soon(begun.start)
        with pytest.raises(asyncio.CancelledError):
            begun.outcome.result(10)
    assert started == []


SCRIPT = """
import signal
from podium.control.client.blocking import open_facility_blocking

with open_facility_blocking({path!r}) as lab:
    print("open", flush=True)
    lab.ready(60)
"""


def test_a_plain_script_ends_at_ctrl_c(tmp_path) -> None:
    """Its instruments are not there: it waits for them."""
    example = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
    text = example.read_text().replace("192.168.0.", "127.77.77.")
    (tmp_path / "facility.yaml").write_text(text)
    script = SCRIPT.format(path=str(tmp_path / "facility.yaml"))
    with subprocess.Popen(
        [sys.executable, "-c", script], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout.readline() == "open\n"
        process.send_signal(signal.SIGINT)
        try:
            _, errors = process.communicate(timeout=60)
        finally:
            process.kill()
    assert process.returncode != 0
    assert errors.rstrip().endswith("KeyboardInterrupt")
