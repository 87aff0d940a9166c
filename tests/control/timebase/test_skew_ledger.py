import sqlite3
from fractions import Fraction

import pytest
from hypothesis import given
from hypothesis import strategies as st

from podium.control.timebase.drift_filter import SkewJumped
from podium.control.timebase.epochs import EpochMoved, Epochs
from podium.control.timebase.skew import Pair, SkewMeasured
from podium.control.timebase.skew_ledger import (
    Correction,
    NotMeasured,
    SkewLedger,
    TooUncertain,
    delays_fs,
    split,
)
from podium.control.timebase.skew_store import SkewStore, SkewStoreError
from podium.firmware_interfaces.exact_time import FS_PER_NS, TickGrid
from podium.firmware_interfaces.tai import Tai

A, B, C = (Pair(f"node_{one}.drive", "node_r.drive") for one in "abc")
EPOCHS, MOVED = Epochs.of({"node": 1}), Epochs.of({"node": 2})
FOUR_NS, ZI = TickGrid(Fraction(4 * FS_PER_NS)), TickGrid.from_rate_hz(2_400_000_000)


def measured(pair: Pair, value_fs: int, after_s: int = 0, epochs: Epochs = EPOCHS) -> SkewMeasured:
    at = Tai(1_900_000_000 + after_s, 999_999_999_999_999)
    return SkewMeasured(pair, value_fs, 5_000.0, 20_000.0, at, 295.0, epochs)


def at(after_s: int) -> Tai:
    return Tai(1_900_000_000 + after_s, 999_999_999_999_999)


def test_a_ledger_that_is_opened_again_says_the_same(tmp_path) -> None:
    file = tmp_path / "skews.sqlite"
    with SkewStore(file) as store:
        ledger = SkewLedger(store)
        for number in range(5):
            ledger.record(measured(A, 276_000_000 + 1_000 * number, 60 * number))
        ledger.record(measured(B, -8_000_000, 60))
        ledger.record(measured(A, 3, 400, MOVED))
        believed = ledger.skew(A, at(500), 295.5, MOVED)
    with SkewStore(file) as store:
        again = SkewLedger(store)
        assert again.skew(A, at(500), 295.5, MOVED) == believed
        assert again.pairs == (A, B)


def test_what_is_refused_is_not_kept(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        ledger.record(measured(A, 0))
        with pytest.raises(SkewJumped):
            ledger.record(measured(A, 9_000_000, 60))
        assert len(store.all()) == 1
        ledger.record(measured(A, 9_000_000, 60), anew=True)
        assert ledger.skew(A, at(60), 295.0, EPOCHS).value_fs == 9_000_000
        assert SkewLedger(store).skew(A, at(60), 295.0, EPOCHS).value_fs == 9_000_000


def test_a_pair_that_was_never_measured_is_named(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        ledger.record(measured(A, 0))
        with pytest.raises(NotMeasured, match=r"node_b.drive .* \(measured: node_a.drive against"):
            ledger.skew(B, at(1), 295.0, EPOCHS)


def test_corrections_bring_all_edges_to_the_latest(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        ledger.record(measured(A, 9_300_000))
        ledger.record(measured(B, -1_200_000))
        ports = {pair.port: (FOUR_NS, EPOCHS) for pair in (A, B)} | {
            "node_r.drive": (FOUR_NS, Epochs(()))
        }
        found = ledger.corrections("node_r.drive", ports, at(0), 295.0, 30_000.0)
        assert found == {
            A.port: Correction(0, Fraction(0)),
            B.port: Correction(3, Fraction(-1_500_000)),
            "node_r.drive": Correction(2, Fraction(1_300_000)),
        }
        with pytest.raises(TooUncertain, match="10000 fs are asked for"):
            ledger.corrections("node_r.drive", ports, at(0), 295.0, 10_000.0)
        moved = ports | {A.port: (FOUR_NS, MOVED)}
        with pytest.raises(EpochMoved):
            ledger.corrections("node_r.drive", moved, at(0), 295.0, 30_000.0)
        ports[C.port] = (FOUR_NS, EPOCHS)
        with pytest.raises(NotMeasured):
            ledger.corrections("node_r.drive", ports, at(0), 295.0, 30_000.0)


@given(st.integers(0, 10**12), st.sampled_from([FOUR_NS, ZI]))
def test_a_delay_is_whole_ticks_and_a_rest_to_the_last_femtosecond(delay_fs, grid) -> None:
    correction = split(delay_fs, grid)
    assert correction.ticks * grid.period_fs + correction.remainder_fs == delay_fs
    assert correction.ticks >= 0
    assert -grid.period_fs <= 2 * correction.remainder_fs < grid.period_fs


@given(st.dictionaries(st.text(max_size=3), st.integers(-(10**9), 10**9), min_size=1))
def test_delayed_ports_come_together_and_none_is_made_earlier(skews_fs) -> None:
    delays = delays_fs(skews_fs)
    assert len({skews_fs[port] + delay_fs for port, delay_fs in delays.items()}) == 1
    assert min(delays.values()) == 0


def test_nothing_is_made_earlier() -> None:
    with pytest.raises(ValueError, match="delay the others instead"):
        split(-1, FOUR_NS)


def test_a_port_has_no_skew_against_itself() -> None:
    with pytest.raises(ValueError, match=r"node_a.drive twice"):
        Pair("node_a.drive", "node_a.drive")


def test_the_store_takes_nothing_back(tmp_path) -> None:
    file = tmp_path / "skews.sqlite"
    with SkewStore(file) as store:
        store.put([measured(A, 0)])
    connection = sqlite3.connect(file)
    for statement in ("DELETE FROM skews", "UPDATE skews SET value_fs = 1"):
        with pytest.raises(sqlite3.IntegrityError, match="append-only"):
            connection.execute(statement)
    connection.close()


def test_a_store_of_tomorrow_and_one_that_is_none_are_refused(tmp_path) -> None:
    file = tmp_path / "skews.sqlite"
    with SkewStore(file) as store:
        store.put([measured(A, 0)])
    connection = sqlite3.connect(file)
    connection.execute("UPDATE podium_skews SET version = 3")
    connection.commit()
    connection.close()
    with pytest.raises(SkewStoreError, match="newer Podium"):
        SkewStore(file)
    other = tmp_path / "other"
    other.write_text("no database, and long enough for SQLite to see that: " * 30)
    with pytest.raises(SkewStoreError, match="cannot be opened"):
        SkewStore(other)


def test_what_could_not_be_kept_is_not_believed_either(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        with pytest.raises(SkewStoreError):
            ledger.record(measured(A, 2**70))
        assert ledger.pairs == ()
        with pytest.raises(NotMeasured):
            ledger.latest(A)
        ledger.record(measured(A, 1_000))
        with pytest.raises(SkewStoreError):
            ledger.record(measured(A, 2**70, 60), anew=True)
        assert ledger.latest(A).value_fs == 1_000


def test_a_skew_that_no_database_holds_is_refused(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        with pytest.raises(SkewStoreError, match=r"did not take node_a.drive against"):
            store.put([measured(A, 2**70)])
        assert store.all() == ()
