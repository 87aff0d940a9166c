import json
import sqlite3
from dataclasses import replace
from pathlib import Path

import pytest

from podium.control import cli
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.parameter_changes import changes
from podium.control.parameters.store import ParameterStore
from podium.control.timebase.host_clock import host_tai_s
from podium.control.timebase.moments import NoMoment, length_s, moment

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
F01 = ParameterEntry("node_a.q0.f01", 6.02e9, 1e3, "Hz", "run-1", "ramsey", host_tai_s() - 7200, 3)
T1 = replace(F01, name="node_a.q0.t1", value=33e-6, sigma=1e-6, unit="s", routine="relaxation")
OTHER = replace(F01, name="node_a.q10.f01")


@pytest.fixture
def store(tmp_path: Path) -> Path:
    path = tmp_path / "parameters.sqlite"
    with ParameterStore(path) as kept:
        kept.put([F01, T1, OTHER])
        kept.put([replace(F01, value=6.03e9, tai_s=F01.tai_s + 3600, run="run-2")])
    return path


def params(store: Path, *words: str) -> int:
    return cli.main(["params", *words, "--store", str(store)])


def newest(store: Path, name: str) -> ParameterEntry:
    with ParameterStore(store) as kept:
        found = kept.get(name)
    assert found is not None
    return found


def test_a_value_set_by_hand_carries_who_and_why(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    why = ["--why", "the fit took the wrong line", "--who", "ada"]
    assert params(store, "set", "node_a.q0.f01", "6.021 GHz", *why) == 0
    entry = newest(store, "node_a.q0.f01")
    assert (entry.value, entry.sigma, entry.unit) == (6.021e9, 1e3, "Hz")
    assert (entry.who, entry.why) == ("ada", "the fit took the wrong line")
    assert (entry.run, entry.epoch) == ("", 3)
    said = capsys.readouterr().out
    assert "fell by 9.000 MHz" in said
    assert "set by ada: the fit took the wrong line" in said


def test_what_was_measured_becomes_the_design_of_a_facility_file(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "measured.yaml"
    assert params(store, "design", str(EXAMPLE), "--out", str(out)) == 0
    assert "2 design values" in capsys.readouterr().out
    assert cli.main(["check", str(out)]) == 0
    assert params(store, "design", str(out), "--json") == 0
    told = capsys.readouterr().out
    assert json.loads(told[told.index("{") :])["measured"] == ["node_a.q0.f01", "node_a.q0.t1"]
    assert params(store, "design", str(tmp_path / "none.yaml")) == 2
    assert "none.yaml" in capsys.readouterr().err


def test_nobody_sets_a_value_without_a_reason(store: Path) -> None:
    with pytest.raises(SystemExit) as left:
        params(store, "set", "node_a.q0.f01", "6 GHz")
    assert left.value.code == 2
    assert params(store, "set", "node_a.q0.f01", "6 GHz", "--why", " ") == 2
    assert newest(store, "node_a.q0.f01").value == 6.03e9


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["node_a.q0.f1", "6 GHz"], "no parameter 'node_a.q0.f1' in the store; did you mean"),
        (["node_a.q0.f01", "6"], "'6' has no unit; a frequency is wanted"),
        (["node_a.q0.f01", "6 V"], "'6 V' is a voltage; a frequency is wanted"),
        (["node_a.q0.f01", "6 GHz", "--sigma", "0 Hz"], "sigma must be a finite number above"),
        (
            ["node_a.q1.f01", "6 GHz", "--new", "--facility", str(EXAMPLE)],
            "say how well you know it, --sigma",
        ),
        (
            ["node_a.q7.f01", "6 GHz", "--new", "--facility", str(EXAMPLE)],
            "first_light has no element 'node_a.q7'; did you mean",
        ),
    ],
)
def test_what_makes_no_sense_is_refused_and_changes_nothing(
    store: Path, words: list[str], says: str, capsys: pytest.CaptureFixture[str]
) -> None:
    before = store.read_bytes()
    assert params(store, "set", *words, "--why", "a trial") == 2
    assert says in capsys.readouterr().err
    assert store.read_bytes() == before


def test_a_new_parameter_takes_the_unit_of_its_kind(store: Path) -> None:
    words = ["node_a.q1.t1", "30 us", "--sigma", "5 us", "--new", "--why", "data sheet"]
    words += ["--facility", str(EXAMPLE)]
    assert params(store, "set", *words) == 0
    assert newest(store, "node_a.q1.t1").unit == "s"


def test_revert_appends_the_value_before_with_the_time_it_was_measured(store: Path) -> None:
    assert params(store, "revert", "node_a.q0.f01", "--why", "bad fit") == 0
    entry = newest(store, "node_a.q0.f01")
    assert (entry.value, entry.run, entry.routine) == (6.02e9, "run-1", "revert")
    assert entry.tai_s == F01.tai_s
    assert entry.put_tai_s is not None
    assert entry.put_tai_s > F01.tai_s + 3600
    assert entry.why == "bad fit"
    with ParameterStore(store) as kept:
        assert [one.value for one in kept.history("node_a.q0.f01")] == [6.02e9, 6.03e9, 6.02e9]


def test_all_below_a_name_goes_back_to_how_it_was_then(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ParameterStore(store) as kept:
        now = host_tai_s()
        kept.put([replace(T1, value=2e-6, tai_s=now), replace(OTHER, value=1e9, tai_s=now)])
        kept.put([replace(T1, name="node_a.q0.chi", value=-1e6, unit="Hz", tai_s=now)])
    words = ["node_a.q0", "--to", "90 min ago", "--why", "before the thunderstorm"]
    assert params(store, "revert", *words, "--dry-run") == 0
    assert newest(store, "node_a.q0.t1").value == 2e-6
    assert params(store, "revert", *words) == 0
    assert newest(store, "node_a.q0.f01").value == 6.02e9
    assert newest(store, "node_a.q0.t1").value == 33e-6
    assert newest(store, "node_a.q10.f01").value == 1e9
    assert "node_a.q0.chi had no other value then, and keeps" in capsys.readouterr().err


def test_a_revert_is_seen_as_what_happened_when_it_was_made(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    params(store, "revert", "node_a.q0.f01", "--why", "bad fit")
    capsys.readouterr()
    assert params(store, "diff", "5 min ago") == 0
    said = capsys.readouterr().out
    assert "node_a.q0.f01 fell by 10.00 MHz" in said
    assert "put back by" in said
    assert "1 changed, 2 are the same" in said


def test_two_stores_are_told_apart_in_words(
    store: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with ParameterStore(tmp_path / "other.sqlite") as other:
        other.put([F01, replace(T1, sigma=2e-6), replace(T1, name="node_b.q0.t1")])
    assert params(store, "diff", str(tmp_path / "other.sqlite")) == 0
    assert capsys.readouterr().out.splitlines() == [
        "node_a.q0.f01 rose by 10.00 MHz (7071.1 sigma): from 6.0200000 GHz ± 1.0 kHz to "
        "6.0300000 GHz ± 1.0 kHz, by ramsey, run run-2",
        "node_a.q0.t1 is known better: from 33.0 ± 2.0 µs to 33.0 ± 1.0 µs, "
        "by relaxation, run run-1",
        "node_a.q10.f01 is new: 6.0200000 GHz ± 1.0 kHz, by ramsey, run run-1",
        "node_b.q0.t1 is not there any longer: it was 33.0 ± 1.0 µs",
        "4 changed, 0 are the same",
    ]


def test_the_log_shows_every_value_with_its_origin(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert params(store, "log", "node_a.q0.f01", "--json") == 0
    told = json.loads(capsys.readouterr().out)
    assert [one["run"] for one in told["node_a.q0.f01"]] == ["run-1", "run-2"]
    assert params(store, "log", "node_a.q0.f01", "--last", "1") == 0
    assert "run-1" not in capsys.readouterr().out


def test_get_says_what_is_too_old(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert params(store, "get", "node_a.q0", "--validity", "t1=1h") == 0
    f01, t1 = capsys.readouterr().out.splitlines()
    assert "TOO OLD" not in f01
    assert "TOO OLD" in t1
    assert params(store, "get", "node_a.q0.t1", "--validity", "t1=1h", "--json") == 0
    told = json.loads(capsys.readouterr().out)["node_a.q0.t1"]
    assert "valid for 60 min" in told["too_old"]


def test_get_tells_how_it_was_then(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert params(store, "get", "node_a.q0.f01", "--at", "90 min ago", "--json") == 0
    assert json.loads(capsys.readouterr().out)["node_a.q0.f01"]["value"] == 6.02e9


def test_looking_makes_no_store(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert params(tmp_path / "none.sqlite", "get") == 1
    assert "there is no parameter store" in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []


def test_a_store_of_an_older_podium_is_named_and_upgraded(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    old = tmp_path / "old.sqlite"
    with sqlite3.connect(old) as connection:
        connection.execute(
            "CREATE TABLE parameters (id INTEGER PRIMARY KEY AUTOINCREMENT, name TEXT NOT NULL, "
            "value DOUBLE NOT NULL, sigma DOUBLE NOT NULL, unit TEXT NOT NULL, run TEXT NOT NULL, "
            "routine TEXT NOT NULL, tai_s DOUBLE NOT NULL, epoch INTEGER NOT NULL)"
        )
        connection.execute(
            "INSERT INTO parameters VALUES (1, 'node_a.q0.t1', 3e-5, 1e-6, 's', 'r', 'x', 5.0, 1)"
        )
    connection.close()
    assert params(old, "get") == 1
    assert "older Podium (version 1 of its tables" in capsys.readouterr().err
    assert params(old, "upgrade") == 0
    assert newest(old, "node_a.q0.t1") == ParameterEntry(
        "node_a.q0.t1", 3e-5, 1e-6, "s", "r", "x", 5.0, 1
    )
    assert params(old, "get") == 0


def test_moments_are_said_as_people_say_them() -> None:
    assert moment("now", 1000.0) == 1000.0
    assert moment("90 min ago", 10_000.0) == 4600.0
    assert moment("2h", 10_000.0) == 2800.0
    # 37 s of leap seconds: 2026-01-01 00:00 UTC is 1767225600 of POSIX.
    assert moment("2026-01-01T00:00:00+00:00", 0.0) == 1767225637.0
    assert length_s("1.5 d") == 129600.0
    for text in ("yesterday", "3 fortnights", ""):
        with pytest.raises(NoMoment):
            moment(text, 0.0)


def test_what_is_the_same_is_no_change() -> None:
    one = {"node_a.q0.f01": F01}
    assert changes(one, {"node_a.q0.f01": replace(F01, run="another")}) == ()


def test_what_get_prints_can_be_given_back(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert params(store, "get", "node_a.q0.f01") == 0
    printed = capsys.readouterr().out.split("  ")[1]
    before = newest(store, "node_a.q0.f01")
    assert params(store, "set", "node_a.q0.f01", printed, "--why", "as it was") == 0
    after = newest(store, "node_a.q0.f01")
    assert (after.value, after.sigma) == pytest.approx((before.value, before.sigma))
    assert after.who


def test_what_is_found_is_printed_although_another_name_is_not(
    store: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert params(store, "get", "node_a.q0.f01", "node_a.q0.f02") == 1
    said = capsys.readouterr()
    assert "node_a.q0.f01" in said.out
    assert "no parameter 'node_a.q0.f02'" in said.err
    assert params(store, "get", "node_a.q0.f02") == 2


def test_a_name_is_found_by_its_words(store: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for word in ("q0.f01", "q0"):
        assert params(store, "get", word) == 0
        assert "node_a.q0.f01" in (said := capsys.readouterr().out)
        assert "node_a.q10" not in said
    assert params(store, "get", "f01") == 0
    assert "node_a.q10.f01" in capsys.readouterr().out
    assert params(store, "get", "0.f01") == 2


def test_an_element_of_no_facility_that_is_known_is_refused(
    store: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("PODIUM_FACILITY", raising=False)
    words = ["node_x.q1.t1", "30 us", "--sigma", "5 us", "--new", "--why", "data sheet"]
    assert params(store, "set", *words) == 2
    assert "whether the facility has it is not known" in capsys.readouterr().err
