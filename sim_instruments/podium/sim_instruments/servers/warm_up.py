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
import numpy as np
from numba.core import caching

from podium.firmware_interfaces.zurich.awg_limits import HDAWG_RATE_HZ
from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.firmware_interfaces.zurich.precompensation import exponential_filter
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
from podium.sim_instruments.servers.kernel_cache import (
    FAMILIES,
    at_hand,
    cache_folder,
    compiled,
    note_compiled,
)
from podium.sim_instruments.servers.silent_playback import SilentPlayback
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import (
    FilterChain as ClusterFilters,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor
from podium.sim_instruments.twins.zurich.sequencer.render import Oscillators, stretches_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Status
from podium.sim_instruments.twins.zurich.signals.filter_kernel import FilterChain, Responses
from podium.sim_instruments.twins.zurich.signals.nanoseconds import each_ns
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation

PROGRAM = """
      set_mrk 3
      move 80,R0
loop: set_freq 4000
      reset_ph
      set_awg_gain 1000,1000
      play 0,0,20
      set_awg_offs 100,0
      upd_param 20
      set_awg_offs 0,0
      acquire 0,0,2000
      nop
      loop R0,@loop
      stop
"""
SEQUENCER_WORDS = (0xF600_0092, 0x3000_0040, 0xF600_0022, 0)
"""``st R0, 146``, ``wvfs 0, R0, 64``, ``st R0, 34``, ``end``."""
CONTROL_PROGRAM = PROGRAM.replace("acquire 0,0,2000", "upd_param 2000")
END_FS = 10**15
WHY = "compiling the simulation's kernels for this processor, once: half a minute on two idle cores"


def warm_up_cluster() -> None:
    """Run a short loop of machine code on every kind of module, and pass a stretch of an output.

    It has so many rows that they are kept by their numbers, and oscillators turn.
    """
    cluster = ClusterTwin({2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}, "0", SilentPlayback())
    for slot in cluster.modules:
        session = cluster.open(f"slot{slot}")
        program = (PROGRAM if slot == 2 else CONTROL_PROGRAM).encode()
        commands = [
            b"SEQuencer0:PROGram " + _block(program),
            b'SEQuencer0:AWG:WLISt:WAVeform:NEWEncoded "w",8,2',
            b'SEQuencer0:AWG:WLISt:WAVeform:PACKed "w", ' + _block(bytes(16)),
            b'SEQuencer0:AWG:WLISt:WAVeform:INDex "w",0',
        ]
        if slot == 2:
            commands += [
                b'SEQuencer0:ACQ:ALISt:ACQuisition:NEW "a",1',
                b'SEQuencer0:ACQ:ALISt:ACQuisition:INDex "a",0',
            ]
        for command in (*commands, b"SEQuencer0:ARM", b"SEQuencer0:START", b"SEQuencer0:STATE?"):
            session.feed(command + b"\n", 0)
        session.feed(b"SEQuencer0:ACQ:ALISt?\n", END_FS)
        if b"OKAY" not in (state := session.feed(b"SEQuencer0:STATE?\n", END_FS)):
            raise RuntimeError(f"slot {slot} did not play its few lines: {state!r}")
    chain = ClusterFilters(OutputShaping(0, ((1e3, 0.1),)))
    response = chain.response(np.zeros(1, np.int64), np.zeros(1), 64)
    chain.advance_over(np.zeros(1, np.int64), [response])


def warm_up_sequencer() -> None:
    """Run a few words on a sequencer of Zurich Instruments, and follow one of its oscillators."""
    text = np.array(SEQUENCER_WORDS, "<u4").tobytes()
    trace = Processor(make_image(SequencerElf(text, "", "", (), (), "", ""), SHFSG)).run()
    if trace.status is not Status.ENDED:
        raise RuntimeError(f"a sequencer did not play its few words: {trace.status.name}")
    stretches_of(trace, Oscillators(), 0, HDAWG_RATE_HZ)


def warm_up_filters() -> None:
    """Take a stretch through the precompensation of an output of an HDAWG, and pass it again.

    Words of other outputs are made nanoseconds.
    """
    chain = FilterChain(Precompensation((exponential_filter(1e-7, 0.1, HDAWG_RATE_HZ),)))
    response = chain.response(np.zeros(1, np.int64), np.zeros(1), 64)
    chain.advance_over(np.zeros(1, np.int64), Responses.of([response]))
    each_ns(np.zeros(1, np.int64), np.ones(1, np.int64), 0)


def _block(content: bytes) -> bytes:
    length = str(len(content)).encode()
    return b"#" + str(len(length)).encode() + length + content


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
    "qblox_cluster": (("programs of a cluster", warm_up_cluster),),
    "zurich": (
        ("programs of a sequencer", warm_up_sequencer),
        ("filters of outputs", warm_up_filters),
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
