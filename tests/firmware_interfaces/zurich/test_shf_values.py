"""Results and records as structs: what we write and read is what Cap'n Proto's own library does."""

from pathlib import Path

import capnp
import numpy as np
import pytest

from podium.firmware_interfaces import zurich
from podium.firmware_interfaces.zurich.capnp_framing import Splitter
from podium.firmware_interfaces.zurich.capnp_reader import root
from podium.firmware_interfaces.zurich.capnp_writer import MessageWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.shf_values import write_shf_value
from podium.firmware_interfaces.zurich.values import Element, Vector, read_value, vector_of
from podium.firmware_interfaces.zurich.vector_headers import (
    ResultHeader,
    ScopeHeader,
    result_vector,
    scope_vector,
)

SCHEMA = Path(zurich.__file__).parent / "session.capnp"
VALUE = capnp.load(str(SCHEMA), imports=[str(Path(capnp.__file__).parents[1])]).Value
RESULT = ResultHeader(1234, 7, 2, 0.5, 5e9, 1, 3, 20, 4, 12, 1, 2, 3, 99)
SCOPE = ScopeHeader(1234, 2, 5e9, 77, 3, 4, 1, 5, 6, 8)


def written(value) -> bytes:
    message = MessageWriter(2, 1)
    write_shf_value(value, message.root)
    return message.framed()


def complexes(listed) -> list[complex]:
    return [complex(one.real, one.imag) for one in listed]


@pytest.mark.parametrize("numbers", [np.array([1 + 2j, -3j, 0.25]), np.array([0.0, 1.0, -2.5])])
def test_results_have_every_property_and_every_number(numbers):
    with VALUE.from_bytes(written(result_vector(numbers, RESULT))) as told:
        data = told.shfResultLoggerData
        p = data.properties
        assert (p.timestamp, p.jobId, p.repetitionId, p.scaling) == (1234, 7, 2, 0.5)
        assert (p.centerFrequency, p.dataSource, p.numSamples, p.numSpectrSamples) == (
            5e9,
            1,
            3,
            20,
        )
        assert (p.numAverages, p.numAcquired, p.firstSampleTimestamp) == (4, 12, 99)
        errors = p.holdoffErrorsReslog, p.holdoffErrorsReadout, p.holdoffErrorsSpectr
        assert errors == (1, 2, 3)
        if np.iscomplexobj(numbers):
            assert complexes(data.vector.complex) == numbers.tolist()
        else:
            assert list(data.vector.real) == numbers.tolist()


def test_a_record_comes_in_volts():
    samples = np.array([0.5 - 1j, 2.0, 3j])
    with VALUE.from_bytes(written(scope_vector(SCOPE, samples, 0.25))) as told:
        data = told.shfScopeData
        p = data.properties
        assert (p.timestamp, p.timestampDiff, p.scaling, p.centerFrequency) == (1234, 2, 0.25, 5e9)
        assert (p.triggerTimestamp, p.inputSelect, p.averageCount) == (77, 3, 4)
        segments = p.numSegments, p.numTotalSegments, p.firstSegmentIndex, p.numMissedTriggers
        assert segments == (1, 5, 6, 8)
        assert complexes(data.vector.complex) == samples.tolist()


def test_other_values_are_as_for_any_client():
    with VALUE.from_bytes(written(vector_of(np.arange(3.0)))) as told:
        assert told.which() == "vectorData"


def test_a_waveform_of_a_readout_generator_is_read():
    message = VALUE.new_message()
    wave = np.array([0.5 + 0.25j, -1j])
    listed = message.init("shfGeneratorWaveformData").init("complex", len(wave))
    for one, number in zip(listed, wave.tolist(), strict=True):
        one.real, one.imag = number.real, number.imag
    (frame,) = Splitter().feed(message.to_bytes())
    read = read_value(root(frame))
    assert read == Vector(Element.COMPLEX_DOUBLE, wave.tobytes())


def test_a_waveform_of_something_else_is_refused():
    message = MessageWriter(2, 1)
    message.root.u16(8, 16)
    message.root.struct(0, 0, 1).numbers(0, bytes(24), 3)
    (frame,) = Splitter().feed(message.framed())
    with pytest.raises(ProtocolError, match="not of 2 words"):
        read_value(root(frame))


def test_a_truth_value_is_a_number():
    message = VALUE.new_message()
    message.bool = True
    (frame,) = Splitter().feed(message.to_bytes())
    assert read_value(root(frame)) == 1
