"""A measurement of several skews at once: taken whole or not at all, for its delays alone."""

import sqlite3
from dataclasses import replace
from fractions import Fraction

import pytest
from tests.benches.runs.recorded_skews import DELAYS_NS, PS, B, C, at, epochs_of, found

from podium.control.bus.wire import decode, encode
from podium.control.timebase.drift_filter import NO_THERMOMETER, NOMINAL_ROOM_K, SkewJumped
from podium.control.timebase.skew import Pair, Skew
from podium.control.timebase.skew_ledger import (
    Correction,
    InMemory,
    OtherDelays,
    SkewLedger,
    TooUncertain,
)
from podium.control.timebase.skew_messages import (
    RecordSkews,
    SkewKnown,
    SkewsKnown,
    StartSettings,
)
from podium.control.timebase.skew_store import SkewStore, SkewStoreError
from podium.control.timebase.start_setting import (
    StartKept,
    StartSetting,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS, TickGrid

NS = TickGrid(Fraction(FS_PER_NS))


def skew(ledger: SkewLedger, pair: Pair, after_s: int = 0, epoch: int = 4, **more) -> Skew:
    epochs = epochs_of(pair.port, pair.reference, epoch=epoch)
    return ledger.skew(pair, at(after_s), NOMINAL_ROOM_K, epochs, **more)


def test_what_was_recorded_is_there_after_a_restart(tmp_path) -> None:
    file = tmp_path / "folder" / "skews.sqlite"
    with SkewStore(file) as store:
        SkewLedger(store).record_all(found())
    with SkewStore(file) as store:
        ledger = SkewLedger(store)
        assert skew(ledger, B).value_fs == 600_000
        assert ledger.latest(C) == found().skews[1]
        assert ledger.starts == {
            name: StartKept(name, one, at(0)) for name, one in found().starts.items()
        }


def test_nothing_is_made_where_nothing_was_measured(tmp_path) -> None:
    file = tmp_path / "folder" / "skews.sqlite"
    with SkewStore(file) as store:
        assert SkewLedger(store).pairs == ()
    assert not file.parent.exists()


def test_one_skew_that_jumps_leaves_nothing_of_the_others_either(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        ledger.record_all(found())
        with pytest.raises(SkewJumped, match="skew of cluster_c against cluster_a: 9000000 fs"):
            ledger.record_all(found(b_fs=601_000, c_fs=9_000_000, after_s=60))
        assert (len(store.all()), len(store.starts())) == (2, 3)
        assert ledger.latest(B).value_fs == 600_000
        ledger.record_all(found(b_fs=601_000, c_fs=9_000_000, after_s=60), anew=True)
        assert skew(ledger, C, 60).value_fs == 9_000_000


def test_a_store_that_takes_one_part_and_not_the_other_takes_nothing(tmp_path) -> None:
    with SkewStore(tmp_path / "skews.sqlite") as store:
        ledger = SkewLedger(store)
        ledger.record_all(found())
        late = found(after_s=60)
        too_far = {
            **late.starts,
            "cluster_c": replace(late.starts["cluster_c"], resolution_fs=2**70),
        }
        with pytest.raises(SkewStoreError, match="did not take cluster_b against"):
            ledger.record_all(replace(late, starts=too_far))
        assert (len(store.all()), len(store.starts())) == (2, 3)
        assert ledger.starts["cluster_b"].at == at(0)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"skews": ()}, "nothing to record"),
        ({"reference": "cluster_b"}, "measured against cluster_b"),
        ({"starts": {}}, "these do not belong together"),
        (
            {"starts": found(delays_ns={**DELAYS_NS, "cluster_b": 1}).starts},
            r"delays of \(3, 2\) ns .* started with \(1, 2\) ns",
        ),
        ({"starts": found(epoch=5).starts}, "these do not belong together"),
    ],
)
def test_parts_that_do_not_belong_together_are_refused(change, said) -> None:
    ledger = SkewLedger(InMemory())
    with pytest.raises(ValueError, match=said):
        ledger.record_all(replace(found(), **change))
    assert (ledger.pairs, dict(ledger.starts)) == ((), {})


def test_a_skew_holds_for_the_delays_that_it_was_measured_with() -> None:
    ledger = SkewLedger(InMemory())
    ledger.record_all(found())
    assert skew(ledger, B, delays_ns=(3, 2)).value_fs == 600_000
    with pytest.raises(OtherDelays, match=r"delayed by 3 and 2 ns, .* asked for is 0 and 2 ns"):
        skew(ledger, B, delays_ns=(0, 2))


def test_with_other_delays_a_skew_may_be_another_one_and_that_is_no_jump() -> None:
    ledger = SkewLedger(InMemory())
    ledger.record_all(found())
    delays_ns = {**DELAYS_NS, "cluster_b": 0}
    ledger.record_all(found(b_fs=4_600_000, after_s=60, delays_ns=delays_ns))
    assert skew(ledger, B, 60, delays_ns=(0, 2)).value_fs == 4_600_000
    with pytest.raises(OtherDelays):
        skew(ledger, B, 60, delays_ns=(3, 2))
    assert skew(ledger, C, 60, delays_ns=(0, 2)).sigma_fs < skew(ledger, B, 60).sigma_fs


def test_ports_are_corrected_against_one_that_takes_no_part() -> None:
    ledger = SkewLedger(InMemory())
    ledger.record_all(found())
    ports = {pair.port: (NS, epochs_of(pair.port, pair.reference)) for pair in (B, C)}
    corrections = ledger.corrections(
        "cluster_a", ports, at(0), NOMINAL_ROOM_K, 100.0 * PS, DELAYS_NS
    )
    assert corrections == {
        "cluster_b": Correction(0, Fraction(0)),
        "cluster_c": Correction(3, Fraction(-54_322)),
    }


def test_two_ports_are_known_against_each_other_less_well_than_against_the_reference() -> None:
    ledger = SkewLedger(InMemory())
    ledger.record_all(found())
    ports = {pair.port: (NS, epochs_of(pair.port, pair.reference)) for pair in (B, C)}
    sigma_fs = skew(ledger, B).sigma_fs
    assert sigma_fs == pytest.approx(28.1 * PS, rel=0.01)
    ledger.corrections("cluster_a", ports, at(0), NOMINAL_ROOM_K, 1.42 * sigma_fs)
    with pytest.raises(TooUncertain, match=r"of cluster_b against cluster_c is known to 3\d{4} fs"):
        ledger.corrections("cluster_a", ports, at(0), NOMINAL_ROOM_K, 1.4 * sigma_fs)


def test_where_nobody_reads_the_temperature_it_stands_in_the_sigma() -> None:
    sigmas_fs = []
    for model in (None, NO_THERMOMETER):
        ledger = SkewLedger(InMemory(), model=model)
        ledger.record_all(found())
        sigmas_fs.append(skew(ledger, B).sigma_fs)
    known_fs, unknown_fs = sigmas_fs
    # 30 ps/K, 0.3 K when it was measured and 0.3 K now; 0.1 K now where the model says so
    assert unknown_fs**2 - known_fs**2 == pytest.approx((9.0 * PS) ** 2 * 2 - (3.0 * PS) ** 2)


def test_measurements_in_a_room_without_a_thermometer_do_not_make_the_rate_sure() -> None:
    ledger = SkewLedger(InMemory(), model=NO_THERMOMETER)
    for number in range(6):
        ledger.record_all(found(b_fs=600_000 + 10 * PS * (number % 2), after_s=600 * number))
    # 3,600 s on: what 10 ps within ten minutes would be as a rate has not been believed
    believed = skew(ledger, B, 3_000 + 3_600)
    assert abs(believed.value_fs - 605_000) < 30 * PS
    assert 35 * PS < believed.sigma_fs < 100 * PS


def test_a_file_of_the_first_version_is_gone_on_with(tmp_path) -> None:
    file = tmp_path / "skews.sqlite"
    connection = sqlite3.connect(file)
    connection.executescript(
        """
        CREATE TABLE skews (id INTEGER PRIMARY KEY AUTOINCREMENT, port TEXT NOT NULL,
            reference TEXT NOT NULL, value_fs BIGINT NOT NULL, random_fs DOUBLE NOT NULL,
            systematic_fs DOUBLE NOT NULL, tai_s BIGINT NOT NULL, tai_fs BIGINT NOT NULL,
            temperature_k DOUBLE NOT NULL, epochs TEXT NOT NULL, way TEXT NOT NULL,
            anew BOOLEAN NOT NULL);
        CREATE TABLE podium_skews (version INTEGER NOT NULL);
        INSERT INTO podium_skews VALUES (1);
        INSERT INTO skews VALUES (1, 'cluster_b', 'cluster_a', 5000000, 2000.0, 28000.0,
            1900000000, 17, 295.0, '{"ticks_a": 4}', 'loopback', 0);
        """
    )
    connection.close()
    for _ in range(2):
        with SkewStore(file) as store:
            ((old, _),) = store.all()[:1]
            assert (old.value_fs, old.delays_ns) == (5_000_000, None)
            if len(store.all()) == 1:
                SkewLedger(store).record_all(found(after_s=60))
    with SkewStore(file) as store:
        ledger = SkewLedger(store)
        assert skew(ledger, B, 60, delays_ns=(3, 2)).value_fs == 600_000
    connection = sqlite3.connect(file)
    with pytest.raises(sqlite3.IntegrityError, match="append-only"):
        connection.execute("UPDATE starts SET delay_ns = 1")
    connection.close()


def test_what_is_said_of_skews_goes_over_the_bus_as_it_is() -> None:
    now = Skew(B, 600_000, 31.5 * PS, at(60), NOMINAL_ROOM_K, epochs_of("cluster_a", "cluster_b"))
    known = SkewKnown(now, found().skews[0], "")
    kept = {name: StartKept(name, one, at(0)) for name, one in found().starts.items()}
    setting = StartSetting(3, 1, 17, 440_000_000, FS_PER_NS, epochs_of("cluster_b"))
    for message in (
        RecordSkews("ticket", found(), True, "ada"),
        SkewsKnown((known,), kept),
        StartSettings({"cluster_b": setting, "cluster_a": StartSetting(2)}),
    ):
        assert decode(encode(message), type(message)) == message
    assert known.age_fs == 60 * 10**15
