"""Twin of a Tektronix AWG70000 or AWG5200: files, lists of waveforms and sequences, a player.

What its channels play is computed sample by sample for who asks :meth:`TektronixAwg.samples`. The
function generator's settings are only stored. Loading is at once: no box is as fast.
"""

from collections.abc import Mapping
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
from podium.firmware_interfaces.ieee4882.program_message import Block, Number, Word, definite_block
from podium.firmware_interfaces.ieee4882.responses import nr3, quoted
from podium.firmware_interfaces.tektronix_awg import Awg
from podium.firmware_interfaces.tektronix_waveform_files import FileError, Sequence, Waveform
from podium.sim_instruments.twins.command_observer import CommandListener
from podium.sim_instruments.twins.faces.message_ports import VXI11, MessagePorts
from podium.sim_instruments.twins.ieee4882_device import Bound, Call, Device, Manners
from podium.sim_instruments.twins.played_samples import PlayedSamples
from podium.sim_instruments.twins.scpi_settings import error_answer
from podium.sim_instruments.twins.sequence_player import (
    NotPlayable,
    Piece,
    Position,
    SequencePlayer,
    looping,
)
from podium.sim_instruments.twins.twin import IDLE, Horizon, Session

FIRMWARE = "SCPI:99.0 FW:7.5.0197.0"  # ASSUMED
DISK_MAX = 1 << 30
"""Bytes of all files. ASSUMED."""
STOPPED, WAITING, RUNNING = "0", "1", "2"
_WORDS = {"NEXT": "Next", "FIRS": "First", "FIRST": "First", "LAST": "Last", "END": "End"}
_Volts = npt.NDArray[np.float64] | float
_Marks = npt.NDArray[np.uint8] | int
_Place = tuple[Command, tuple[int, ...]]


class TektronixAwg:
    """One box. All channels run and stop together; a sequence is at one step on all its tracks."""

    def __init__(self, model: Awg, serial: str) -> None:
        self._model = model
        self._commands = box.Settings(model)
        self._files: dict[str, bytes] = {}
        """By whole path, in small letters, as Windows has it."""
        manners = Manners(
            f"{box.VENDOR},{model.identity},{serial},{FIRMWARE}",
            box.OPTIONS,
            message_max=box.MESSAGE_MAX,
        )
        self._device = Device(manners, self._table(), reset=self._reset)
        self._ports = MessagePorts(
            self._device.open, {"scpi": box.TCP_PORT}, VXI11, message_max=box.MESSAGE_MAX
        )
        self._reset(0)

    @property
    def ports(self) -> Mapping[str, int]:
        """The instrument's ports: all lead to the same commands."""
        return self._ports.numbers

    def open(self, port: str) -> Session:
        """Return a fresh connection."""
        return self._ports.open(port)

    def horizon(self, now_fs: int) -> Horizon:
        """Return that it never holds world time up."""
        return IDLE

    def tallies(self) -> dict[str, int]:
        """Return the counts since power-on."""
        return self._device.tallies()

    def tell(self, listener: CommandListener) -> None:
        """Report every command from now on; see :class:`.command_observer.ReportsCommands`."""
        self._device.ear.listener = listener

    def samples(self, channel: int, first: int, count: int) -> PlayedSamples:
        """Return what is at a channel's connectors, from sample ``first`` of the run on.

        With settings as they are now. Samples to come are as they will be if nothing happens.
        Raises ValueError where there is no such channel, or what it plays is not simulated.
        """
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
        free = self._model.bits_max - int(str(self._value(self._commands.resolution, channel)))
        levels = []
        for marker in range(1, free + 1):
            low, high = (
                float(str(self._value(command, channel, marker)))
                for command in (self._commands.marker_low, self._commands.marker_high)
            )
            levels.append(np.where(markers >> (marker - 1) & 1, high, low).tolist())
        return PlayedSamples(volts.tolist(), levels, float(str(self._rate)))

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
        self._folder = box.HOME
        self._defaults: dict[Command, Value] = {
            own.sample_rate: self._model.sample_rate_max,
            own.external_clock: self._model.external_clock_hz[0],
            own.amplitude: self._model.amplitude_max_v,
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
            box.MARKER_HOLD: "LOW",
            box.MARKER_STOPPED: "LOW",
            box.OFFSET: Decimal(0),
        }
        self._set: dict[_Place, Value] = {}
        self._waveforms: dict[str, Waveform] = {}
        self._sequences: dict[str, Sequence] = {}
        self._assets: dict[int, tuple[str, int]] = {}
        """By channel: name, and its track; 0: of a waveform."""
        self._players: dict[int, SequencePlayer] = {}
        self._began_fs = now_fs

    def _value(self, command: Command, *suffixes: int) -> Value:
        if command is box.ALL_OFF:
            suffixes = (1,)
        return self._set.get((command, suffixes), self._defaults[command])

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
        self._check(call.suffixes, command)
        anew = command is self._commands.sample_rate and call.values[0] != self._rate
        self._set[command, call.suffixes] = call.values[0]
        if anew and self._players:
            self._begin(call.now_fs)

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

    def _path(self, name: Value) -> str:
        text = str(name).replace("/", "\\")
        absolute = text.startswith("\\") or text[1:2] == ":"
        whole = text if absolute else f"{self._folder}\\{text}"
        return whole.lower().removeprefix("c:").replace("\\\\", "\\")

    def _file(self, name: Value) -> bytes:
        path = self._path(name)
        if path not in self._files:
            raise ScpiError(-256, str(name))
        return self._files[path]

    def _change_folder(self, call: Call) -> None:
        self._folder = str(call.values[0])

    def _save(self, call: Call) -> None:
        block = call.values[1]
        if not isinstance(block, Block):
            raise ScpiError(-104, "a block is wanted")
        path = self._path(call.values[0])
        others = sum(len(data) for at, data in self._files.items() if at != path)
        if others + len(block.data) > DISK_MAX:
            raise ScpiError(-223, f"{DISK_MAX} bytes are possible")
        self._files[path] = block.data

    def _delete_file(self, call: Call) -> None:
        self._file(call.values[0])
        del self._files[self._path(call.values[0])]

    def _load(self, call: Call) -> None:
        """ASSUMED: a waveform is called like its file; loading anew takes the place of it."""
        name = self._path(call.values[0]).rpartition("\\")[2]
        given = str(call.values[0]).replace("/", "\\").rpartition("\\")[2]
        data = self._file(call.values[0])
        if name.endswith(".seqx"):
            self._load_sequence(call)
            return
        if not name.endswith(".wfmx"):
            raise ScpiError(-200, f"{given} is no file of waveforms or sequences")
        try:
            self._waveforms[given[: -len(".wfmx")]] = files.read_waveform(data)
        except FileError as error:
            raise ScpiError(-200, f"{given}: {error}") from error

    def _load_sequence(self, call: Call) -> None:
        try:
            found = files.read_sequence_file(self._file(call.values[0]))
        except FileError as error:
            raise ScpiError(-200, f"{call.values[0]}: {error}") from error
        self._waveforms |= found.waveforms
        self._sequences |= found.sequences

    def _delete_waveform(self, call: Call) -> None:
        """ASSUMED: what plays goes on until it is stopped."""
        self._forget(call, self._waveforms)

    def _delete_sequence(self, call: Call) -> None:
        self._forget(call, self._sequences)

    def _forget(self, call: Call, listed: dict[str, Waveform] | dict[str, Sequence]) -> None:
        name = str(call.values[0])
        names = list(listed) if name == "ALL" else [name]
        for one in names:
            if one not in listed:
                raise ScpiError(-224, one)
            del listed[one]
            wanted = listed is self._sequences
            for channel, (asset, track) in list(self._assets.items()):
                if asset == one and bool(track) == wanted:
                    del self._assets[channel]

    def _nth(self, call: Call, names: list[str]) -> str:
        number = call.values[0]
        if not isinstance(number, int) or not 1 <= number <= len(names):
            raise ScpiError(-222, f"there are {len(names)}")
        return quoted(names[number - 1])

    def _sequence_named(self, name: Value) -> str:
        """Return a name as it is in the list. ASSUMED: without quotes, capitals do not matter."""
        text = str(name)
        for one in self._sequences:
            if text in (one, one.upper()):
                return one
        raise ScpiError(-224, text)

    def _set_event_jump(self, call: Call) -> None:
        name = self._sequence_named(call.values[0])
        sequence = self._sequences[name]
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
        self._sequences[name] = Sequence(name, tuple(steps), sequence.tracks)
        for channel, player in self._players.items():
            asset, track = self._assets.get(channel, ("", 0))
            if asset == name and track:
                player.set_jump(number, target)  # ASSUMED: also while it plays

    def _event_jump(self, call: Call) -> str:
        sequence = self._sequences[self._sequence_named(call.values[0])]
        if not 1 <= call.suffixes[0] <= len(sequence.steps):
            raise ScpiError(-114, str(call.suffixes[0]))
        return str(sequence.steps[call.suffixes[0] - 1].jump_to).upper()

    # --- playing ----------------------------------------------------------------------

    def _assign(self, call: Call) -> None:
        self._check(call.suffixes)
        name = str(call.values[0])
        if len(call.values) == 1:
            if name not in self._waveforms:
                raise ScpiError(-224, name)
            self._assets[call.suffixes[0]] = (name, 0)
        else:
            track = call.values[1]
            if name not in self._sequences:
                raise ScpiError(-224, name)
            if not isinstance(track, int) or track > self._sequences[name].tracks:
                raise ScpiError(-222, f"{name} has {self._sequences[name].tracks} tracks")
            self._assets[call.suffixes[0]] = (name, track)
        if self._players:
            self._begin(call.now_fs)  # ASSUMED: what is assigned in a run begins the run anew

    def _clear_asset(self, call: Call) -> None:
        self._check(call.suffixes)
        self._assets.pop(call.suffixes[0], None)
        self._players.pop(call.suffixes[0], None)

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
                sequence = self._sequences[name] if track else looping(name)
                player = shared.get(name) if track else None
                if player is None:
                    player = SequencePlayer(sequence, self._sequences, self._waveforms)
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

    def _error_code(self, call: Call) -> str:
        error = self._device.status.take_error()
        return "0" if error is None else str(error.code)

    def _error(self, call: Call) -> str:
        return error_answer(self._device.status.take_error(), with_detail=True)

    def _table(self) -> tuple[Bound, ...]:
        own = self._commands
        heard = (
            own.sample_rate,
            own.amplitude,
            own.marker_high,
            own.marker_low,
            own.resolution,
            box.MODE,
            box.ALL_OFF,
            box.OUTPUT,
            box.HOLD,
            box.OFFSET,
        )
        kept = (
            own.external_clock,
            own.generator_frequency,
            *own.generator,
            box.CLOCK_SOURCE,
            box.MARKER_HOLD,
            box.MARKER_STOPPED,
        )
        return (
            *(self._stored(command) for command in heard),
            *(self._stored(command, meant=False) for command in kept),
            Bound(own.generator_period, answer=self._period, meant=False),
            Bound(box.ERROR, answer=self._error),
            Bound(box.ERROR_CODE, answer=self._error_code),
            Bound(box.FOLDER, self._change_folder, lambda call: quoted(self._folder)),
            Bound(box.DELETE_FILE, self._delete_file),
            Bound(box.DATA, self._save, self._send_file),
            Bound(box.OPEN, self._load),
            Bound(box.OPEN_SEQUENCE, self._load_sequence),
            Bound(box.RUN, lambda call: self._begin(call.now_fs)),
            Bound(box.STOP, self._stop),
            Bound(box.RUN_STATE, answer=self._run_state),
            Bound(box.ASSET, answer=self._asset),
            Bound(box.ASSET_WAVEFORM, self._assign),
            Bound(box.ASSET_SEQUENCE, self._assign),
            Bound(box.ASSET_CLEAR, self._clear_asset),
            Bound(box.JUMP, self._jump),
            Bound(box.TRIGGER, self._trigger),
            Bound(box.SEQUENCES, answer=lambda call: str(len(self._sequences))),
            Bound(box.SEQUENCE_NAME, answer=lambda call: self._nth(call, list(self._sequences))),
            Bound(box.SEQUENCE_DELETE, self._delete_sequence),
            Bound(box.EVENT_JUMP, self._set_event_jump, self._event_jump),
            Bound(box.WAVEFORMS, answer=lambda call: str(len(self._waveforms))),
            Bound(box.WAVEFORM_NAME, answer=lambda call: self._nth(call, list(self._waveforms))),
            Bound(box.WAVEFORM_LIST, answer=lambda call: quoted(",".join(self._waveforms))),
            Bound(box.WAVEFORM_DELETE, self._delete_waveform),
        )

    def _send_file(self, call: Call) -> str:
        return definite_block(self._file(call.values[0])).decode("latin-1")


def _state(found: list[Position]) -> str:
    if all(one.ended for one in found):
        return STOPPED
    return WAITING if any(one.waiting for one in found) else RUNNING
