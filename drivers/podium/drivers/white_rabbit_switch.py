"""Driver of a White Rabbit switch: its SNMP objects, over pysnmp. It only ever reads."""

from collections.abc import Callable, Mapping
from typing import Any, Self

from podium.drivers.errors import ProtocolError
from podium.drivers.roles import Examination, Identity, TimingPort, TimingStatus
from podium.drivers.snmp_session import Shown, SnmpSession, dotted, text
from podium.firmware_interfaces import white_rabbit_switch as box
from podium.firmware_interfaces.snmp import Oid
from podium.firmware_interfaces.white_rabbit_switch import (
    PortLink,
    PortLocked,
    PortMode,
    ServoState,
    SpllMode,
    SpllSequence,
    Status,
)

KELVIN = 273.15

STATUSES: dict[str, Oid] = {
    "main": box.MAIN_STATUS,
    "operating system": box.OS_STATUS,
    "timing": box.TIMING_STATUS,
    "networking": box.NETWORKING_STATUS,
    "PTP": box.PTP_STATUS,
    "soft PLL": box.SOFT_PLL_STATUS,
    "slave link": box.SLAVE_LINKS_STATUS,
    "PTP frames": box.PTP_FRAMES_FLOWING,
    "system clock": box.SYSTEM_CLOCK_STATUS,
    "transceivers": box.SFPS_STATUS,
}
GOOD = (Status.OK, Status.FIRST_READ)


class WhiteRabbitSwitch:
    """A TimingPlane. The switch looks at itself every five seconds: what it says is that old."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        mode: str = "",
        links: Mapping[int, str] | None = None,
    ) -> None:
        """Ask once whether it is there. ``mode`` and ``links`` are what the facility file says."""
        self._begin(name, mode, links, (host, ports["snmp"]))
        self._get((box.MAIN_STATUS,))

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        mode: str = "",
        links: Mapping[int, str] | None = None,
    ) -> Self:
        """Return a driver of no switch, with which nothing is wrong; it never sets anything."""
        driver = cls.__new__(cls)
        driver._begin(name, mode, links)
        return driver

    def _begin(
        self,
        name: str,
        mode: str,
        links: Mapping[int, str] | None,
        at: tuple[str, int] | None = None,
    ) -> None:
        self._name = name
        self._mode = mode
        self._links = dict(links or {})
        self._session = None if at is None else SnmpSession(name, at, box.COMMUNITY)

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers, as its version group says."""
        asked = (box.MANUFACTURER, box.SERIAL_NUMBER, box.SOFTWARE_VERSION, box.SYS_DESCR)
        said = {oid: text(value) for oid, value in self._get(asked).items()}
        vendor, serial, firmware, description = (said[oid] for oid in asked)
        return Identity(vendor, description or "White Rabbit Switch", serial, firmware)

    def snapshot(self) -> dict[str, object]:
        """Return what it shows of its state, by name."""
        status = self.timing()
        return {
            "locked": status.locked,
            "source": status.source,
            "servo": status.servo,
            "complaints": list(status.complaints),
            **{f"{one.name}.up": one.up for one in status.ports},
        }

    def examine(self) -> Examination:
        """Return what is wrong with it, and where it differs from the facility file."""
        status = self.timing()
        wrong = list(status.complaints)
        if self._mode and status.source != self._mode:
            wrong.append(f"it is a {status.source}, the facility file says {self._mode}")
        up = {one.name for one in status.ports if one.up}
        wrong += [
            f"fibre {number}, to {far_end}, is down"
            for number, far_end in self._links.items()
            if f"wri{number}" not in up
        ]
        return Examination(reference="external", complaints=tuple(wrong))

    def readings(self) -> dict[str, tuple[float, str]]:
        """Return its temperatures, and what its servo still sees if it has one."""
        offset = (box.SERVO_STATE_NUMBER, box.SERVO_OFFSET_PS)
        said = self._get((*box.TEMPERATURES.values(), *offset))
        found: dict[str, tuple[float, str]] = {}
        for place, oid in box.TEMPERATURES.items():
            if (celsius := said[oid]) is not None:
                found[f"{place}_temperature"] = (self._number(celsius, oid) + KELVIN, "K")
        offset_s = self._offset_s(said)
        return found if offset_s is None else found | {"servo_offset": (offset_s, "s")}

    def close(self) -> None:
        """Give up what is being asked, from whatever thread, and ask nothing more."""
        if self._session is not None:
            self._session.close()

    # --- as a timing plane ------------------------------------------------------------

    def timing(self) -> TimingStatus:
        """Return how its clock, its servo and its fibres are."""
        single = (
            *STATUSES.values(),
            box.SPLL_MODE,
            box.SPLL_SEQUENCE,
            box.SPLL_DELOCKS,
            box.SERVO_STATE_NUMBER,
            box.SERVO_OFFSET_PS,
        )
        said = self._get(single)
        mode = self._name_of(SpllMode, said[box.SPLL_MODE], box.SPLL_MODE)
        servo, lost = said[box.SERVO_STATE_NUMBER], said[box.SPLL_DELOCKS]
        ready = said[box.SPLL_SEQUENCE] == SpllSequence.READY
        tracking = servo in (None, ServoState.TRACK_PHASE)
        return TimingStatus(
            locked=ready and tracking,
            source=mode,
            servo="" if servo is None else self._name_of(ServoState, servo, box.SERVO_STATE_NUMBER),
            offset_s=self._offset_s(said),
            lost_locks=None if lost is None else self._number(lost, box.SPLL_DELOCKS),
            ports=self._ports(),
            complaints=tuple(
                f"{what}: {self._name_of(Status, said[oid], oid)}"
                for what, oid in STATUSES.items()
                if said[oid] not in GOOD
            ),
        )

    def _offset_s(self, said: Mapping[Oid, Shown]) -> float | None:
        if said[box.SERVO_STATE_NUMBER] in (None, ServoState.UNINITIALIZED):
            return None
        unsigned = self._number(said[box.SERVO_OFFSET_PS], box.SERVO_OFFSET_PS)
        return (unsigned - 2**64 if unsigned >= 2**63 else unsigned) * 1e-12

    def _ports(self) -> tuple[TimingPort, ...]:
        words = ("name", "link", "mode", "locked")
        rows = range(1, box.PORTS + 1)
        said = self._get(tuple((*box.PORT_COLUMNS[w], row) for row in rows for w in words))
        found = []
        for row in rows:
            name, link, mode, locked = (said[(*box.PORT_COLUMNS[w], row)] for w in words)
            if name is None:
                continue
            found.append(
                TimingPort(
                    text(name),
                    link == PortLink.UP,
                    self._name_of(PortMode, mode, box.PORT_COLUMNS["mode"]),
                    locked == PortLocked.LOCKED,
                )
            )
        return tuple(found)

    # --- objects ----------------------------------------------------------------------

    def _name_of(self, kind: Any, value: Shown, oid: Oid) -> str:
        number = self._number(value, oid)
        known = {one.value: one.name.lower() for one in kind}
        return str(known.get(number, f"number {number}"))

    def _number(self, value: Shown, oid: Oid) -> int:
        if isinstance(value, int):
            return value
        shown = "no such object" if value is None else repr(value)
        raise ProtocolError(
            f"{self._name} was asked for {dotted(oid)}, a number, and said {shown}: is it a "
            "White Rabbit switch, with software that has WR-SWITCH-MIB?"
        )

    def _get(self, oids: tuple[Oid, ...]) -> dict[Oid, Shown]:
        """Ask for objects; raises :class:`.errors.Unreachable` without an answer."""
        if self._session is None:
            return {oid: _rehearsed(oid) for oid in oids}
        return self._session.get(oids)


def _rehearsed(oid: Oid) -> Shown:
    """Return what a switch shows with which nothing is wrong."""
    usual: dict[Oid, Shown] = dict.fromkeys(STATUSES.values(), int(Status.OK))
    usual |= {box.SPLL_MODE: int(SpllMode.GRANDMASTER), box.SPLL_SEQUENCE: int(SpllSequence.READY)}
    return usual.get(oid, 0 if oid == box.SPLL_DELOCKS else None)
