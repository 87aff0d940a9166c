import math
import random

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scipy import stats

from podium.control.timebase.lead_time import (
    ALLOWANCE,
    CONFIDENCE,
    DEFAULT_FS,
    LONGEST_FS,
    QUANTILE,
    SHORTEST_FS,
    WINDOW,
    LeadTime,
    rank_above,
)
from podium.firmware_interfaces.exact_time import FS_PER_MS

MS = FS_PER_MS
deliveries = st.lists(st.tuples(st.booleans(), st.integers(0, 3 * LONGEST_FS)), max_size=40)


@given(deliveries)
def test_the_lead_stays_within_its_bounds_and_rises_at_once(happened) -> None:
    lead = LeadTime(2 * MS)
    for was_late, delivery_fs in happened:
        before_fs = lead.lead_fs
        if was_late:
            lead.late(delivery_fs)
            assert lead.lead_fs >= min(2 * (before_fs - 1), LONGEST_FS)
            assert lead.lead_fs >= min(delivery_fs + 2 * MS, LONGEST_FS)
        else:
            lead.taken(delivery_fs)
            assert lead.lead_fs >= 0.999 * before_fs - 1
        assert DEFAULT_FS <= lead.lead_fs <= LONGEST_FS  # too few to go below the default


def test_it_falls_slowly_after_a_late_start() -> None:
    lead = LeadTime()
    lead.late(30 * MS)
    high_fs = lead.lead_fs
    assert high_fs == 50 * MS
    for _ in range(1_000):
        lead.taken(2 * MS)
    above_fs = ALLOWANCE * 30 * MS
    assert lead.lead_fs == pytest.approx(above_fs + (high_fs - above_fs) / 2, rel=1e-6)


def test_thousands_of_quick_deliveries_bring_it_below_the_default() -> None:
    lead, draw = LeadTime(3 * MS), random.Random(1)
    for _ in range(2_900):
        lead.taken(int(draw.uniform(1, 3) * MS))
    assert lead.lead_fs == DEFAULT_FS
    for _ in range(30_000):
        lead.taken(int(draw.uniform(1, 3) * MS))
    assert lead.lead_fs == pytest.approx(SHORTEST_FS + 3 * MS, rel=1e-6)


def test_what_was_slow_long_ago_is_forgotten() -> None:
    lead = LeadTime()
    for _ in range(100):
        lead.taken(100 * MS)
    assert lead.lead_fs == pytest.approx(ALLOWANCE * 100 * MS, rel=1e-6)
    for _ in range(WINDOW - 100):
        lead.taken(2 * MS)
    assert lead.lead_fs == pytest.approx(ALLOWANCE * 100 * MS, rel=1e-6), "one in a hundred"
    for _ in range(20_000):
        lead.taken(2 * MS)
    assert lead.lead_fs == pytest.approx(SHORTEST_FS, rel=1e-3)


def test_p999_of_the_starts_are_in_time_in_a_network_with_a_tail() -> None:
    # Lognormal deliveries: median 3 ms, one in a thousand above 3 ms * exp(3.09 * 0.6) = 19 ms.
    lead, draw = LeadTime(), random.Random(2)
    late = 0
    for start in range(60_000):
        delivery_fs = int(3 * MS * math.exp(draw.gauss(0, 0.6)))
        if delivery_fs > lead.lead_fs:
            late += start >= 20_000
            lead.late(delivery_fs)
        else:
            lead.taken(delivery_fs)
    assert late <= 40_000 * (1 - QUANTILE)


@pytest.mark.parametrize("count", [2_995, 5_000, 10_000])
def test_the_rank_is_the_last_that_binomial_statistics_allow(count: int) -> None:
    rank = rank_above(count)
    assert rank is not None
    exceeding = stats.binom(count, 1 - QUANTILE)
    assert exceeding.sf(rank - 1) >= CONFIDENCE > exceeding.sf(rank)


def test_fewer_than_2995_deliveries_say_nothing_about_the_quantile() -> None:
    assert rank_above(2_994) is None


def test_a_delivery_before_it_was_sent_is_refused() -> None:
    with pytest.raises(ValueError, match="at least 0 fs, got -1"):
        LeadTime().taken(-1)
