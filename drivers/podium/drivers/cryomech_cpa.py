"""Driver of a Cryomech CPA helium compressor: its panel's registers, over pymodbus."""

from collections.abc import Callable, Mapping
from typing import Self

from podium.drivers.channel_readings import ChannelReadings, Missing, Value
from podium.drivers.cryogenic_roles import CompressorStatus
from podium.drivers.modbus_session import ModbusSession
from podium.drivers.roles import Examination, Identity
from podium.firmware_interfaces import cryomech_cpa as box
from podium.firmware_interfaces.cryomech_cpa import Panel, RegisterError, State, Trouble

REHEARSED = Panel(
    state=State.RUNNING,
    running=True,
    warnings=Trouble(0),
    errors=Trouble(0),
    values=dict.fromkeys(box.QUANTITIES, 0.0),
    serial=0,
    model=(4, 19),
    software=(3, 0),
)
"""A panel that nothing is wrong with."""


class CryomechCpa:
    """A HeliumCompressor. All that it shows comes in one round trip."""

    _session: ModbusSession | None
    """None in a rehearsal."""

    def __init__(self, name: str, host: str, ports: Mapping[str, int]) -> None:
        """Connect and read once; raises what :meth:`compressor` raises."""
        self._begin(name, None)
        self._session = ModbusSession(name, host, ports["modbus"])
        try:
            self._panel()
        except BaseException:
            self.close()
            raise

    @classmethod
    def rehearse(cls, name: str, note: Callable[[str], None]) -> Self:
        """Return a driver of no compressor, which tells ``note`` what it would receive."""
        driver = cls.__new__(cls)
        driver._begin(name, note)
        return driver

    def _begin(self, name: str, note: Callable[[str], None] | None) -> None:
        self._name = name
        self._note = note
        self._session = None

    # --- as any instrument ------------------------------------------------------------

    def identity(self) -> Identity:
        """Return who answers: model, serial number and software as its panel has them."""
        panel = self._panel()
        major, minor = panel.software
        product = box.product(panel.model)
        return Identity(box.VENDOR, product, str(panel.serial), f"{major}.{minor}")

    def snapshot(self) -> dict[str, object]:
        """Return how its panel is set up."""
        panel = self._panel()
        return {
            "pressure_scale": panel.pressure_scale.name.lower(),
            "temperature_scale": panel.temperature_scale.name.lower(),
        }

    def examine(self) -> Examination:
        """Return what it says is wrong."""
        return Examination(complaints=_complaints(self._panel()))

    def readings(self) -> Mapping[str, Value]:
        """Return temperatures, pressures, current, hours, and whether it runs and is to."""
        return self.read_channels().values

    def read_channels(self) -> ChannelReadings:
        """Return all that its panel shows, what is no number as missing, and what is wrong."""
        panel = self._panel()
        found: dict[str, Value | Missing] = {
            name: (panel.values[name], unit) for name, (_, _, unit) in box.QUANTITIES.items()
        }
        wanted = panel.state == State.STARTING or (panel.running and panel.state != State.STOPPING)
        found |= {"running": (float(panel.running), "1"), "compressor": (float(wanted), "1")}
        return ChannelReadings.of(found, _complaints(panel))

    def close(self) -> None:
        """Close the connection, from whatever thread; the compressor goes on."""
        if self._session is not None:
            self._session.close()

    # --- as a compressor --------------------------------------------------------------

    def compressor(self) -> CompressorStatus:
        """Return how it is, as read from it.

        Raises :class:`.errors.Unreachable` without an answer, and :class:`.errors.ProtocolError`
        for one that is no panel's; both close the connection.
        """
        panel = self._panel()
        states = {one.value: one.name.lower().replace("_", " ") for one in State}
        return CompressorStatus(
            running=panel.running,
            state=states.get(panel.state, f"state {panel.state}"),
            warnings=_words(panel.warnings),
            errors=_words(panel.errors),
        )

    def run_compressor(self, on: bool) -> None:
        """Start or stop it; returns once its panel has accepted that."""
        value = box.START if on else box.STOP
        if self._session is None:
            if self._note is not None:
                self._note(f"write holding register {box.COMMAND}: {value:#06x}")
            return
        self._session.write(
            f"to {'start' if on else 'stop'}",
            lambda client: client.write_register(box.COMMAND, value, device_id=box.UNIT),
        )

    # --- registers --------------------------------------------------------------------

    def _panel(self) -> Panel:
        session = self._session
        if session is None:
            return REHEARSED
        asked = f"for registers {box.FIRST} to {box.FLOATS_END}"
        registers = session.read(
            asked,
            lambda client: client.read_input_registers(
                box.FIRST, count=box.FLOATS_END, device_id=box.UNIT
            ),
        )
        try:
            return box.decode_panel(registers)
        except RegisterError as error:
            raise session.nonsense(asked, str(error)) from error


def _complaints(panel: Panel) -> tuple[str, ...]:
    wrong = (f"error: {one}" for one in _words(panel.errors))
    return (*wrong, *(f"warning: {one}" for one in _words(panel.warnings)))


def _words(trouble: Trouble) -> tuple[str, ...]:
    known = tuple(
        one.name.lower().replace("_", " ") for one in Trouble if one & trouble and one.name
    )
    left = int(trouble) & ~sum(int(one) for one in Trouble)
    return (*known, f"bits {left:#x}") if left else known
