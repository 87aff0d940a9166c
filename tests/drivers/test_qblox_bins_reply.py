"""Answers with bins: found in whatever pieces they come, and compared with the one before."""

import random

import pytest

from podium.drivers.qblox_cluster.bins_reply import SCOPE_BLOCKS, BinsReply, ReplyLayout

STATE = b"OKAY;STOPPED;0;;;;\r\n"


def block(content: bytes) -> bytes:
    size = str(len(content)).encode()
    return b"#%d%s%s" % (len(size), size, content)


def acquisition(name: str, bins: bytes, scope: bytes) -> bytes:
    scopes = [scope[k:] for k in range(SCOPE_BLOCKS)]
    return b"".join(map(block, (name.encode(), b"\0\0\0\0", *scopes, bins)))


def answer(*sequencers: dict[str, bytes], scope: bytes = b"#" * 300, states: int = 2) -> bytes:
    """Return what a module answers: states, and the bins of these sequencers by name."""
    told = [STATE] * states
    for one in sequencers:
        told.append(block(len(one).to_bytes(4, "little")))
        told += [acquisition(name, bins, scope) for name, bins in one.items()]
        told.append(b"\r\n")
    return b"".join(told)


def read(reply: BinsReply, whole: bytes, *cuts: int) -> tuple[list, ReplyLayout]:
    """Return what a reply brings that comes in pieces, and how it is laid out."""
    for cut in sorted(cuts):
        assert not reply.complete(memoryview(whole)[:cut])
    held = memoryview(whole)
    assert reply.complete(held)
    assert reply.states(held) == STATE.splitlines() * 2
    return [dict(one) for one in reply.acquisitions(held)], reply.layout(held)


FIRST = {"q0": b"a" * 32, "q1": b"b" * 64}, {"q2": b"c" * 32}
OTHER_BINS = {"q0": b"d" * 32, "q1": b"e" * 64}, {"q2": b"f" * 32}


@pytest.mark.parametrize("seed", range(20))
@pytest.mark.parametrize(
    "second",
    [
        OTHER_BINS,
        ({"q0": b"d" * 64, "q1": b"e" * 32}, {"q2": b"f" * 32}),  # as long, elsewhere
        ({"q0": b"d" * 32, "q7": b"e" * 64}, {"q2": b"f" * 32}),  # as long, of another name
        ({"q0": b"d" * 32}, {"q2": b"f" * 32}),
    ],
)
def test_the_next_answer_brings_its_own_bins_however_it_comes(second, seed) -> None:
    rng = random.Random(seed)
    _, layout = read(BinsReply(2, 2), answer(*FIRST))
    whole = answer(*second, scope=b"x" * 300)
    cuts = [rng.randrange(len(whole)) for _ in range(seed % 5)]
    assert read(BinsReply(2, 2), whole, *cuts)[0] == list(second)
    found, _ = read(BinsReply(2, 2, layout), whole, *cuts)
    assert found == list(second)


def test_one_that_is_laid_out_alike_is_not_looked_through_again(monkeypatch) -> None:
    _, layout = read(BinsReply(2, 2), answer(*FIRST))
    monkeypatch.setattr(BinsReply, "_take_blocks", None)
    found, after = read(BinsReply(2, 2, layout), answer(*OTHER_BINS))
    assert found == list(OTHER_BINS)
    assert after is layout


def test_lines_may_be_of_another_length_than_before() -> None:
    _, layout = read(BinsReply(2, 2), answer(*FIRST))
    whole = b"OKAY;STOPPED;0;ACQ_SCOPE_DONE_PATH_0;;;\r\n" * 2 + answer(*OTHER_BINS, states=0)
    reply = BinsReply(2, 2, layout)
    assert reply.complete(memoryview(whole))
    assert [dict(one) for one in reply.acquisitions(memoryview(whole))] == list(OTHER_BINS)


@pytest.mark.parametrize("before", [False, True])
def test_more_than_was_asked_for_is_an_error(before) -> None:
    _, layout = read(BinsReply(2, 2), answer(*FIRST))
    reply = BinsReply(2, 2, layout if before else None)
    with pytest.raises(ValueError, match="2 bytes more than asked for"):
        reply.complete(memoryview(answer(*FIRST) + b"ab"))


@pytest.mark.parametrize("before", [False, True])
def test_what_is_no_block_is_an_error(before) -> None:
    _, layout = read(BinsReply(2, 2), answer(*FIRST))
    whole = answer(*FIRST).replace(b"#132c", b"?132c").replace(b"#232c", b"?232c")
    with pytest.raises(ValueError, match="a block begins with #"):
        BinsReply(2, 2, layout if before else None).complete(memoryview(whole))
