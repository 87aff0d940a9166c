import random
from collections.abc import Mapping
from contextlib import suppress
from dataclasses import dataclass, fields, replace

import msgpack
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tests.benches.bus.message_mutants import kinds, mutants, sample

from podium.control.bus.manual_access import Ask
from podium.control.bus.messages import (
    AgentStatus,
    CaptureData,
    Failed,
    InstrumentStatus,
    Played,
    RunId,
    Time,
)
from podium.control.bus.readings import ChannelReading
from podium.control.bus.wire import BadMessage, decode, encode
from podium.control.runs.messages import Arm, OfRun, Token
from podium.control.timebase.epochs import Epochs


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
    told = OfRun(Arm(RunId(17, 3), Token("ab", Epochs.of({"house": 2}), 7, 5.0)))
    assert decode(encode(told), OfRun) == told


@pytest.mark.parametrize("dtype", [np.float64, np.int64, np.bool_, np.complex128])
def test_arrays_come_back_with_dtype_and_shape(dtype) -> None:
    array = np.arange(24).reshape(2, 3, 4).astype(dtype)[:, ::2]
    capture = CaptureData(array, array, array, None, None, False)
    played = Played("ab", Time(1, 2), {}, (), {"q0": capture})
    back = decode(encode(played), Played).captures["q0"]
    assert back.i.dtype == array.dtype
    np.testing.assert_array_equal(back.i, array)


@pytest.mark.parametrize("shape", [(), (0,), (127,), (128,), (2, 127), (1, 200), (2,) * 16])
def test_arrays_of_any_shape_come_back(shape) -> None:
    array = np.arange(np.prod(shape), dtype=np.int64).reshape(shape)
    capture = CaptureData(array, array, array, None, None, False)
    played = Played("ab", Time(1, 2), {}, (), {"q0": capture})
    np.testing.assert_array_equal(decode(encode(played), Played).captures["q0"].i, array)


@pytest.mark.parametrize(
    "shapes",
    [
        [(3,), (3,), (3,)],
        [(2, 0), (2, 0)],
        [(3,), (4,)],
        [(), ()],
        [(1,) * 16, (1,) * 16],
        [(3,)],
        [],
    ],
)
@pytest.mark.parametrize("kinds", [(np.float64,), (np.float64, np.int64)])
@pytest.mark.parametrize("traces", [0, 1, 9])
def test_captures_come_back_alike_or_not(shapes, kinds, traces) -> None:
    """Some have a trace."""
    captures = {}
    for k, shape in enumerate(shapes):
        array = (k + np.arange(np.prod(shape))).reshape(shape).astype(kinds[k % len(kinds)])
        trace = array if k < traces else None
        captures[f"q{k}"] = CaptureData(array, array.copy(), array[...], trace, trace, k == 1)
    back = decode(encode(Played("ab", Time(1, 2), {}, (), captures)), Played).captures
    assert list(back) == list(captures)
    for name, sent in captures.items():
        for field in fields(sent):
            here, there = getattr(back[name], field.name), getattr(sent, field.name)
            assert type(here) is type(there)
            if isinstance(there, np.ndarray):
                assert (here.dtype, here.shape) == (there.dtype, there.shape)
            np.testing.assert_array_equal(here, there)


def test_as_many_everywhere_goes_as_a_number() -> None:
    array = np.zeros((2, 1000))
    captures = {
        name: CaptureData(array, array, counts, None, None, False)
        for name, counts in {"q0": 7, "q1": 7, "q2": np.ones((2, 1000), np.int64)}.items()
    }
    for names in (["q0"], ["q0", "q1"], ["q0", "q2"]):
        sent = {name: captures[name] for name in names}
        payload = encode(Played("ab", Time(1, 2), {}, (), sent))
        back = decode(payload, Played).captures
        assert type(back["q0"].counts) is int
        assert [np.sum(back[name].counts) for name in names] == [
            np.sum(one.counts) for one in sent.values()
        ]


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


@pytest.mark.parametrize("kind", kinds(), ids=lambda kind: f"{kind.__module__}.{kind.__name__}")
def test_a_damaged_message_is_a_message_or_bad_message(kind) -> None:
    rng = random.Random(kind.__qualname__)
    for number in range(6):
        payload = encode(sample(kind, rng))
        assert type(decode(payload, kind)) is kind
        for damaged in mutants(payload, 50, seed=number):
            with suppress(BadMessage):
                assert type(decode(damaged, kind)) is kind


@pytest.mark.slow
def test_thousands_of_damaged_messages_are_messages_or_bad_messages() -> None:
    rng = random.Random(8)
    for kind in kinds():
        for number in range(5):
            for damaged in mutants(encode(sample(kind, rng)), 100, seed=number):
                with suppress(BadMessage):
                    assert type(decode(damaged, *kinds())) in kinds()


@given(st.randoms(use_true_random=False), st.binary(max_size=12))
def test_bytes_put_anywhere_into_a_message_leave_a_message_or_bad_message(rng, more) -> None:
    kind = rng.choice(kinds())
    payload = encode(sample(kind, rng))
    at, to = sorted((rng.randint(0, len(payload)), rng.randint(0, len(payload))))
    with suppress(BadMessage):
        assert type(decode(payload[:at] + more + payload[to:], kind)) is kind


@pytest.mark.parametrize(
    "payload",
    [
        b"\x81\x90\x01",
        b"\x91" * 100_000,
        msgpack.packb([["Sample"], {}]),
        msgpack.packb([{}, {}]),
        msgpack.packb(["Sample", msgpack.ExtType(1, msgpack.packb(["<f8,", [1]]) + bytes(8))]),
        msgpack.packb(["Sample", msgpack.ExtType(1, msgpack.packb(["<f8", [-1]]) + bytes(8))]),
        msgpack.packb(["Sample", msgpack.ExtType(1, msgpack.packb(["<f8", 7]) + bytes(8))]),
        msgpack.packb(["Sample", msgpack.ExtType(1, b"\x81\x90\x01")]),
        msgpack.packb(["Sample", msgpack.Timestamp(1)]),
    ],
)
def test_what_has_ended_processes_is_a_bad_message(payload) -> None:
    with pytest.raises(BadMessage):
        decode(payload, Sample)


@pytest.mark.parametrize("name", ["missing", "notes"])
def test_a_whole_number_has_64_bits_with_a_sign(name) -> None:
    """A database takes no larger one: an event of such a number has ended its recorder."""

    def with_number(number: int) -> Sample:
        notes = {"a": number} if name == "notes" else {}
        return Sample("", (), notes, number if name == "missing" else None)

    largest = with_number(2**63 - 1)
    assert decode(encode(largest), Sample) == largest
    with pytest.raises(BadMessage, match=f"larger than {2**63 - 1}"):
        decode(encode(with_number(2**63)), Sample)


def test_what_only_looks_like_a_larger_number_is_taken() -> None:
    numbers = np.array([0xCF, 0xFF], np.uint8)
    capture = CaptureData(numbers, numbers, numbers, None, None, False)
    payload = encode(Played("ab", Time(1, 2), {}, (), {"q0": capture}))
    assert b"\xcf\xff" in payload
    assert decode(payload, Played).captures["q0"].i.tolist() == [0xCF, 0xFF]


def asked(value: object) -> bytes:
    return encode(Ask("bias_q0", "power", value, True, "ann"))


def test_a_value_that_may_be_anything_is_plain_and_not_deep() -> None:
    settings = {"a": [1, {"b": None}], "c": b"x"}
    assert decode(asked(settings), Ask).value == settings
    deep: list[object] = []
    for _ in range(17):
        deep = [deep]
    with pytest.raises(BadMessage, match=r"Ask\.value.*16 deep"):
        decode(asked(deep), Ask)
    with pytest.raises(BadMessage, match="Timestamp is no plain value"):
        decode(asked(msgpack.Timestamp(1)), Ask)


def test_a_message_that_is_too_long_is_not_looked_at() -> None:
    payload = encode(Failed("failed", "x" * 100))
    assert decode(payload, Failed, bytes_max=len(payload))
    with pytest.raises(BadMessage, match="too many for one message: 50 at most"):
        decode(payload, Failed, bytes_max=50)


def test_a_complaint_is_short_whatever_it_is_about() -> None:
    for odd in ("x" * 10**6, list(range(10**5)), {str(index): index for index in range(10**5)}):
        for payload in (msgpack.packb(odd), msgpack.packb(["Failed", odd])):
            with pytest.raises(BadMessage) as complaint:
                decode(payload, Failed)
            assert len(str(complaint.value)) < 400


@given(st.binary())
def test_any_garbage_gives_a_message_or_bad_message(garbage) -> None:
    try:
        decode(garbage, Sample)
    except BadMessage:
        return
    pytest.fail("garbage was taken for a message")


def test_a_field_of_few_words_takes_no_other() -> None:
    told = ChannelReading("still", 0.8, "K", "good")
    assert decode(encode(told), ChannelReading) == told
    with pytest.raises(BadMessage, match="quality: one of good, stale, out_of_range, disconnected"):
        decode(encode(replace(told, quality="fine")), ChannelReading)


def test_what_is_no_plain_value_is_not_sent() -> None:
    with pytest.raises(TypeError, match="object cannot be sent"):
        encode(CaptureData(object(), object(), object(), None, None, False))
