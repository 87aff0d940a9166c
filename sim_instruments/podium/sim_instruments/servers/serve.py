"""Serving a simulated laboratory from start to SIGTERM, as ``podium twin serve`` does."""

import asyncio
import gc
import os
import signal
import sys
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, contextmanager, nullcontext
from pathlib import Path

from podium.sim_instruments.servers.back_door import BackDoor
from podium.sim_instruments.servers.back_door_client import back_door_file
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.endpoints import published
from podium.sim_instruments.servers.kernel_compilation import compiling
from podium.sim_instruments.servers.kernel_loading import loading
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.loopback import Place
from podium.sim_instruments.servers.serving import ServedLaboratory, open_laboratory


async def serve(
    build: Callable[[WorldClock], Laboratory],
    endpoints: Path,
    mode: ClockMode,
    *,
    rate: int = 1,
    with_parent: bool = False,
    places: Callable[[], Callable[[], Place]] | None = None,
    say: Callable[[ServedLaboratory], object] = lambda serving: None,
    logged: bool = False,
    discovery: bool = False,
    at_once: bool = False,
) -> dict[str, dict[str, int]]:
    """Serve until SIGTERM or SIGINT; return the tallies of every instrument.

    ``with_parent``: also until standard input is closed, which is a pipe of who has started us:
    it closes when they end, however they end. ``places`` and ``logged``
    are those of :func:`.serving.open_laboratory`. ``say`` is called when everything listens.
    ``discovery``: answer that of Zurich Instruments.

    ``rate``: of a paced clock, seconds of the world in each of the wall's.

    Kernels that are not compiled yet are compiled then, with progress on standard error. The
    endpoints file is there while everything listens and is compiled; and loaded, or the first run
    would take longer than any other (``at_once``: before, and it is loaded beside what is done).

    Beside it, ``<endpoints>.back_door`` says where the simulation's own back door is, and with
    which token it opens. Only this user can read the two. What another simulation has left of both
    is removed first. Raises OSError, and what ``build`` raises.
    """
    told_to_end = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, told_to_end.set)
    if with_parent:

        def readable() -> None:
            if not os.read(sys.stdin.fileno(), 4096):
                loop.remove_reader(sys.stdin)
                told_to_end.set()

        loop.add_reader(sys.stdin, readable)
    endpoints.parent.mkdir(parents=True, exist_ok=True)
    for left in (endpoints, back_door_file(endpoints)):
        left.unlink(missing_ok=True)
    async with (
        open_laboratory(build, WorldClock(mode, rate=rate), places, logged) as serving,
        (door := BackDoor(serving)).listen() as (host, port),
        _answering_discovery(serving) if discovery else nullcontext(),
        compiling(serving.laboratory, _tell) as work,
        loading(serving.laboratory) as loaded,
    ):
        if work is not None:
            say(serving)
            await _first_of(work, told_to_end)
        if not at_once:
            await _first_of(loaded, told_to_end)
        with (
            quiet_collector(),
            published(back_door_file(endpoints), {"host": host, "port": port, "token": door.token}),
            published(endpoints, serving.endpoints()),
        ):
            if work is None:
                say(serving)
            elif not told_to_end.is_set():
                _tell("ready")
            await told_to_end.wait()
    return serving.tallies()


def _answering_discovery(serving: ServedLaboratory) -> AbstractAsyncContextManager[int]:
    # Imported here: it knows the data server, which needs the extra ``chip``.
    from podium.sim_instruments.servers.zurich_discovery import answering_discovery

    return answering_discovery(serving)


def _tell(line: str) -> None:
    print(line, file=sys.stderr, flush=True)


async def _first_of(work: "asyncio.Task[None]", told_to_end: asyncio.Event) -> None:
    ending = asyncio.ensure_future(told_to_end.wait())
    await asyncio.wait({work, ending}, return_when=asyncio.FIRST_COMPLETED)
    ending.cancel()
    await asyncio.wait({ending})


@contextmanager
def quiet_collector() -> Iterator[None]:
    """Keep the garbage collector's hands off all that is there now, meanwhile; have it at work.

    To go through the modules and kernels of a simulation takes it 50 ms, in which no thread
    does anything. What garbage there is among them, some thousand objects, stays.
    """
    gc.freeze()
    gc.enable()  # where nothing was looked for while all that was made
    try:
        yield
    finally:
        gc.unfreeze()
