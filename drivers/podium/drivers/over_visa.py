"""Drivers over VISA share this: identity, and questions typed by a person."""

from typing import Any

from podium.drivers.manual_access import Plain
from podium.drivers.roles import Identity
from podium.drivers.visa_session import VisaSession


class OverVisa:
    """An instrument behind a VISA session of one QCoDeS driver."""

    _session: VisaSession[Any]

    def identity(self) -> Identity:
        """Return who answers."""
        return self._session.identity()

    def ask(self, message: str) -> str:
        """Send a query and return the reply."""
        return self._session.ask(message)

    def tell(self, message: str) -> None:
        """Send a command; return once the error queue has nothing against it."""
        self._session.tell(message)

    def get(self, parameter: str) -> tuple[Plain, str]:
        """Read a parameter of the QCoDeS driver; return its value and unit."""
        return self._session.get(parameter)

    def set(self, parameter: str, value: object) -> None:
        """Set a parameter of the QCoDeS driver."""
        self._session.set(parameter, value)

    def close(self) -> None:
        """Close the connection; outputs stay as they are, and what goes on by itself goes on."""
        self._session.close()
