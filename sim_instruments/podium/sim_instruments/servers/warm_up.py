"""Compiles the simulation's kernels ahead of their first use: ``python -m ...servers.warm_up``.

Numba keeps what it has compiled on disk; after this, a simulation starts at full speed. The words
after it are families of kernels (:data:`.kernel_cache.FAMILIES`), all without any. Progress goes
to standard error, or with ``--json`` to standard output, one object a line; with ``--with-parent``
it ends with all that it has started when standard input is closed.
"""

import fcntl
import json
import multiprocessing
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from pathlib import Path

import numba
from numba.core import caching

from podium.sim_instruments.execution.compilation_run import run_tree
from podium.sim_instruments.physics.compilation_runs import (
    run_laboratory,
    run_maps,
    run_pulses,
    run_readout,
    run_whole,
)
from podium.sim_instruments.physics.joint.compilation_run import (
    run_joint,
    run_small_parts,
    run_trajectories,
)
from podium.sim_instruments.physics.meeting.compilation_run import run_links
from podium.sim_instruments.servers.cluster_compilation_run import run_cluster
from podium.sim_instruments.servers.kernel_cache import (
    FAMILIES,
    SOURCES_NOTE,
    at_hand,
    cache_folder,
    compiled,
    kernel_modules,
    note_compiled,
)
from podium.sim_instruments.servers.stale_kernels import forget_stale
from podium.sim_instruments.servers.zurich_compilation_run import run_filters, run_sequencer

WHY = "compiling the simulation's kernels for this processor, once: a minute on two idle cores"


UNITS: dict[str, tuple[tuple[str, Callable[[], None]], ...]] = {
    "chip": (
        ("pulses on qubits", run_pulses),
        ("readout", run_readout),
        ("trees", run_tree),
        ("maps of pulses", run_maps),
        ("pulses in the laboratory frame", run_laboratory),
        ("joint states", run_joint),
        ("trajectories of joint states", run_trajectories),
        ("small parts of joint states", run_small_parts),
    ),
    "links": (("photons of links", run_links),),
    "qblox_cluster": (("programs of a cluster", run_cluster),),
    "zurich": (
        ("programs of a sequencer", run_sequencer),
        ("filters of outputs", run_filters),
    ),
}
"""Pieces of work by family: those that share little, so that processes can do them side by side."""
ORDER = (
    "pulses on qubits",
    "readout",
    "trees",
    "programs of a cluster",
    "programs of a sequencer",
    "maps of pulses",
    "joint states",
    "trajectories of joint states",
    "photons of links",
    "pulses in the laboratory frame",
    "filters of outputs",
    "small parts of joint states",
)
"""The longest first; last those that share most with the first."""
Tell = Callable[[int, int, str], None]
"""Is called with how many pieces of how many are done, and the name of the last one."""


def compile_families(families: Sequence[str], tell: Tell) -> None:
    """Compile what is missing of these families; return when all of it is in the cache.

    One process after the other does it for a cache: who comes meanwhile waits and finds it done.
    """
    if at_hand(families):
        return
    folder = cache_folder()
    folder.mkdir(parents=True, exist_ok=True)
    with _locked(folder / "podium_kernels.lock"):
        missing = [one for one in families if not compiled((one,))]
        units = [unit for one in missing for unit in UNITS[one]]
        units.sort(key=lambda unit: ORDER.index(unit[0]))
        if not units:
            return
        forget_stale(kernel_modules(), folder / SOURCES_NOTE)
        tell(0, len(units) + 1, "")
        numba.njit(cache=False)(
            _nothing
        )()  # wakes the compiler once, for all processes that are forked
        way = "fork" if sys.platform == "linux" else "spawn"
        with ProcessPoolExecutor(
            min(len(units), len(os.sched_getaffinity(0)) if way == "fork" else 2),
            multiprocessing.get_context(way),
            initializer=_one_writer_at_a_time,
            initargs=(folder / "podium_kernels_write.lock",),
        ) as pool:
            running = {pool.submit(work): name for name, work in units}
            for count, done in enumerate(as_completed(running), start=1):
                done.result()
                tell(count, len(units) + 1, running[done])
        # What two of them left to each other, in this process.
        for one in missing:
            for _, work in UNITS[one] if one != "chip" else (("", run_whole), ("", run_tree)):
                work()
        note_compiled(missing)
        tell(len(units) + 1, len(units) + 1, "what they share")


def _nothing() -> int:
    return 0


def _one_writer_at_a_time(lock: Path) -> None:
    """Have this process take turns with its siblings at Numba's cache.

    Numba notes a new kernel in an index first and writes it after: two processes that compile a
    function for different arguments at one time would take the same file name.
    """
    for name in ("save", "load"):
        plain = getattr(caching.IndexDataCacheFile, name)

        def in_turn(*words: object, plain: Callable[..., object] = plain) -> object:
            with _locked(lock):
                return plain(*words)

        setattr(caching.IndexDataCacheFile, name, in_turn)


@contextmanager
def _locked(path: Path) -> Iterator[None]:
    with path.open("w") as file:
        fcntl.flock(file, fcntl.LOCK_EX)
        yield


def _end_with_parent() -> None:
    while os.read(sys.stdin.fileno(), 4096):
        pass
    os.killpg(0, signal.SIGKILL)


def main(words: Sequence[str] = ()) -> int:
    """Compile the families named, or all; say how it goes on."""
    families = [one for one in words if not one.startswith("-")] or list(FAMILIES)
    if "--with-parent" in words:
        os.setpgrp()
        threading.Thread(target=_end_with_parent, daemon=True).start()
    start = time.monotonic()

    def tell(done: int, of: int, what: str) -> None:
        if "--json" in words:
            print(json.dumps({"done": done, "of": of, "what": what}), flush=True)
        elif not done:
            print(WHY, file=sys.stderr, flush=True)
        else:
            after_s = time.monotonic() - start
            print(f"compiled {done} of {of}: {what} ({after_s:.0f} s)", file=sys.stderr, flush=True)

    compile_families(families, tell)
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
