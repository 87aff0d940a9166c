"""Compile the simulation's kernels ahead of their first use: ``python -m ...servers.warm_up``.

Numba keeps what it has compiled on disk; after this, a simulation starts at full speed.
"""

import sys
import time
from collections.abc import Callable, Sequence
from typing import Generic, TypeVar

import numpy as np

from podium.firmware_interfaces.zurich.elf import SequencerElf
from podium.sim_instruments.physics.signals import (
    Captured,
    CaptureTrain,
    PulseTrain,
    RunSignals,
)
from podium.sim_instruments.physics.world import warm_up as warm_up_world
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.playback import Play
from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Status

T = TypeVar("T")
PROGRAM = """
      set_mrk 3
      move 2,R0
loop: reset_ph
      set_awg_gain 1000,1000
      play 0,0,20
      set_awg_offs 100,0
      upd_param 20
      set_awg_offs 0,0
      acquire 0,0,400
      nop
      loop R0,@loop
      stop
"""
SEQUENCER_WORDS = (0xF600_0092, 0x3000_0040, 0xF600_0022, 0)
"""``st R0, 146``, ``wvfs 0, R0, 64``, ``st R0, 34``, ``end``."""
CONTROL_PROGRAM = PROGRAM.replace("acquire 0,0,400", "upd_param 400")
END_FS = 10**15


class Done(Generic[T]):
    """Work that has been done on the spot."""

    def __init__(self, outcome: T) -> None:
        self._outcome = outcome

    def done(self) -> bool:
        """It is."""
        return True

    def result(self) -> T:
        """Return what came out."""
        return self._outcome


class OnTheSpot:
    """Plays for a cluster without a world: nothing comes back."""

    def submit(self, work: Callable[[Play], T]) -> Done[T]:
        """Do the work at once."""
        return Done(work(_Silence()))

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """Nothing leaves anyway."""


class _Silence:
    """Answers, and holds dialogues, without a sound."""

    def __call__(self, signals: RunSignals, /) -> tuple[Captured, ...]:
        return self.go_on((), signals.captures, ())

    def begin(self, run: int, start_tai_fs: int) -> "_Silence":
        return self

    def go_on(
        self,
        drives: Sequence[PulseTrain],
        captures: Sequence[CaptureTrain],
        listeners: Sequence[int],
    ) -> tuple[Captured, ...]:
        return tuple(
            Captured(np.zeros(len(c.start_ns), np.complex128), np.zeros(16_384, np.complex128))
            for c in captures
        )

    def trace(self, listener: int) -> None:
        return None

    def end(self, signals: RunSignals) -> None:
        pass


def warm_up_cluster() -> None:
    """Run a few lines of machine code on every kind of module."""
    cluster = ClusterTwin({2: "QRM-RF", 4: "QCM-RF", 6: "QCM"}, "0", OnTheSpot())
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


def warm_up_sequencer() -> None:
    """Run a few words on a sequencer of Zurich Instruments."""
    text = np.array(SEQUENCER_WORDS, "<u4").tobytes()
    trace = Processor(make_image(SequencerElf(text, "", "", (), (), "", ""), SHFSG)).run()
    if trace.status is not Status.ENDED:
        raise RuntimeError(f"a sequencer did not play its few words: {trace.status.name}")


def _block(content: bytes) -> bytes:
    length = str(len(content)).encode()
    return b"#" + str(len(length)).encode() + length + content


def main() -> None:
    """Compile everything; say how long it took."""
    start = time.monotonic()
    print("Compiling the simulation's kernels: half a minute, once.", file=sys.stderr, flush=True)
    warm_up_cluster()
    warm_up_sequencer()
    warm_up_world()
    print(f"Compiled in {time.monotonic() - start:.0f} s.", file=sys.stderr)


if __name__ == "__main__":
    main()
