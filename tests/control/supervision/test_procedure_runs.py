"""The runs of a supervisor: what is under way is not sent again, what is written is resumed."""

from dataclasses import replace
from pathlib import Path

import pytest
from tests.benches.supervision.plant_operator import view_of

from podium.control.bus.cold import BeginProcedure, ConfirmProcedure, StopProcedure
from podium.control.bus.operations import Operated
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.records.latest_readings import FridgeView
from podium.control.supervision.procedure_journal import ProcedureJournal
from podium.control.supervision.procedure_requests import ProcedureRefused
from podium.control.supervision.procedure_runs import ProcedureRuns
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.cryostat.parameters import LD400
from podium.sim_instruments.physics.cryostat.plant import Cryostat

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
OPERATED = "instruments: [control_a, compressor_a, gauges_a, turbo_a]"


@pytest.fixture
def facility(tmp_path: Path) -> Facility:
    file = tmp_path / "facility.yaml"
    enabled = f"{OPERATED}\n    procedures: [cooldown, warm_up, recover]"
    file.write_text(COLD.read_text().replace(OPERATED, enabled))
    return load_facility(file)


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "procedures.jsonl"


@pytest.fixture
def view() -> FridgeView:
    return view_of(Cryostat(LD400, 0), FS_PER_S)


def later(view: FridgeView, s: int) -> FridgeView:
    return replace(view, tai=(view.tai[0] + s, 0))


def test_a_request_under_way_is_not_sent_again_but_after_a_restart_it_is(
    facility: Facility, file: Path, view: FridgeView
) -> None:
    runs = ProcedureRuns(ProcedureJournal(file))
    news = runs.begin(BeginProcedure("recover", "fridge_a", "ada"), facility, (1, 0))
    assert (news.state, [one.state for one in news.steps[:1]]) == ("running", ["waiting"])
    first = runs.look({"fridge_a": view})
    assert {one.operate.part for one in first} == {"heater.still", "heater.mixing_chamber"}
    assert runs.look({"fridge_a": later(view, 1000)}) == ()
    assert runs.look({}) == ()
    again = ProcedureRuns(ProcedureJournal(file))
    assert [one.operate for one in again.look({"fridge_a": view})] == [one.operate for one in first]
    again.hear(first[0], Operated(0.0))
    again.hear(first[1], "its agent is gone")
    third = ProcedureRuns(ProcedureJournal(file)).of("fridge_a")
    assert third is not None
    assert [one.state for one in third.operations] == ["accepted", "refused"]


def test_agreement_outlives_a_restart(facility: Facility, file: Path) -> None:
    runs = ProcedureRuns(ProcedureJournal(file))
    news = runs.begin(BeginProcedure("warm_up", "fridge_a", "ada"), facility, (1, 0))
    assert news.state == "asking"
    runs = ProcedureRuns(ProcedureJournal(file))
    news = runs.confirm(ConfirmProcedure(news.id, "grace"))
    assert (news.state, news.confirmed_by) == ("running", ("ada", "grace"))
    runs = ProcedureRuns(ProcedureJournal(file))
    assert [one.confirmed_by for one in runs.news()] == [("ada", "grace")]
    assert runs.stop(StopProcedure(news.id, "grace"), (5, 0)).state == "stopped"
    assert ProcedureRuns(ProcedureJournal(file)).of("fridge_a") is None


def test_an_unknown_run_is_refused_with_a_near_one(facility: Facility, file: Path) -> None:
    runs = ProcedureRuns(ProcedureJournal(file))
    with pytest.raises(ProcedureRefused, match="there is none"):
        runs.confirm(ConfirmProcedure("fridge_a-warm_up-1", "ada"))
    runs.begin(BeginProcedure("warm_up", "fridge_a", "ada"), facility, (1, 0))
    with pytest.raises(ProcedureRefused, match="did you mean 'fridge_a-warm_up-1'"):
        runs.stop(StopProcedure("fridge_a-warmup-1", "ada"), (1, 0))


def test_the_last_of_a_fridge_is_told_beside_what_goes_on(facility: Facility, file: Path) -> None:
    runs = ProcedureRuns(ProcedureJournal(file))
    first = runs.begin(BeginProcedure("recover", "fridge_a", "ada"), facility, (1, 0))
    runs.stop(StopProcedure(first.id, "ada"), (2, 0))
    assert [one.id for one in runs.news()] == [first.id]
    second = runs.begin(BeginProcedure("recover", "fridge_a", "ada"), facility, (3, 0))
    assert [one.id for one in runs.news()] == [second.id]
