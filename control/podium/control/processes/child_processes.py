"""Starts, watches and ends processes of our own, whatever happens."""

import asyncio
import os
import resource
import signal
import subprocess
import sys
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

from podium.control.processes import copied_command
from podium.control.processes.copied_command import CopiedProcess
from podium.control.processes.early_copy import EarlyCopy
from podium.control.processes.supervisor import ENDING_S
from podium.firmware_interfaces import run_allowance

GRACE_S = ENDING_S + 10.0
"""A process asked to end (SIGTERM) has so long before it is killed: ``podium up`` among them kills
its own before that, which nobody else would."""
POLL_S = 0.02
WATCH_S = 0.2
"""So often it is looked whether all still run."""
LAST_LINES = 20
SAMPLE, TWIN, UP = "sample", "twin", "up"
"""Names of the processes that draw a world, simulate it, and keep those of the facility running."""


class ProcessFailed(Exception):
    """A process of ours ended before its time, or refused. The message holds what it last said."""


def podium(*words: object) -> list[str]:
    """Return the command line of ``podium WORDS`` in this Python."""
    return [sys.executable, "-m", "podium_start", *map(str, words)]


async def call(name: str, words: Sequence[str]) -> str:
    """Run a command to its end and return its standard output; raises :class:`ProcessFailed`."""
    process = await asyncio.create_subprocess_exec(
        *words,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
    )
    try:
        out, err = await process.communicate()
    finally:
        if process.returncode is None:
            with suppress(ProcessLookupError):
                process.kill()
            await process.wait()
    if process.returncode != 0:
        said = err.decode(errors="replace").strip()
        raise ProcessFailed(f"{name} ended with status {process.returncode}: {said}")
    return out.decode()


@dataclass(slots=True)
class Child:
    """A process that runs until it is ended."""

    name: str
    process: "subprocess.Popen[bytes] | CopiedProcess"
    log: Path
    holds: tuple[str, ...] = ()
    """What is gone with it: names of instruments."""

    def failure(self) -> ProcessFailed | None:
        """Return its last words if it runs no more."""
        status = self.process.poll()
        if status is None:
            return None
        gone = f", and with it {', '.join(self.holds)}," if self.holds else ""
        return ProcessFailed(
            f"the process {self.name}{gone} {_ending(status)}; the end of {self.log}:\n"
            f"{self.last_words()}"
        )

    def last_words(self) -> str:
        """Return the last lines of what it wrote."""
        lines = self.log.read_text(errors="replace").splitlines()
        return "\n".join(lines[-LAST_LINES:]) or "(it said nothing)"


def _ending(status: int) -> str:
    """Say how a process ended: by a signal, or with a status of its own."""
    if status >= 0:
        return f"ended with status {status}"
    try:
        return f"was ended by {signal.Signals(-status).name}"
    except ValueError:
        return f"was ended by signal {-status}"


@dataclass(slots=True)
class Children:
    """The processes that we have started and have to end, in the order of their start.

    They are sessions of their own, so that Ctrl-C in a terminal reaches us alone, and we end
    them in order: who uses an instrument before the instrument. Their standard input closes
    when we end, however we end: those with ``--with-parent`` end as well. Among them are simulated
    instruments, which compute what they play: programs may end later than a laboratory's (see
    :mod:`.run_allowance`), unless the environment says by how much.
    """

    running: list[Child] = field(default_factory=list)
    copies: dict[str, EarlyCopy] = field(default_factory=dict)
    """Copies of this process that wait to be a command of ``podium``, by the name of the child."""

    def start(
        self, name: str, words: Sequence[str], logs: Path, holds: tuple[str, ...] = ()
    ) -> Child:
        """Start a process; what it writes goes to ``<logs>/<name>.log``.

        ``holds``: names of what is gone when it ends.
        """
        log = _new_log(logs, name)
        with log.open("wb") as sink:
            process = subprocess.Popen(
                words,
                stdin=subprocess.PIPE,
                stdout=sink,
                stderr=subprocess.STDOUT,
                start_new_session=True,
                env={run_allowance.VARIABLE: f"{run_allowance.SIMULATED_S:g}"} | os.environ,
            )
        return self._started(Child(name, process, log, holds))

    def start_podium(
        self, name: str, words: Sequence[object], logs: Path, holds: tuple[str, ...] = ()
    ) -> Child:
        """Start ``podium WORDS`` as :meth:`start` does, by the copy that waits if there is one."""
        if (copy := self.copies.pop(name, None)) is None:
            return self.start(name, podium(*words), logs, holds)
        log = _new_log(logs, name)
        with log.open("wb") as sink:
            process = copied_command.start(copy, [*map(str, words)], sink.fileno())
        return self._started(Child(name, process, log, holds))

    async def complete(self, name: str, words: Sequence[object], logs: Path) -> None:
        """Run ``podium WORDS`` to its end as :meth:`start_podium` starts it.

        Raises :class:`ProcessFailed` unless its status is 0.
        """
        child = self.start_podium(name, words, logs)
        status = await asyncio.to_thread(child.process.wait)
        self._let_go(child)
        if status != 0 and (failed := child.failure()) is not None:
            raise failed

    def _started(self, child: Child) -> Child:
        self.running.append(child)
        return child

    def _let_go(self, child: Child) -> None:
        """Watch a child no longer: it has ended."""
        self.running.remove(child)
        if child.process.stdin is not None:
            child.process.stdin.close()

    def check(self) -> None:
        """Raise :class:`ProcessFailed` if one of them runs no more."""
        for failed in self.dead():
            raise failed

    def dead(self) -> list[ProcessFailed]:
        """Return what those that run no more have last said."""
        return [failed for child in self.running if (failed := child.failure())]

    async def dead_within(self, seconds: float) -> list[ProcessFailed]:
        """Return the same, after waiting so long for the first.

        The sockets of a process are closed a little before the system says that it has ended.
        """
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while not self.dead():  # noqa: ASYNC110  # the system announces no end
                    await asyncio.sleep(POLL_S)
        return self.dead()

    @asynccontextmanager
    async def watched(self) -> AsyncIterator[None]:
        """Cancel what is done meanwhile as soon as one of them runs no more.

        Raises its :class:`ProcessFailed` then, and has killed the others: without their peers they
        would only wait.
        """
        failed: list[ProcessFailed] = []
        body = asyncio.current_task()

        async def watch() -> None:
            while not failed:
                await asyncio.sleep(WATCH_S)
                failed.extend(self.dead()[:1])
            await asyncio.to_thread(self.kill)
            if body is not None:
                body.cancel()

        watching = asyncio.create_task(watch())
        try:
            yield
        except asyncio.CancelledError:
            if not failed or body is None:
                raise
            body.uncancel()
        finally:
            watching.cancel()
            await asyncio.wait({watching})
        if failed:
            raise failed[0]

    async def wait_for(self, file: Path, meanwhile: Callable[[], object] = lambda: None) -> None:
        """Return once ``file`` is there; raises :class:`ProcessFailed` if a process ends first.

        ``meanwhile`` is called again and again until then.
        """
        while not await asyncio.to_thread(file.exists):
            self.check()
            meanwhile()
            await asyncio.sleep(POLL_S)

    async def end(self) -> None:
        """End all of them, the latest first, politely; then kill what is left."""
        try:
            for child in reversed(self.running):
                child.process.terminate()
                with suppress(subprocess.TimeoutExpired):
                    await asyncio.to_thread(child.process.wait, GRACE_S)
        finally:
            self.kill()

    def kill(self) -> None:
        """Kill what still runs, with the processes that it started itself; returns when gone."""
        for child in reversed(self.running.copy()):
            if child.process.poll() is None:
                # Its process group still is its own: nobody has waited for it yet.
                with suppress(ProcessLookupError):
                    os.killpg(child.process.pid, signal.SIGKILL)
                child.process.wait()
            self._let_go(child)
        while self.copies:
            self.copies.popitem()[1].dismiss()


def _new_log(logs: Path, name: str) -> Path:
    logs.mkdir(parents=True, exist_ok=True)
    return logs / f"{name}.log"


def processor_time_s() -> float:
    """Return it, s: of this process, and of all that ended and were waited for, by whomever."""
    return sum(
        use.ru_utime + use.ru_stime
        for use in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )
