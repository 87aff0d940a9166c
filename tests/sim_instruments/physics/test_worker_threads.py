"""Work is shared by threads that never wait for each other."""

import threading

import numpy as np
import pytest

from podium.sim_instruments.physics import worker_threads
from podium.sim_instruments.physics.worker_threads import in_shares, share_out, side_by_side


def of_thread(_: int) -> str:
    return threading.current_thread().name


def test_what_is_worth_it_is_done_by_other_threads_in_order() -> None:
    names = side_by_side(of_thread, range(8))
    assert threading.current_thread().name not in names
    assert side_by_side(lambda a, b: 10 * a + b, [1, 2], [3, 4]) == [13, 24]


def test_what_is_not_worth_it_stays() -> None:
    assert set(side_by_side(of_thread, range(3), worth=False)) == {threading.current_thread().name}


def test_a_worker_does_what_it_shares_out_by_itself() -> None:
    def inner(_: int) -> list[str]:
        return side_by_side(of_thread, range(3))

    for names in side_by_side(inner, range(2 * worker_threads.worker_threads()._max_workers)):
        assert len(set(names)) == 1


def test_shares_are_whole_and_none_is_empty() -> None:
    for count in (1, 2, 3, 100):
        shares = in_shares(count)
        assert [k for one in shares for k in range(count)[one]] == list(range(count))
        assert all(one.stop > one.start for one in shares)


@pytest.mark.parametrize("worth", [True, False])
@pytest.mark.parametrize("count", [1, 2, 100])
def test_what_is_shared_out_is_done_once(count: int, worth: bool) -> None:
    done = np.zeros(count, np.int64)

    def work(share: slice) -> None:
        done[share] += 1

    share_out(work, count, worth=worth)
    assert done.tolist() == [1] * count
