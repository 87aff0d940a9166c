"""Twin of the SRS SG384: one tone, which a spectrum analyzer may see."""

from decimal import Decimal

from podium.firmware_interfaces import srs_sg384 as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.status import Status
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, number_of

FIRMWARE = "ver1.26.10A"  # ASSUMED


class SrsSg384(MessageTwin):
    """An SG384. Its settings are kept and read back; nothing drives its I/Q inputs."""

    def __init__(self, serial: str) -> None:
        identity = f"{box.VENDOR},{box.MODEL},s/n{serial[-6:]:0>6},{FIRMWARE}"
        manners = Manners(
            identity,
            options=None,
            terminator=box.TERMINATOR,
            status_bits=Status.MESSAGE_AVAILABLE | Status.EVENT_SUMMARY | Status.MASTER_SUMMARY,
        )
        self._device = Device(manners, self._table(), reset=self._reset)
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT})
        self._reset(0)

    def tone(self, now_fs: int) -> ContinuousTone | None:
        """Return the tone at the type N connector, or None when it is off.

        Without a signal at the inputs, external I/Q modulation leaves little of the carrier.
        ASSUMED: other modulation leaves it as it is.
        """
        if not self._is_on(box.OUTPUT):
            return None
        power_dbm = float(number_of(self._settings.value(box.POWER)))
        if self._modulates_iq() and self._settings.value(box.IQ_FUNCTION) == box.EXTERNAL:
            power_dbm -= box.IQ_SUPPRESSION_DB
        return ContinuousTone(float(self._frequency_hz), power_dbm)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: back at 10 MHz, without queued errors. ASSUMED: all as by *RST."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        self._settings = Settings(box.STORED)

    def _ask_error(self, call: Call) -> str:
        """Return the oldest error and forget it."""
        error = self._device.status.take_error()
        return str(box.NO_ERROR if error is None else _number(error))

    @property
    def _frequency_hz(self) -> Decimal:
        return number_of(self._settings.value(box.FREQUENCY))

    def _modulates_iq(self) -> bool:
        on, kind = (self._settings.value(one) for one in (box.MODULATION, box.MODULATION_TYPE))
        return bool(on) and kind == box.IQ

    def _is_on(self, switch: Command) -> bool:
        """Tell whether a connector has a signal: its switch is on, and the frequency is its own."""
        low, high = box.CONNECTORS[switch]
        return bool(self._settings.value(switch)) and low <= self._frequency_hz <= high

    def _put(self, command: Command, call: Call) -> None:
        """Store a setting; what I/Q modulation does not allow is refused. ASSUMED: by 12."""
        before = self._settings.value(command)
        self._settings.put(command, call.values)
        if not self._modulates_iq():
            return
        power_dbm = number_of(self._settings.value(box.POWER))
        if self._frequency_hz <= box.IQ_MIN_HZ or power_dbm > box.IQ_POWER_MAX_DBM:
            self._settings.put(command, (before,))
            raise ScpiError(-221, "not with I/Q modulation")

    def _ask(self, command: Command, call: Call) -> str:
        if command in box.CONNECTORS:
            return str(int(self._is_on(command)))
        kind = (command.sets or ())[0]
        unit = call.values[0] if call.values else None
        if isinstance(kind, box.Level) and isinstance(unit, str):
            return kind.answer(self._settings.value(command), unit)
        return self._settings.answer(command)

    def _clear_phase(self, call: Call) -> None:
        """Show the present phase as 0; the tone's own stays."""
        self._settings.put(box.PHASE, (Decimal(0),))

    def _stored(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._put(command, call),
            lambda call: self._ask(command, call),
            meant=False,
        )

    def _table(self) -> tuple[Bound, ...]:
        stored = tuple(self._stored(command) for command in box.STORED)
        return (
            *stored,
            Bound(box.RELATIVE_PHASE, self._clear_phase, meant=False),
            Bound(box.OPTION, answer=lambda call: str(box.FITTED[int(number_of(call.values[0]))])),
            Bound(box.ERROR, answer=self._ask_error),
        )


_OTHERS = (box.ERROR, box.OPTION, box.RELATIVE_PHASE)
_KNOWN = {command.header for command in (*box.STORED, *_OTHERS)}


def _number(error: ScpiError) -> int:
    """Return the number of an error in the manual's list."""
    if error.code == -113:
        name = error.detail.removesuffix("?")
        if name in _KNOWN:
            return box.ILLEGAL_QUERY if error.detail.endswith("?") else box.ILLEGAL_SET
        regular = len(name) == box.COMMAND_LETTERS and name.removeprefix("*").isalpha()
        return box.UNDEFINED_COMMAND if regular else box.ILLEGAL_COMMAND
    if error.code in box.WRONG_TYPES:
        return box.INVALID_NUMBER
    return box.ERRORS.get(error.code, box.ILLEGAL_COMMAND)
