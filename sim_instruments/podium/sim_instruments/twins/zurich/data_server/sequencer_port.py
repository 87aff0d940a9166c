"""The data server hands uploaded programs to this port, which executes them.

The data server keeps nodes; who executes gets what was uploaded when a sequencer is enabled, and
tells what nodes hold from then on. Paths lie below the instrument's root.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Protocol

from podium.firmware_interfaces.zurich.values import Value, Vector
from podium.sim_instruments.twins.twin import IDLE, Horizon


class ProgramRefused(ValueError):
    """An upload is not what it should be. The message says what of it is not, and why."""


@dataclass(frozen=True, slots=True)
class AcceptedProgram:
    """Facts of a program once it is on the instrument."""

    assembly: str = ""
    source: str = ""
    descriptors: str = ""
    """JSON: the waveforms that it has a place for."""
    memory_usage: float = 0.0
    """Of the instruction memory, 0 to 1."""


@dataclass(frozen=True, slots=True)
class UploadedProgram:
    """All that a sequencer has when it is enabled."""

    device: str
    """``dev12000``."""
    model: str
    """``SHFQC``."""
    at: str
    """Which sequencer: ``sgchannels/0/awg``."""
    elf: bytes
    waveforms: Mapping[int, Vector]
    """Written to its waveform nodes since the program came, by index, as sent."""
    command_table: str
    """JSON; empty: none."""
    setting: Callable[[str], Value]
    """What any node of the instrument holds now."""
    job: int = 0
    """Its place in the queue of a pipeliner."""
    stamp: Callable[[int], int] = lambda local_fs: 0
    """The instrument's time stamp of an instant, by its own clock, fs."""


class Execution(Protocol):
    """Executes the programs of all sequencers of one data server."""

    def attached(
        self, device: str, setting: Callable[[str], Value], stamp: Callable[[int], int]
    ) -> None:
        """Register an instrument, before anything else of it.

        ``setting`` reads its nodes, ``stamp`` gives its time stamp of its clock's instant, fs."""
        ...

    def accept(self, model: str, at: str, elf: bytes) -> AcceptedProgram:
        """Take a program. Raises :class:`ProgramRefused`; the old one is gone then, too."""
        ...

    def start(self, uploaded: UploadedProgram, now_fs: int) -> None:
        """Begin, at ``now_fs``. Raises :class:`ProgramRefused`: it stays disabled."""
        ...

    def stop(self, device: str, at: str, now_fs: int) -> None:
        """End, if it runs."""
        ...

    def written(self, device: str, path: str, value: Value, now_fs: int) -> None:
        """Hear that a client has set a node: a trigger, a user register, a result logger."""
        ...

    def updates(self, device: str, now_fs: int) -> Iterable[tuple[str, Value]]:
        """Return what nodes have come to hold since this was asked last: path and value."""
        ...

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far world time may leap."""
        ...


class NothingExecutes:
    """Takes programs and executes none: enabling a sequencer is refused, with the reason."""

    def attached(
        self, device: str, setting: Callable[[str], Value], stamp: Callable[[int], int]
    ) -> None:
        """Do nothing."""

    def accept(self, model: str, at: str, elf: bytes) -> AcceptedProgram:
        """Take what looks like a program."""
        if not elf.startswith(b"\x7fELF"):
            raise ProgramRefused(f"{at}: what was uploaded is no ELF file")
        return AcceptedProgram()

    def start(self, uploaded: UploadedProgram, now_fs: int) -> None:
        """Refuse."""
        raise ProgramRefused(f"{uploaded.at}: this simulation executes no sequencer programs")

    def stop(self, device: str, at: str, now_fs: int) -> None:
        """Do nothing: nothing runs."""

    def written(self, device: str, path: str, value: Value, now_fs: int) -> None:
        """Do nothing."""

    def updates(self, device: str, now_fs: int) -> Iterable[tuple[str, Value]]:
        """Return nothing."""
        return ()

    def horizon(self, now_fs: int) -> Horizon:
        """Return that nothing holds world time up."""
        return IDLE
