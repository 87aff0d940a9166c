from collections.abc import Mapping
from dataclasses import dataclass

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.bus.messages import (
    AgentStatus,
    Arm,
    CaptureData,
    Failed,
    InstrumentStatus,
    Reported,
    RunId,
)
from podium.control.bus.wire import BadMessage, decode, encode


@dataclass(frozen=True, slots=True)
class Sample:
    name: str
    values: tuple[float, ...]
    notes: Mapping[str, int]
    missing: int | None


@given(
    st.text(),
    st.lists(st.floats(allow_nan=False)),
    st.dictionaries(st.text(), st.integers(-(2**63), 2**63 - 1)),
    st.none() | st.integers(0, 9),
)
def test_every_message_comes_back_as_it_was(name, values, notes, missing) -> None:
    message = Sample(name, tuple(values), notes, missing)
    assert decode(encode(message), Sample) == message


def test_nested_messages_come_back_as_they_were() -> None:
    status = InstrumentStatus("bias_q0", "yokogawa_gs200", "connected", "", 1, 7, "")
    message = AgentStatus("room", "idle", (status, status))
    assert decode(encode(message), Failed, AgentStatus) == message
    arm = Arm(RunId(17, 3), "ab", {"house": 2}, 5.0)
    assert decode(encode(arm), Arm) == arm


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.bool_, np.complex128])
def test_arrays_come_back_with_dtype_and_shape(dtype) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)[:, ::2]
    capture = CaptureData(array, array, array, None, None, False)
    back = decode(encode(Reported({"q0": capture})), Reported).captures["q0"]
    assert back.i.dtype == array.dtype
    np.testing.assert_array_equal(back.i, array)


@pytest.mark.parametrize(
    ("payload", "complaint"),
    [
        (b"", "no MessagePack"),
        (b"\xc1", "no MessagePack"),
        (msgpack.packb(7), "expected Sample"),
        (msgpack.packb(["Other", {}]), "expected Sample, got 'Other'"),
        (msgpack.packb(["Sample", {"name": "x"}]), "has the fields"),
        (
            msgpack.packb(["Sample", {"name": 1, "values": [], "notes": {}, "missing": None}]),
            "Sample.name: str expected, got 1",
        ),
        (
            msgpack.packb(["Sample", {"name": "", "values": 1, "notes": {}, "missing": None}]),
            "Sample.values: a list expected",
        ),
        (
            msgpack.packb(["Sample", {"name": "", "values": [], "notes": {}, "missing": "x"}]),
            "Sample.missing: int expected",
        ),
        (msgpack.packb(["Sample", msgpack.ExtType(5, b"")]), "extension 5"),
        (
            msgpack.packb(["Sample", msgpack.ExtType(1, msgpack.packb(["|O", [1]]) + bytes(8))]),
            "not sent",
        ),
    ],
)
def test_anything_else_is_refused_by_name(payload, complaint) -> None:
    with pytest.raises(BadMessage, match=complaint):
        decode(payload, Sample)


@given(st.binary())
def test_any_garbage_gives_a_message_or_bad_message(garbage) -> None:
    try:
        decode(garbage, Sample)
    except BadMessage:
        return
    pytest.fail("garbage was taken for a message")


def test_what_is_no_plain_value_is_not_sent() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        encode(CaptureData(object(), object(), object(), None, None, False))
