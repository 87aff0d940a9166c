"""Which bits of results programs of the vendor's compiler read, and what undecided ones do."""

import numpy as np
import pytest
from tests.benches.referees import seqc_corpus

from podium.firmware_interfaces.zurich.elf import read_elf
from podium.sim_instruments.twins.zurich.sequencer.image import (
    HDAWG,
    SHFSG,
    Feedback,
    make_image,
)
from podium.sim_instruments.twins.zurich.sequencer.processor import Input, Processor, Setup
from podium.sim_instruments.twins.zurich.sequencer.result_bits import bits_read, bits_read_next
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import (
    UNDECIDED_AT,
    Source,
    State,
    Status,
)

NODES = [Feedback(0, 0b1), Feedback(4, 0b11), Feedback(8, 0b1)]
"""Of results processed A and B, and of the own analyser's, until a program says otherwise."""
WORD = 0xFFFF_FFFF


def image(body: str, device: str = "SHFQC"):
    elf, _ = seqc_corpus.vendor_elf(f"var x; {body}", device)
    return make_image(read_elf(elf), HDAWG if device == "HDAWG8" else SHFSG)


def bits(body: str, source: Source, device: str = "SHFQC") -> int:
    return bits_read(image(body, device).code, [one.packed() for one in NODES], source)


SETS = "configureFeedbackProcessing(QA_DATA_PROCESSED, {}, {}, 0);"
READS = "x = getFeedback(QA_DATA_PROCESSED, 400); playZero(x);"


@pytest.mark.parametrize(
    ("body", "own", "forwarded"),
    [
        ("playZero(64);", 0, 0),
        (READS, 0b1 << 8, 0),
        (SETS.format(2, 1) + READS, 0b1 << 2, 0),
        (SETS.format(2, 1) + READS + SETS.format(6, 2) + READS, 0b1 << 2 | 0b11 << 6, 0),
        ("repeat (3) {" + READS + SETS.format(2, 1) + "}", 0b1 << 8 | 0b1 << 2, 0),
        ("playZero(getFeedback(QA_DATA_RAW));", WORD, 0),
        ("playZero(getFeedback(ZSYNC_DATA_PROCESSED_A, 400));", 0, 0b1),
        ("playZero(getFeedback(ZSYNC_DATA_PROCESSED_B, 400));", 0, 0b11 << 4),
        ("playZero(getFeedback(ZSYNC_DATA_RAW));", 0, WORD),
        ("executeTableEntry(QA_DATA_PROCESSED, 400);", 0b1 << 8, 0),
    ],
)
def test_bits_are_those_of_the_settings_that_reach_a_read(body, own, forwarded) -> None:
    assert bits(body, Source.QA) == own
    assert bits(body, Source.FORWARDED) == forwarded


def test_an_hdawg_reads_what_is_forwarded() -> None:
    body = (
        "configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 2, 1, 0);"
        "playZero(getFeedback(ZSYNC_DATA_PROCESSED_A, 400));"
    )
    assert bits(body, Source.FORWARDED, "HDAWG8") == 0b1 << 2


def standing(body: str) -> Processor:
    """Return a processor that stands where it needs a result."""
    one = Processor(image(body), Setup(feedback=tuple(NODES)))
    assert one.run(known=0).status is Status.UNKNOWN
    return one


def test_what_is_read_next_is_as_set_by_now() -> None:
    one = standing(SETS.format(2, 1) + READS + SETS.format(6, 2) + READS)
    assert bits_read_next(one.image.code, one.state, Source.QA) == 0b1 << 2
    assert bits_read_next(one.image.code, one.state, Source.FORWARDED) is None
    needs = int(one.state[State.NEEDS])
    one.feed([Input(1, Source.QA, 0)])
    assert one.run(known=needs).status is Status.UNKNOWN
    assert bits_read_next(one.image.code, one.state, Source.QA) == 0b11 << 6


@pytest.mark.parametrize(
    ("undecided", "seen"),
    [(0, False), (0b1 << 2, True), (0b1 << 3, False), (WORD >> 1 & ~(0b1 << 2), False)],
)
def test_whoever_reads_an_undecided_bit_says_so(undecided, seen) -> None:
    one = standing(SETS.format(2, 1) + READS)
    one.feed([Input(1, Source.QA, 0b1 << 2 | undecided << UNDECIDED_AT)])
    one.run()
    assert one.has_read_undecided is seen
    assert 1 in one.registers.tolist()
    assert np.array_equal(one.registers, one.registers & WORD), "they show in no register"
