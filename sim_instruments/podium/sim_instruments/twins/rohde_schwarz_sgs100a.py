"""Twin of the Rohde & Schwarz SGS100A SGMA RF source."""

from dataclasses import dataclass, field
from decimal import Decimal

from podium.firmware_interfaces import rohde_schwarz_sgs100a as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.twins.faces.message_ports import HISLIP, VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer, number_of

FIRMWARE = "4.2.76.0-4.30.046.295"  # ASSUMED


@dataclass(frozen=True, slots=True)
class Tone:
    """The tone at the RF connector."""

    frequency_hz: float
    power_dbm: float
    iq: bool
    """The I/Q modulator is on: the tone is what I and Q make of it."""
    lock: str = field(default="", compare=False)
    """Name of the present lock of its synthesiser: its phase depends on it."""


class RohdeSchwarzSGS100A(MessageTwin):
    """An SGS100A with I/Q modulator: one tone, modulated or not.

    Pulse modulation, impairments and the frequencies at the reference connectors are settings
    that are kept and read back; the tone does not depend on them.

    ASSUMED: on a timing plane it was set to the external reference by hand; its synthesiser locks
    anew, to another phase, when the frequency changes, not when the output is switched.
    """

    def __init__(self, serial: str, own_clock: Clock | None = None) -> None:
        """``own_clock``: the reference in the box, where the facility has one for it."""
        self._clock = own_clock
        self._tunings = 0
        self._reference: Value = "INT" if own_clock is None else "EXT"
        self._locked_to = 0
        """Number of the controller that it is locked to; 0: to none."""
        self._device = Device(
            Manners(
                f"{box.VENDOR},{box.MODEL},{box.MATERIAL}/{serial},{FIRMWARE}",
                box.OPTIONS,
                repeats_errors=False,
            ),
            self._table(),
            reset=self._reset,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT}, HISLIP, VXI11)
        self._reset(0)

    def tone(self, now_fs: int) -> Tone | None:
        """Return the tone at the RF connector, or None when the RF output is off."""
        if not self._settings.value(box.OUTPUT):
            return None
        return Tone(
            frequency_hz=float(self._decimal(box.FREQUENCY)),
            power_dbm=float(self._decimal(box.POWER)),
            iq=bool(self._settings.value(box.IQ)),
            lock=f"tone #{self._tunings}",
        )

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: its own oscillator locks anew to an external reference."""
        self._device.power_on()
        self._locked_to = 0
        self._reset(now_fs)
        if self._clock is not None:
            self._clock.lock(now_fs)

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of *RST; the reference stays. ASSUMED: also those of power-on."""
        self._tunings += 1
        self._settings = Settings(
            {
                **box.STORED,
                box.REFERENCE: self._reference,
                box.FREQUENCY: Decimal("1E9"),
                box.POWER: Decimal(-30),
                box.OUTPUT: False,
                box.IQ: False,
            }
        )

    def _decimal(self, command: Command) -> Decimal:
        value = self._settings.value(command)
        if not isinstance(value, Decimal):
            raise TypeError(f"{command.header} holds {value!r}, not a number")
        return value

    def _set_frequency(self, call: Call) -> None:
        frequency = call.values[0]
        modulated = bool(self._settings.value(box.IQ))
        if modulated and isinstance(frequency, Decimal) and frequency < box.MODULATED_MIN_HZ:
            raise ScpiError(-221, f"I/Q modulation from {box.MODULATED_MIN_HZ:f} Hz")  # ASSUMED
        before = self._decimal(box.FREQUENCY)
        self._settings.put(box.FREQUENCY, call.values)
        self._tunings += self._decimal(box.FREQUENCY) != before

    def _set_reference(self, call: Call) -> None:
        before = self._settings.value(box.REFERENCE)
        self._settings.put(box.REFERENCE, call.values)
        after = self._reference = self._settings.value(box.REFERENCE)
        if self._clock is None or after == before:
            return
        if after == "EXT":
            self._clock.lock(call.now_fs)
        else:
            self._clock.lose(call.now_fs)

    def _set_iq(self, call: Call) -> None:
        if call.values[0] and self._decimal(box.FREQUENCY) < box.MODULATED_MIN_HZ:
            raise ScpiError(-221, f"I/Q modulation from {box.MODULATED_MIN_HZ:f} Hz")  # ASSUMED
        self._settings.put(box.IQ, call.values)

    def _ask_error(self, call: Call) -> str:
        return error_answer(self._device.status.take_error(), with_detail=True)

    def _ask_error_code(self, call: Call) -> str:
        error = self._device.status.take_error()
        return "0" if error is None else str(error.code)

    def _ask_error_codes(self, call: Call) -> str:
        answers = []
        while (error := self._device.status.take_error()) is not None:
            answers.append(str(error.code))
        return ",".join(answers) or "0"

    def _ask_lock(self, call: Call) -> str:
        """Lock it to a controller, unless it is another's; 0 asks only whether it is free.

        ASSUMED: who has no lock can still set it, since connections say nothing of controllers.
        """
        asker = int(number_of(call.values[0]))
        if self._locked_to not in (0, asker):
            return "0"
        self._locked_to = asker
        return "1"

    def _unlock(self, call: Call) -> None:
        """Free it by the number that locked it, or by 0. ASSUMED: another number is refused."""
        if call.values[0] not in (0, self._locked_to):
            raise ScpiError(-221, "locked by another controller")
        self._locked_to = 0

    def _ask_error_count(self, call: Call) -> str:
        return str(self._device.status.error_count)

    def _ask_errors(self, call: Call) -> str:
        answers = []
        while (error := self._device.status.take_error()) is not None:
            answers.append(error_answer(error, with_detail=True))
        return ",".join(answers) or error_answer(None, with_detail=True)

    def _stored(self, command: Command, meant: bool) -> Bound:
        """Bind a command that sets a value and a query that reads it back."""
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command, call.values),
            meant,
        )

    def _table(self) -> tuple[Bound, ...]:
        return (
            Bound(
                box.FREQUENCY,
                self._set_frequency,
                lambda call: self._settings.answer(box.FREQUENCY, call.values),
            ),
            self._stored(box.POWER, meant=True),
            self._stored(box.OUTPUT, meant=True),
            Bound(box.IQ, self._set_iq, lambda call: self._settings.answer(box.IQ)),
            Bound(
                box.REFERENCE,
                self._set_reference,
                lambda call: self._settings.answer(box.REFERENCE),
            ),
            Bound(box.ERROR, answer=self._ask_error),
            Bound(box.ERRORS, answer=self._ask_errors),
            Bound(box.ERROR_COUNT, answer=self._ask_error_count),
            Bound(box.ERROR_CODE, answer=self._ask_error_code),
            Bound(box.ERROR_CODES, answer=self._ask_error_codes),
            Bound(box.PRESET, lambda call: self._reset(call.now_fs)),
            Bound(box.FAST_POWER, lambda call: self._settings.put(box.POWER, call.values)),
            # ASSUMED: without a baseband signal, peak and level are one
            Bound(box.PEAK_POWER, answer=lambda call: self._settings.answer(box.POWER)),
            Bound(box.LOCK, answer=self._ask_lock, meant=False),
            Bound(box.UNLOCK, self._unlock, meant=False),
            *(self._stored(command, meant=False) for command in box.STORED),
        )
