from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.qblox_cluster.framing import (
    BLOCK_MAX_BYTES,
    LINE_MAX_BYTES,
    Command,
    CommandSplitter,
    MalformedLine,
    block_reply,
    encode_command,
    take_blocks,
    text_reply,
)

headers = st.from_regex(r"[A-Za-z*][A-Za-z0-9:]{0,20}\??", fullmatch=True)
words = st.text(st.characters(codec="ascii", exclude_characters='"\r\n'), min_size=1, max_size=8)
arguments = st.lists(words.map(str.strip).filter(bool), max_size=3).map(tuple)
commands = st.builds(Command, headers, arguments, st.none() | st.binary(max_size=40))


def chopped(data: bytes, cuts: list[int]) -> list[bytes]:
    edges = sorted({0, len(data), *(cut % (len(data) + 1) for cut in cuts)})
    return [data[a:b] for a, b in pairwise(edges)]


@given(st.lists(commands, max_size=5), st.lists(st.integers(0, 10_000), max_size=8))
def test_commands_survive_the_wire_however_the_stream_is_chopped(sent, cuts) -> None:
    splitter = CommandSplitter()
    received = []
    for part in chopped(b"".join(map(encode_command, sent)), cuts):
        received += splitter.feed(part)
    assert received == sent


@given(st.binary(max_size=300), st.lists(st.integers(0, 300), max_size=5))
def test_garbage_gives_messages_and_chopping_it_changes_nothing(garbage, cuts) -> None:
    whole = CommandSplitter().feed(garbage)
    splitter = CommandSplitter()
    assert [m for part in chopped(garbage, cuts) for m in splitter.feed(part)] == whole
    assert all(isinstance(message, Command | MalformedLine) for message in whole)


@pytest.mark.parametrize(
    ("wire", "command"),
    [
        # as the vendor's client sends them
        (b"SEQuencer0:STATE?\n", Command("SEQuencer0:STATE?")),
        (
            b'SEQuencer0:AWG:WLISt:WAVeform:PACKed "g", #14\x00@\n#\n',
            Command("SEQuencer0:AWG:WLISt:WAVeform:PACKed", ("g",), b"\x00@\n#"),
        ),
        (b"SEQuencer0:PROGram #15a\nb\nc\n", Command("SEQuencer0:PROGram", (), b"a\nb\nc")),
        (
            b'SEQuencer0:AWG:WLISt:WAVeform:DELete ""\n',
            Command("SEQuencer0:AWG:WLISt:WAVeform:DELete", ("",)),
        ),
        (
            b'SEQuencer1:ACQ:ALISt:ACQuisition:NEW "a,b #1",20\n',
            Command("SEQuencer1:ACQ:ALISt:ACQuisition:NEW", ("a,b #1", "20")),
        ),
    ],
)
def test_lines_are_read_as_the_client_means_them(wire, command) -> None:
    assert CommandSplitter().feed(wire) == [command]


@pytest.mark.parametrize(
    "line", [b"X #x12", b"X #", b"X #3a12", b"X #9999999999", b"X #0abc", b"#12ab"]
)
def test_after_a_bad_block_the_next_line_is_read_again(line) -> None:
    bad, good = CommandSplitter().feed(line + b"\n*IDN?\n")
    assert isinstance(bad, MalformedLine)
    assert good == Command("*IDN?")


def test_text_without_end_is_given_up_and_a_block_may_be_longer_than_a_line() -> None:
    splitter = CommandSplitter()
    (bad,) = splitter.feed(b"x" * (LINE_MAX_BYTES + 1))
    assert isinstance(bad, MalformedLine)
    assert splitter.feed(b"y\n*IDN?\n") == [Command("*IDN?")]
    payload = bytes(2 * LINE_MAX_BYTES)
    assert splitter.feed(encode_command(Command("P", (), payload))) == [Command("P", (), payload)]
    assert BLOCK_MAX_BYTES > 2 * LINE_MAX_BYTES


@given(st.lists(st.binary(max_size=50), max_size=4))
def test_blocks_of_a_reply_are_found_again(payloads) -> None:
    assert take_blocks(block_reply(*payloads)) == tuple(payloads)


def test_a_text_line_is_not_taken_for_blocks() -> None:
    with pytest.raises(ValueError, match="expected CR LF after 0 blocks"):
        take_blocks(text_reply("0"))
