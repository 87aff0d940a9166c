import pytest
from tests.benches.demo.fake_lab import FakeLab

from podium.control.bus.messages import FacilityStatus
from podium.control.client.retry import RetryingRunner
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed, RunRefused

PROGRAM = Program("wait", (), ())


class Losing(FakeLab):
    """Loses the first runs."""

    def __init__(self, errors: list[Exception], missing: tuple[str, ...] = ()) -> None:
        super().__init__()
        self.errors, self.missing, self.asked = errors, missing, 0

    async def run(self, program: Program, **_: object):
        self.asked += 1
        if self.errors:
            raise self.errors.pop(0)
        return "data"

    async def ready(self, within_s: float) -> FacilityStatus:
        return FacilityStatus("two_nodes", (), self.missing, 0, 0)


GONE = "agent node_b is gone: nothing was heard of it for 0.7 s"


async def test_a_run_that_was_lost_is_run_once_more_when_all_are_there_again() -> None:
    lab, lost = Losing([RunFailed(GONE)]), []
    assert await RetryingRunner(lab, lost).run(PROGRAM) == "data"
    assert lost == [GONE]


async def test_one_that_is_lost_twice_is_lost() -> None:
    lab = Losing([RunFailed(GONE), RunFailed("again")])
    with pytest.raises(RunFailed, match="again"):
        await RetryingRunner(lab, []).run(PROGRAM)


async def test_where_somebody_stays_away_the_first_reason_is_told() -> None:
    lab, lost = Losing([RunFailed(GONE)], missing=("agent node_b: gone",)), []
    with pytest.raises(RunFailed, match="agent node_b is gone"):
        await RetryingRunner(lab, lost).run(PROGRAM)
    assert (lab.asked, lost) == (1, [])


async def test_a_refusal_is_not_repeated() -> None:
    lab = Losing([RunRefused("no such port")])
    with pytest.raises(RunRefused):
        await RetryingRunner(lab, []).run(PROGRAM)
    assert lab.asked == 1
