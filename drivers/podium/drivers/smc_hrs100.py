"""Driver of an SMC HRS100 thermo-chiller behind a Modbus gateway: its registers, over pymodbus."""

from collections.abc import Callable, Mapping
from typing import Self

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.cryogenic_roles import ChillerStatus
from podium.drivers.errors import Refused
from podium.drivers.modbus_session import ModbusSession
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import smc_hrs100 as box
from podium.firmware_interfaces.smc_hrs100 import Chiller, RegisterError, Status

REHEARSED = Chiller(
    temperature_k=293.15,
    flow_m3_s=0.0,
    pressure_pa=0.0,
    conductivity_s_m=0.0,
    status=Status.RUNNING | Status.SERIAL_MODE | Status.TEMPERATURE_READY,
    alarms=(0, 0, 0, 0),
    set_temperature_k=293.15,
    wanted=True,
)
"""A chiller that nothing is wrong with."""
STEP_K = 0.1
"""Of its set temperature."""


class SmcHrs100:
    """A Chiller. All that it shows comes in one round trip."""

    _session: ModbusSession | None
    """None in a rehearsal."""

    def __init__(
        self,
        name: str,
        host: str,
        ports: Mapping[str, int],
        bus_address: str = "1",
        size: str = "HRS100",
    ) -> None:
        """Connect and read once; ``bus_address``: its number on the line behind the gateway.

        Nothing that it answers tells its ``size``.
        """
        self._begin(name, None, bus_address, size)
        self._session = ModbusSession(name, host, ports["modbus"])
        try:
            self._registers()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(
        cls,
        name: str,
        note: Callable[[str], None],
        bus_address: str = "1",
        size: str = "HRS100",
    ) -> Self:
        """Return a driver of no chiller, which tells ``note`` what it would receive."""
        driver = cls.__new__(cls)
        driver._begin(name, note, bus_address, size)
        return driver

    def _begin(
        self, name: str, note: Callable[[str], None] | None, bus_address: str, size: str
    ) -> None:
        if not bus_address.isdigit() or not 1 <= int(bus_address) <= 99:
            raise Refused(f"{name}: a chiller's bus_address is 1 to 99, not {bus_address!r}")
        self._size = size
        self._name = name
        self._note = note
        self._unit = int(bus_address)
        self._session = None

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return what it is taken for: its registers say neither model nor serial number."""
        self._registers()
        return Identity(box.VENDOR, self._size, serial="", firmware="")

    def snapshot(self) -> dict[str, object]:
        """Return how it is set."""
        found = self._registers()
        return {
            "set_temperature_k": round(found.set_temperature_k, 3),
            "run": found.wanted,
            "serial_mode": bool(found.status & Status.SERIAL_MODE),
        }

    def examine(self) -> Examination:
        """Return what it says is wrong, and whether it obeys nobody here."""
        return Examination(complaints=self._complaints(self._registers()))

    def readings(self) -> Mapping[str, Value]:
        """Return the water that goes out: temperature, flow, pressure, and conductivity if any."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return the same, whether it runs and is to, and what it says is wrong."""
        found = self._registers()
        read: dict[str, Value | Missing] = {
            "water_out": (found.temperature_k, "K"),
            "flow": (found.flow_m3_s, "m^3/s"),
            "pressure": (found.pressure_pa, "Pa"),
            "running": (float(bool(found.status & Status.RUNNING)), "1"),
            "chiller": (float(found.wanted), "1"),
        }
        if found.conductivity_s_m > 0:
            read["conductivity"] = (found.conductivity_s_m, "S/m")
        return ChannelReadings.of(read, self._complaints(found))

    def close(self) -> None:
        """Close the connection, from whatever thread; the chiller goes on."""
        if self._session is not None:
            self._session.close()

    # --- as a chiller -----------------------------------------------------------------

    def chiller(self) -> ChillerStatus:
        """Return how it is, as read from it.

        Raises :class:`.errors.Unreachable` without an answer, and :class:`.errors.ProtocolError`
        for one that is no chiller's; both close the connection.
        """
        found = self._registers()
        words = box.alarm_words(found.alarms)
        stopped = bool(found.status & Status.STOPPED_BY_ALARM)
        return ChillerStatus(
            running=bool(found.status & Status.RUNNING),
            set_k=found.set_temperature_k,
            ready=bool(found.status & Status.TEMPERATURE_READY),
            warnings=() if stopped else words,
            errors=words if stopped else (),
        )

    def run_chiller(self, on: bool) -> None:
        """Start or stop it; returns once it has accepted that."""
        self._write(box.RUN, int(on), f"to {'start' if on else 'stop'}")

    def set_water_k(self, kelvin: float) -> None:
        """Set the temperature of the water, in steps of 0.1 K; returns once it is read back.

        Raises :class:`Refused` for what is out of range; then nothing has changed.
        """
        low, high = (limit + box.ZERO_C_K for limit in (box.SET_MIN_C, box.SET_MAX_C))
        if not low <= kelvin <= high:
            raise Refused(f"{self._name} cools water to {low} ... {high} K, not {kelvin} K")
        word = box.set_word(kelvin, self._registers().status)
        self._write(box.SET_TEMPERATURE, word, f"to set {kelvin} K")
        if self._session is None:
            return
        found_k = self._registers().set_temperature_k
        if abs(found_k - kelvin) > STEP_K:
            raise Refused(f"{self._name} was asked for {kelvin} K and reads back {found_k:.2f} K")

    # --- registers --------------------------------------------------------------------

    def _complaints(self, found: Chiller) -> tuple[str, ...]:
        deaf = () if found.status & Status.SERIAL_MODE else ("it is not in serial mode",)
        return (*deaf, *box.alarm_words(found.alarms))

    def _write(self, register: int, value: int, asked: str) -> None:
        if self._session is None:
            if self._note is not None:
                self._note(f"write holding register {register:#06x}: {value}")
            return
        self._session.write(
            asked,
            lambda client: client.write_register(register, value, device_id=self._unit),
        )

    def _registers(self) -> Chiller:
        session = self._session
        if session is None:
            return REHEARSED
        asked = f"for registers 0 to {box.REGISTERS - 1}"
        registers = session.read(
            asked,
            lambda client: client.read_holding_registers(
                0, count=box.REGISTERS, device_id=self._unit
            ),
        )
        try:
            return box.decode(registers)
        except RegisterError as error:
            raise session.nonsense(asked, str(error)) from error
