"""Twins whose firmware counts its commands, and reports them, share how both are asked for."""

from abc import ABC, abstractmethod
from typing import Any, Protocol

from podium.sim_instruments.twins.command_observer import CommandListener, CommandObserver
from podium.sim_instruments.twins.twin import IDLE, Horizon


class Firmware(Protocol):
    """Carries out the commands of an instrument."""

    @property
    def ear(self) -> CommandObserver[Any]:
        """Return what watches them."""
        ...

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        ...


class ReportingTwin(ABC):
    """A twin that leaves counts and observers to its firmware."""

    @property
    @abstractmethod
    def _firmware(self) -> Firmware:
        """Return what carries out its commands."""

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._firmware.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._firmware.ear.listener = listener
