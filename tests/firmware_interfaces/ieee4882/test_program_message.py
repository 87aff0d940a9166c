from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.program_message import (
    Block,
    Empty,
    Expression,
    MessageSplitter,
    Number,
    Quoted,
    Unit,
    Word,
    units,
    write,
)

mnemonics = st.from_regex(r"[A-Z][A-Z0-9_]{0,11}", fullmatch=True)
headers = st.one_of(
    mnemonics.map(lambda name: "*" + name),
    st.lists(mnemonics, min_size=1, max_size=4).map(":".join),
    st.lists(mnemonics, min_size=1, max_size=4).map(lambda names: ":" + ":".join(names)),
)
numbers = st.builds(
    Number,
    st.decimals(allow_nan=False, allow_infinity=False, places=6, min_value=-1e9, max_value=1e9),
    st.sampled_from(["", "HZ", "GHZ", "MV", "DBM", "S", "OHM"]),
)
parameters = st.one_of(
    numbers,
    st.builds(Word, mnemonics),
    st.builds(Quoted, st.text(st.characters(codec="latin-1", exclude_characters="\n"))),
    st.builds(Block, st.binary(max_size=40)),
    st.builds(Expression, st.from_regex(r"\(@[0-9:,]{1,8}\)", fullmatch=True)),
)
messages = st.lists(
    st.builds(Unit, headers, st.booleans(), st.lists(parameters, max_size=4).map(tuple)),
    min_size=1,
    max_size=4,
)


def received(data: bytes) -> list[list[Unit | ScpiError]]:
    lines = MessageSplitter().feed(data)
    return [list(units(line)) for line in lines if isinstance(line, bytes)]


@given(messages)
def test_a_message_that_is_written_is_read_back(message):
    assert received(write(message)) == [message]


@given(st.lists(messages, max_size=4), st.data())
def test_chopping_the_stream_at_any_byte_changes_nothing(conversation, data):
    stream = b"".join(write(message) for message in conversation)
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=6)))
    splitter = MessageSplitter()
    lines = []
    for begin, end in zip([0, *cuts], [*cuts, len(stream)], strict=True):
        lines += splitter.feed(stream[begin:end])
    assert lines == MessageSplitter().feed(stream)
    assert splitter.eof() == b""


@given(st.lists(st.binary(max_size=60), max_size=5))
def test_any_garbage_gives_units_or_errors_of_the_standard_and_never_an_exception(chunks):
    splitter = MessageSplitter()
    for chunk in chunks:
        for line in splitter.feed(chunk):
            for unit in units(line):
                assert isinstance(unit, Unit | ScpiError)


garbage = st.text("\n;,#\"'()*: ?12A\x00ÿ", max_size=40).map(lambda text: text.encode("latin-1"))


@given(garbage, st.integers(0, 40))
def test_garbage_too_is_the_same_however_it_is_chopped(stream, cut):
    splitter = MessageSplitter()
    assert splitter.feed(stream[:cut]) + splitter.feed(stream[cut:]) == MessageSplitter().feed(
        stream
    )


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        # IM GS210-01EN, 13.1.2
        (
            b":SOURce:FUNCtion VOLTage;RANGe 100E-3",
            [
                Unit(":SOURCE:FUNCTION", False, (Word("VOLTAGE"),)),
                Unit("RANGE", False, (Number(Decimal("0.100")),)),
            ],
        ),
        # IM GS210-01EN, 13-12
        (b":SOUR:LEV:AUTO 1.5", [Unit(":SOUR:LEV:AUTO", False, (Number(Decimal("1.5")),))]),
        # SGT100A user manual 1176.8674.02, page 531
        (
            b"SENS:FREQ:STOP 1.5GHz",
            [Unit("SENS:FREQ:STOP", False, (Number(Decimal("1.5"), "GHZ"),))],
        ),
        # Lake Shore 119-372, CRVHDR
        (
            b'CRVHDR 21,"RX-102B","00011134",4,1.5,1',
            [
                Unit(
                    "CRVHDR",
                    False,
                    (
                        Number(Decimal(21)),
                        Quoted("RX-102B"),
                        Quoted("00011134"),
                        Number(Decimal(4)),
                        Number(Decimal("1.5")),
                        Number(Decimal(1)),
                    ),
                )
            ],
        ),
        (b"KRDG? 6;*ESR?", [Unit("KRDG", True, (Number(Decimal(6)),)), Unit("*ESR", True)]),
        (b"DISPLAY 1,,", [Unit("DISPLAY", False, (Number(Decimal(1)), Empty(), Empty()))]),
        (b"\r\n".strip(b"\n"), []),
        (b"  ; ;", []),
        (b"FREQ 5.0e+09Hz\r", [Unit("FREQ", False, (Number(Decimal("5.0E9"), "HZ"),))]),
        (b"A #HfF,#q17,#B101", [Unit("A", False, tuple(Number(Decimal(n)) for n in (255, 15, 5)))]),
        (b"A #15a;b\nc,1", [Unit("A", False, (Block(b"a;b\nc"), Number(Decimal(1))))]),
        (b"A 'it''s','a;b'", [Unit("A", False, (Quoted("it's"), Quoted("a;b")))]),
    ],
)
def test_examples_of_manuals_are_understood(text, expected):
    assert received(text + b"\n") == [expected]


@pytest.mark.parametrize(
    ("text", "code"),
    [
        (b"FREQ,1", -111),
        (b"FREQ?1", -111),
        (b"ABCDEFGHIJKLM 1", -112),
        (b"FREQ 1E99999", -123),
        (b"FREQ " + b"1" * 300, -124),
        (b"FREQ 1.2.3", -121),
        (b"FREQ 1 ABCDEFGHIJKLMN", -134),
        (b'NAME "open', -151),
        (b"DATA #15abc", -161),
        (b"ROUT (@1", -171),
        (b"$HELP", -101),
        (b"FREQ @1", -101),
        (b"WORD a-b", -141),
        (b"12 3", -102),
    ],
)
def test_each_kind_of_malformed_message_has_its_standard_error(text, code):
    (unit,) = units(text)
    assert isinstance(unit, ScpiError)
    assert unit.code == code


def test_an_error_in_one_unit_leaves_the_others_alone():
    first, second, third = units(b"FREQ 1;$;FREQ?")
    assert first == Unit("FREQ", False, (Number(Decimal(1)),))
    assert isinstance(second, ScpiError)
    assert third == Unit("FREQ", True)


def test_a_newline_in_a_block_does_not_end_the_message_and_one_in_an_open_quote_does():
    splitter = MessageSplitter()
    assert splitter.feed(b"DATA #13a\nb") == []
    assert splitter.feed(b'\nNAME "open\nNEXT\n') == [b"DATA #13a\nb", b'NAME "open', b"NEXT"]


def test_a_message_longer_than_the_input_buffer_is_lost_and_the_next_is_not():
    splitter = MessageSplitter(max_bytes=10)
    (error,) = splitter.feed(b"A" * 8 + b"B" * 8)
    assert isinstance(error, ScpiError)
    assert error.code == -363
    assert splitter.feed(b"CC\nSHORT\n") == [b"SHORT"]
