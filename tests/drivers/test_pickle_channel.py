"""Values from process to process: whole, and arrays where they came to lie."""

import socket
from concurrent.futures import ThreadPoolExecutor

import numpy as np
import pytest

from podium.drivers.pickle_channel import receive, send


def passed(value):
    ours, theirs = socket.socketpair()
    with ours, theirs, ThreadPoolExecutor(1) as pool:
        sending = pool.submit(send, ours, value)
        came = receive(theirs)
        sending.result(30)
        return came


@pytest.mark.parametrize(
    "value", [None, 3, "text", b"\0" * 1_000_000, ("a", {"b": 1.5}), {"x": (1, b"")}]
)
def test_a_value_comes_as_it_went(value) -> None:
    assert passed(value) == value


def test_arrays_are_taken_from_where_they_are_and_left_where_they_come_to_lie() -> None:
    sent = {
        "long": np.arange(3_000_000) * 1j,
        "none": np.zeros(0),
        "words": np.arange(9, dtype=np.uint16),
    }
    came = passed(sent)
    for name, array in sent.items():
        assert came[name].dtype == array.dtype
        np.testing.assert_array_equal(came[name], array)
    assert not came["long"].flags.owndata  # it is the memory that the socket wrote to
    came["long"][0] = 5  # and it is our own


def test_an_array_with_gaps_comes_whole() -> None:
    sent = np.arange(12).reshape(3, 4)[:, ::2]
    np.testing.assert_array_equal(passed(sent), sent)


def test_an_end_in_the_middle_is_no_value() -> None:
    ours, theirs = socket.socketpair()
    with theirs:
        send(ours, "half of this")
        half = theirs.recv(20)
        ours.close()
        again, end = socket.socketpair()
        with end:
            again.sendall(half)
            again.close()
            with pytest.raises(EOFError):
                receive(end)
