"""Whatever lies where records should, they answer in words, and take nothing away."""

import json
import os
import random
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from tests.benches.records.mutated_records import KINDS
from tests.benches.records.recorded_runs import NOON_S, outcome_of, wanted
from tests.benches.thoroughness import cases

from podium.control.bus.records import FindRuns
from podium.control.records.record_check import check
from podium.control.records.record_folder import DATA, INDEX, RecordFolder
from podium.control.records.records_error import NoRun, RecordsError


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("whole") / "records"
    with RecordFolder(folder) as records:
        for number in range(30):
            records.keep(wanted(f"1-{number}", number, content=bytes([number]) * 500))
        records.keep_outcome(outcome_of("1-1", "1-2"))
        records.index.label("1-3", "ann", NOON_S, ["good"], [], "the fridge was warm")
    return folder


def damaged(content: bytes, chance: random.Random) -> bytes:
    found = bytearray(content)
    match chance.randrange(5):
        case 0:
            return bytes(found[: chance.randrange(len(found))])
        case 1:
            begin = chance.randrange(len(found))
            return bytes(found[:begin] + found[begin + chance.randrange(1, 600) :])
        case 2:
            return bytes(found) + chance.randbytes(chance.randrange(1, 5000))
        case 3:
            begin = chance.randrange(len(found))
            found[begin : begin + 200] = chance.randbytes(200)
            return bytes(found)
        case _:
            for _ in range(chance.randrange(1, 20)):
                found[chance.randrange(len(found))] = chance.randrange(256)
            return bytes(found)


def use(folder: Path) -> list[str]:
    """Do with records all that one can; return what they say where they cannot.

    What they raise has to be theirs.
    """
    said: list[str] = []
    try:
        records = RecordFolder(folder)
    except RecordsError as error:
        return [str(error)]
    with records:
        for work in (
            lambda: list(check(records)),
            lambda: records.index.find(FindRuns(qubit="q0", words="warm")),
            lambda: records.index.find(FindRuns()),
            lambda: records.index.outcome("1-1"),
            lambda: records.content(records.located("1-3")),
            lambda: records.keep(wanted("9-1", content=b"new")),
            lambda: records.index.label("1-4", "ann", 0.0, ["x"], [], "y"),
        ):
            try:
                work()
            except (RecordsError, NoRun) as error:
                said.append(str(error))
    return said


def test_a_damaged_index_is_told_in_a_line_and_no_data_are_taken_away(
    whole: Path, tmp_path: Path
) -> None:
    chance = random.Random(22)
    content = (whole / INDEX).read_bytes()
    names = sorted(path.relative_to(whole) for path in (whole / DATA).rglob("*.nc"))
    place = tmp_path / "records"
    shutil.copytree(whole / DATA, place / DATA)
    for _ in range(cases(30, 5000)):
        for old in place.glob(f"{INDEX}*"):
            old.unlink()
        (place / INDEX).write_bytes(damaged(content, chance))
        assert all(line.strip() and "\n" not in line for line in use(place))
        have = {path.relative_to(place) for path in (place / DATA).rglob("*.nc")}
        assert set(names) <= have
        assert (place / INDEX).exists()


def test_a_damaged_file_of_data_is_told_in_a_line(whole: Path, tmp_path: Path) -> None:
    chance = random.Random(23)
    place = tmp_path / "records"
    shutil.copytree(whole, place)
    with RecordFolder(place) as records:
        path = records.path_of(records.index.file("1-3", "data"))
        content = path.read_bytes()
        for _ in range(cases(30, 5000)):
            path.write_bytes(wrong := damaged(content, chance))
            if wrong == content:
                continue
            assert [one.run for one in check(records)] == ["1-3"]
            with pytest.raises(RecordsError, match="1-3"):
                records.content(records.located("1-3"))
        os.unlink(path)
        os.mkdir(path)
        with pytest.raises(RecordsError, match="1-3"):
            records.content(records.located("1-3"))


@pytest.mark.slow
@pytest.mark.timeout(1_200)
def test_commands_over_mutants_answer_in_words_and_take_nothing_away() -> None:
    """Of 10,000 by hand: ``python -m tests.benches.records.mutated_records 10000 SEED``."""
    words = [sys.executable, "-m", "tests.benches.records.mutated_records", "300", "22"]
    done = subprocess.run(words, stdout=subprocess.PIPE, check=True, cwd=Path(__file__).parents[3])
    told = json.loads(done.stdout)
    assert not told["wrong"], "\n".join(told["wrong"])
    assert set(told["tried"]) == set(KINDS)
