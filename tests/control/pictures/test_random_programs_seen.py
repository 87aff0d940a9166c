"""Whatever the compiler can make is the same in both, can be drawn, listed and told."""

from xml.etree import ElementTree

import pytest
from hypothesis import HealthCheck, event, given, settings
from tests.benches.compilers.picture_cases import CLUSTER, case_of
from tests.benches.programs.random_programs import programs
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.pictures.code_comparison import compare, points_of
from podium.control.pictures.drawing import draw
from podium.control.pictures.events import table
from podium.control.pictures.listing import annotated, resources, statements
from podium.control.program.program import Program
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import emulate

QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)


@settings(QUIET, max_examples=cases(25, 60))
@given(programs())
def test_random_programs_are_seen_as_they_are(program: Program) -> None:
    look(program)


@pytest.mark.slow
@pytest.mark.timeout(1800)
@settings(QUIET, max_examples=2000)
@given(programs())
def test_many_random_programs_are_seen_as_they_are(program: Program) -> None:
    look(program)


def look(program: Program) -> None:
    try:
        case = case_of(program)
        points = points_of(case, 20)
        seen = list(compare(case, points, emulate))
    except DoesNotFit as refusal:
        event(str(refusal)[:40])
        return
    assert [one.differences for one in seen] == [()] * len(points)
    last = seen[-1]
    ElementTree.fromstring(draw([last.meant, last.played], program.name))
    for view in (last.meant, last.played):
        assert table(view).count("\n") >= 1 + sum(len(lane.stretches) for lane in view.lanes)
    artifact = case.artifacts[CLUSTER]
    assert resources(program, artifact)
    assert len(statements(program).splitlines()) == len(program.body)
    assert annotated(program, artifact)
