"""Branches in pictures and listings, and machine code that takes them compared with the program."""

import pytest
from tests.benches.compilers.picture_cases import CLUSTER, case_of, damaged
from tests.benches.programs.branch_programs import branch_programs

from podium.control.pictures.code_comparison import ComparedProgram
from podium.control.pictures.drawing import draw
from podium.control.pictures.events import table
from podium.control.pictures.listing import annotated, statements
from podium.control.pictures.points import results_of
from podium.control.program.program import Capture, walk
from podium.control.report.program_pictures import judge
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

PROGRAMS = branch_programs()
CASES = {name: case_of(program) for name, program in PROGRAMS.items()}


def with_results(case: ComparedProgram, result: int) -> ComparedProgram:
    names = [one.name for _, one in walk(case.program.body) if isinstance(one, Capture)]
    return ComparedProgram(case.program, case.artifacts, case.targets, dict.fromkeys(names, result))


@pytest.mark.parametrize("result", [0, 1])
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_code_of_branches_plays_what_the_program_means(name: str, result: int) -> None:
    case = with_results(CASES[name], result)
    verdict = judge(case, tuple(0 for _ in case.shape), only=False, emulate=emulate)
    assert verdict.differences == ()


def test_a_condition_that_is_turned_round_is_found() -> None:
    case = with_results(CASES["active reset"], 1)
    bad = damaged(case, "q0.drive", "set_cond 1,1,2,", "set_cond 1,1,3,")
    verdict = judge(bad, (), only=True, emulate=emulate)
    (difference,) = verdict.differences[:1]
    assert "its amplitude is 0 of full scale" in difference[1].what


def test_a_diagram_shows_both_branches_with_their_conditions() -> None:
    case = CASES["then and else"]
    view = case.view(())
    (drive,) = [lane for lane in view.lanes if lane.frame == "q0.drive"]
    assert [one.condition for one in drive.stretches] == ["m = 1", "m = 0", "m = 0", ""]
    assert "if m = 1: play Drag 40 ns" in table(view)
    svg = draw([view], "then and else")
    assert svg.count('class="i maybe"') == 3
    assert "if m = 0: " in svg


def test_with_results_one_shot_is_shown() -> None:
    view = with_results(CASES["then and else"], 1).view(())
    (drive,) = [lane for lane in view.lanes if lane.frame == "q0.drive"]
    assert [one.condition for one in drive.stretches] == ["m = 1", ""]


def test_a_listing_tells_branches_and_their_conditions() -> None:
    case = CASES["until 0"]
    said = statements(case.program)
    assert "RepeatUntil" in said
    assert "m = 0, at most 3 times" in said
    assert "    Play" in said
    code = annotated(case.program, case.artifacts[CLUSTER])
    assert "if no trigger 1: play [6] Drag" in code
    assert "forget results" in code


def test_results_are_of_captures_that_have_them() -> None:
    program = PROGRAMS["then and else"]
    assert results_of("", program) is None
    assert results_of("m=1", program) == {"m": 1}
    with pytest.raises(ValueError, match="no capture 'n' has results; there are: m"):
        results_of("n=1", program)
    with pytest.raises(ValueError, match=r"a result is 0 or 1, e\.g\. m=1"):
        results_of("m=2", program)
