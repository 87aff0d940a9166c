"""How the coordinator has controllers started: corrected, as wired, or refused with what to do."""

from dataclasses import replace

import pytest
from tests.benches.facility.loaded_examples import loaded
from tests.benches.nodes.two_nodes_up import TWO_NODES
from tests.benches.runs.recorded_skews import DELAYS_NS, B, C, at, epochs_of, found

from podium.control.coordinator.skews import SIGMA_LIMIT_FS, Skews
from podium.control.runs.errors import RunFailed, RunRefused
from podium.control.timebase.drift_filter import NO_THERMOMETER
from podium.control.timebase.skew_ledger import MemorySkewStore, SkewLedger
from podium.control.timebase.skew_messages import RecordSkews
from podium.control.timebase.start_setting import SkewsMeasured, StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_NS

NAMES = ("cluster_a", "cluster_b", "cluster_c")
HOUR_S = 3600


@pytest.fixture(scope="module")
def facility():
    return loaded(TWO_NODES)


@pytest.fixture
def ledger() -> SkewLedger:
    return SkewLedger(MemorySkewStore(), model=NO_THERMOMETER)


@pytest.fixture
def skews(facility, ledger) -> Skews:
    return Skews(facility, ledger)


def only(whole: SkewsMeasured, *names: str) -> SkewsMeasured:
    """Return a measurement of some of them, against the same."""
    kept = tuple(one for one in whole.skews if one.pair.port in names)
    starts = {name: one for name, one in whole.starts.items() if name in names}
    return replace(whole, skews=kept, starts=starts)


def test_the_earlier_one_waits_whole_ticks_and_a_rest_to_either_side_for_the_latest(
    skews, ledger
) -> None:
    ledger.record_all(found(b_fs=2_600_000, c_fs=-1_250_000))
    settings = skews.corrected("bell", NAMES, at(60))
    assert {name: (one.offset_ns, one.late_fs) for name, one in settings.items()} == {
        "cluster_a": (3, -400_000),
        "cluster_b": (0, 0),
        "cluster_c": (4, -150_000),
    }
    for name, one in settings.items():
        assert one.delay_ns == DELAYS_NS[name]
        assert (one.start_after_fs, one.resolution_fs) == (440_000_000, FS_PER_NS)
        assert one.epochs == epochs_of(name)


def test_two_that_were_measured_against_a_third_start_together_without_it(skews, ledger) -> None:
    ledger.record_all(found(b_fs=2_600_000, c_fs=-1_250_000))
    settings = skews.corrected("bell", ("cluster_b", "cluster_c"), at(60))
    assert {name: (one.offset_ns, one.late_fs) for name, one in settings.items()} == {
        "cluster_b": (0, 0),
        "cluster_c": (4, -150_000),
    }


def test_what_was_never_measured_is_refused_with_what_to_do(skews, ledger) -> None:
    said = (
        r"bell: cluster_a and cluster_b are to start together: the skew of cluster_b against "
        r"cluster_a was never measured \(measured: none\); measure it: podium skew measure FACILITY"
        r".*corrected=False"
    )
    with pytest.raises(RunRefused, match=said):
        skews.corrected("bell", ("cluster_a", "cluster_b"), at(60))
    ledger.record_all(only(found(), "cluster_a", "cluster_c"))
    with pytest.raises(RunRefused, match=r"cluster_b .* never measured"):
        skews.corrected("bell", ("cluster_a", "cluster_b"), at(60))


def test_a_skew_that_has_grown_old_is_refused(skews, ledger) -> None:
    ledger.record_all(found())
    pair = ("cluster_a", "cluster_b")
    hours = 0
    while ledger.believed(B, at(hours * HOUR_S), 295.0).sigma_fs <= SIGMA_LIMIT_FS:
        skews.corrected("bell", pair, at(hours * HOUR_S))
        hours += 1
    assert 3 < hours < 12
    said = r"is known to 1\d{5} fs, one sigma; 100000 fs are asked for; measure it: podium skew"
    with pytest.raises(RunRefused, match=said):
        skews.corrected("bell", pair, at(hours * HOUR_S))


def test_a_pair_that_was_measured_with_other_delays_is_refused(skews, ledger) -> None:
    ledger.record_all(found())
    other = found(after_s=60, delays_ns={**DELAYS_NS, "cluster_a": 1})
    ledger.record_all(only(other, "cluster_a", "cluster_c"))
    skews.corrected("bell", ("cluster_a", "cluster_c"), at(90))
    with pytest.raises(RunRefused, match=r"delayed by 3 and 2 ns, .* asked for is 3 and 1 ns; mea"):
        skews.corrected("bell", ("cluster_a", "cluster_b"), at(90))


def test_a_pair_that_was_measured_before_the_others_clock_moved_is_refused(skews, ledger) -> None:
    ledger.record_all(found())
    ledger.record_all(only(found(after_s=60, epoch=5), "cluster_a", "cluster_c"))
    with pytest.raises(RunRefused, match=r"plane_a: epoch 4 then, 5 now; .*; measure it"):
        skews.corrected("bell", ("cluster_a", "cluster_b"), at(90))


def test_a_time_before_the_measurement_is_refused(skews, ledger) -> None:
    ledger.record_all(found(after_s=60))
    with pytest.raises(RunRefused, match="before the latest measurement"):
        skews.corrected("bell", ("cluster_a", "cluster_b"), at(0))


def test_uncorrected_they_start_with_the_delays_that_were_found_last(skews, ledger) -> None:
    assert skews.as_wired(NAMES) == {}
    ledger.record_all(only(found(), "cluster_a", "cluster_b"))
    assert skews.as_wired(NAMES) == {
        "cluster_a": StartSetting(2),
        "cluster_b": StartSetting(3),
    }


def request(whole: SkewsMeasured, anew: bool = False) -> RecordSkews:
    return RecordSkews("ticket", whole, anew, "ada")


def of_two(**more) -> SkewsMeasured:
    return only(found(**more), "cluster_a", "cluster_b")


async def test_what_jumped_is_not_recorded_and_who_asks_is_told_what_to_look_for(
    skews, ledger
) -> None:
    await skews.record(request(of_two()))
    with pytest.raises(RunFailed, match=r"9000000 fs was measured, .* not recorded\. Look for a l"):
        await skews.record(request(of_two(b_fs=9_000_000, after_s=60)))
    assert ledger.latest(B).value_fs == 600_000
    await skews.record(request(of_two(b_fs=9_000_000, after_s=60), anew=True))
    assert ledger.latest(B).value_fs == 9_000_000


async def test_what_cannot_be_is_not_recorded(skews, ledger) -> None:
    with pytest.raises(RunRefused, match=r"cluster_c: two_nodes starts cluster_a, cluster_b, tagg"):
        await skews.record(request(found()))
    with pytest.raises(RunRefused, match="not recorded: a measurement of no skew"):
        await skews.record(request(replace(of_two(), skews=())))
    await skews.record(request(of_two(after_s=60)))
    with pytest.raises(RunFailed, match=r"60 s before the latest measurement .* not recorded"):
        await skews.record(request(of_two()))
    assert ledger.pairs == (B,)


def problem(skews: Skews, after_s: float = 60, unheard: tuple[str, ...] = (), **epochs) -> str:
    now = {"plane_a": 4, "ticks_a": 4, "plane_b": 4, "ticks_b": 4, "plane_c": 4, "ticks_c": 4}
    known = skews.known(at(int(after_s)), {**now, **epochs}, unheard)
    return {one.measured.pair: one.problem for one in known.skews}[B]


def test_it_is_said_whether_a_skew_still_holds(skews, ledger) -> None:
    ledger.record_all(found())
    assert problem(skews) == ""
    assert problem(skews, ticks_b=5) == "ticks_b: epoch 4 then, 5 now"
    assert "is known to 1" in problem(skews, after_s=9 * HOUR_S)
    other = found(after_s=60, delays_ns={**DELAYS_NS, "cluster_a": 1})
    ledger.record_all(only(other, "cluster_a", "cluster_c"))
    assert "chosen anew since: now (3, 1) ns" in problem(skews)


def test_it_is_said_that_nobody_knows_whether_a_skew_still_holds(skews, ledger) -> None:
    ledger.record_all(found())
    known = skews.known(at(60), {"plane_a": 4, "ticks_a": 4}, ("agent node_b: gone",))
    assert [one.unheard for one in known.skews] == [
        "nobody tells the epoch of plane_b, ticks_b (agent node_b: gone)",
        "nobody tells the epoch of plane_c, ticks_c (agent node_b: gone)",
    ]
    assert [(one.problem, one.holds) for one in known.skews] == [("", False)] * 2
    assert [one.measured.pair for one in known.skews] == [B, C]
    assert known.skews[0].now.sigma_fs > 28_000
    assert set(known.starts) == set(NAMES)
