"""Which facility is meant where none is named: the same for commands and notebooks."""

import fcntl
from pathlib import Path

import pytest

from podium.control.client.facility_access import join_facility, open_facility
from podium.control.facility.facility_in_use import WhichFacility, facilities_up, usual_facility
from podium.control.facility.state_file import UpState, kept_up, write_state
from podium.control.facility.state_folder import default_state_file
from podium.control.runs.errors import RunRefused


@pytest.fixture(autouse=True)
def nothing_is_up(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.delenv("PODIUM_FACILITY", raising=False)
    monkeypatch.chdir(tmp_path)


def test_the_one_that_is_kept_up_is_found_and_one_that_has_ended_is_not(tmp_path) -> None:
    file = tmp_path / "lab.yaml"
    state_file = default_state_file(file)
    with kept_up(state_file):
        write_state(state_file, UpState(str(file), None, "tcp/127.0.0.1:1"))
        assert [one.facility for one in facilities_up()] == [str(file)]
        assert usual_facility() == file
        with pytest.raises(WhichFacility, match=r"there is no \./facility\.yaml"):
            usual_facility(not_yet_up=True)
        left = state_file.read_text()
    state_file.write_text(left)  # as after a kill: the lock is free
    assert facilities_up() == []
    with pytest.raises(WhichFacility, match="no facility is up"):
        usual_facility()


def test_several_that_are_up_are_named(tmp_path) -> None:
    for name in ("a.yaml", "b.yaml"):
        state_file = default_state_file(tmp_path / name)
        state_file.parent.mkdir(parents=True, exist_ok=True)
        write_state(state_file, UpState(str(tmp_path / name), None, "tcp/127.0.0.1:1"))
    locks = [one.with_suffix(".lock").open("w") for one in state_file.parent.glob("*.json")]
    for lock in locks:
        fcntl.flock(lock, fcntl.LOCK_EX)
    with pytest.raises(WhichFacility, match=r"name one: .*a\.yaml or .*b\.yaml"):
        usual_facility()
    for lock in locks:
        lock.close()


async def test_a_notebook_is_told_what_to_do_where_no_facility_is_up(example, tmp_path) -> None:
    with pytest.raises(RunRefused, match="name the facility file, or set"):
        async with join_facility():
            pass
    with pytest.raises(RunRefused, match="name the facility file, or set"):
        async with open_facility():
            pass
    file = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
    with pytest.raises(RunRefused, match="`podium up` this facility first, or name its coord"):
        async with join_facility(file):
            pass
    with pytest.raises(RunRefused, match=r"other\.json: not there"):
        async with join_facility(file, state=tmp_path / "other.json"):
            pass
