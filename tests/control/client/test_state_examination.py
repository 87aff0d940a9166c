"""The files that a facility keeps are examined before they are needed."""

from contextlib import closing
from pathlib import Path

import pytest
from tests.benches.nodes import ramp_journal as ramps
from tests.benches.web.page import entry

from podium.control.agent.epoch_files import EpochFiles
from podium.control.agent.ramp_journal import RampJournal
from podium.control.client.facility_access import open_facility
from podium.control.client.state_examination import examine_state
from podium.control.facility.state_folder import (
    accepted_file,
    epochs_folder,
    journal_file,
    skews_file,
)
from podium.control.parameters.store import ParameterStore
from podium.control.runs.errors import RunFailed
from podium.control.runs.journal import FileJournal, JobAccepted

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"


@pytest.fixture
def state(tmp_path: Path) -> Path:
    """A state file with a journal of ramps, an epoch, accepted starts and a store beside it."""
    state = tmp_path / "up.json"
    with closing(RampJournal(journal_file(state))) as journal:
        for _ in range(50):
            journal.begin(ramps.Q0)
    EpochFiles(epochs_folder(state)).seen({"house": {"resets": 3}})
    accepted = FileJournal(accepted_file(state))
    accepted.keep(JobAccepted("t1", "{}", ("node_a",)))
    accepted.keep(JobAccepted("t2", "{}", ("node_a",)))
    accepted.close()
    with ParameterStore(tmp_path / "parameters.sqlite") as store:
        store.put([entry("node_a.q0.f01", 6e9, 1.0, "Hz")])
    return state


def overwrite(file: Path, start: int) -> None:
    content = bytearray(file.read_bytes())
    content[start : start + 30] = b"\xff" * len(content[start : start + 30])
    file.write_bytes(content)


def test_what_is_whole_is_no_finding(state: Path) -> None:
    assert examine_state(state, state.parent / "parameters.sqlite") == ()


def test_where_nothing_was_kept_there_is_nothing_to_find(tmp_path: Path) -> None:
    assert examine_state(tmp_path / "up.json", tmp_path / "none.sqlite") == ()
    assert list(tmp_path.iterdir()) == []


def damaged_epoch(state: Path) -> Path:
    return epochs_folder(state) / "house.json"


@pytest.mark.parametrize(
    ("which", "start", "stops", "says"),
    [
        (journal_file, 0, False, "look at every bias before the next ramp"),
        (journal_file, 4096, False, "look at every bias before the next ramp"),
        (accepted_file, 10, True, "line 1 is damaged"),
        (damaged_epoch, 2, True, "measure the skew anew"),
    ],
)
def test_damage_is_found_with_the_file_and_what_to_do(
    state: Path, which, start: int, stops: bool, says: str
) -> None:
    overwrite(which(state), start)
    (found,) = examine_state(state)
    assert str(which(state)) in found.what
    assert says in found.what
    assert found.stops is stops


def test_skews_and_parameters_are_examined_as_well(state: Path) -> None:
    skews_file(state).write_bytes(b"no database at all, by no means" * 100)
    store = state.parent / "parameters.sqlite"
    overwrite(store, 0)
    found = examine_state(state, store)
    assert [one.stops for one in found] == [True, False]
    assert str(skews_file(state)) in found[0].what
    assert str(store) in found[1].what


async def test_a_facility_that_is_opened_tells_what_was_found(state: Path) -> None:
    overwrite(journal_file(state), 0)
    async with open_facility(EXAMPLE, state=state, reading_only=True) as lab:
        (finding,) = (await lab.status()).findings
        assert "ramp journal" in finding.what
        await lab.looked_at(finding.id)
        assert (await lab.status()).findings == ()


async def test_a_facility_whose_starts_cannot_be_read_is_not_opened(state: Path) -> None:
    overwrite(accepted_file(state), 10)
    with pytest.raises(RunFailed, match="line 1 is damaged"):
        async with open_facility(EXAMPLE, state=state, reading_only=True):
            pass
