import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.messages import (
    BIN,
    CountFormat,
    IqFormat,
    PartialEncoding,
    SampleEncoding,
    SequencerState,
    SequencerStatus,
    ThresholdFormat,
    error_line,
    pack_samples,
    timestamp,
    timestamp_fs,
    unpack_samples,
)
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    BadConfiguration,
    checked,
    default_configuration,
    read_configuration,
)

samples = st.lists(st.floats(-1, 1), max_size=20)


@given(samples)
def test_samples_packed_by_the_client_are_words_of_16_bit(values) -> None:
    words = unpack_samples(pack_samples(values), SampleEncoding.INT16)
    np.testing.assert_allclose(words / limits.DAC_MAX, values, atol=0.5001 / limits.DAC_MAX)


@given(samples)
def test_all_encodings_give_the_same_words(values) -> None:
    single = np.array(values, "<f4")
    words = unpack_samples(single.tobytes(), SampleEncoding.FLOAT32)
    np.testing.assert_array_equal(
        words, unpack_samples(pack_samples(single.astype(float)), SampleEncoding.INT16)
    )
    np.testing.assert_array_equal(
        words, unpack_samples(words.astype("<i4").tobytes(), SampleEncoding.INT32)
    )


@pytest.mark.parametrize(
    ("data", "encoding"),
    [
        (b"\x00", SampleEncoding.INT16),
        (np.array([1.5], "<f4").tobytes(), SampleEncoding.FLOAT32),
        (np.array([np.nan], "<f4").tobytes(), SampleEncoding.FLOAT32),
        (np.array([40_000], "<i4").tobytes(), SampleEncoding.INT32),
    ],
)
def test_samples_that_do_not_fit_are_refused(data, encoding) -> None:
    with pytest.raises(ValueError, match="samples"):
        unpack_samples(data, encoding)


def test_a_bin_takes_32_bytes() -> None:
    assert BIN.itemsize == 32


def test_a_status_line_sorts_its_flags_by_level() -> None:
    status = SequencerStatus(
        SequencerState.STOPPED, ("ACQ BINNING DONE", "OUTPUT OVERFLOW", "ACQ INDEX INVALID"), 3, "x"
    )
    assert status.line() == (
        "ERROR;STOPPED;3;ACQ BINNING DONE,;OUTPUT OVERFLOW,;ACQ INDEX INVALID,;x"
    )
    assert SequencerStatus(SequencerState.IDLE).line() == "OKAY;IDLE;0;;;;"
    assert SequencerStatus(SequencerState.STOPPED, ("OUTPUT OVERFLOW",)).line().startswith("WARN")


def test_an_error_line_has_no_quotes_inside() -> None:
    assert error_line(-200, 'bad "x"\n') == "-200,\"bad 'x' \""


encodings = st.builds(
    PartialEncoding,
    st.sampled_from(IqFormat),
    st.sampled_from(CountFormat),
    st.sampled_from(ThresholdFormat),
)


@given(encodings)
def test_an_encoding_survives_its_flag(encoding) -> None:
    assert PartialEncoding.from_flag(encoding.flag()) == encoding


@given(encodings, st.integers(-(2**62), 2**62), st.integers(0, 2**32 - 1))
def test_a_format_is_widened_until_the_values_fit(encoding, path, count) -> None:
    bins = np.zeros(3, BIN)
    bins["path0"][1], bins["average_count"][1] = path, count
    used = encoding.fitted_to(bins)
    assert (used.iq is IqFormat.SKIP) == (encoding.iq is IqFormat.SKIP)
    assert used.iq >= encoding.iq
    blocks = used.payloads(bins)
    assert int.from_bytes(blocks[1], "little") == 3
    if used.iq in (IqFormat.INT8, IqFormat.INT16, IqFormat.INT32, IqFormat.INT64):
        kind = f"<i{2 ** (used.iq - 1)}"
        assert np.frombuffer(blocks[3], kind)[1] == path


@given(st.integers(0, 10**25))
def test_a_time_stamp_is_floored_to_its_unit(time_fs) -> None:
    stamp = timestamp(time_fs)
    assert 0 <= stamp["sub"] < 2048
    assert 0 <= time_fs - timestamp_fs(stamp) <= 1_000_000 // 2048 + 1


def test_the_configuration_after_power_on_is_accepted() -> None:
    values, configuration = read_configuration(json.dumps(default_configuration()).encode())
    assert values == default_configuration()
    assert configuration.integration_ns == 1024
    assert not configuration.modulate
    assert configuration.marker_override is None


@pytest.mark.parametrize(
    ("path", "value", "reason"),
    [
        (("awg", 0, "nco", "freq_hz"), 6e8, r"awg\[0\].nco.freq_hz is 6e\+08, must lie between"),
        (("awg", 0, "nco", "freq_hz"), "fast", "must be a number"),
        (("awg", 0, "gain_path", 1), 1.5, r"awg\[0\].gain_path\[1\]"),
        (("acq", 0, "th_acq", "non_weighed_integration_len"), 1023, "multiple of 4"),
        (("acq", 0, "th_acq", "non_weighed_integration_len"), 0, "must lie between 4"),
        (("seq_proc", "sync_en"), None, "must be true or false"),
    ],
)
def test_a_value_out_of_range_is_named(path, value, reason) -> None:
    values = default_configuration()
    inner = values
    for key in path[:-1]:
        inner = inner[key]
    inner[path[-1]] = value
    with pytest.raises(BadConfiguration, match=reason):
        checked(values)


@pytest.mark.parametrize("block", [b"", b"[]", b"{}", b"\xff", b'{"acq": 3}'])
def test_what_is_no_configuration_is_refused(block) -> None:
    with pytest.raises(BadConfiguration):
        read_configuration(block)
