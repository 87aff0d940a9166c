"""A demo of gates brings up qubits, then gates, and judges them last."""

import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.docs.pages import ROOT
from tests.benches.facility.fluxonium_pair import pair, written

from podium.control.calibration.catalogue import BRING_UP, ROUTINES
from podium.control.cli import main
from podium.control.demo.demonstration import STATE, DemoRequest, _clear, _routines
from podium.control.facility.load import load_facility
from podium.control.facility.state_folder import (
    accepted_file,
    journal_file,
    records_folder,
    reservations_file,
    skews_file,
)


def routines(example: str = "facility.yaml", **wanted: bool | None) -> tuple[str, ...]:
    file = ROOT / "examples" / "two_qubit" / example
    return _routines(DemoRequest(file, 1, Path("report"), **wanted), load_facility(file))


def test_gates_come_behind_the_qubits_and_their_budget_last() -> None:
    assert routines() == BRING_UP
    plain, judged = routines(gates=True, benchmark=False), routines(gates=True, benchmark=True)
    assert plain[: len(BRING_UP)] == judged[: len(BRING_UP)] == BRING_UP
    assert judged[-2:] == ("interleaved_benchmarking", "error_budget")
    assert plain[-2:] == ("bell_state", "error_budget")
    assert set(judged) - set(plain) == {"interleaved_benchmarking"}
    assert set(judged) <= ROUTINES.keys()


def test_gates_by_flux_on_an_end_are_benchmarked_unless_it_is_left_out() -> None:
    for example in ("facility.yaml", "facility_zi.yaml"):
        assert routines(example, gates=True) == routines(example, gates=True, benchmark=True)
    fixed = routines("facility_fixed.yaml", gates=True)
    assert fixed == routines("facility_fixed.yaml", gates=True, benchmark=False)


def test_edges_with_an_iswap_have_its_routines() -> None:
    for judged in (False, True):
        found = routines("facility_coupler.yaml", gates=True, benchmark=judged)
        moved = ("jazz", "frequency_search", "frequency", "ef_spectroscopy")
        ours = (*moved, "parametric_chevron", "exchange_phase", "bell_state")
        judges = ("interleaved_benchmarking",) if judged else ()
        assert found[len(BRING_UP) :] == (*ours, *judges)


def test_a_benchmark_without_gates_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["demo", "--benchmark"]) == 2
    assert "--benchmark is of gates: add --two-qubit" in capsys.readouterr().err


def test_what_an_earlier_demo_left_to_be_played_is_not_played_by_this_one(tmp_path: Path) -> None:
    state = tmp_path / STATE
    old = [file(state) for file in (accepted_file, journal_file, reservations_file, skews_file)]
    kept = records_folder(state) / "index.sqlite"
    kept.parent.mkdir()
    for file in (*old, kept):
        file.touch()
    _clear(tmp_path)
    assert not any(file.exists() for file in old)
    assert kept.exists()


def test_a_cz_over_a_plasmon_is_benchmarked_without_a_budget(tmp_path: Path) -> None:
    file = written(pair(), tmp_path)
    found = _routines(
        DemoRequest(file, 1, tmp_path, gates=True, benchmark=True), load_facility(file)
    )
    assert "interleaved_benchmarking" not in _routines(
        DemoRequest(file, 1, tmp_path, gates=True), load_facility(file)
    ), "it takes minutes"
    ours = ("plasmon_spectroscopy", "jazz", "plasmon_turn")
    judges = ("phase_compensation", "bell_state", "interleaved_benchmarking")
    assert found[len(BRING_UP) :] == (*ours, *judges)


def test_a_demo_without_a_link_imports_no_links_and_no_reader_of_files() -> None:
    code = "import sys, podium.control.demo.demonstration; print(sorted(sys.modules))"
    told = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    ).stdout
    assert "podium.control.demo.session" in told
    for heavy in ("podium.control.demo.link_pair", "podium.control.calibration.links.link_bench"):
        assert heavy not in told
    assert "'h5py'" not in told
