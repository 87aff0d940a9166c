"""A process keeps its memory, and looks for garbage, when it is worth it."""

import gc

import numpy as np
import psutil

from podium_process import IDLE_S, SPARE_MAX, Spare, no_collection, private_bytes


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
    pieces = [np.ones(2000) for _ in range(20_000)]  # 320 MB
    spare.bound()
    assert private_bytes() > before + 280e6, "it is in use"
    pieces = pieces[::10]  # 32 MB, and between them holes of 144 kB
    larger = []
    for _ in range(1500):  # 300 MB that find no room in these
        larger.append(np.ones(25_000))
        spare.bound()
    assert private_bytes() < before + 332e6 + 4 * SPARE_MAX  # 620 MB if nothing is given back
    assert pieces[-1].sum() == 2000
    assert larger[-1].sum() == 25_000


def test_nothing_is_looked_for_while_what_stays_is_made() -> None:
    seen: list[int] = []
    frozen = gc.get_freeze_count()
    gc.callbacks.append(lambda phase, info: seen.append(info["generation"]))
    try:
        with no_collection():
            kept = [[number] for number in range(20 * gc.get_threshold()[0])]
            with no_collection(stays=True):
                assert not gc.isenabled()
            assert not gc.isenabled(), "the inner one leaves it as it was"
        assert gc.isenabled()
        assert not seen
        assert gc.get_freeze_count() > frozen + len(kept)
        more = [[number] for number in range(2 * gc.get_threshold()[0])]
        assert seen, "it is at work again"
        assert len(more) < len(kept)
    finally:
        gc.callbacks.pop()
        gc.unfreeze()
