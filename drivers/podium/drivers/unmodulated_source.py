"""Drivers of sources whose I/Q modulation inputs nobody uses share their tone."""

from collections.abc import Mapping
from decimal import Decimal
from typing import ClassVar

from podium.drivers.errors import Refused
from podium.drivers.over_visa import OverVisa
from podium.drivers.roles import Tone
from podium.drivers.tone_range import check_range

SWITCH = {"0": False, "1": True}


class UnmodulatedSource(OverVisa):
    """A MicrowaveSource that two commands set."""

    HZ: ClassVar[tuple[Decimal, Decimal]]
    DBM: ClassVar[tuple[Decimal, Decimal]]
    """Lowest and highest frequency and power."""
    QUERIES: ClassVar[Mapping[str, str]]
    """Queries of a snapshot by name: ``frequency_hz``, ``power_dbm``, ``output``, and others.

    ``modulation``: of a box whose inputs somebody may have switched on.
    """
    TONE: ClassVar[str]
    """Sets a frequency ``hz`` and a power ``dbm``."""
    OUTPUT: ClassVar[str]
    """Switches the output ``on``, 1 or 0."""
    NOT_MODULATED: ClassVar[str]
    """Said behind the instrument's name to who wants a modulated tone."""

    def snapshot(self) -> dict[str, object]:
        """Return its settings, in one round trip."""
        return self._session.ask_all(self.QUERIES)

    def set_tone(self, frequency_hz: float, power_dbm: float, modulated: bool) -> None:
        """Set the tone; whether it leaves the connector is unchanged.

        Raises :class:`Refused` for a modulated tone and for what is out of range; then nothing
        has changed.
        """
        name = self._session.name
        if modulated:
            raise Refused(f"{name}{self.NOT_MODULATED}")
        check_range(name, "frequency", frequency_hz, *self.HZ, "Hz")
        check_range(name, "power", power_dbm, *self.DBM, "dBm")
        self.tell(self.TONE.format(hz=frequency_hz, dbm=power_dbm))

    def tone(self) -> Tone:
        """Return the tone as read from the instrument, in one round trip."""
        found = self.snapshot()
        with self._session.talking("for its tone"):
            return Tone(
                frequency_hz=float(str(found["frequency_hz"])),
                power_dbm=float(str(found["power_dbm"])),
                modulated=SWITCH[str(found.get("modulation", "0"))],
                on=SWITCH[str(found["output"])],
            )

    def output(self, on: bool) -> None:
        """Switch the output; return once the instrument has confirmed."""
        self.tell(self.OUTPUT.format(on=int(on)))
        if self.tone().on != on:
            raise Refused(f"{self._session.name} was to switch its output; it did not")

    def safe(self) -> None:
        """Switch the output off."""
        self.output(on=False)
