import numpy as np
import pytest

from podium.firmware_interfaces.zurich.elf import SequencerElf, Waveform
from podium.firmware_interfaces.zurich.waveform_upload import (
    BadWaveform,
    read_waveform,
    write_waveform,
)

NOISE = np.random.Generator(np.random.Philox(2))


def program(channels: int, bits: tuple[int, ...]) -> SequencerElf:
    wave = Waveform("w", 0, channels, bits, 32, 0, bytes(64 * channels))
    return SequencerElf(bytes(4), "", "", (wave,), (), "", "")


@pytest.mark.parametrize(
    ("channels", "bits"),
    [(1, (0,)), (2, (0, 0)), (1, (1,)), (1, (2,)), (2, (1, 1)), (2, (2, 2))],
)
def test_what_is_written_is_read_back(channels, bits):
    words = NOISE.integers(-(2**15), 2**15, (32, channels)).astype("<i2")
    mask = np.array([(1 << count) - 1 for count in bits], "<i2")
    columns = [words & ~mask]
    if any(bits):
        limit = sum(((1 << count) - 1) << 2 * k for k, count in enumerate(bits))
        columns.append((NOISE.integers(0, 16, (32, 1)) & limit).astype("<i2"))
    data = np.column_stack(columns).astype("<i2").tobytes()
    (wave,) = write_waveform(program(channels, bits), 0, data).waveforms
    assert read_waveform(wave) == data
    if any(bits):
        first = columns[1][:, 0] & ((1 << bits[0]) - 1)
        assert np.array_equal(wave.words()[:, 0] & ((1 << bits[0]) - 1), first)


def test_markers_are_zero_where_none_are_written():
    data = np.full((32, 2), 0x7FFF, "<i2").tobytes()
    (wave,) = write_waveform(program(2, (2, 2)), 0, data).waveforms
    assert (wave.words() == 0x7FFC).all()


@pytest.mark.parametrize(
    ("index", "size", "says"),
    [(1, 64, "waveform 1 is written"), (0, 62, "64 bytes, not 62"), (0, 128, "not 128")],
)
def test_what_does_not_fit_is_refused(index, size, says):
    with pytest.raises(BadWaveform, match=says):
        write_waveform(program(1, (0,)), index, bytes(size))
