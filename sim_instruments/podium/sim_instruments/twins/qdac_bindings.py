"""Commands of the QDAC-II that are about channels: by a header's suffix, or by a channel list."""

from collections.abc import Callable, Iterator

from podium.firmware_interfaces import qdevil_qdac2 as box
from podium.firmware_interfaces.ieee4882.channel_list import channel_numbers
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import Expression
from podium.firmware_interfaces.qdevil_qdac2_waves import WaveCommands
from podium.sim_instruments.twins.ieee4882_device import Bound, Call
from podium.sim_instruments.twins.qdac_channel import QdacChannel


class ChannelBindings:
    """Binds commands to what they do to channels."""

    def __init__(self, channels: tuple[QdacChannel, ...]) -> None:
        self._channels = channels

    def named(self, call: Call, listed: Value) -> tuple[QdacChannel, ...]:
        """Return the channels of a list, or of the header's suffix where there is none.

        ASSUMED: beside a list the suffix means nothing.
        """
        if isinstance(listed, Expression):
            numbers = channel_numbers(listed.text, box.CHANNELS)
        else:
            numbers = (suffix_of(call, box.CHANNELS),)
        return tuple(self._channels[number - 1] for number in numbers)

    def each(self, command: Command, act: Callable[[QdacChannel, int], None]) -> Bound:
        """Bind a command that does something to channels."""

        def do(call: Call) -> None:
            for channel in self.named(call, call.values[-1]):
                act(channel, call.now_fs)

        return Bound(command, do)

    def asked(self, command: Command, answer: Callable[[QdacChannel, int], str]) -> Bound:
        """Bind a query of channels."""
        return Bound(command, answer=self.answers(answer))

    def answers(self, answer: Callable[[QdacChannel, int], str]) -> Callable[[Call], str]:
        """Return what answers a query: the channels' answers with commas between."""

        def ask(call: Call) -> str:
            found = self.named(call, call.values[-1])
            return ",".join(answer(channel, call.now_fs) for channel in found)

        return ask

    def set(
        self,
        command: Command,
        put: Callable[[QdacChannel, Value, int], None],
        answer: Callable[[QdacChannel, int], str] | None = None,
        meant: bool = True,
    ) -> Bound:
        """Bind a setting of channels and its query."""

        def do(call: Call) -> None:
            for channel in self.named(call, call.values[1]):
                put(channel, call.values[0], call.now_fs)

        stored = answer or (lambda channel, now_fs: channel.answer(command))
        return Bound(command, do, self.answers(stored), meant)


def wave_bindings(of: ChannelBindings, wave: WaveCommands) -> Iterator[Bound]:
    """Bind the commands of one kind of waves."""
    for name, command in wave.settings.items():
        yield _of_wave(of, wave, command, meant=name != "slew")
    yield _of_wave(of, wave, wave.trigger)
    for marker in wave.markers:
        yield _of_wave(of, wave, marker, meant=False)
    yield of.each(wave.start, lambda channel, now: _begun(channel, wave, now))
    yield of.set(
        wave.continuous,
        lambda channel, on, now: channel.waves.set_continuous(wave, bool(on), now),
        lambda channel, _: channel.waves.answer(wave.continuous),
    )
    yield of.each(wave.abort, lambda channel, now: channel.waves.generators[wave.kind].abort())
    yield of.asked(wave.left, lambda channel, now: _waves_left(channel, wave, now))


def _of_wave(
    of: ChannelBindings, wave: WaveCommands, command: Command, meant: bool = True
) -> Bound:
    return of.set(
        command,
        lambda channel, value, _: channel.waves.put(wave, command, value),
        lambda channel, _: channel.waves.answer(command),
        meant,
    )


def suffix_of(call: Call, highest: int) -> int:
    """Return the suffix of a header; raises :class:`ScpiError` where it is no channel."""
    number = call.suffixes[0]
    if not 1 <= number <= highest:
        raise ScpiError(-114, f"{number} of {highest}")
    return number


def _begun(channel: QdacChannel, wave: WaveCommands, now_fs: int) -> None:
    channel.asked_about = False
    channel.waves.initiate(wave, now_fs)


def _waves_left(channel: QdacChannel, wave: WaveCommands, now_fs: int) -> str:
    channel.asked_about = True
    return str(channel.waves.generators[wave.kind].left(now_fs))
