"""Twin of the Keysight N5183B: one tone, which a spectrum analyzer may see."""

from decimal import Decimal

from podium.firmware_interfaces import keysight_n5183b as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer, number_of

FIRMWARE = "B.01.86"  # ASSUMED


class KeysightN5183B(MessageTwin):
    """An N5183B. Its settings are kept and read back; the reference is its own."""

    def __init__(self, serial: str) -> None:
        identity = f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}"
        self._device = Device(Manners(identity, box.OPTIONS), self._table(), reset=self._reset)
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT})
        self._reset(0)

    def tone(self, now_fs: int) -> ContinuousTone | None:
        """Return the tone at the RF connector, or None when the RF output is off.

        ASSUMED: pulse modulation leaves it as it is.
        """
        if not self._settings.value(box.OUTPUT):
            return None
        frequency, power = self._settings.value(box.FREQUENCY), self._settings.value(box.POWER)
        return ContinuousTone(float(number_of(frequency)), float(number_of(power)))

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on: it comes back as after a preset, its output off."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of *RST. ASSUMED: also those of power-on."""
        self._settings = Settings(
            {
                box.FREQUENCY: box.FREQUENCY_MAX_HZ,
                box.POWER: box.POWER_MIN_DBM,
                box.PHASE: Decimal(0),
                box.OUTPUT: False,
                box.REFERENCE_AUTO: True,
                box.PULSE: False,
                box.PULSE_SOURCE: "INT",
                box.FREQUENCY_MODE: "CW",
                box.ALC: True,  # ASSUMED, as the reference of the search
                box.ALC_LEVEL: Decimal(1),
                box.ALC_SEARCH: True,
                box.ALC_REFERENCE: "RMS",
            }
        )

    def _ask_error(self, call: Call) -> str:
        # Keysight writes the sign: +0,"No error"
        answer = error_answer(self._device.status.take_error(), with_detail=True)
        return answer if answer.startswith("-") else f"+{answer}"

    def _search(self, call: Call) -> None:
        """Set the mode of the power search. ASSUMED: once is over at once, and is always let."""
        if call.values[0] != "ONCE":
            self._settings.put(box.ALC_SEARCH, call.values)

    def _stored(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._settings.put(command, call.values),
            lambda call: self._settings.answer(command, call.values),
            meant=False,
        )

    def _table(self) -> tuple[Bound, ...]:
        stored = (
            *(box.FREQUENCY, box.FREQUENCY_MODE, box.POWER, box.PHASE, box.OUTPUT),
            *(box.ALC, box.ALC_LEVEL, box.ALC_REFERENCE),
            *(box.REFERENCE_AUTO, box.PULSE, box.PULSE_SOURCE),
        )
        return (
            *(self._stored(command) for command in stored),
            Bound(
                box.ALC_SEARCH,
                self._search,
                lambda call: self._settings.answer(box.ALC_SEARCH),
                meant=False,
            ),
            Bound(box.ALC_SOURCE, answer=lambda call: "INT", meant=False),
            Bound(box.REFERENCE, answer=lambda call: "INT", meant=False),
            Bound(box.ERROR, answer=self._ask_error),
            Bound(box.PRESET, lambda call: self._reset(call.now_fs)),
        )
