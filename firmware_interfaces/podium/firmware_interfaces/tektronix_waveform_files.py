"""Files of Tektronix AWGs: WFMX, a waveform; SEQX, sequences with their waveforms in a ZIP file.

A WFMX file is an XML header whose first element may say how long it is, then samples as 32-bit
floats of full scale, then, if there are any, markers as one byte for each sample. A sequence
(SML, in ``Sequences/`` of a SEQX file) is XML alone. Source: ``makeWFMXFile`` and
``makeSEQXFile`` of QCoDeS 0.58; Tektronix's ``make_wfmx_example.py`` and ``make_seqx_example.py``
(Programmatic-Control-Examples) for what may be left out, and what holds then. A SEQX file comes
from anywhere: it is unpacked in memory, up to a limit, and XML with a document type is refused.
"""

import io
import re
import zipfile
import zlib
from collections.abc import Mapping
from dataclasses import dataclass, replace
from xml.etree import ElementTree

import numpy as np
import numpy.typing as npt

HEADER_MAX = 1 << 16
"""Bytes of a WFMX header. ASSUMED."""
SAMPLES_MIN = 2400
"""Of QCoDeS. ASSUMED: of the AWG5208 too."""
SEQUENCE_MAX = 1 << 24
"""Bytes of one SML file. ASSUMED."""
UNPACKED_MAX = 1 << 28
"""Bytes of all that is in a SEQX file. ASSUMED."""
FILES_MAX = 20_000
STEPS_MAX = 16_383
REPEATS_MAX = 1_048_576
_OFFSET = re.compile(rb'<DataFile\b[^>]{0,200}\boffset="(\d{1,9})"')
_END = b"</DataFile>"
INPUTS = ("None", "TrigA", "TrigB", "Internal")


class FileError(ValueError):
    """Bytes are no such file."""


@dataclass(frozen=True, slots=True, eq=False)
class Waveform:
    """Samples between -1 and 1, full scale, and a byte of markers for each, if there are any."""

    samples: npt.NDArray[np.float32]
    markers: npt.NDArray[np.uint8] | None = None


@dataclass(frozen=True, slots=True)
class Step:
    """One step of a sequence."""

    assets: tuple[str, ...]
    """By track; of a sequence inside: one."""
    is_sequence: bool = False
    repeats: int | None = 1
    """None: without end."""
    wait: str = "None"
    """What it waits for before it plays, of :data:`INPUTS`."""
    jump_on: str = "None"
    """What lets it jump."""
    jump_to: int | str = "Next"
    """Number of a step, or a word."""
    go_to: int | str = "Next"


@dataclass(frozen=True, slots=True)
class Sequence:
    """Steps that are played one after the other, on so many tracks."""

    name: str
    steps: tuple[Step, ...]
    tracks: int


@dataclass(frozen=True, slots=True)
class SequenceFile:
    """All that is in a SEQX file."""

    sequences: Mapping[str, Sequence]
    waveforms: Mapping[str, Waveform]


def with_jump(step: Step, target: int | str) -> Step:
    """Return a step that jumps elsewhere."""
    return replace(step, jump_to=target)


def read_waveform(data: bytes) -> Waveform:
    """Return the waveform of a WFMX file; raises :class:`FileError`."""
    length = _header_length(data)
    root = _xml(data[:length])
    if _said(root, "NumberFormat", "Single") != "Single":
        raise FileError("its numbers are to be single")
    if _said(root, "Endian", "Little") != "Little":
        raise FileError("its numbers are to be little-endian")
    if _said(root, "SignalFormat", "Real") != "Real":
        raise FileError("complex waveforms are not known here")
    count = _whole(root, "NumberSamples", SAMPLES_MIN, len(data))
    marked = {"true": True, "false": False}.get(_said(root, "MarkersIncluded", "false"))
    if marked is None or len(data) - length != count * (5 if marked else 4):
        raise FileError(f"{len(data) - length} bytes follow its header, not {count} samples")
    samples = np.frombuffer(data, "<f4", count, length)
    if not np.isfinite(samples).all():
        raise FileError("samples are no numbers")
    markers = np.frombuffer(data, np.uint8, count, length + 4 * count) if marked else None
    return Waveform(samples.astype(np.float32), markers)


def _header_length(data: bytes) -> int:
    begin = _OFFSET.search(data, 0, HEADER_MAX)
    if begin is None:
        end = data.find(_END, 0, HEADER_MAX)
        if end < 0:
            raise FileError("its header does not end")
        return end + len(_END)
    length = int(begin[1])
    if not begin.end() < length <= min(len(data), HEADER_MAX):
        raise FileError(f"its header is to have {length} bytes")
    return length


def read_sequence(data: bytes) -> Sequence:
    """Return the sequence of an SML file; raises :class:`FileError`."""
    root = _xml(data)
    steps = _find(root, "Steps")
    tracks = _number(steps.get("TrackCount", ""), 1, 8)
    found = [_step(one, tracks) for one in steps if _tag(one) == "Step"]
    if not 1 <= len(found) <= STEPS_MAX or str(len(found)) != steps.get("StepCount"):
        raise FileError(f"it has {len(found)} steps and says {steps.get('StepCount')}")
    name = _text(root, "SequenceName")
    if not name:
        raise FileError("it has no name")
    # ASSUMED: at once where it does not say
    if _said(root, "JumpTiming", "JumpImmed") != "JumpImmed":
        raise FileError("its jumps are not at once, and others are not known here")
    return Sequence(name, tuple(found), tracks)


def read_sequence_file(data: bytes) -> SequenceFile:
    """Return what is in a SEQX file; raises :class:`FileError`."""
    sequences: dict[str, Sequence] = {}
    waveforms: dict[str, Waveform] = {}
    try:
        with zipfile.ZipFile(io.BytesIO(data)) as packed:
            entries = packed.infolist()
            if len(entries) > FILES_MAX:
                raise FileError(f"{len(entries)} files are in it")
            left = UNPACKED_MAX
            for entry in entries:
                content = _unpacked(packed, entry, left)
                left -= len(content)
                folder, _, name = entry.filename.replace("\\", "/").rpartition("/")
                stem, _, ending = name.rpartition(".")
                if folder == "Sequences" and ending == "sml":
                    one = read_sequence(content)
                    sequences[one.name] = one
                elif folder == "Waveforms" and ending == "wfmx":
                    waveforms[stem] = read_waveform(content)
    except FileError:
        raise
    except (
        zipfile.BadZipFile,
        zlib.error,
        EOFError,
        OSError,
        ValueError,
        RuntimeError,  # a password, or a compression that is not known
        IndexError,
        OverflowError,
    ) as error:
        raise FileError(f"it is no ZIP file: {error}") from error
    if not sequences:
        raise FileError("no sequence is in it")
    for sequence in sequences.values():
        _complete(sequence, sequences, waveforms)
    return SequenceFile(sequences, waveforms)


def _unpacked(packed: zipfile.ZipFile, entry: zipfile.ZipInfo, left: int) -> bytes:
    """Return a file of it. What it says of its own length is not believed."""
    with packed.open(entry) as file:
        content = file.read(left + 1)
    if len(content) > left:
        raise FileError(f"more than {UNPACKED_MAX} bytes are in it")
    return content


def _complete(
    sequence: Sequence, sequences: Mapping[str, Sequence], waveforms: Mapping[str, Waveform]
) -> None:
    for number, step in enumerate(sequence.steps, 1):
        known = sequences if step.is_sequence else waveforms
        for name in step.assets:
            if name not in known:
                raise FileError(f"step {number} of {sequence.name} plays {name}, not in the file")
            # ASSUMED: sequences go one level deep, as QCoDeS writes them
            if step.is_sequence and any(one.is_sequence for one in sequences[name].steps):
                raise FileError(f"step {number} of {sequence.name}: sequences go one level deep")
        for target in (step.jump_to, step.go_to):
            if isinstance(target, int) and target > len(sequence.steps):
                raise FileError(f"step {number} of {sequence.name} goes to {target}")


def _step(element: ElementTree.Element, tracks: int) -> Step:
    assets = [one for one in _find(element, "Assets") if _tag(one) == "Asset"]
    kinds = {_text(one, "AssetType") for one in assets}
    is_sequence = kinds == {"Sequence"}
    if not is_sequence and kinds != {"Waveform"}:
        raise FileError(f"a step has assets of the kinds {sorted(kinds)}")
    wanted = 1 if is_sequence else tracks
    if len(assets) < wanted:
        raise FileError(f"a step has {len(assets)} assets, not {wanted}")
    match _said(element, "Repeat", "Once"):
        case "Infinite":
            repeats = None
        case "Once":
            repeats = 1
        case "RepeatCount":
            repeats = _whole(element, "RepeatCount", 1, REPEATS_MAX)
        case other:
            raise FileError(f"a step repeats {other!r}")
    inputs = [_said(element, name, "None") for name in ("WaitInput", "EventJumpInput")]
    if not set(inputs) <= set(INPUTS):
        raise FileError(f"a step has the inputs {inputs}")
    return Step(
        # ASSUMED: more count for nothing; QCoDeS writes more where there are ten steps
        assets=tuple(_text(one, "AssetName") for one in assets[:wanted]),
        is_sequence=is_sequence,
        repeats=repeats,
        wait=inputs[0],
        jump_on=inputs[1],
        jump_to=_target(element, "EventJumpTo"),
        go_to=_target(element, "GoTo"),
    )


def _target(element: ElementTree.Element, name: str) -> int | str:
    word = _said(element, name, "Next")
    if word == "StepIndex":
        return _whole(element, f"{name}Step", 1, STEPS_MAX)
    if word not in ("Next", "First", "Last", "End"):
        raise FileError(f"a step goes to {word!r}")
    return word


def _xml(data: bytes) -> ElementTree.Element:
    if len(data) > SEQUENCE_MAX:
        raise FileError(f"{len(data)} bytes of XML")
    try:
        text = data.decode("utf-8")
        if "<!DOCTYPE" in text:  # entities that grow without end hide there
            raise FileError("it has a document type")
        return ElementTree.fromstring(text)
    except (ElementTree.ParseError, UnicodeDecodeError, ValueError) as error:
        raise FileError(f"it is no XML: {error}") from error


def _tag(element: ElementTree.Element) -> str:
    return element.tag.rpartition("}")[2]


def _find(root: ElementTree.Element, name: str) -> ElementTree.Element:
    for one in root.iter():
        if _tag(one) == name:
            return one
    raise FileError(f"it has no {name}")


def _text(root: ElementTree.Element, name: str) -> str:
    return (_find(root, name).text or "").strip()


def _said(root: ElementTree.Element, name: str, default: str) -> str:
    """Return a text, or what holds where there is none."""
    for one in root.iter():
        if _tag(one) == name:
            return (one.text or "").strip()
    return default


def _whole(root: ElementTree.Element, name: str, low: int, high: int) -> int:
    return _number(_text(root, name), low, high)


def _number(text: str, low: int, high: int) -> int:
    if not text.isascii() or not text.isdigit() or len(text) > 9:
        raise FileError(f"{text[:20]!r} is no whole number")
    number = int(text)
    if not low <= number <= high:
        raise FileError(f"{number} is outside {low} to {high}")
    return number
