"""The lists of a Tektronix AWG: waveforms and sequences, and the files they are loaded from."""

from collections.abc import Mapping

from podium.firmware_interfaces import tektronix_awg as box
from podium.firmware_interfaces import tektronix_waveform_files as files
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.parameters import Value
from podium.firmware_interfaces.ieee4882.responses import quoted
from podium.firmware_interfaces.tektronix_awg import Awg
from podium.firmware_interfaces.tektronix_waveform_files import (
    FileError,
    Sequence,
    SequenceFile,
    Waveform,
)
from podium.sim_instruments.twins.ieee4882_device import Bound, Call
from podium.sim_instruments.twins.tektronix_basic_waveform import predefined
from podium.sim_instruments.twins.tektronix_disk import Disk

LISTED_MAX = 1 << 26
"""Samples of all waveforms in the list. ASSUMED: a box holds more."""


class Assets:
    """The lists of one box."""

    def __init__(self, model: Awg, disk: Disk) -> None:
        self._model = model
        self._disk = disk
        self.clear()

    def clear(self) -> None:
        """Empty both lists."""
        self.waveforms: dict[str, Waveform] = {}
        self.sequences: dict[str, Sequence] = {}
        self._last_opened = ""

    def _load(self, call: Call) -> None:
        """ASSUMED: a waveform is called like its file; loading anew takes the place of it."""
        name = self._disk.path(call.values[0]).rpartition("\\")[2]
        given = str(call.values[0]).replace("/", "\\").rpartition("\\")[2]
        data = self._disk.file(call.values[0])
        if name.endswith(".seqx"):
            self._load_sequence(call)
            return
        if not name.endswith(".wfmx"):
            raise ScpiError(-200, f"{given} is no file of waveforms or sequences")
        try:
            self.add({given[: -len(".wfmx")]: files.read_waveform(data)})
        except FileError as error:
            raise ScpiError(-200, f"{given}: {error}") from error

    def add(self, found: Mapping[str, Waveform]) -> None:
        """List waveforms, in the places of others of their names; ScpiError -223: too many."""
        wanted = self.waveforms | dict(found)
        if sum(one.samples.size for one in wanted.values()) > LISTED_MAX:
            raise ScpiError(-223, f"{LISTED_MAX} samples are possible")
        self.waveforms = wanted

    def _read_sequences(self, name: Value) -> SequenceFile:
        try:
            return files.read_sequence_file(self._disk.file(name))
        except FileError as error:
            raise ScpiError(-200, f"{name}: {error}") from error

    def _load_sequence(self, call: Call) -> None:
        """Load all sequences of a file, or one with what it uses.

        ASSUMED: a name that is not in the file is refused (-224), and the last of several is the
        one most recently added.
        """
        found = self._read_sequences(call.values[0])
        wanted = call.values[1] if len(call.values) > 1 else None
        names = list(found.sequences) if wanted is None else [str(wanted)]
        if not set(names) <= found.sequences.keys():
            raise ScpiError(-224, str(wanted))
        sequences, waveforms = _used(found, names)
        self.add(waveforms)
        self.sequences |= sequences
        self._last_opened = names[-1] if names else ""

    def _load_assets(self, call: Call) -> None:
        """Load the file of predefined waveforms, or waveforms of a sequence file.

        ASSUMED: their shapes; other AWGX files are refused, as they are not simulated.
        """
        name, wanted = call.values[0], call.values[1] if len(call.values) > 1 else None
        path, names = self._model.predefined
        if self._disk.path(name) == self._disk.path(path):
            found = {one: predefined(one) for one in names.split(",")}
        elif self._disk.path(name).endswith(".seqx"):
            found = dict(self._read_sequences(name).waveforms)
        else:
            self._disk.file(name)
            raise ScpiError(-200, f"{name} is no file of assets")
        if wanted is not None:
            if str(wanted) not in found:
                raise ScpiError(-224, str(wanted))
            found = {str(wanted): found[str(wanted)]}
        self.add(found)

    def _nth(self, call: Call, names: list[str]) -> str:
        number = call.values[0]
        if not isinstance(number, int) or not 1 <= number <= len(names):
            raise ScpiError(-222, f"there are {len(names)}")
        return quoted(names[number - 1])

    def named(self, name: Value) -> str:
        """Return a name as it is in the list. ASSUMED: without quotes, capitals do not matter."""
        text = str(name)
        for one in self.sequences:
            if text in (one, one.upper()):
                return one
        raise ScpiError(-224, text)

    def _asked(self, call: Call) -> Sequence:
        return self.sequences[self.named(call.values[0])]

    def _waveform_length(self, call: Call) -> str:
        name = str(call.values[0])
        if name not in self.waveforms:
            raise ScpiError(-224, name)
        return str(self.waveforms[name].samples.size)

    def table(self) -> tuple[Bound, ...]:
        """Return the commands that load, and those that ask what there is."""
        return (
            Bound(box.OPEN, self._load),
            Bound(box.OPEN_ASSETS, self._load_assets),
            Bound(box.OPEN_WAVEFORMS, self._load_assets),
            Bound(box.OPEN_SEQUENCE, self._load_sequence),
            Bound(box.LAST_OPENED, answer=lambda call: quoted(self._last_opened)),
            Bound(box.SEQUENCES, answer=lambda call: str(len(self.sequences))),
            Bound(box.SEQUENCE_NAME, answer=lambda call: self._nth(call, list(self.sequences))),
            Bound(box.SEQUENCE_LENGTH, answer=lambda call: str(len(self._asked(call).steps))),
            Bound(box.SEQUENCE_TRACKS, answer=lambda call: str(self._asked(call).tracks)),
            Bound(box.WAVEFORMS, answer=lambda call: str(len(self.waveforms))),
            Bound(box.WAVEFORM_NAME, answer=lambda call: self._nth(call, list(self.waveforms))),
            Bound(box.WAVEFORM_LIST, answer=lambda call: quoted(",".join(self.waveforms))),
            Bound(box.WAVEFORM_LENGTH, answer=self._waveform_length),
        )


def _used(found: SequenceFile, names: list[str]) -> tuple[dict[str, Sequence], dict[str, Waveform]]:
    """Return sequences of a file with all that they use; all its waveforms where all are wanted."""
    if len(names) == len(found.sequences):
        return dict(found.sequences), dict(found.waveforms)
    sequences: dict[str, Sequence] = {}
    waveforms: dict[str, Waveform] = {}
    todo = list(names)
    while todo:
        name = todo.pop()
        if name in sequences or name not in found.sequences:
            continue
        sequences[name] = found.sequences[name]
        for step in sequences[name].steps:
            if step.is_sequence:
                todo.extend(step.assets)
            else:
                waveforms |= {
                    one: found.waveforms[one] for one in step.assets if one in found.waveforms
                }
    return sequences, waveforms
