import pytest
from tests.benches.records.recorded_runs import NOON_S, outcome_of, wanted

from podium.control.bus.records import FindRuns
from podium.control.records.pruning import PruneRule, prunable, prune
from podium.control.records.record_check import check
from podium.control.records.record_folder import RecordFolder

SIZE = 1000


@pytest.fixture
def records(tmp_path):
    with RecordFolder(tmp_path / "records") as folder:
        for number in range(6):
            folder.keep(wanted(f"1-{number}", number, content=b"x" * SIZE))
        folder.keep_outcome(outcome_of("1-0", "1-1"))
        folder.index.label("1-2", "ann", NOON_S, ["keep"], [], "")
        folder.index.label("1-4", "ann", NOON_S, ["bad"], [], "")
        yield folder


def gone(records, rule: PruneRule, named=()) -> list[str]:
    return [one.run for one in prunable(records, rule, named).files]


def test_rules_hold_together_and_what_parameters_come_from_stays(records) -> None:
    assert gone(records, PruneRule(before_s=NOON_S + 240)) == ["1-0", "1-3"]
    assert gone(records, PruneRule(), named={"1-0", "1-5"}) == ["1-3", "1-4"]
    assert gone(records, PruneRule(tag="bad")) == ["1-4"]
    assert gone(records, PruneRule(above_bytes=SIZE)) == []
    assert gone(records, PruneRule(room_bytes=5 * SIZE)) == ["1-0"]
    assert prunable(records, PruneRule(), ()).protected == ("1-1", "1-2")


def test_what_was_pruned_is_still_known_and_the_rest_is_whole(records) -> None:
    found = prunable(records, PruneRule(before_s=NOON_S + 240), ())
    assert len(list(prune(records, found))) == 2
    files = {one.run: one.file for one in records.index.find(FindRuns())}
    assert [run for run, file in files.items() if not file] == ["1-3", "1-0"]
    assert not list(check(records))


def test_killed_in_the_middle_it_leaves_no_run_without_its_file(records) -> None:
    rest = prune(records, prunable(records, PruneRule(), ()))
    next(rest)
    rest.close()
    assert all(one.harmless for one in check(records))
