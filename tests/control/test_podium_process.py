"""Memory that long work has left behind is given back when nothing is done."""

import numpy as np
import psutil

from podium_process import IDLE_S, SPARE_MAX, Spare, private_bytes


def test_memory_is_given_back_once_nobody_has_used_it_for_a_while() -> None:
    now_s = [100.0]
    spare = Spare(lambda: now_s[0])
    assert not spare.due
    spare.used()
    now_s[0] += IDLE_S / 2
    assert not spare.due
    spare.used()
    now_s[0] += 0.9 * IDLE_S
    assert not spare.due
    now_s[0] += 0.2 * IDLE_S
    assert spare.due
    spare.give_back()
    assert not spare.due
    now_s[0] += 10 * IDLE_S
    assert not spare.due


def test_what_was_freed_is_the_systems_again() -> None:
    process = psutil.Process()
    kept = [np.ones(2000) for _ in range(4000)]  # 64 MB in pieces that no mapping has for itself
    full = process.memory_info().rss
    last = kept[-1]
    kept.clear()
    Spare().give_back()
    assert process.memory_info().rss < full - 40e6
    assert last.sum() == 2000


def test_between_runs_no_more_is_kept_than_a_limit() -> None:
    spare = Spare()
    spare.give_back()
    spare.limit(is_left=True)
    before = private_bytes()
    assert before > 0
    kept = [np.ones(2000) for _ in range(6000)]  # 96 MB in pieces that no mapping has for itself
    last = kept[-1]
    spare.limit(is_left=False)
    assert private_bytes() > before + 80e6, "it is in use"
    kept.clear()
    spare.limit(is_left=True)
    assert private_bytes() < before + SPARE_MAX
    assert last.sum() == 2000


def test_while_a_long_run_is_worked_on_no_more_is_kept_than_a_limit() -> None:
    spare = Spare()
    spare.give_back()
    spare.bound()
    before = private_bytes()
    kept = [np.ones(2000) for _ in range(6000)]
    last = kept[-1]
    spare.bound()
    grown = private_bytes()
    assert grown > before + 80e6, "it is in use"
    kept.clear()
    more = [np.ones(1500) for _ in range(3000)]  # 36 MB: holes of what was freed take most of it
    spare.bound()
    assert private_bytes() < before + 36e6 + 2 * SPARE_MAX
    assert more[0].sum() == 1500
    assert last.sum() == 2000
