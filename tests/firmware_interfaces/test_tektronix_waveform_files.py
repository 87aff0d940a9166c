"""WFMX and SEQX files as QCoDeS writes them, and what is refused of them."""

import io
import zipfile

import numpy as np
import pytest
from qcodes.instrument_drivers.tektronix.AWG70000A import TektronixAWG70000Base as Qcodes

from podium.firmware_interfaces import tektronix_waveform_files as files
from podium.firmware_interfaces.tektronix_waveform_files import FileError, Step

N = 2400
WAVE = np.linspace(-1, 1, N)
SEQX = Qcodes.makeSEQXFile(
    [1, 0], [3, 0], [0, 2], [0, 1], [2, 0], [[np.array([WAVE, WAVE > 0])] * 2], [2.0], "two steps"
)


def sml(seqx=SEQX, name="Sequences/two_steps.sml"):
    with zipfile.ZipFile(io.BytesIO(seqx)) as packed:
        return packed.read(name)


def repacked(change):
    """Return the file with other contents: name -> bytes, or None for not there."""
    buffer = io.BytesIO()
    with zipfile.ZipFile(io.BytesIO(SEQX)) as old, zipfile.ZipFile(buffer, "w") as new:
        for name in old.namelist():
            content = change.get(name, old.read(name))
            if content is not None:
                new.writestr(name, content)
    return buffer.getvalue()


@pytest.mark.parametrize("markers", [0, 1, 2, 4])
def test_a_waveform_comes_back(markers):
    marks = [np.arange(N) % (2 + one) == 0 for one in range(markers)]
    data = np.array([WAVE, *marks]) if markers else WAVE
    found = files.read_waveform(Qcodes.makeWFMXFile(data, 2.0))
    assert np.array_equal(found.samples, WAVE.astype(np.float32))
    if not markers:
        assert found.markers is None
        return
    for number, marked in enumerate(marks):
        assert np.array_equal(found.markers >> number & 1, marked)


def test_a_sequence_comes_back():
    found = files.read_sequence_file(SEQX)
    assert set(found.waveforms) == {"wfmch1pos1", "wfmch1pos2"}
    (sequence,) = found.sequences.values()
    assert (sequence.name, sequence.tracks) == ("two_steps", 1)
    assert sequence.steps == (
        Step(("wfmch1pos1",), repeats=3, wait="TrigA", go_to=2),
        Step(("wfmch1pos2",), repeats=None, jump_on="TrigB", jump_to=1),
    )


WFMX = Qcodes.makeWFMXFile(WAVE, 2.0)


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        WFMX[:-1],
        WFMX + b"\0",
        WFMX.replace(b'offset="0', b'offset="9', 1),
        WFMX.replace(b"Single", b"Double"),
        WFMX.replace(b"Little", b"Bigger"),
        WFMX.replace(b">2400<", b">2399<"),
        WFMX[:-4] + np.float32(np.nan).tobytes(),
        WFMX.replace(b"</DataFile>", b"</DataFule>"),
    ],
)
def test_what_is_no_waveform_is_refused(spoilt):
    with pytest.raises(FileError):
        files.read_waveform(spoilt)


@pytest.mark.parametrize(
    ("old", "new"),
    [
        (b"TrigA", b"TrigC"),
        (b"StepIndex", b"Elsewhere"),
        (b"<GoToStep>2<", b"<GoToStep>3<"),
        (b'StepCount="2"', b'StepCount="3"'),
        (b'TrackCount="1"', b'TrackCount="2"'),
        (b"JumpImmed", b"JumpAtEnd"),
        (b"Infinite", b"Perhaps"),
        (b"wfmch1pos1", b"wfmch1pos9"),
        (b">Waveform<", b">Sequence<"),
        (b"<DataFile", b'<!DOCTYPE a [<!ENTITY b "c">]><DataFile'),
    ],
)
def test_what_is_no_sequence_is_refused(old, new):
    text = sml()
    assert old in text
    with pytest.raises(FileError):
        files.read_sequence_file(repacked({"Sequences/two_steps.sml": text.replace(old, new)}))


def test_a_file_without_sequences_is_refused():
    with pytest.raises(FileError, match="no sequence"):
        files.read_sequence_file(repacked({"Sequences/two_steps.sml": None}))


def test_a_file_that_unpacks_to_too_much_is_refused(monkeypatch):
    monkeypatch.setattr(files, "UNPACKED_MAX", 10_000)
    with pytest.raises(FileError, match="more than 10000 bytes"):
        files.read_sequence_file(repacked({"userNotes.txt": bytes(20_000)}))
