"""``podium skew``: what it says to a person and to a program, and how it ends."""

import json
import sqlite3
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from tests.benches.client.skewed_lab import SKEW_FS, MadeUpLab
from tests.benches.facility.loaded_examples import loaded
from tests.benches.nodes.two_nodes_up import TWO_NODES

from podium.control import cli
from podium.control.client.skew_calibration import SkewsFound, calibrate_skews
from podium.control.commands.skew import STARTS
from podium.control.commands.skew_words import known_plainly, told_known
from podium.control.coordinator.skews import known_of
from podium.control.facility.state_file import UpState, write_state
from podium.control.facility.state_folder import skews_file
from podium.control.processes import lab_access
from podium.control.runs.errors import RunFailed
from podium.control.timebase import loopback
from podium.control.timebase.drift_filter import NO_THERMOMETER
from podium.control.timebase.skew_ledger import SkewLedger
from podium.control.timebase.skew_messages import SkewsKnown
from podium.control.timebase.skew_store import SkewStore
from podium.firmware_interfaces.tai import Tai

EPOCHS = {"plane_a": 1, "plane_b": 1, "ticks_a": 1, "ticks_b": 1}


class Lab(MadeUpLab):
    """The made-up lab, with the ledger that a coordinator has."""

    ledger: SkewLedger
    epochs: dict[str, int]

    async def measure_skews(self, nodes, starts, progress, *, anew=False) -> SkewsFound:
        return await calibrate_skews(self, nodes, starts, progress, anew)

    async def record_skews(self, found, *, anew=False) -> None:
        await super().record_skews(found, anew=anew)
        self.ledger.record_all(found, anew)

    async def skews(self) -> SkewsKnown:
        return known_of(self.ledger, Tai(1_900_000_000 + 180, 0), self.epochs)


@pytest.fixture
def lab(tmp_path, monkeypatch) -> AsyncIterator[Lab]:
    """A lab that both actions reach; what it records lies beside ``up.json``."""
    lab = Lab(loaded(TWO_NODES))
    store = SkewStore(skews_file(tmp_path / "up.json"))
    lab.ledger, lab.epochs = SkewLedger(store, model=NO_THERMOMETER), dict(EPOCHS)

    @asynccontextmanager
    async def reached(*where: object) -> AsyncIterator[Lab]:
        yield lab

    @asynccontextmanager
    async def joined(*where: object) -> AsyncIterator[Lab]:
        yield lab

    monkeypatch.setattr(lab_access, "reached", reached)
    monkeypatch.setattr("podium.control.client.facility_access.join_facility", joined)
    yield lab
    store.close()


def skew(folder: Path, action: str, *words: str) -> int:
    return cli.main(["skew", action, str(TWO_NODES), "--state", str(folder / "up.json"), *words])


def up(folder: Path) -> None:
    write_state(folder / "up.json", UpState(str(TWO_NODES), None, "tcp/127.0.0.1:1"))


def test_a_measurement_is_told_and_kept(lab, tmp_path, capsys) -> None:
    assert skew(tmp_path, "measure", "--starts", "5") == 0
    told = capsys.readouterr().out
    head, line = told.splitlines()
    assert head == "two_nodes: 21 starts of 16 pulses; 21.0 s of laboratory time"
    assert line.startswith("  cluster_b against cluster_a: 1.600 ns ± 31 ps, measured 3 min ago")
    assert "triggers delayed by " in line
    up(tmp_path)
    assert skew(tmp_path, "show") == 0
    assert capsys.readouterr().out == f"two_nodes:\n{line}\n"


def test_a_program_reads_the_same_in_json(lab, tmp_path, capsys) -> None:
    assert skew(tmp_path, "measure", "--starts", "5", "--json") == 0
    measured = json.loads(capsys.readouterr().out)
    assert (measured["starts_made"], measured["pulses"], measured["repeated"]) == (21, 16, 0)
    assert measured["lab_s"] == 21
    (one,) = measured["skews"]
    assert (one["port"], one["reference"]) == ("cluster_b", "cluster_a")
    assert one["value_fs"] == one["measured_fs"] == SKEW_FS
    assert one["systematic_fs"] < one["sigma_fs"] < 40_000
    assert one["holds"]
    up(tmp_path)
    lab.epochs["ticks_b"] = 2
    assert skew(tmp_path, "show", "--json") == 1
    (shown,) = json.loads(capsys.readouterr().out)["skews"]
    assert shown == one | {"holds": False, "problem": "ticks_b: epoch 1 then, 2 now"}


def test_a_skew_that_does_not_hold_stands_out(lab, tmp_path, capsys) -> None:
    skew(tmp_path, "measure", "--starts", "5")
    up(tmp_path)
    lab.epochs["plane_a"] = 3
    capsys.readouterr()
    assert skew(tmp_path, "show") == 1
    assert capsys.readouterr().out.splitlines()[2] == (
        "    DOES NOT HOLD: plane_a: epoch 1 then, 3 now"
    )


def test_of_a_facility_that_is_not_up_the_file_is_read_and_no_instrument(
    lab, tmp_path, capsys
) -> None:
    skew(tmp_path, "measure", "--starts", "5")
    capsys.readouterr()
    assert skew(tmp_path, "show") == 1
    _, line, problem = capsys.readouterr().out.splitlines()
    assert "cluster_b against cluster_a: 1.600 ns" in line
    assert problem == (
        "    NOT KNOWN whether it holds: nobody tells the epoch of plane_a, plane_b, ticks_a, "
        "ticks_b (the facility is not up)"
    )
    assert skew(tmp_path, "show", "--json") == 1
    assert json.loads(capsys.readouterr().out)["skews"][0]["holds"] is None


def test_where_nothing_was_measured_it_says_how_to(tmp_path, capsys) -> None:
    assert skew(tmp_path, "show") == 0
    said = "two_nodes: no skew was measured yet: podium skew measure FACILITY\n"
    assert capsys.readouterr().out == said
    assert list(tmp_path.iterdir()) == []


def test_what_fails_is_one_line(lab, tmp_path, capsys) -> None:
    def lose(number: int) -> None:
        raise RunFailed("FIRE came late")

    lab.hook = lose
    assert skew(tmp_path, "measure") == 1
    said = capsys.readouterr()
    assert said.out == ""
    assert "podium skew measure: 20 starts were lost, 20 of them in turn; nothing was" in said.err
    assert skew(tmp_path, "measure", "--nodes", "node_a,node_z") == 1
    assert "no node 'node_z'; it has node_a, node_b" in capsys.readouterr().err


def test_nodes_are_named_with_commas_and_starts_are_counted(lab, tmp_path) -> None:
    assert skew(tmp_path, "measure", "--nodes", "node_b, node_a", "--anew") == 0
    ((found, anew),) = lab.recorded
    assert (found.reference, anew, lab.asked) == ("cluster_a", True, 16 + STARTS)
    assert STARTS == loopback.STARTS


def test_a_store_of_tomorrow_is_one_line(lab, tmp_path, capsys) -> None:
    skew(tmp_path, "measure", "--starts", "5")
    connection = sqlite3.connect(skews_file(tmp_path / "up.json"))
    connection.execute("UPDATE podium_skews SET version = 99")
    connection.commit()
    connection.close()
    capsys.readouterr()
    assert skew(tmp_path, "show") == 1
    assert "was written by a newer Podium (version 99" in capsys.readouterr().err


def test_a_skew_without_delays_is_told_without_them() -> None:
    known = known_plainly(SkewsKnown((), {}))
    assert known == {"skews": [], "starts": {}}
    one = {
        "port": "b",
        "reference": "a",
        "value_fs": -1_500_000,
        "sigma_fs": 20_000.0,
        "age_s": 7_200.0,
        "delays_ns": None,
        "holds": True,
        "problem": "",
    }
    assert told_known("lab", {"skews": [one]}) == (
        "lab:\n  b against a: -1.500 ns ± 20 ps, measured 2 h ago"
    )
