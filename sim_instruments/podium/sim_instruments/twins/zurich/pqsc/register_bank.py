"""A PQSC keeps readout results in registers and forwards them to ZSync ports.

A quantum analyzer says with each readout into which of 32 registers its results go (``startQA``);
the PQSC sends to a port the results of its bank that its nodes name, or what a lookup table makes
of them (PQSC user manual, "Feedback"; node documentation: of each port's message the bits 2m and
2m + 1 come from source m). It listens from its first trigger to the end of the hold-off of the
last one (zhinst-toolkit 1.4.0, ``PQSC.arm``).

ASSUMED: a register holds a couple of bits for each of 16 integrators, as words within an SHFQC do,
and only those that were asked for are written anew; a message goes to a port whenever a register
was written that is forwarded there; a readout is lost whose integration ends while the PQSC does
not listen.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.zurich.values import Value, Vector

REGISTERS: Final = 32
QA_PORTS: Final = 8
"""So many of its ports, the first ones, take results (PQSC user manual)."""
SOURCES: Final = 8
"""For each port: its messages have 16 bits."""
_COUPLE: Final = 0b11
_WORD: Final = 0xFFFF_FFFF


@dataclass(frozen=True, slots=True)
class Source:
    """One result of the bank that is forwarded."""

    position: int
    register: int
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Decoder:
    """A lookup table, and the bits of the bank that are its address."""

    bits: tuple[Source, ...]
    table: NDArray[Any]

    def word(self, bank: list[int]) -> int:
        """Return what the table says; 0 beyond its end."""
        address = sum((bank[one.register] >> one.index & 1) << one.position for one in self.bits)
        return int(self.table[address]) & 0xFF if address < len(self.table) else 0


@dataclass(frozen=True, slots=True, eq=False)
class Port:
    """The results that go to one instrument."""

    device: str
    sources: tuple[Source, ...] = ()
    decoder: Decoder | None = None

    def hears(self, register: int) -> bool:
        """Tell whether a message goes out when a register is written."""
        named = self.sources if self.decoder is None else self.decoder.bits
        return any(one.register == register for one in named)

    def word(self, bank: list[int]) -> int:
        """Return a message's bits."""
        if self.decoder is not None:
            return self.decoder.word(bank)
        return sum(
            (bank[one.register] >> 2 * one.index & _COUPLE) << 2 * one.position
            for one in self.sources
        )


@dataclass(frozen=True, slots=True, eq=False)
class Forwarding:
    """Settings of the bank during a run, and its content when the run begins."""

    ports: tuple[Port, ...] = ()
    takes_from: frozenset[str] = frozenset()
    """Instruments on ports that take results."""
    bank: tuple[int, ...] = (0,) * REGISTERS
    until_fs: int = 0
    """When the PQSC listens no more."""

    def to(self, device: str) -> Port | None:
        """Return what goes to an instrument; None: nothing."""
        return next((one for one in self.ports if one.device == device), None)


NOTHING: Final = Forwarding()


def written(bank: list[int], register: int, couples: int, asked: int) -> None:
    """Write the results of a readout; ``asked``: bit k for integrator k."""
    mask = sum(_COUPLE << 2 * k for k in range(16) if asked >> k & 1)
    bank[register] = bank[register] & ~mask & _WORD | couples & mask


@dataclass(slots=True)
class RegisterBank:
    """The one of a data server's PQSC, and how its nodes are set."""

    cables: Mapping[int, str] = field(default_factory=dict)
    """The instrument at each port: ``dev12000``."""
    registers: list[int] = field(default_factory=lambda: [0] * REGISTERS)
    _set: dict[str, int] = field(default_factory=dict)
    _tables: dict[int, NDArray[Any]] = field(default_factory=dict)

    def written(self, path: str, value: Value) -> None:
        """Hear that a node of the PQSC was set."""
        if path == "feedback/registerbank/reset" and value:
            self.registers = [0] * REGISTERS
        elif path.startswith("feedback/decoder/lut/tables/") and isinstance(value, Vector):
            self._tables[int(path.rpartition("/")[2])] = np.asarray(value.numbers())
        elif path.startswith(("zsyncs/", "feedback/")) and isinstance(value, int):
            self._set[path] = value

    def forwarding(self, until_fs: int) -> Forwarding:
        """Return how it is set now; ``until_fs``: when it listens no more."""
        takes = frozenset(name for port, name in self.cables.items() if port < QA_PORTS)
        ports = tuple(
            self._port(number, name)
            for number, name in self.cables.items()
            if self._set.get(f"zsyncs/{number}/output/enable")
        )
        return Forwarding(ports, takes, tuple(self.registers), until_fs)

    def _port(self, number: int, device: str) -> Port:
        output = f"zsyncs/{number}/output"
        if self._set.get(f"{output}/source"):
            table = self._tables.get(self._set.get(f"{output}/decoder/source", 0))
            bits = tuple(
                Source(
                    k,
                    self._set.get(f"feedback/decoder/lut/sources/{k}/register", 0),
                    self._set.get(f"feedback/decoder/lut/sources/{k}/index", 0),
                )
                for k in range(16)
            )
            return Port(device, decoder=Decoder(bits, np.zeros(0) if table is None else table))
        sources = tuple(
            Source(
                k,
                self._set.get(f"{output}/registerbank/sources/{k}/register", 0),
                self._set.get(f"{output}/registerbank/sources/{k}/index", 0),
            )
            for k in range(SOURCES)
            if self._set.get(f"{output}/registerbank/sources/{k}/enable")
        )
        return Port(device, sources)
