import contextlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.firmware_interfaces.zurich.sequencer_assembly import (
    FORMS,
    NOP,
    IllegalInstruction,
    decode,
    encode,
)


@pytest.mark.parametrize(
    ("word", "text"),
    [
        (0xF24FFF01, "cwvf 5242625"),
        (0x13000080, "prf R3, R0, 128"),
        (0xF6000092, "st R0, 146"),
        (0x411FFFFF, "addi R1, R1, -1"),
        (0x511C49BA, "addiu R1, R1, 805306"),
        (0xFA300080, "wvfe R3, 128"),
        (0x22100000, "wvf R2, R1, 0"),
        (0x31100000, "wvfs 1, R1, 0"),
        (0xFC102000, "wvfet R1, 8192"),
        (0x64200003, "orr R4, R2"),
        (0x64000006, "ssr R4, R0"),
        (0xB31FFFFE, "xnori R3, R1, -2"),
        (0xD10000C1, "ld R1, 193"),
        (0xE1100000, "wtrig R1, R1"),
        (0xF9100000, "cwvfr R1"),
        (0xF0000000, "wprf"),
        (0xFF5FFFFF, "fb 6291455"),
        (0xFE00002D, "jmp 45"),
        (0xF5100009, "brgz R1, 9"),
        (NOP, "nop"),
        (0, "end"),
    ],
)
def test_words_of_the_vendors_compiler_read_as_its_listing(word, text):
    assert str(decode(word)) == text


@given(st.integers(0, 2**32 - 1))
def test_a_word_is_illegal_or_comes_back(word):
    with contextlib.suppress(IllegalInstruction):
        assert encode(decode(word)) == word


def test_a_word_with_more_bits_than_its_operation_has_is_illegal():
    with pytest.raises(IllegalInstruction, match="is subr R4, R2, with bits"):
        decode(0x64210001)


def test_an_unknown_word_is_named_with_its_address():
    with pytest.raises(IllegalInstruction, match="instruction 7: 0xf8000000"):
        decode(0xF8000000, 7)


def test_no_two_forms_claim_the_same_word():
    for form in FORMS:
        for other in FORMS:
            if form is not other:
                both = form.mask & other.mask
                assert form.code & both != other.code & both, (form, other)
