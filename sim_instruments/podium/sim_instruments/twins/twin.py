"""Every twin offers this to the servers that put it on a wire.

A twin is the firmware of one instrument: bytes in, bytes out, the world's time
as an argument. It opens no socket, reads no clock and never sleeps.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Protocol, TypeGuard, TypeVar, cast, runtime_checkable


class Session(Protocol):
    """One connection to a twin: it has its own input buffer, and shares the instrument."""

    def feed(self, data: bytes, now_fs: int) -> bytes:
        """Take ``data`` as received at ``now_fs`` and return every reply that is due now.

        A reply is whole or absent, never in parts: the server writes what it
        gets in one write. With empty ``data`` it returns replies that have
        fallen due since (an ``*OPC?`` that waited for a ramp, for example).
        """
        ...


T = TypeVar("T")
_SPOKEN: dict[tuple[type, object], bool] = {}


def speaks(one: object, protocol: Callable[..., T]) -> TypeGuard[T]:
    """Tell whether something has all that a protocol names, looked up once for each class.

    As ``isinstance``, which takes 20 us for it each time (Python 3.11), whoever is asked about.
    """
    key = type(one), protocol
    if key not in _SPOKEN:
        _SPOKEN[key] = isinstance(one, cast(type, protocol))
    return _SPOKEN[key]


@runtime_checkable
class HangsUp(Protocol):
    """A session that greets, ends connections itself, or has to know when its client is gone."""

    @property
    def ended(self) -> bool:
        """Tell whether it has no more to say: the connection closes after its last answer."""
        ...

    def hung_up(self) -> None:
        """Hear that the connection is gone."""
        ...


@dataclass(frozen=True, slots=True)
class Horizon:
    """A twin's announcement of the future, so that world time knows how far it may leap."""

    armed: bool
    """It waits for a start from outside: world time must not leap."""
    busy_until_fs: int | None
    """A running program ends then; world time may leap up to there."""
    computing: bool
    """Physics is still working on results: when they are due is not known yet, do not leap."""
    not_beyond_fs: int | None = None
    """Something happens then that others may wait for: world time must not leap past it."""


IDLE = Horizon(armed=False, busy_until_fs=None, computing=False)
"""The horizon of an instrument that does nothing and waits for nothing."""


class Twin(Protocol):
    """One simulated instrument."""

    @property
    def ports(self) -> Mapping[str, int]:
        """Name of each port of the instrument and the number the vendor gives it."""
        ...

    def open(self, port: str) -> Session:
        """Return a fresh connection to the port of that name; KeyError if there is none."""
        ...

    def horizon(self, now_fs: int) -> Horizon:
        """Return how far world time may leap as far as this instrument is concerned."""
        ...

    def tallies(self) -> dict[str, int]:
        """Return the counts ``commands``, ``unknown`` and ``unmeant`` since power-on.

        ``unknown``: no box of this model knows it. ``unmeant``: nothing in the
        simulation means anything by it: a setting that is only stored, or an
        answer out of a table. Reading a stored setting back is not counted.
        """
        ...


@runtime_checkable
class HasTlsPorts(Protocol):
    """A twin some of whose ports are behind TLS, with a certificate that it has signed itself."""

    @property
    def tls_ports(self) -> frozenset[str]:
        """Those of its ports; their sessions take and give what is inside."""
        ...


@runtime_checkable
class TakesFewClients(Protocol):
    """A twin that takes so many connections at once and no more."""

    @property
    def clients_max(self) -> int:
        """Their number, on all its ports together."""
        ...


@runtime_checkable
class KeepsLogs(Protocol):
    """A twin of software that keeps log files in a folder of its computer."""

    @property
    def log_folder(self) -> str | None:
        """Where; None: it keeps none."""
        ...

    def log_lines(self, now_fs: int) -> list[tuple[str, str]]:
        """Return what is to be appended now: paths below the folder, and whole lines."""
        ...


@runtime_checkable
class TakesDatagrams(Protocol):
    """A twin some of whose ports are UDP: each datagram is a message of its own."""

    @property
    def datagram_ports(self) -> frozenset[str]:
        """Those of its ports that are UDP; :meth:`Twin.open` is for the others."""
        ...

    def hear(self, port: str, datagram: bytes, now_fs: int) -> bytes:
        """Take what arrived at ``now_fs``; return the answer to its sender, empty for none."""
        ...


@runtime_checkable
class ActsByItself(Protocol):
    """A twin that does something without being asked: its loops regulate, its limits trip."""

    @property
    def acts(self) -> bool:
        """Tell whether anything may fall due before the next command.

        Where nothing may, a span can be passed in one step.
        """
        ...

    def advance(self, now_fs: int) -> None:
        """Do all that falls due until ``now_fs``. What it does depends on time, not on calls.

        It is called at every whole second before the fridge is integrated beyond it, see
        :class:`.servers.fridge_plants.CoupledPlant`; where nobody calls it, the next command to
        the twin does.
        """
        ...
