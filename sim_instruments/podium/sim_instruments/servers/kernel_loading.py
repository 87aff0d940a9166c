"""Loads compiled kernels, and what runs import late, before somebody's first run needs them.

Numba takes a kernel from its cache on disk when it is called first: all kernels of a chip take half
a second. A few shots that nobody asked for have them loaded (:mod:`.physics.compilation_runs`).
"""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress
from functools import partial
from importlib import import_module
from typing import TYPE_CHECKING

from podium.sim_instruments.servers.kernel_compilation import GateClosed, families_of

if TYPE_CHECKING:
    from podium.sim_instruments.servers.laboratory import Laboratory

_SERVERS = "podium.sim_instruments.servers"
_LATE = (f"{_SERVERS}.signal_routing", f"{_SERVERS}.dialogue", f"{_SERVERS}.line_heat")
"""Modules that a laboratory imports when something is played."""


@asynccontextmanager
async def loading(laboratory: "Laboratory") -> AsyncIterator["asyncio.Task[None]"]:
    """Load what a laboratory's first run would load, beside what is done meanwhile.

    Yields the work, which waits for kernels that are being compiled. If the body ends earlier,
    nobody waits for it.
    """
    work = asyncio.create_task(_loaded(laboratory))
    try:
        yield work
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


async def _loaded(laboratory: "Laboratory") -> None:
    families = families_of(laboratory)
    if families:
        with suppress(GateClosed):
            await asyncio.wrap_future(laboratory.workers.compute(partial(load_kernels, families)))


def load_kernels(families: Sequence[str]) -> None:
    """Load the kernels of these families into this process; in any thread.

    Those that are not in the cache are compiled, which takes long: see :mod:`.kernel_compilation`.
    """
    from podium.sim_instruments.servers.kernel_libraries import (
        parse_when_linked,
        release_compiler,
    )

    parse_when_linked()
    for family in families:
        for module in _LATE if family == "chip" else ():
            import_module(module)
        for run in _runs(family):
            run()
    release_compiler()


def _runs(family: str) -> tuple[Callable[[], None], ...]:
    """Return what loads a family; other families' modules are not imported for it."""
    match family:
        case "chip":
            from podium.sim_instruments.execution.compilation_run import run_tree
            from podium.sim_instruments.physics.compilation_runs import run_first

            return run_first, run_tree
        case "links":
            from podium.sim_instruments.physics.meeting.compilation_run import run_links

            return (run_links,)
        case "qblox_cluster":
            from podium.sim_instruments.servers.cluster_compilation_run import run_cluster

            return (run_cluster,)
        case "zurich":
            from podium.sim_instruments.servers.zurich_compilation_run import (
                run_filters,
                run_sequencer,
            )

            return run_sequencer, run_filters
    raise ValueError(f"there is no family {family!r} of kernels")
