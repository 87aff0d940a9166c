"""A copy of this process goes on by itself, from an event loop that it does not share.

``os.fork`` copies all memory at once, page by page only where one of the two writes. Of threads it
copies the caller alone: whoever forks sees to it that no other holds a lock. Descriptors are shared
with the original, sockets of clients and the loop's own among them: the copy lets go of all,
without a word to anybody, before it does anything else.
"""

import asyncio
import gc
import json
import os
import signal
import sys
import traceback
import warnings
from collections.abc import Callable, Coroutine, Sequence
from contextlib import suppress
from pathlib import Path
from typing import Any

STANDARD = 3
"""Descriptors 0, 1 and 2."""
ANSWERS_WITHIN_S = 20.0


class CopyFailed(RuntimeError):
    """The copy did not come to life. The message says why, as far as it is known."""


async def copy_process(
    life: Callable[[Callable[[object], None]], Coroutine[Any, Any, object]],
    log: Path,
    kept: Sequence[int] = (),
) -> Any:
    """Fork; return what the copy says once it is ready. From the main thread's loop only.

    In the copy, ``life(say)`` runs in a loop of its own, and the process ends with it; ``say`` is
    to be called once, with a JSON value. What the copy prints goes to the file ``log``; of
    descriptors it keeps those of ``kept``. It is no child of this process: nobody has to wait for
    it. Raises :class:`CopyFailed`.
    """
    reads, writes = os.pipe()
    if _is_copy():
        os.close(reads)
        _live(life, writes, log, kept)
    os.close(writes)
    try:
        async with asyncio.timeout(ANSWERS_WITHIN_S):
            said = await _all_of(reads)
    except TimeoutError:
        raise CopyFailed(f"the copy was not ready within {ANSWERS_WITHIN_S:g} s") from None
    finally:
        os.close(reads)
    if not said:
        raise CopyFailed(f"the copy ended before it was ready; its last words are in {log}")
    answer = json.loads(said)
    if "error" in answer:
        raise CopyFailed(str(answer["error"]))
    return answer["ok"]


def _is_copy() -> bool:
    """Fork; return in the original, and in a grandchild of it, and tell which this is."""
    with warnings.catch_warnings():
        # Since Python 3.12 a fork of a process with threads is warned of; see above.
        warnings.simplefilter("ignore", DeprecationWarning)
        pid = os.fork()
    if pid:
        os.waitpid(pid, 0)  # its child ends at once
        return False
    if os.fork():
        os._exit(0)
    return True


async def _all_of(reads: int) -> bytes:
    """Return all that comes through a pipe until it is closed."""
    loop, found = asyncio.get_running_loop(), bytearray()
    over = loop.create_future()
    os.set_blocking(reads, False)

    def readable() -> None:
        more = os.read(reads, 1 << 16)
        found.extend(more)
        if not more and not over.done():
            over.set_result(None)

    loop.add_reader(reads, readable)
    try:
        await over
    finally:
        loop.remove_reader(reads)
    return bytes(found)


def _live(
    life: Callable[[Callable[[object], None]], Coroutine[Any, Any, object]],
    writes: int,
    log: Path,
    kept: Sequence[int],
) -> None:
    """Do all that the copy does. Never returns."""
    status = 1
    try:
        gc.freeze()  # what was copied is not looked through: pages stay shared
        os.setsid()
        _let_go_of_descriptors({writes, *kept}, log)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, signal.SIG_DFL)
        asyncio.set_event_loop(None)

        def say(answer: object) -> None:
            os.write(writes, json.dumps({"ok": answer}).encode())
            os.close(writes)

        try:
            asyncio.run(life(say))
            status = 0
        except Exception as error:
            with suppress(OSError):  # where it has said that it is ready, nobody listens
                text = f"{type(error).__name__}: {error}"
                os.write(writes, json.dumps({"error": text}).encode())
            raise
    except BaseException:
        traceback.print_exc()
    finally:
        with suppress(Exception):
            sys.stderr.flush()
        os._exit(status)  # what is on the stack belongs to the original


def _let_go_of_descriptors(kept: set[int], log: Path) -> None:
    """Point all descriptors to nowhere but ``kept``; what is printed goes to the end of ``log``.

    Numbers stay in use: objects that were copied may close theirs at any time.
    """
    nowhere = os.open(os.devnull, os.O_RDWR)
    printed = os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600)
    signal.set_wakeup_fd(-1)
    for name in os.listdir("/proc/self/fd"):
        number = int(name)
        if number >= STANDARD and number not in {*kept, nowhere, printed}:
            with suppress(OSError):
                os.fstat(number)  # the folder's own is gone by now
                os.dup2(nowhere, number, inheritable=False)
    os.dup2(nowhere, 0)
    os.dup2(printed, 1)
    os.dup2(printed, 2)
