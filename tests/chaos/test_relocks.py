"""A re-lock at any instant between PREPARE and T0, a thousand times."""

import pytest
from tests.chaos.scheduler import ms
from tests.chaos.world import World

from podium.control.runs.agent_values import Margins
from podium.control.runs.coordinator_values import Submitted
from podium.control.runs.journal import JobEnded

GUARD_FS = Margins().guard_fs


class OneRunAtATime(World):
    """Two nodes, no faults but the re-locks that the test makes."""

    def __init__(self) -> None:
        super().__init__("re-locks", 0)
        self.ended: list[JobEnded] = []
        self._start_coordinator()
        self.scheduler.run(ms(1_000), lambda: False)

    def told(self, state) -> None:
        if isinstance(state, JobEnded):
            self.ended.append(state)

    def play(self, number: int) -> JobEnded:
        """Run one program on the first two nodes until its end."""
        submitted = Submitted(f"job {number}", f"job {ms(0.1)}", self.names[:2])
        self.coordinators[-1].hear(submitted)
        now_fs = self.scheduler.now_fs
        self.scheduler.run(now_fs + ms(3_000), lambda: len(self.ended) > number)
        return self.ended[number]


@pytest.mark.parametrize("times", [200, pytest.param(1_000, marks=pytest.mark.slow)])
def test_a_relock_before_the_guard_is_refused_and_one_within_it_discards_the_run(times) -> None:
    world = OneRunAtATime()
    plant = world.plants[world.names[0]]
    refused = within_guard = number = 0
    while refused < times:
        relocked_fs = world.scheduler.now_fs + ms(world.draw.uniform(3, 50))
        relock = plant.relock_controller if number % 2 else plant.relock_timing
        world.scheduler.at(relocked_fs, relock)
        played = len(plant.played)
        ended = world.play(number)
        number += 1
        t0_fs = world.t0_fs(ended.run)
        if relocked_fs > world.scheduler.now_fs:  # it was over by then
            world.scheduler.run(relocked_fs, lambda: False)
        elif relocked_fs < plant.loaded_fs:
            pass  # it was prepared under the new epoch
        elif ended.late:  # one in some thousands: FIRE was longer on its way than ever
            assert len(plant.played) == played
        elif t0_fs is None or relocked_fs < t0_fs - GUARD_FS:
            assert "epoch" in ended.failed
            assert len(plant.played) == played
            refused += 1
        elif relocked_fs < t0_fs:
            assert ended.failed
            assert ended.data == ()
            within_guard += 1
    assert within_guard > times // 50
