import json
from pathlib import Path

import pytest

from podium.control.campaign.results_file import ResultsFile, ResultsFileError

WORLD = {"campaign": "bring-up", "options": [], "facility_digest": "a", "seed": 3}


def test_what_was_appended_is_read_by_seed(tmp_path: Path) -> None:
    file = ResultsFile(tmp_path / "worlds.jsonl")
    assert file.read() == []
    for seed in (5, 3):
        file.append({**WORLD, "seed": seed})
    assert [one["seed"] for one in file.read()] == [3, 5]
    assert len(file.path.read_text().splitlines()) == 2


@pytest.mark.parametrize("cut", range(1, 70, 7))
def test_a_line_cut_off_anywhere_is_not_counted_and_the_next_one_is_whole(
    tmp_path: Path, cut: int
) -> None:
    file = ResultsFile(tmp_path / "worlds.jsonl")
    file.append(WORLD)
    file.append({**WORLD, "seed": 4})
    whole = file.path.read_bytes()
    file.path.write_bytes(whole[:-cut])
    assert [one["seed"] for one in file.read()] == [3]
    file.append({**WORLD, "seed": 4})
    assert file.path.read_bytes() == whole


def test_a_file_that_is_none_is_named_with_its_line_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "worlds.jsonl"
    path.write_text(f"{json.dumps(WORLD)}\nnot JSON\n")
    with pytest.raises(ResultsFileError, match=r"worlds.jsonl:2: no result .* --out DIR"):
        ResultsFile(path).read()


@pytest.mark.parametrize("other", [{"options": ["--wrong", "3"]}, {"facility_digest": "b"}])
def test_worlds_of_two_campaigns_are_refused(tmp_path: Path, other: dict[str, object]) -> None:
    file = ResultsFile(tmp_path / "worlds.jsonl")
    file.append(WORLD)
    file.check_same(WORLD)
    with pytest.raises(ResultsFileError, match="two campaigns; name another folder"):
        file.check_same({**WORLD, **other})


def test_only_one_campaign_writes_a_file_at_a_time(tmp_path: Path) -> None:
    file = ResultsFile(tmp_path / "worlds.jsonl")
    with file.locked(), pytest.raises(ResultsFileError, match="another campaign"), file.locked():
        pass
    with file.locked():
        pass


def test_a_number_that_is_none_is_refused(tmp_path: Path) -> None:
    file = ResultsFile(tmp_path / "worlds.jsonl")
    with pytest.raises(ValueError, match="JSON"):
        file.append({**WORLD, "lab_s": float("nan")})
    assert file.read() == []
