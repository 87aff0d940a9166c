"""Snapshots of all instruments: read in bulk, stored with the data, compared in words."""

import asyncio
import json
import time
from dataclasses import replace
from types import SimpleNamespace

import pytest
import xarray
from tests.benches.nodes.twins_on_sockets import EXAMPLE, twins_on_sockets

from podium.control.agent import snapshots as of_agent
from podium.control.bus.snapshots import FacilitySnapshot, InstrumentSnapshot
from podium.control.cli import main
from podium.control.client.facility_access import open_facility
from podium.control.records.datasets import load_dataset, save_dataset
from podium.control.records.snapshots import (
    NoSnapshot,
    differences,
    digest_of,
    find,
    name_in,
    store,
    text_of,
)
from podium.firmware_interfaces.ieee4882.queries import only_asks


@pytest.fixture
async def twins(tmp_path):
    async with twins_on_sockets(tmp_path) as twins:
        yield twins


@pytest.fixture
async def lab(twins):
    async with open_facility(EXAMPLE, twins.endpoints) as lab:
        await lab.ready(30)
        yield lab


def settings(snapshot, name: str) -> dict:
    return dict(next(one for one in snapshot.instruments if one.instrument == name).settings)


async def test_everything_is_read_in_one_round_trip_for_each_group(lab, twins) -> None:
    twins.heard.clear()
    snapshot = await lab.snapshot()
    pieces = [name for name, _ in twins.heard]
    assert pieces.count("bias_q0") == 1
    assert pieces.count("lo_q2") == 2  # its options, once; settings
    assert pieces.count("thermometry_a") == 2  # settings, readings
    # One message for each module, one for the time; TCP may cut a long one in two.
    assert pieces.count("cluster_a") <= 2 * 3 + 1
    assert all(only_asks(line.encode()) for _, line in twins.messages())
    assert settings(snapshot, "lo_q2")["power_dbm"] == -30
    assert settings(snapshot, "cluster_a")["slot2.seq0.awg.nco.freq_hz"] == 0.0
    assert settings(snapshot, "cluster_a")["slot6.afe.offset.dac2"] == 0.0
    assert all(one.tai_s > 1.7e9 for one in snapshot.instruments)
    thermometer = next(one for one in snapshot.instruments if one.instrument == "thermometry_a")
    assert 0.005 < thermometer.readings["mixing_chamber"].value < 0.03


async def test_what_nobody_has_touched_is_not_read_again_and_keeps_its_time(
    lab, twins, monkeypatch
) -> None:
    first = await lab.snapshot()
    twins.heard.clear()
    second = await lab.snapshot()
    assert twins.heard == []
    times = [{one.instrument: one.tai_s for one in part.instruments} for part in (first, second)]
    assert times[0] == times[1]
    await lab.bias({"node_a.q0.flux": 0.05})
    twins.heard.clear()
    third = await lab.snapshot()
    assert settings(third, "bias_q0")["level"] == pytest.approx(0.05)
    assert {name for name, _ in twins.heard} == {"cluster_a", "bias_q0"}
    assert len([name for name, _ in twins.heard if name == "cluster_a"]) == 1  # tells the time
    times.append({one.instrument: one.tai_s for one in third.instruments})
    assert times[2]["bias_q0"] > times[0]["bias_q0"]
    assert {**times[2], "bias_q0": times[0]["bias_q0"]} == times[0]
    monkeypatch.setattr(of_agent, "FRESH_S", 0.0)
    twins.heard.clear()
    await lab.snapshot()
    assert {name for name, _ in twins.heard} == set(twins.twins)
    await lab.bias({"node_a.q0.flux": 0.0})


async def test_what_the_wall_takes_for_old_is_fresh_by_the_instruments_clock(
    lab, twins, monkeypatch
) -> None:
    first = await lab.snapshot()
    later = SimpleNamespace(monotonic=lambda: time.monotonic() + 1000.0)
    monkeypatch.setattr(of_agent, "time", later)
    twins.heard.clear()
    assert await lab.snapshot() == first
    assert [name for name, _ in twins.heard] == ["cluster_a"], "it tells the time"
    monkeypatch.setattr(of_agent, "FRESH_S", 1e-9)
    twins.heard.clear()
    await lab.snapshot()
    assert {name for name, _ in twins.heard} == set(twins.twins)


async def test_a_program_that_plays_again_costs_no_reading_and_what_it_sets_is_read(
    lab, twins, trial, monkeypatch
) -> None:
    of_runs, reads = [], []
    for port in ("node_a.q0.drive", "node_a.q0.drive", "node_a.q2.drive"):
        twins.heard.clear()
        of_runs.append(await lab.run(trial(port=port)))
        asked = [line for name, line in twins.messages() if name == "cluster_a"]
        reads.append({line.split(":")[0] for line in asked if "CONFiguration?" in line})
    assert [len(one) for one in reads] == [6, 0, 1], "the sequencers of a module, none, one"
    texts = [data.encoding["snapshot"] for data in of_runs]
    assert texts[0] == texts[1] != texts[2]
    # What was not read again is what the instruments would have said.
    for port in ("node_a.q2.drive", "node_a.q0.drive"):
        held = text_of(await lab.snapshot(), "f")
        with monkeypatch.context() as patch:
            patch.setattr(of_agent, "FRESH_S", 0.0)
            assert text_of(await lab.snapshot(), "f") == held
        await lab.run(trial(port=port))


async def test_an_instrument_that_is_away_is_told_and_holds_nothing_up(lab, twins) -> None:
    before = await lab.snapshot()
    await lab.release("lo_q2")
    after = await lab.snapshot()
    gone = next(one for one in after.instruments if one.instrument == "lo_q2")
    assert "it was released" in gone.problem
    assert settings(after, "lo_q2") == settings(before, "lo_q2")  # as last read, with its time
    assert gone.tai_s == next(o for o in before.instruments if o.instrument == "lo_q2").tai_s


async def test_a_run_names_its_snapshot_and_it_is_stored_beside_the_data(
    lab, trial, tmp_path, bench
) -> None:
    folder = tmp_path / "datasets"
    paths = []
    for port in ("node_a.q0.drive", "node_a.q0.drive", "node_a.q2.drive"):
        data = await lab.run(trial(port=port))
        paths.append(save_dataset(data, folder))
    names = [load_dataset(path).attrs["snapshot"] for path in paths]
    stored = {path.stem for path in (folder / "snapshots").iterdir()}
    assert stored == set(names)
    assert names[0] == names[1]  # the same settings are stored once
    assert names[2] != names[0]
    text = (folder / "snapshots" / f"{names[0]}.json").read_text()
    assert digest_of(text) == names[0]
    attributes = load_dataset(paths[0]).attrs
    assert json.loads(attributes["snapshot_read"])["lo_q2"]["tai_s"] > 1.7e9
    reading = json.loads(attributes["readings"])["thermometry_a.mixing_chamber"]
    assert reading["unit"] == "K"
    said = list(differences(find(str(paths[1]), tmp_path), find(names[2][:12], tmp_path)))
    assert "lo_q2: frequency_hz was 1000000000, now it is 4960000000" in said
    assert "lo_q2: output was 0, now it is 1" in said


async def test_the_command_line_takes_and_compares(twins, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)
    words = ["snapshot", "take", str(EXAMPLE), *twins.words, "--out"]
    assert await asyncio.to_thread(main, [*words, "a.json"]) == 0
    twins.twins["lo_q2"].open("scpi").feed(b":SOUR:POW -3.5\n", 0)
    assert await asyncio.to_thread(main, [*words, "b.json"]) == 0
    capsys.readouterr()
    assert main(["snapshot", "diff", "a.json", "b.json"]) == 1
    assert capsys.readouterr().out == "lo_q2: power_dbm was -30, now it is -3.5\n"
    assert main(["snapshot", "diff", "a.json", "a.json"]) == 0
    assert capsys.readouterr().out == "nothing is different\n"
    assert main(["snapshot", "show", "none"]) == 2
    assert "no snapshot begins with 'none'" in capsys.readouterr().err


async def test_snapshots_are_answered_as_json(twins, tmp_path, capsys, monkeypatch) -> None:
    monkeypatch.chdir(tmp_path)

    async def answer(*words: str) -> tuple[int, dict]:
        status = await asyncio.to_thread(main, ["snapshot", *words, "--json"])
        (line,) = capsys.readouterr().out.splitlines()
        return status, json.loads(line)

    take = ["take", str(EXAMPLE), *twins.words, "--out"]
    assert await answer(*take, "a.json") == (0, {"snapshot": "a.json", "problems": []})
    twins.twins["lo_q2"].open("scpi").feed(b":SOUR:POW -3.5\n", 0)
    assert (await answer(*take, "b.json"))[0] == 0
    status, found = await answer("diff", "a.json", "b.json")
    assert (status, found["same"]) == (1, False)
    assert found["differences"] == ["lo_q2: power_dbm was -30, now it is -3.5"]
    assert await answer("diff", "a.json", "a.json") == (0, {"same": True, "differences": []})
    assert await answer("show", "a.json") == (0, json.loads((tmp_path / "a.json").read_text()))


async def test_what_could_not_be_read_is_in_the_json_and_in_the_exit_status(
    tmp_path, capsys, monkeypatch
) -> None:
    async def taken(arguments: object) -> tuple[str, list[str]]:
        return "{}", ["bias_q0: no route"]

    monkeypatch.setattr("podium.control.commands.snapshot._taken", taken)
    words = ["snapshot", "take", str(EXAMPLE), "--out", str(tmp_path / "a.json"), "--json"]
    assert await asyncio.to_thread(main, words) == 1
    out, err = capsys.readouterr()
    assert json.loads(out)["problems"] == ["bias_q0: no route"]
    assert err == "podium snapshot: bias_q0: no route\n"


# Without instruments

ONE = InstrumentSnapshot("lo", "sgs", "R&S 1", '{"on": false, "power": -3.0}', {}, 5.0, "")


def stored(*instruments: InstrumentSnapshot) -> dict:
    return json.loads(text_of(FacilitySnapshot(instruments), "f"))


def test_differences_are_told_in_words() -> None:
    old = stored(ONE, replace(ONE, instrument="gone"))
    new = stored(
        replace(
            ONE,
            identity="R&S 2",
            settings_json='{"on": true, "phase": 0.25, "power": -5.5}',
        ),
        replace(ONE, instrument="new", identity="ACME"),
    )
    assert list(differences(old, new)) == [
        "gone is gone",
        "lo is another box, or has other firmware: it was R&S 1, now it is R&S 2",
        "lo: on was off, now it is on",
        "lo: phase is told for the first time: 0.25",
        "lo: power was -3, now it is -5.5",
        "new is new: ACME",
    ]
    assert list(differences(old, old)) == []


def test_time_and_readings_do_not_make_another_snapshot() -> None:
    later = replace(ONE, tai_s=9.0, problem="away")
    assert text_of(FacilitySnapshot((ONE,)), "f") == text_of(FacilitySnapshot((later,)), "f")


def test_a_dataset_without_its_snapshot_is_said_to_have_none(tmp_path) -> None:
    data = xarray.Dataset(attrs={"run": "1-1"})
    path = save_dataset(data, tmp_path)
    with pytest.raises(NoSnapshot, match="names no snapshot"):
        find(str(path), tmp_path)
    name_in(data, FacilitySnapshot((ONE,)))
    path = save_dataset(data, tmp_path)
    assert find(str(path), tmp_path)["instruments"]["lo"]["identity"] == "R&S 1"
    next((tmp_path / "snapshots").iterdir()).unlink()
    with pytest.raises(NoSnapshot, match="no snapshot can be read there"):
        find(str(path), tmp_path)


def test_a_hash_that_fits_two_is_not_guessed(tmp_path) -> None:
    for name in ("ab1.json", "ab2.json"):
        (tmp_path / name).write_text(text_of(FacilitySnapshot((ONE,)), "f"))
    with pytest.raises(NoSnapshot, match="2 snapshots begin with 'ab'"):
        find("ab", tmp_path)
    assert find("ab1", tmp_path)["facility"] == "f"
    assert store("x", tmp_path) == store("x", tmp_path)
