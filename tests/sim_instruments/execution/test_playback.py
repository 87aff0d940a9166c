"""Long runs go to the world one after the other, short ones beside them."""

from contextlib import AbstractContextManager
from threading import Lock

from podium.sim_instruments.execution.playback import LONG_RUN_ROWS, long_run_turn
from podium.sim_instruments.physics.dialogue import Dialogue
from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals


class _Play:
    """A world that nothing is played on."""

    def __call__(self, signals: RunSignals, /) -> tuple[CaptureAnswer, ...]:
        raise AssertionError("nothing is played")

    def begin(self, run: int, start_tai_fs: int) -> Dialogue:
        raise AssertionError("nothing is begun")


class _PlayWithTurns(_Play):
    def __init__(self) -> None:
        self.lock = Lock()

    def turn(self) -> AbstractContextManager[object]:
        return self.lock


def test_a_long_run_has_the_turn_for_itself_and_a_short_one_needs_none() -> None:
    play = _PlayWithTurns()
    with long_run_turn(play, LONG_RUN_ROWS):
        assert play.lock.locked()
        with long_run_turn(play, LONG_RUN_ROWS - 1):
            pass
    assert not play.lock.locked()


def test_a_world_without_turns_plays_long_runs_as_they_come() -> None:
    play = _Play()
    with long_run_turn(play, LONG_RUN_ROWS), long_run_turn(play, LONG_RUN_ROWS):
        pass
