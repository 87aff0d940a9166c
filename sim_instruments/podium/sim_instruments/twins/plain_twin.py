"""Twins with a firmware of their own share one port, what they count, and who observes them."""

from abc import ABC, abstractmethod
from collections.abc import Callable, Mapping
from typing import Any

from podium.sim_instruments.twins.command_observer import CommandListener, CommandObserver
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session


class PlainTwin(ABC):
    """One port whose connections speak to firmware that the instrument has by itself."""

    def __init__(self, ports: Mapping[str, int], words: Callable[[Any], str]) -> None:
        """``ports``: its one; ``words`` writes a command as a person would type it."""
        self._ports = ports
        self._commands = self._unknown = self._unmeant = 0
        self._ear: CommandObserver[Any] = CommandObserver(self.tallies, words)

    @abstractmethod
    def _session(self) -> Session:
        """Return a fresh connection."""

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return self._ports

    def open(self, port: str) -> Session:
        """Return a fresh connection; KeyError names the port that there is."""
        if port not in self._ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self._ports)}")
        return self._session()

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return {"commands": self._commands, "unknown": self._unknown, "unmeant": self._unmeant}

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._ear.listener = listener
