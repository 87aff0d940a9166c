"""Twin of a Tektronix AWG70000 or AWG5200: files, lists of waveforms and sequences, a player.

What its channels play is computed sample by sample for who asks :meth:`TektronixAwg.samples`. The
function generator's settings are only stored. Loading is at once: no box is as fast.
"""

from collections.abc import Sequence as Several
from decimal import Decimal
from functools import partial

import numpy as np
import numpy.typing as npt

from podium.firmware_interfaces import tektronix_awg as box
from podium.firmware_interfaces import tektronix_waveform_files as files
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.program_message import Number, Word
from podium.firmware_interfaces.ieee4882.responses import nr3, quoted
from podium.firmware_interfaces.tektronix_awg import Awg
from podium.firmware_interfaces.tektronix_waveform_files import (
    Sequence,
    Waveform,
)
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.faces.message_ports import VXI11, MessagePorts
from podium.sim_instruments.twins.faces.message_twin import MessageTwin
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.played_samples import PlayedSamples
from podium.sim_instruments.twins.played_spectrum import lines_of
from podium.sim_instruments.twins.scpi_error_queue import error_queue
from podium.sim_instruments.twins.sequence_player import (
    NotPlayable,
    Piece,
    Position,
    SequencePlayer,
    looping,
)
from podium.sim_instruments.twins.tektronix_assets import Assets
from podium.sim_instruments.twins.tektronix_basic_waveform import (
    BasicWaveform,
    Compiled,
)
from podium.sim_instruments.twins.tektronix_disk import Disk
from podium.sim_instruments.twins.tektronix_levels import Levels

FIRMWARE = "SCPI:99.0 FW:7.5.0197.0"  # ASSUMED
PERIOD_MAX = 1 << 18
"""Most samples of which a spectrum is made; of a longer waveform the part that is played now."""
STOPPED, WAITING, RUNNING = "0", "1", "2"
_WORDS = {"NEXT": "Next", "FIRS": "First", "FIRST": "First", "LAST": "Last", "END": "End"}
_Volts = npt.NDArray[np.float64] | float
_Marks = npt.NDArray[np.uint8] | int
_Place = tuple[Command, tuple[int, ...]]


class TektronixAwg(MessageTwin):
    """One box. All channels run and stop together; a sequence is at one step on all its tracks."""

    def __init__(self, model: Awg, serial: str) -> None:
        self._model = model
        self._commands = box.Settings(model)
        self._disk = Disk()
        self._lists = Assets(model, self._disk)
        self._levels = Levels(
            model,
            self._commands,
            lambda command, suffixes: self._checked(command, suffixes),
            lambda command, suffixes, value: self._store(command, suffixes, value),
        )
        self._editor = BasicWaveform(model, self._take_compiled)
        manners = Manners(
            f"{box.VENDOR},{model.identity},{serial},{FIRMWARE}",
            model.options,
            message_max=box.MESSAGE_MAX,
        )
        self._device = Device(manners, self._table(), reset=self._reset)
        self._ports = MessagePorts(
            self._device.open, {"scpi": box.TCP_PORT}, VXI11, message_max=box.MESSAGE_MAX
        )
        self._reset(0)

    def samples(self, channel: int, first: int, count: int) -> PlayedSamples:
        """Return what is at a channel's connectors, from sample ``first`` of the run on.

        With settings as they are now. Samples to come are as they will be if nothing happens.
        Raises ValueError where there is no such channel, or what it plays is not simulated.
        """
        volts, markers = self._played(channel, first, count)
        free = self._model.bits_max - int(str(self._value(self._commands.resolution, channel)))
        levels = []
        for marker in range(1, free + 1):
            low, high = (
                float(str(self._value(command, channel, marker)))
                for command in (self._commands.marker_low, self._commands.marker_high)
            )
            levels.append(np.where(markers >> (marker - 1) & 1, high, low).tolist())
        return PlayedSamples(volts.tolist(), levels, float(str(self._rate)))

    def tones(self, connector: str, now_fs: int) -> Several[ContinuousTone]:
        """Return the lines in the spectrum at ``ch1`` and so on, as 50 Ohm take them.

        Of a waveform that goes round all of it; of a sequence what is played from now on, as if
        that went round (ASSUMED, as that function generators show nothing).
        """
        channel = {f"ch{n}": n for n in range(1, self._model.channels + 1)}.get(connector)
        if channel is None or channel not in self._players or self._value(box.MODE) == "FGEN":
            return ()
        name, track = self._assets.get(channel, ("", 0))
        waveform = None if track else self._lists.waveforms.get(name)
        count = PERIOD_MAX if waveform is None else min(PERIOD_MAX, waveform.samples.size)
        volts, _ = self._played(channel, max(0, self._sample_now(now_fs)), count)
        return lines_of(volts, float(str(self._rate)))

    def _played(
        self, channel: int, first: int, count: int
    ) -> tuple[npt.NDArray[np.float64], npt.NDArray[np.uint8]]:
        """Return volts and markers; raises ValueError as :meth:`samples`."""
        if not 1 <= channel <= self._model.channels:
            raise ValueError(f"it has channels 1 to {self._model.channels}, not {channel}")
        if self._value(box.MODE) == "FGEN":
            raise ValueError("it plays as a function generator, which is not simulated")
        volts = np.zeros(count)
        markers = np.zeros(count, np.uint8)
        player = self._players.get(channel)
        if player is not None and self._value(box.OUTPUT, channel) and not self._value(box.ALL_OFF):
            filled = 0
            for piece in player.pieces(self._track(channel), first, count):
                span = slice(filled, filled + piece.count)
                volts[span], markers[span] = self._piece(channel, piece)
                filled += piece.count
        return volts, markers

    def _piece(self, channel: int, piece: Piece) -> tuple[_Volts, _Marks]:
        held = piece.waiting and self._value(box.HOLD, channel) == "ZERO"
        if piece.waveform is None or held:
            return 0.0, 0
        bits = int(str(self._value(self._commands.resolution, channel)))
        steps = 2.0 ** (bits - 1) - 1
        amplitude_v = float(str(self._value(self._commands.amplitude, channel)))
        offset_v = float(str(self._value(box.OFFSET, channel)))
        fractions = np.clip(piece.waveform.samples[piece.at].astype(np.float64), -1.0, 1.0)
        volts = np.rint(fractions * steps) / steps * (amplitude_v / 2) + offset_v
        marked = piece.waveform.markers
        return volts, 0 if marked is None else marked[piece.at]

    # --- settings ---------------------------------------------------------------------

    def power_cycle(self, now_fs: int) -> None:
        """Switch it off and on. ASSUMED: as after *RST; files are on its disk."""
        self._device.power_on()
        self._reset(now_fs)

    def _reset(self, now_fs: int) -> None:
        """Go to the settings of *RST. ASSUMED: files stay, both lists are emptied."""
        own = self._commands
        self._disk.folder = box.HOME
        self._editor.reset()
        self._lists.clear()
        self._defaults: dict[Command, Value] = {
            own.sample_rate: self._model.sample_rate_max,
            own.external_clock: self._model.external_clock_hz[0],
            own.amplitude: box.AMPLITUDE_V,
            own.path: next(iter(self._model.amplitudes_v)),
            own.marker_high: Decimal(1),
            own.marker_low: Decimal(0),
            own.resolution: self._model.bits_max,
            own.generator_frequency: Decimal("1.2E6"),
            **own.generator,
            box.MODE: "AWG",
            box.CLOCK_SOURCE: "INT",
            box.ALL_OFF: False,
            box.OUTPUT: False,
            box.HOLD: "ZERO",
            box.STOPPED_VALUE: "ZERO",
            box.MARKER_HOLD: "LOW",
            box.MARKER_STOPPED: "LOW",
            box.OFFSET: Decimal(0),
        }
        self._set: dict[_Place, Value] = {}
        self._assets: dict[int, tuple[str, int]] = {}
        """By channel: name, and its track; 0: of a waveform."""
        self._players: dict[int, SequencePlayer] = {}
        self._began_fs = now_fs

    def _value(self, command: Command, *suffixes: int) -> Value:
        if command in (box.ALL_OFF, self._commands.generator_frequency):
            suffixes = (1,)
        return self._set.get((command, suffixes), self._defaults[command])

    def _checked(self, command: Command, suffixes: tuple[int, ...]) -> Value:
        self._check(suffixes, command)
        return self._value(command, *suffixes)

    def _store(self, command: Command, suffixes: tuple[int, ...], value: Value) -> None:
        self._check(suffixes, command)
        if command is self._commands.generator_frequency:
            suffixes = (1,)  # "All channels on a multi-channel instrument use the same"
        self._set[command, suffixes] = value

    @property
    def _rate(self) -> Decimal:
        rate = self._value(self._commands.sample_rate)
        assert isinstance(rate, Decimal)
        return rate

    def _check(self, suffixes: tuple[int, ...], command: Command | None = None) -> None:
        if command is box.ALL_OFF and suffixes != (1,):
            raise ScpiError(-114, str(suffixes[0]))
        limits = (self._model.channels, self._model.markers)
        for suffix, limit in zip(suffixes, limits, strict=False):
            if not 1 <= suffix <= limit:
                raise ScpiError(-114, str(suffix))

    def _put(self, command: Command, call: Call) -> None:
        self._store(command, call.suffixes, call.values[0])

    def _rate_max(self) -> Decimal:
        """Return the most samples per second that the clock allows."""
        factor = self._model.external_clock_factor
        if factor is None or self._value(box.CLOCK_SOURCE) != "EXT":
            return self._model.sample_rate_max
        clock_hz = Decimal(str(self._value(self._commands.external_clock)))
        return min(self._model.sample_rate_max, factor * clock_hz)

    def _set_rate(self, call: Call) -> None:
        """ASSUMED: the suffix of SOURce does not matter; a run begins anew."""
        rate = call.values[0]
        assert isinstance(rate, Decimal)
        if rate > self._rate_max():
            raise ScpiError(-222, f"the external clock allows {self._rate_max()}")
        self._change_rate(rate, call.now_fs)

    def _change_rate(self, rate: Decimal, now_fs: int) -> None:
        anew = rate != self._rate
        self._set[self._commands.sample_rate, ()] = rate
        if anew and self._players:
            self._begin(now_fs)

    def _put_clock(self, command: Command, call: Call) -> None:
        """ASSUMED: a rate that the clock has no longer becomes the highest that it has."""
        self._store(command, (), call.values[0])
        self._change_rate(min(self._rate, self._rate_max()), call.now_fs)

    def _ask_rate(self, call: Call) -> str:
        if str(call.values[0]) == "MAX":
            return nr3(self._rate_max())
        return self._ask(self._commands.sample_rate, Call(call.now_fs, call.values, ()))

    def _ask(self, command: Command, call: Call) -> str:
        self._check(call.suffixes, command)
        assert command.sets is not None
        kind = command.sets[0]
        asked = call.values[0] if call.values else None
        if asked is not None:
            limits = {"MIN": "minimum", "MAX": "maximum", "DEF": "default"}
            return kind.answer(getattr(kind, limits[str(asked)]))
        return kind.answer(self._value(command, *call.suffixes))

    def _period(self, call: Call) -> str:
        self._check(call.suffixes)
        frequency = self._value(self._commands.generator_frequency, *call.suffixes)
        assert isinstance(frequency, Decimal)
        return nr3((1 / frequency).normalize())

    # --- files and lists --------------------------------------------------------------

    def _take_compiled(self, made: Compiled, now_fs: int) -> None:
        """List what the editor made, under a name of its own; assign and play it if wanted.

        ASSUMED: levels of the channel become the recommended ones, and the channel is switched on
        to play.
        """
        name, number = made.name, 0
        while name in self._lists.waveforms:
            number += 1
            name = f"{made.name}_{number}"
        self._lists.add({name: made.waveform})
        if made.channel is None:
            return
        self._set[self._commands.amplitude, (made.channel,)] = made.amplitude_v
        self._set[box.OFFSET, (made.channel,)] = made.offset_v
        self._set[self._commands.path, (made.channel,)] = self._defaults[self._commands.path]
        self._assets[made.channel] = (name, 0)
        if made.plays:
            self._set[box.OUTPUT, (made.channel,)] = True
        if made.plays or self._players:
            self._begin(now_fs)

    def _delete_waveform(self, call: Call) -> None:
        """Delete, unload, stop the run and switch off the channels that had it.

        "If the deleted waveform is currently loaded into waveform memory, it is unloaded. If the
        RUN state of the AWG is ON, the state is turned OFF. If the channel is on, it will be
        switched off." A sequence that had it stays assigned and cannot run (ASSUMED).
        """
        given = str(call.values[0])
        gone = set(self._lists.waveforms) if given == "ALL" else {given}
        loaded = [channel for channel in self._assets if gone & self._played_on(channel)]
        self._forget(call, self._lists.waveforms)
        for channel in loaded:
            self._set[box.OUTPUT, (channel,)] = False
        if loaded:
            self._players = {}

    def _played_on(self, channel: int) -> set[str]:
        """Return the names of the waveforms that a channel has loaded."""
        name, track = self._assets[channel]
        if not track:
            return {name}
        sequences, todo = set[str](), [name]
        used = set[str]()
        while todo:
            one = todo.pop()
            if one in sequences or one not in self._lists.sequences:
                continue
            sequences.add(one)
            for step in self._lists.sequences[one].steps:
                (todo.extend if step.is_sequence else used.update)(step.assets)
        return used

    def _delete_sequence(self, call: Call) -> None:
        self._forget(call, self._lists.sequences)

    def _forget(self, call: Call, listed: dict[str, Waveform] | dict[str, Sequence]) -> None:
        name = str(call.values[0])
        names = list(listed) if name == "ALL" else [name]
        for one in names:
            if one not in listed:
                raise ScpiError(-224, one)
            del listed[one]
            wanted = listed is self._lists.sequences
            for channel, (asset, track) in list(self._assets.items()):
                if asset == one and bool(track) == wanted:
                    del self._assets[channel]

    def _set_event_jump(self, call: Call) -> None:
        name = self._lists.named(call.values[0])
        sequence = self._lists.sequences[name]
        (number,) = call.suffixes
        match call.values[1]:
            case Number(value) if value == int(value) and 1 <= value <= len(sequence.steps):
                target: int | str = int(value)
            case Word(text) if text in _WORDS:
                target = _WORDS[text]
            case other:
                raise ScpiError(-224, str(other)[:60])
        if not 1 <= number <= len(sequence.steps):
            raise ScpiError(-114, str(number))
        steps = list(sequence.steps)
        steps[number - 1] = files.with_jump(steps[number - 1], target)
        self._lists.sequences[name] = Sequence(name, tuple(steps), sequence.tracks)
        for channel, player in self._players.items():
            asset, track = self._assets.get(channel, ("", 0))
            if asset == name and track:
                player.set_jump(number, target)  # ASSUMED: also while it plays

    def _event_jump(self, call: Call) -> str:
        sequence = self._lists.sequences[self._lists.named(call.values[0])]
        if not 1 <= call.suffixes[0] <= len(sequence.steps):
            raise ScpiError(-114, str(call.suffixes[0]))
        return str(sequence.steps[call.suffixes[0] - 1].jump_to).upper()

    # --- playing ----------------------------------------------------------------------

    def _assign(self, call: Call) -> None:
        self._check(call.suffixes)
        name = str(call.values[0])
        if len(call.values) == 1:
            if name not in self._lists.waveforms:
                raise ScpiError(-224, name)
            self._assets[call.suffixes[0]] = (name, 0)
        else:
            track = call.values[1]
            if name not in self._lists.sequences:
                raise ScpiError(-224, name)
            if not isinstance(track, int) or track > self._lists.sequences[name].tracks:
                raise ScpiError(-222, f"{name} has {self._lists.sequences[name].tracks} tracks")
            self._assets[call.suffixes[0]] = (name, track)
        if self._players:
            self._begin(call.now_fs)  # ASSUMED: what is assigned in a run begins the run anew

    def _clear_asset(self, call: Call) -> None:
        self._check(call.suffixes)
        self._assets.pop(call.suffixes[0], None)
        self._players.pop(call.suffixes[0], None)

    def _asset_type(self, call: Call) -> str:
        """ASSUMED: its words."""
        self._check(call.suffixes)
        if call.suffixes[0] not in self._assets:
            return "NONE"
        return "SEQ" if self._assets[call.suffixes[0]][1] else "WAV"

    def _waveform(self, call: Call) -> str:
        """ASSUMED: nothing where a sequence is assigned."""
        self._check(call.suffixes)
        name, track = self._assets.get(call.suffixes[0], ("", 0))
        return quoted("" if track else name)

    def _asset(self, call: Call) -> str:
        """ASSUMED: a sequence's name is followed by its track, in the same text."""
        self._check(call.suffixes)
        name, track = self._assets.get(call.suffixes[0], ("", 0))
        return quoted(f"{name},{track}" if track else name)

    def _track(self, channel: int) -> int:
        return max(self._assets.get(channel, ("", 0))[1] - 1, 0)

    def _begin(self, now_fs: int) -> None:
        """Play from sample 0 on; raises :class:`ScpiError` where there is nothing to play."""
        self._players = {}
        if not self._assets:
            raise ScpiError(-221, "nothing is assigned to a channel")  # ASSUMED
        shared: dict[str, SequencePlayer] = {}
        players = {}
        try:
            for channel, (name, track) in self._assets.items():
                sequence = self._lists.sequences[name] if track else looping(name)
                player = shared.get(name) if track else None
                if player is None:
                    player = SequencePlayer(sequence, self._lists.sequences, self._lists.waveforms)
                if track:
                    shared[name] = player
                players[channel] = player
        except NotPlayable as error:
            raise ScpiError(-221, str(error)) from error
        self._players, self._began_fs = players, now_fs

    def _stop(self, call: Call) -> None:
        self._players = {}

    def _sample_now(self, now_fs: int) -> int:
        return int((now_fs - self._began_fs) * int(self._rate) // FS_PER_S)

    def _run_state(self, call: Call) -> str:
        if not self._players:
            return STOPPED
        found = [player.position(self._sample_now(call.now_fs)) for player in self._different()]
        return _state(found)

    def _different(self) -> list[SequencePlayer]:
        return list({id(one): one for one in self._players.values()}.values())

    def _trigger(self, call: Call) -> None:
        source = box.TRIGGERS[str(call.values[0] or "ATR")]
        for player in self._different():
            player.trigger(source, self._sample_now(call.now_fs))

    def _jump(self, call: Call) -> None:
        """ASSUMED: all channels jump, whichever is named."""
        self._check(call.suffixes)
        step = call.values[0]
        assert isinstance(step, int)
        try:
            for player in self._different():
                player.jump(step, self._sample_now(call.now_fs))
        except NotPlayable as error:
            raise ScpiError(-222, str(error)) from error

    # --- table ------------------------------------------------------------------------

    def _stored(self, command: Command, meant: bool = True) -> Bound:
        return Bound(command, partial(self._put, command), partial(self._ask, command), meant)

    def _table(self) -> tuple[Bound, ...]:
        own = self._commands
        heard = (
            own.marker_high,
            own.marker_low,
            own.resolution,
            box.MODE,
            box.ALL_OFF,
            box.OUTPUT,
            box.HOLD,
        )
        kept = (
            own.generator_frequency,
            *own.generator,
            box.STOPPED_VALUE,
            box.MARKER_HOLD,
            box.MARKER_STOPPED,
        )
        return (
            *(self._stored(command) for command in heard),
            *(self._stored(command, meant=False) for command in kept),
            Bound(own.generator_period, answer=self._period, meant=False),
            *error_queue(lambda: self._device.status),
            *self._levels.table(),
            *self._editor.table(),
            *self._disk.table(),
            *self._lists.table(),
            *(
                Bound(command, self._set_rate, self._ask_rate)
                for command in (own.sample_rate, *own.sample_rate_too)
            ),
            *(
                Bound(said, partial(self._put_clock, stored), partial(self._ask, stored))
                for said, stored in (
                    (box.CLOCK_SOURCE, box.CLOCK_SOURCE),
                    (box.CLOCK_SOURCE_TOO, box.CLOCK_SOURCE),
                    (own.external_clock, own.external_clock),
                )
            ),
            Bound(box.CHANNELS, answer=lambda call: str(self._model.channels)),
            Bound(box.RUN, lambda call: self._begin(call.now_fs)),
            Bound(box.STOP, self._stop),
            Bound(box.RUN_STATE, answer=self._run_state),
            Bound(box.ASSET, answer=self._asset),
            Bound(box.ASSET_TYPE, answer=self._asset_type),
            Bound(box.ASSET_WAVEFORM, self._assign),
            Bound(box.WAVEFORM, self._assign, self._waveform),
            Bound(box.ASSET_SEQUENCE, self._assign),
            Bound(box.ASSET_CLEAR, self._clear_asset),
            Bound(box.JUMP, self._jump),
            Bound(box.TRIGGER, self._trigger),
            Bound(box.SEQUENCE_DELETE, self._delete_sequence),
            Bound(box.EVENT_JUMP, self._set_event_jump, self._event_jump),
            Bound(box.WAVEFORM_DELETE, self._delete_waveform),
        )


def _state(found: list[Position]) -> str:
    if all(one.ended for one in found):
        return STOPPED
    return WAITING if any(one.waiting for one in found) else RUNNING
