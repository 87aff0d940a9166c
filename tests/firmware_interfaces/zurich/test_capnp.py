"""Our Cap'n Proto against its own library: what one writes the other reads."""

import random
from functools import cache
from pathlib import Path

import capnp
import pytest
from capnp.lib.capnp import _StructModule
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.thoroughness import cases

from podium.firmware_interfaces import zurich
from podium.firmware_interfaces.zurich import rpc, session_messages
from podium.firmware_interfaces.zurich.capnp_framing import Splitter
from podium.firmware_interfaces.zurich.capnp_reader import root
from podium.firmware_interfaces.zurich.capnp_writer import MessageWriter
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.refusals import Kind, Refusal
from podium.firmware_interfaces.zurich.values import (
    AnnotatedValue,
    CounterSample,
    Element,
    TriggerSample,
    Vector,
    read_value,
    write_value,
)

SCHEMA = Path(zurich.__file__).parent / "session.capnp"
LIBRARY = Path(capnp.__file__).parents[1]
KEPT = []
"""What the library reads from: copying a message with capabilities would end the process."""


@cache
def schema():
    return capnp.load(str(SCHEMA), imports=[str(LIBRARY)])


@cache
def rpc_schema():
    return capnp.load(str(LIBRARY / "capnp" / "rpc.capnp"), imports=[str(LIBRARY)])


def parsed(data: bytes):
    """Return a remote call's message as the library reads it."""
    KEPT.append(rpc_schema().Message.from_bytes(data))
    return KEPT[-1].__enter__()


def frame_of(message):
    (frame,) = Splitter().feed(message.to_bytes())
    return frame


def params_type(method: str):
    return _StructModule(schema().Session.schema.methods[method].param_type, method)


def results_type(method: str):
    return schema().Session.schema.methods[method].result_type


VALUES = st.one_of(
    st.integers(-(2**63), 2**63 - 1),
    st.floats(allow_nan=False),
    st.complex_numbers(allow_nan=False),
    st.text(),
    st.builds(
        Vector,
        st.sampled_from(list(Element)),
        st.binary(max_size=100),
        st.sampled_from([7, 67, 70]),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(
        CounterSample,
        st.integers(0, 2**64 - 1),
        st.integers(-(2**31), 2**31 - 1),
        st.integers(0, 2**32 - 1),
    ),
    st.builds(
        TriggerSample,
        st.integers(0, 2**64 - 1),
        st.integers(0, 2**64 - 1),
        *[st.integers(0, 2**32 - 1)] * 5,
    ),
    st.none(),
)


def plain(value) -> object:
    """Return a value as the library has it."""
    match value.which():
        case "int64" | "double" | "string" as kind:
            return getattr(value, kind)
        case "complex":
            return complex(value.complex.real, value.complex.imag)
        case "vectorData":
            v = value.vectorData
            return Vector(
                Element(v.vectorElementType), bytes(v.data), v.valueType, v.extraHeaderInfo
            )
        case "cntSample":
            c = value.cntSample
            return CounterSample(c.timestamp, c.counter, c.trigger)
        case "triggerSample":
            t = value.triggerSample
            return TriggerSample(
                *(t.timestamp, t.sampleTick, t.trigger, t.missedTriggers),
                *(t.awgTrigger, t.dio, t.sequenceIndex),
            )
    return None


@given(VALUES)
@settings(max_examples=cases(60, 200), deadline=None)
def test_a_value_that_we_write_is_the_one_that_the_library_reads(value):
    message = MessageWriter(2, 1)
    write_value(value, message.root)
    with schema().Value.from_bytes(message.framed()) as told:
        assert plain(told) == value
    (frame,) = Splitter().feed(message.framed())
    assert read_value(root(frame)) == value


@given(VALUES)
@settings(max_examples=cases(30, 100), deadline=None)
def test_a_value_that_the_library_writes_is_the_one_that_we_read(value):
    message = schema().Value.new_message()
    match value:
        case int():
            message.int64 = value
        case float():
            message.double = value
        case complex():
            both = message.init("complex")
            both.real, both.imag = value.real, value.imag
        case str():
            message.string = value
        case Vector():
            vector = message.init("vectorData")
            vector.valueType, vector.vectorElementType = value.layout, int(value.element)
            vector.extraHeaderInfo, vector.data = value.header, value.content
        case CounterSample():
            counter = message.init("cntSample")
            counter.timestamp, counter.counter = value.timestamp, value.counter
            counter.trigger = value.trigger
        case TriggerSample():
            sample = message.init("triggerSample")
            sample.timestamp, sample.sampleTick = value.timestamp, value.sample_tick
            sample.trigger, sample.missedTriggers = value.trigger, value.missed_triggers
            sample.awgTrigger, sample.dio = value.awg_trigger, value.dio
            sample.sequenceIndex = value.sequence_index
        case None:
            message.init("none")
    assert read_value(root(frame_of(message))) == value


def call_of(method: int, fill, params) -> rpc.Call:
    message = rpc_schema().Message.new_message()
    call = message.init("call")
    call.questionId, call.interfaceId, call.methodId = 7, session_messages.SESSION, method
    call.target.importedCap = 3
    content = params.new_message()
    fill(content)
    call.params.content = content
    read = rpc.decode(frame_of(message))
    assert isinstance(read, rpc.Call)
    return read


def test_what_is_asked_is_understood():
    def get(params):
        params.pathExpression, params.lookupMode, params.flags = "/dev1/*", "withExpansion", 9

    call = call_of(10, get, params_type("getValue"))
    assert (call.question, call.imported) == (7, 3)
    assert session_messages.decode(call) == session_messages.GetValue(("/dev1/*",), True, 9)

    def set_it(params):
        params.pathExpression, params.value.double = "/dev1/a", 2.5

    asked = session_messages.decode(call_of(9, set_it, params_type("setValue")))
    assert asked == session_messages.SetValue("/dev1/a", 2.5, False, 9)

    def unsubscribe(params):
        params.subscriberId, params.paths = b"me", ["/a", "/b"]

    asked = session_messages.decode(call_of(6, unsubscribe, params_type("unsubscribe")))
    assert asked == session_messages.Unsubscribe(b"me", ("/a", "/b"))

    def list_nodes(params):
        params.pathExpression, params.flags = "/zi", 3

    asked = session_messages.decode(call_of(0, list_nodes, params_type("listNodes")))
    assert asked == session_messages.ListNodes("/zi", 3)
    asked = session_messages.decode(call_of(5, list_nodes, params_type("listNodesJson")))
    assert asked == session_messages.ListNodesJson("/zi", 3)


def test_what_is_answered_is_what_the_library_reads():
    found = [
        AnnotatedValue("/dev1/a", 12, 5),
        Refusal(0x4003, "no such node", Kind.NOT_FOUND),
    ]
    answer = parsed(session_messages.values_answer(9, found))
    assert answer.which() == "return"
    returned = getattr(answer, "return")
    assert returned.answerId == 9
    results = returned.results.content.as_struct(results_type("getValue")).result
    ok, error = results[0].ok, results[1].err
    ok = ok.as_struct(schema().AnnotatedValue) if hasattr(ok, "as_struct") else ok
    error = error.as_struct(schema().Error) if hasattr(error, "as_struct") else error
    assert (ok.metadata.path, ok.metadata.timestamp, ok.value.int64) == ("/dev1/a", 12, 5)
    assert (error.code, error.kind, error.message) == (0x4003, "notFound", "no such node")


def test_remote_calls_are_those_of_the_library():
    bootstrap = getattr(parsed(rpc.bootstrap_return(4, 0)), "return")
    assert (bootstrap.answerId, bootstrap.results.capTable[0].senderHosted) == (4, 0)
    assert bootstrap.results.capTable[0].attachedFd == 255
    failed = getattr(parsed(rpc.exception_return(4, "no", rpc.UNIMPLEMENTED_CALL)), "return")
    assert (failed.exception.reason, failed.exception.type) == ("no", "unimplemented")
    kept = getattr(parsed(session_messages.done_answer(4, None, keep=True)), "return")
    assert not kept.releaseParamCaps
    assert parsed(rpc.finish(5)).finish.questionId == 5
    assert parsed(rpc.finish(5)).finish.releaseResultCaps
    released = parsed(rpc.release(6, 2)).release
    assert (released.id, released.referenceCount) == (6, 2)
    assert parsed(rpc.abort("why")).abort.reason == "why"
    lifted = parsed(rpc.disembargo_reply(3, 0)).disembargo
    assert lifted.context.receiverLoopback == 3
    sent = parsed(session_messages.send_values(8, 2, [AnnotatedValue("/a", 1, "x")])).call
    assert (sent.questionId, sent.target.importedCap, sent.methodId) == (8, 2, 0)
    assert sent.interfaceId == schema().StreamingHandle.schema.node.id
    params = schema().StreamingHandle.schema.methods["sendValues"].param_type
    assert sent.params.content.as_struct(params).values[0].value.string == "x"


def test_a_message_of_several_segments_is_read_over_their_borders():
    # Cap'n Proto's builders spill into more segments as messages grow.
    message = params_type("unsubscribe").new_message(1)
    paths = message.init("paths", 50)
    for number in range(50):
        paths[number] = f"/dev1/{number}" * 9
    (frame,) = Splitter().feed(message.to_bytes())
    assert len(frame.segments) > 1
    assert root(frame).texts(1) == tuple(f"/dev1/{number}" * 9 for number in range(50))


def test_chopping_the_stream_changes_nothing():
    stream = rpc.finish(1) + session_messages.text_answer(2, "x" * 99) + rpc.finish(3)
    whole = Splitter().feed(stream)
    chance = random.Random(3)
    for _ in range(20):
        splitter, frames, at = Splitter(), [], 0
        while at < len(stream):
            step = chance.randint(1, 40)
            frames += splitter.feed(stream[at : at + step])
            at += step
        assert frames == whole


@pytest.mark.parametrize("claim", [b"\xff\xff\xff\xff", b"\0\0\0\0\xff\xff\xff\x7f"])
def test_a_huge_claim_is_refused_before_it_is_filled(claim):
    with pytest.raises(ProtocolError, match="at most"):
        Splitter().feed(claim + bytes(8))


def test_a_list_of_structs_without_size_is_not_counted_on_for_ever():
    message = MessageWriter(0, 1)
    message.root.structs(0, 1, 0, 0)
    data = bytearray(message.framed())
    data[-8:-4] = ((2**29 - 1) << 2).to_bytes(4, "little")
    (frame,) = Splitter().feed(bytes(data))
    with pytest.raises(ProtocolError, match="do not hold"):
        root(frame).structs(0)


def _seeds() -> list[bytes]:
    def subscribe(params):
        params.subscription.path, params.subscription.subscriberId = "/zi/*", b"0123456789abcdef"

    message = rpc_schema().Message.new_message()
    call = message.init("call")
    call.methodId, call.interfaceId = 3, session_messages.SESSION
    call.target.init("promisedAnswer").questionId = 1
    content = params_type("subscribe").new_message()
    subscribe(content)
    call.params.content = content
    call.params.init("capTable", 1)[0].senderHosted = 5
    return [
        message.to_bytes(),
        session_messages.text_answer(2, "x" * 99),
        rpc.bootstrap_return(1, 0),
    ]


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=["quick", "slow"]
)
def test_whatever_comes_is_a_message_or_breaks_the_rules(count):
    chance, seeds = random.Random(11), _seeds()
    understood = 0
    for _ in range(count):
        data = bytearray(chance.choice(seeds))
        for _ in range(chance.choice((1, 1, 2, 8, 40))):
            data[chance.randrange(8, len(data))] = chance.choice(
                (0, 1, 0xFF, chance.randrange(256))
            )
        try:
            for frame in Splitter().feed(bytes(data)):
                message = rpc.decode(frame)
                if isinstance(message, rpc.Call):
                    request = session_messages.decode(message)
                    if isinstance(request, session_messages.Subscribe):
                        session_messages.handle_of(message, request)
                understood += 1
        except ProtocolError:
            pass
    assert 0 < understood < count


@given(
    st.integers(0, 2**32 - 1),
    st.text(max_size=40).map("/".__add__),
    st.integers(0, 2**64 - 1),
    st.one_of(st.integers(-(2**63), 2**63 - 1), st.floats(allow_nan=False)),
)
@settings(max_examples=cases(30, 100), deadline=None)
def test_the_short_way_of_one_number_says_what_the_long_way_says(question, path, ticks, number):
    found = [AnnotatedValue(path, ticks, number)]
    short = session_messages.values_answer(question, found)
    assert short == session_messages._values_answer(question, found)
