import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import xarray
from tests.benches.calibration.synthetic_data import (
    EXAMPLE,
    NODE,
    MadeRunner,
    Make,
    known,
    rabi_oscillation,
    spectral_line,
)

from podium.control import cli
from podium.control.calibration import line_scan
from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.catalogue import ROUTINES
from podium.control.calibration.facility_copy import keep_facility
from podium.control.calibration.fits.least_squares import Fit, FitFailed
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.refit import NoRun, refit, runs_of
from podium.control.calibration.routines.rabi import rabi_program
from podium.control.calibration.state import ATTRIBUTE, CalibrationState, NoState
from podium.control.facility.facility import Qubit
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import Measured
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.store import ParameterStore
from podium.control.records.datasets import load_dataset, save_dataset

FACILITY = load_facility(EXAMPLE)


async def measured(
    routine: str, make: Make, folder: Path, record: MemoryRecord | None = None
) -> tuple[Outcome, MemoryRecord]:
    """Let a routine work on made-up data, which go into ``folder``."""
    record = known(FACILITY) if record is None else record

    def keep(data: xarray.Dataset) -> None:
        save_dataset(data, folder)

    bench = Bench(
        MadeRunner(make),
        NODE,
        tuple(FACILITY.qubits().values()),
        record,
        keep=keep,
    )
    routines = ROUTINES | {"twice": twice}
    (outcome,) = [one async for one in bring_up(bench, (routine,), routines)]
    return outcome, record


@pytest.mark.parametrize(
    ("routine", "make"), [("rabi", rabi_oscillation), ("qubit_spectroscopy", spectral_line)]
)
async def test_a_refit_gives_the_same_to_the_bit_without_the_store(
    tmp_path: Path, routine: str, make: Make
) -> None:
    outcome, record = await measured(routine, make, tmp_path)
    assert not outcome.failures
    found = await refit(runs_of(outcome.runs[0], tmp_path), FACILITY)
    assert found.outcome.runs == outcome.runs
    assert found.outcome.measured == outcome.measured
    assert found.outcome.notes == []
    for entry in found.entries:
        then = record.get(entry.name)
        assert then is not None
        assert (entry.value, entry.sigma, entry.run) == (then.value, then.sigma, then.run)


async def test_any_run_of_a_routine_stands_for_all_of_them(tmp_path: Path) -> None:
    outcome, _ = await measured("qubit_spectroscopy", spectral_line, tmp_path)
    measured_again(tmp_path)
    for run in outcome.runs:
        assert [one.attrs["run"] for one in runs_of(run, tmp_path)] == outcome.runs


def measured_again(folder: Path) -> None:
    """Put another routine's run after the others."""
    other = load_dataset(sorted(folder.glob("*.nc"))[0])
    other.attrs["run"] = "9999999999-00001"
    save_dataset(other, folder)


async def test_what_was_known_then_counts_whatever_is_known_now(tmp_path: Path) -> None:
    outcome, record = await measured("rabi", rabi_oscillation, tmp_path)
    data = load_dataset(tmp_path / f"{outcome.runs[0]}.nc")
    state = CalibrationState.of(data)
    assert {one.name for one in state.parameters} >= {"node_a.q0.f01", "node_a.q2.t1"}
    # Before the run: not what its own fit has found.
    then = {one.name: one.value for one in state.parameters}
    assert then["node_a.q0.pi_amplitude"] == 0.45
    newest = record.get("node_a.q0.pi_amplitude")
    assert newest is not None
    assert newest.value == pytest.approx(0.4, abs=0.01)


async def test_a_better_fit_finds_what_the_first_one_missed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = line_scan.fit_pulse_line
    design = FACILITY.qubits()["node_a.q0"].design["f01"].value
    looked = []

    def half_blind(frequency: np.ndarray, *others: Any) -> Fit:
        if frequency[0] < design + 3.3e6 < frequency[-1]:
            looked.append(frequency.size)
            if len(looked) > 1:  # it sees q0 in the search, and never again
                raise FitFailed("blind")
        return real(frequency, *others)

    monkeypatch.setattr(line_scan, "fit_pulse_line", half_blind)
    outcome, _ = await measured("qubit_spectroscopy", spectral_line, tmp_path)
    assert outcome.failures == {"node_a.q0": "blind"}
    assert len(outcome.runs) == 7
    monkeypatch.undo()
    found = await refit(runs_of(outcome.runs[0], tmp_path), FACILITY)
    assert found.outcome.measured["node_a.q0.f01"].value == pytest.approx(design + 3.3e6, abs=5e5)
    assert found.outcome.failures == {}
    assert found.outcome.notes == ["5 of the runs made then were not asked for this time"]
    for name in ("node_a.q1.f01", "node_a.q2.f01"):
        assert found.outcome.measured[name] == outcome.measured[name]


async def test_a_fit_that_now_sees_nothing_looks_farther_and_says_that_nobody_did_then(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    outcome, _ = await measured("ef_spectroscopy", spectral_line, tmp_path)
    assert outcome.failures == {}

    def blind(*_: object) -> None:
        raise FitFailed("blind")

    monkeypatch.setattr(line_scan, "fit_pulse_line", blind)
    found = await refit(runs_of(outcome.runs[0], tmp_path), FACILITY)
    assert found.entries == ()
    assert "once more, which was not done then" in found.outcome.notes[0]


async def twice(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """A routine that stores something after each of its two runs."""
    outcome = Outcome("twice", "Twice")
    for name in ("first", "second"):
        data = await bench.run(outcome, rabi_program(bench, qubits, ef=False))
        mean = Measured(float(data.q0_i.mean()), 1e-6, "V")
        await bench.commit(outcome, {f"{NODE}.q0.{name}": mean})
    return outcome


async def test_a_routine_that_now_wants_more_says_so_and_keeps_what_it_has(tmp_path: Path) -> None:
    outcome, _ = await measured("twice", rabi_oscillation, tmp_path)
    found = await refit(
        runs_of(outcome.runs[0], tmp_path)[:1], FACILITY, ROUTINES | {"twice": twice}
    )
    assert "once more, which was not done then" in found.outcome.notes[-1]
    assert [entry.name for entry in found.entries] == [f"{NODE}.q0.first"]


def test_data_without_a_state_are_refused(tmp_path: Path) -> None:
    save_dataset(xarray.Dataset(attrs={"run": "a-1"}), tmp_path)
    with pytest.raises(NoState, match="a-1 do not carry what their fit knew"):
        runs_of("a-1", tmp_path)
    save_dataset(xarray.Dataset(attrs={"run": "a-2", ATTRIBUTE: "{}"}), tmp_path)
    with pytest.raises(NoState, match="cannot be read"):
        runs_of("a-2", tmp_path)
    with pytest.raises(NoRun, match=r"no data of run a-3 .* a-1 \.\.\. a-2"):
        runs_of("a-3", tmp_path)


def refitted(folder: Path, run: str, *words: str) -> int:
    where = ["--data", str(folder), "--out", str(folder / "page")]
    return cli.main(["refit", run, *where, *words])


async def test_the_command_uses_the_facility_file_kept_beside_the_data(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, record = await measured("rabi", rabi_oscillation, tmp_path)
    run = outcome.runs[0]
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        store.put(one for one in record.all().values() if one.run == run)
    assert await _in_thread(refitted, tmp_path, run) == 1
    assert "name one with --facility FILE" in capsys.readouterr().err
    assert keep_facility(EXAMPLE, FACILITY.digest, tmp_path)
    store_there = ("--store", str(tmp_path / "parameters.sqlite"))
    assert await _in_thread(refitted, tmp_path, run, *store_there) == 0
    said = capsys.readouterr().out
    assert re.search(r"q0: pi pulse at 0\.(39[6-9]|40[0-3])\d* ± 0\.000", said)
    assert "the same 3 parameters as were stored then, to the bit" in said
    assert "<svg" in (tmp_path / "page" / "index.html").read_text()
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        assert len(store.history("node_a.q0.pi_amplitude")) == 1


async def test_what_a_refit_found_is_put_into_a_store_by_hand_only(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    outcome, _ = await measured("rabi", rabi_oscillation, tmp_path)
    keep_facility(EXAMPLE, FACILITY.digest, tmp_path)
    run, place = outcome.runs[0], tmp_path / "new.sqlite"
    assert await _in_thread(refitted, tmp_path, run, "--put", "--store", str(place)) == 2
    ParameterStore(place).close()
    words = ("--put", "--store", str(place), "--why", "mended fit", "--who", "ada", "--json")
    capsys.readouterr()
    assert await _in_thread(refitted, tmp_path, run, *words) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["runs"] == [run]
    with ParameterStore(place) as store:
        entry = store.get("node_a.q1.pi_amplitude")
    assert entry is not None
    assert (entry.who, entry.why, entry.run, entry.routine) == ("ada", "mended fit", run, "rabi")


async def _in_thread(*what: object) -> int:
    """The command has an event loop of its own."""
    import asyncio

    function, *rest = what
    return int(await asyncio.to_thread(function, *rest))  # type: ignore[arg-type]


def test_another_facility_file_than_then_is_said(tmp_path: Path) -> None:
    changed = tmp_path / "facility.yaml"
    changed.write_text(EXAMPLE.read_text().replace("facility: first_light", "facility: other"))
    assert not keep_facility(changed, FACILITY.digest, tmp_path / "data")
    assert not (tmp_path / "data").exists()
