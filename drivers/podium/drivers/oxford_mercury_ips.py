"""Driver of the Oxford Mercury iPS, the power supply of a vector magnet, by its grammar.

QCoDeS has a driver; it is the referee. It sleeps in ramps and asks before it knows whom, so ours
speaks the grammar itself.
"""

from collections.abc import Mapping
from typing import Self

from podium.drivers.byte_stream import ByteStream
from podium.drivers.errors import Refused
from podium.drivers.oxford_line import OxfordLine, rehearsed_line
from podium.drivers.rehearsed_stream import Note
from podium.drivers.roles import Identity
from podium.firmware_interfaces import oxford_mercury_ips as box
from podium.firmware_interfaces.oxford_mercury_ips import Action

AXES = {axis.name: group for group, axis in box.AXES.items()}
SIGNALS = {"FLD": "T", "PFLD": "T", "CURR": "A", "VOLT": "V"}


class OxfordMercuryIps:
    """Fields of a vector magnet, moved in ramps that the supply makes by itself."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        firmware: str | None = None,
    ) -> None:
        """Connect by asking who it is; ``firmware`` is what its twin has, ours is read."""
        stream = ByteStream(name, host, ports["control"])
        self._begin(OxfordLine(name, stream, box.IDENTITY))

    @classmethod
    def rehearse(cls, name: str, note: Note, firmware: str | None = None) -> Self:
        """Return a driver of no supply; what it would set is noted."""
        driver = cls.__new__(cls)
        driver._begin(rehearsed_line(name, note, box.IDENTITY))
        return driver

    def _begin(self, line: OxfordLine) -> None:
        self._line = line
        major, minor = [*self.identity().firmware.split("."), "0", "0"][:2]
        digits = major.isdigit() and minor.isdigit()
        self._group = "SPSU" if digits and (int(major), int(minor)) >= (2, 6) else "PSU"

    def identity(self) -> Identity:
        """Return who answers."""
        return self._line.identity()

    def snapshot(self) -> dict[str, object]:
        """Return targets, rates, actions and switch heaters."""
        signals = ("SIG:FSET", "SIG:RFST", "ACTN", "SIG:SWHT")
        return {
            f"{axis}.{one}": self._line.read(self._noun(axis, one))
            for axis in AXES
            for one in signals
        }

    def readings(self) -> dict[str, tuple[float, str]]:
        """Return fields (T), currents (A) and voltages (V) of all axes."""
        return {
            f"{axis}.{signal}": (self._line.number(self._noun(axis, f"SIG:{signal}"), unit), unit)
            for axis in AXES
            for signal, unit in SIGNALS.items()
        }

    def field_t(self, axis: str) -> float:
        """Return the field of ``x``, ``y`` or ``z``, T."""
        return self._line.number(self._noun(axis, "SIG:PFLD"), "T")

    def ramp_t(self, axis: str, target_t: float, rate_t_per_min: float) -> None:
        """Begin to ramp a field; return once the supply has begun. It refuses what is too much."""
        if not rate_t_per_min > 0:
            raise Refused(f"{self._line.name}: {axis} is not ramped at {rate_t_per_min} T/min")
        self._line.set(self._noun(axis, "SIG:FSET"), f"{target_t:.7g}")
        self._line.set(self._noun(axis, "SIG:RFST"), f"{rate_t_per_min:.7g}")
        if self._line.read(self._noun(axis, "ACTN")) == Action.CLAMP:
            self._line.set(self._noun(axis, "ACTN"), Action.HOLD)
        self._line.set(self._noun(axis, "ACTN"), Action.TO_SETPOINT)

    def ramping(self, axis: str) -> bool:
        """Return whether an axis is on its way."""
        return self._line.read(self._noun(axis, "ACTN")) in (Action.TO_SETPOINT, Action.TO_ZERO)

    def safe(self) -> None:
        """Hold every axis where it is."""
        for axis in AXES:
            self._line.set(self._noun(axis, "ACTN"), Action.HOLD)

    def ask(self, message: str) -> str:
        """Send a line and return its answer."""
        return self._line.ask(message)

    def tell(self, message: str) -> None:
        """Send a line; return once it has not been refused."""
        self._line.tell(message)

    def close(self) -> None:
        """Close the connection; a ramp goes on."""
        self._line.close()

    def _noun(self, axis: str, signal: str) -> str:
        if axis not in AXES:
            raise Refused(f"{self._line.name} has no axis {axis!r}; it has {', '.join(AXES)}")
        return f"DEV:{AXES[axis]}:{self._group}:{signal}"
