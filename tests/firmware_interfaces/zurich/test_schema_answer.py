"""The schema that clients without one are told is ours, compiled by the library's compiler."""

from tests.benches.zurich import schema_answer

from podium.firmware_interfaces.zurich import session_messages
from podium.firmware_interfaces.zurich.capnp_framing import Splitter
from podium.firmware_interfaces.zurich.capnp_reader import root


def test_the_file_is_what_the_compiler_makes_of_the_schema_today():
    assert schema_answer.make() == schema_answer.FILE.read_bytes(), (
        "run tests/benches/zurich/schema_answer.py"
    )


def test_it_answers_the_question_that_was_asked_and_names_every_type():
    (frame,) = Splitter().feed(session_messages.schema_answer(0xABCD))
    returned = root(frame).struct(0)
    assert returned.u32(0) == 0xABCD
    schema = returned.struct(0).struct(0).struct(0)
    assert schema.u64(0) == session_messages.SESSION
    names = {node.text(0) for node in schema.structs(0)}
    assert {f"session.capnp:{name}" for name in ("Session", "Hpk", "Value", "Result")} <= names
    numbers = {node.u64(0) for node in schema.structs(0)}
    assert {session_messages.HPK, session_messages.STREAMING_HANDLE} <= numbers
