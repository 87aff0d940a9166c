"""Twin of the Keysight 33512B function generator: two channels, which nothing is wired to.

Left out, and refused as unknown: modulation, sweeps, arbitrary waveforms, voltage limits.
"""

from collections.abc import Iterator, Mapping

from podium.firmware_interfaces import keysight_33512b as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.responses import quoted
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session
from podium.sim_instruments.twins.waveform_channel import WaveformChannel

FIRMWARE = "2.03-1.19-2.00-52-00"  # ASSUMED
OPTIONS = "0"  # ASSUMED: what it says where none are fitted
NUMBERS = (
    *(box.FREQUENCY, box.PULSE_WIDTH, box.PULSE_DUTY),
    *(box.AMPLITUDE, box.OFFSET, box.HIGH, box.LOW),
    *box.FIXED_LIMITS,
)
SYNC: Mapping[Command, Value] = {
    box.SYNC: True,
    box.SYNC_SOURCE: "CH1",
    box.TRIGGER_OUTPUT: False,
    box.TRIGGER_OUTPUT_SLOPE: "POS",
    box.TRIGGER_OUTPUT_SOURCE: "CH1",
}
"""Of the connectors that both channels share."""


class Keysight33512B:
    """A 33512B. Its settings limit one another, bursts that the bus triggers take their time."""

    def __init__(self, serial: str) -> None:
        identity = f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}"
        self._device = Device(
            Manners(identity, OPTIONS),
            tuple(self._table()),
            reset=self._reset,
            busy=self._busy,
            trigger=self._trigger,
        )
        self._reset(0)

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's one port."""
        return {"scpi": box.TCP_PORT}

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        if port not in self.ports:
            raise KeyError(f"no port {port!r}, there is {', '.join(self.ports)}")
        return self._device.open()

    def horizon(self, now_fs: int) -> Horizon:
        """Return when a burst ends, once somebody waits for it."""
        ends = [one.busy_until_fs for one in self.channels if one.busy_until_fs > now_fs]
        if not ends or not self._waited_for:
            return IDLE
        return Horizon(armed=False, busy_until_fs=min(ends), computing=False)

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._device.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._device.ear.listener = listener

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: it comes back as after *RST."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        self.channels = tuple(WaveformChannel() for _ in range(box.CHANNELS))
        self._sync = Settings(SYNC)
        self._waited_for = False

    def _busy(self, now_fs: int) -> bool:
        self._waited_for = True
        return any(channel.is_busy(now_fs) for channel in self.channels)

    def _trigger(self, now_fs: int) -> None:
        self._waited_for = False
        for channel in self.channels:
            channel.trigger(now_fs)

    def _channel(self, call: Call) -> WaveformChannel:
        number = call.suffixes[0] if call.suffixes else 1
        if not 1 <= number <= box.CHANNELS:
            raise ScpiError(-114, f"channel {number} of {box.CHANNELS}")
        return self.channels[number - 1]

    def _ask_number(self, command: Command, call: Call) -> str:
        channel, asked = self._channel(call), call.values[0]
        if asked is None:
            return box.written(channel.number(command))
        return box.written(channel.limits(command).word(str(asked)))

    def _ask_word(self, command: Command, call: Call) -> str:
        kinds = command.sets or ()
        return kinds[0].answer(self._channel(call).words[command])

    def _abort(self, call: Call) -> None:
        for channel in self.channels:
            channel.abort()

    def _ask_error(self, call: Call) -> str:
        # Keysight writes the sign: +0,"No error"
        answer = error_answer(self._device.status.take_error(), with_detail=False)
        return answer if answer.startswith("-") else f"+{answer}"

    def _of_number(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._channel(call).set_number(command, call.values[0]),
            lambda call: self._ask_number(command, call),
            meant=False,
        )

    def _of_word(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._channel(call).set_word(command, call.values[0]),
            lambda call: self._ask_word(command, call),
            meant=False,
        )

    def _of_apply(self, function: str) -> Bound:
        return Bound(
            box.APPLY[function],
            lambda call: self._channel(call).apply(function, call.values),
            meant=False,
        )

    def _of_sync(self, command: Command) -> Bound:
        return Bound(
            command,
            lambda call: self._sync.put(command, call.values),
            lambda call: self._sync.answer(command),
            meant=False,
        )

    def _table(self) -> Iterator[Bound]:
        yield from map(self._of_number, NUMBERS)
        yield from map(self._of_word, box.WORDS)
        yield from map(self._of_sync, SYNC)
        yield from (self._of_apply(function) for function in box.APPLY)
        yield Bound(
            box.APPLIED, answer=lambda call: quoted(self._channel(call).applied()), meant=False
        )
        yield Bound(box.PHASE_SYNC, lambda call: None, meant=False)
        yield Bound(box.TRIGGER, lambda call: self._channel(call).trigger(call.now_fs))
        yield Bound(box.ABORT, self._abort)
        yield Bound(box.BEEP, lambda call: None, meant=False)
        yield Bound(box.ERROR, answer=self._ask_error)
