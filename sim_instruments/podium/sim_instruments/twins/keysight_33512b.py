"""Twin of the Keysight 33512B function generator: two channels, to an analyzer or a heater.

Left out, and refused as unknown: modulation, sweeps, arbitrary waveforms, voltage limits.
"""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace

from podium.firmware_interfaces import keysight_33512b as box
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.responses import quoted
from podium.sim_instruments.twins import waveform_signal
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.faces.message_ports import MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.heater_loop import HeaterLines
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.scpi_settings import Settings, error_answer
from podium.sim_instruments.twins.twin import IDLE, Horizon
from podium.sim_instruments.twins.waveform_channel import WaveformChannel
from podium.sim_instruments.twins.waveform_signal import edges_fs, heat_w

FIRMWARE = "2.03-1.19-2.00-52-00"  # ASSUMED
CONNECTORS = ("ch1", "ch2")
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


class Keysight33512B(MessageTwin):
    """A 33512B. Its settings limit one another, bursts that the bus triggers take their time."""

    def __init__(
        self,
        serial: str,
        heaters: Mapping[int, str] | None = None,
        write: Callable[[str, float, int], None] | None = None,
    ) -> None:
        """``heaters``: of the fridge, by the channel that each hangs at; ``write`` sets them."""
        self._heaters = HeaterLines(heaters, write)
        self._acted_fs = 0
        identity = f"{box.VENDOR},{box.MODEL},{serial},{FIRMWARE}"
        self._device = Device(
            Manners(identity, OPTIONS),
            tuple(map(self._then_heat, self._table())),
            reset=self._reset,
            busy=self._busy,
            trigger=self._trigger,
        )
        self._ports = MessagePorts(self._device.open, {"scpi": box.TCP_PORT})
        self._reset(0)

    def horizon(self, now_fs: int) -> Horizon:
        """Return when a burst ends, once somebody waits for it."""
        ends = [one.busy_until_fs for one in self.channels if one.busy_until_fs > now_fs]
        if not ends or not self._waited_for:
            return IDLE
        return Horizon(armed=False, busy_until_fs=min(ends), computing=False)

    def tones(self, connector: str, now_fs: int) -> tuple[ContinuousTone, ...]:
        """Return the lines in the spectrum at ``ch1`` or ``ch2``, as 50 Ohm take them."""
        channel = dict(zip(CONNECTORS, self.channels, strict=True)).get(connector)
        return () if channel is None else waveform_signal.tones(channel, now_fs)

    @property
    def acts(self) -> bool:
        """Tell whether a heater is driven by a burst that begins or ends by itself."""
        return any(
            self._heaters.connected(number) and max(edges_fs(channel)) > self._acted_fs
            for number, channel in enumerate(self.channels, 1)
        )

    def advance(self, now_fs: int) -> None:
        """Let bursts up to ``now_fs`` heat what they drive, and end."""
        self._heaters.now_fs = now_fs
        edges = sorted(edge for one in self.channels for edge in edges_fs(one))
        for edge_fs in edges:
            if self._acted_fs < edge_fs <= now_fs:
                self._heat(edge_fs)
        self._acted_fs = max(self._acted_fs, now_fs)

    def _heat(self, now_fs: int) -> None:
        for number, channel in enumerate(self.channels, 1):
            self._heaters.deliver(number, heat_w(channel, now_fs), now_fs)

    def _then_heat(self, bound: Bound) -> Bound:
        """Let a command, refused or not, be followed by the heat of what is set then."""
        do = bound.do
        if do is None:
            return bound

        def done(call: Call) -> None:
            self.advance(call.now_fs)
            try:
                do(call)
            finally:
                self._heat(call.now_fs)

        return replace(bound, do=done)

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: it comes back as after *RST."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        self.channels = tuple(WaveformChannel() for _ in range(box.CHANNELS))
        self._sync = Settings(SYNC)
        self._waited_for = False
        self._heat(now_fs)

    def _busy(self, now_fs: int) -> bool:
        self._waited_for = True
        return any(channel.is_busy(now_fs) for channel in self.channels)

    def _trigger(self, now_fs: int) -> None:
        self._waited_for = False
        self.advance(now_fs)
        for channel in self.channels:
            channel.trigger(now_fs)
        self._heat(now_fs)

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
