import asyncio
import os
import signal
import sys
import textwrap
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest

from podium.control.processes import child_processes as children_module
from podium.control.processes.child_processes import Children, ProcessFailed, call


def python(code: str) -> list[str]:
    return [sys.executable, "-c", textwrap.dedent(code)]


WAITS = python("import signal, sys; print('here', flush=True); signal.pause()")


@pytest.fixture
def children() -> Iterator[Children]:
    started = Children()
    yield started
    started.kill()


async def heard(children: Children, log: Path, text: str) -> None:
    """Return once a child has written ``text``."""
    while text.encode() not in await asyncio.to_thread(log.read_bytes):
        children.check()
        await asyncio.sleep(0.01)


async def test_a_child_told_to_end_has_ended(children: Children, tmp_path: Path) -> None:
    child = children.start("twin", WAITS, tmp_path)
    await heard(children, child.log, "here")
    await children.end()
    assert child.process.returncode == -signal.SIGTERM
    assert children.running == []


async def test_children_end_in_the_opposite_order_of_their_start(
    children: Children, tmp_path: Path
) -> None:
    code = """
        import signal, sys
        def end(*_):
            with open(sys.argv[1], "a") as order:
                order.write(sys.argv[2])
            sys.exit(0)
        signal.signal(signal.SIGTERM, end)
        print("here", flush=True)
        signal.pause()
    """
    order = tmp_path / "order"
    for name in ("a", "b", "c"):
        child = children.start(name, [*python(code), str(order), name], tmp_path)
        await heard(children, child.log, "here")
    await children.end()
    assert order.read_text() == "cba"


async def test_a_child_that_will_not_end_is_killed_with_its_own_children(
    children: Children, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(children_module, "GRACE_S", 0.2)
    code = """
        import signal, subprocess, sys
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        below = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
        print("here", below.pid, flush=True)
        signal.pause()
    """
    child = children.start("stubborn", python(code), tmp_path)
    await heard(children, child.log, "here")
    below = psutil.Process(int(child.log.read_text().split()[1]))
    await children.end()
    assert child.process.returncode == -signal.SIGKILL
    psutil.wait_procs([below], timeout=10)
    assert not below.is_running() or below.status() == psutil.STATUS_ZOMBIE


async def test_whoever_waits_for_a_dead_child_hears_its_last_words(
    children: Children, tmp_path: Path
) -> None:
    code = "import sys; print('no such twin file: twin.yaml', file=sys.stderr); sys.exit(3)"
    children.start("twin", python(code), tmp_path)
    with pytest.raises(ProcessFailed, match="twin ended with status 3") as failed:
        await children.wait_for(tmp_path / "endpoints.json")
    assert "no such twin file: twin.yaml" in str(failed.value)
    assert str(tmp_path / "twin.log") in str(failed.value)


async def test_waiting_ends_when_the_file_is_there(children: Children, tmp_path: Path) -> None:
    code = "import pathlib, sys, signal; pathlib.Path(sys.argv[1]).touch(); signal.pause()"
    file = tmp_path / "endpoints.json"
    children.start("twin", [*python(code), str(file)], tmp_path)
    await children.wait_for(file)
    children.check()


async def test_a_terminals_ctrl_c_reaches_us_alone(children: Children, tmp_path: Path) -> None:
    child = children.start("twin", WAITS, tmp_path)
    assert os.getpgid(child.process.pid) != os.getpgid(0)


async def test_a_short_command_gives_its_output() -> None:
    assert await call("sample", python("print('done')")) == "done\n"


async def test_a_short_command_that_fails_gives_its_reason() -> None:
    code = "import sys; print('the facility has no qubits', file=sys.stderr); sys.exit(1)"
    with pytest.raises(ProcessFailed, match=r"sample ended with status 1: the facility has no"):
        await call("sample", python(code))


async def test_a_short_command_given_up_is_ended(tmp_path: Path) -> None:
    file = tmp_path / "pid"
    code = "import os, pathlib, sys, signal; p = pathlib.Path(sys.argv[1] + '.part'); "
    code += "p.write_text(str(os.getpid())); p.rename(sys.argv[1]); signal.pause()"
    work = asyncio.create_task(call("truth", [*python(code), str(file)]))
    while not await asyncio.to_thread(file.exists):
        assert not work.done()
        await asyncio.sleep(0.01)
    work.cancel()
    with pytest.raises(asyncio.CancelledError):
        await work
    assert not psutil.pid_exists(int(file.read_text()))


async def test_what_is_done_beside_a_child_ends_with_it_and_names_what_is_gone(
    children: Children, tmp_path: Path
) -> None:
    twin = children.start("twin", WAITS, tmp_path, ("cluster_a", "bias_q0"))
    other = children.start("up", WAITS, tmp_path)
    for one in (twin, other):
        await heard(children, one.log, "here")

    async def work() -> None:
        async with asyncio.timeout(60), children.watched():
            twin.process.kill()
            await asyncio.Event().wait()

    with pytest.raises(ProcessFailed, match=r"twin, and with it cluster_a, bias_q0, was .*SIGKILL"):
        await work()
    assert other.process.poll() is not None, "nothing is left over"
    assert children.running == []


async def test_work_beside_children_that_live_goes_on_and_its_own_error_is_told(
    children: Children, tmp_path: Path
) -> None:
    child = children.start("twin", WAITS, tmp_path)
    await heard(children, child.log, "here")
    with pytest.raises(LookupError, match="of its own"):
        async with children.watched():
            raise LookupError("an error of its own")
    async with children.watched():
        await asyncio.sleep(0)
    assert child.process.poll() is None


async def test_who_is_cancelled_beside_children_is_cancelled(
    children: Children, tmp_path: Path
) -> None:
    child = children.start("twin", WAITS, tmp_path)
    await heard(children, child.log, "here")
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0), children.watched():
            await asyncio.Event().wait()
    assert child.process.poll() is None


async def test_a_death_that_comes_a_little_later_is_waited_for_while_the_loop_goes_on(
    children: Children, tmp_path: Path
) -> None:
    code = "import sys; sys.stdin.read(); print('gone', flush=True); sys.exit(3)"
    child = children.start("twin", python(code), tmp_path)
    assert await children.dead_within(0.0) == []
    waiting = asyncio.create_task(children.dead_within(30.0))
    await asyncio.sleep(0)  # it waits, and this goes on
    assert child.process.stdin is not None
    child.process.stdin.close()
    (failed,) = await waiting
    assert "the process twin ended with status 3" in str(failed)
