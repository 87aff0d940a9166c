"""What is played becomes heat at stages of a fridge, bin by bin of world time."""

import numpy as np
import pytest

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_stages import COLD_PLATE, MIXING_CHAMBER, SECOND_STAGE
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.servers.line_heat import energy_j, heat_of, stage_powers
from podium.sim_instruments.servers.playback_heat import BIN_FS, PlaybackHeat

START_FS = 1_800_000_000 * FS_PER_S + 123
RUN = ("cluster_a", 1, "0")


def train(line: str, pieces: tuple[Piece, ...], which: list[int]) -> PulseTrain:
    starts = np.arange(len(which), dtype=np.int64) * 1000
    return PulseTrain(line, starts, np.array(which, np.int32), np.zeros(len(which)), pieces, "0")


def at(seconds: float) -> int:
    return START_FS + round(seconds * FS_PER_S)


def test_energy_is_that_of_samples_and_of_the_level_they_leave() -> None:
    sampled = Piece(5e9, np.full(40, 0.03 + 0.04j), 0.0, 40)  # 2.5 mW
    held = Piece(5e9, np.full(10, 0.1 + 0j), 0.02, 110)  # 10 mW, then 0.4 mW
    one = train("node_a.q0.drive", (sampled, held), [0, 1, 0])
    assert energy_j(one) == pytest.approx(2 * 2.5e-3 * 40e-9 + (10e-3 * 10 + 0.4e-3 * 100) * 1e-9)
    assert energy_j(train("node_a.q0.drive", (), [])) == 0.0


def test_attenuators_take_up_what_krinner_says_and_all_of_it_is_kept() -> None:
    heat = stage_powers(1e-3, 60.0)
    assert heat[SECOND_STAGE] == pytest.approx(0.99e-3)
    assert heat[COLD_PLATE] == pytest.approx(9.9e-6)
    assert heat[MIXING_CHAMBER] == pytest.approx(0.1e-6)
    for attenuation_db in (0.0, 10.0, 66.0):
        assert sum(stage_powers(1e-3, attenuation_db).values()) == pytest.approx(1e-3)


def test_lines_heat_their_own_node_s_fridge_and_others_nothing() -> None:
    piece = Piece(5e9, np.zeros(0, np.complex128), 0.1, 500)  # 10 mW
    lines = ("node_a.q0.drive", "node_a.feedline", "node_b.q0.drive", "node_b.q0.flux")
    trains = [train(line, (piece,), [0, 0]) for line in lines]
    known = dict.fromkeys(lines[:3], 60.0)
    heat = heat_of(trains, known, 10_000)
    assert heat.keys() == {"node_a", "node_b"}
    mean_w = 10e-3 * 1000 / 10_000
    assert heat["node_a"]["0"][COLD_PLATE] == pytest.approx(2 * 9.9e-3 * mean_w)
    assert heat["node_b"]["0"][COLD_PLATE] == pytest.approx(9.9e-3 * mean_w)


def test_a_thousand_short_runs_are_one_change_and_their_mean() -> None:
    heat = PlaybackHeat(START_FS)
    for number in range(1000):
        run = ("cluster_a", number, "0")
        heat.add(run, at(0.01 * number), at(0.01 * number + 0.005), {COLD_PLATE: 1e-4})
    (change,) = heat.take(at(10.0))
    assert change[0] == at(10.0)
    assert change[1] == {COLD_PLATE: pytest.approx(5e-5)}
    assert heat.take(at(19.9)) == []
    assert heat.take(at(86_400.0)) == [(at(20.0), {COLD_PLATE: 0.0})]


@pytest.mark.parametrize("step_s", [1.0, 7.0, 400.0])
def test_what_is_taken_does_not_depend_on_who_looks_when(step_s: float) -> None:
    heat = PlaybackHeat(START_FS)
    heat.add(RUN, at(3.0), at(256.0), {COLD_PLATE: 1e-4})
    found = []
    for n in range(1, 1 + int(400 // step_s)):
        found += heat.take(at(n * step_s))
    assert [(when - START_FS) // BIN_FS for when, _ in found] == [1, 2, 26, 27]
    powers = [watts[COLD_PLATE] for _, watts in found]
    assert powers == pytest.approx([0.7e-4, 1e-4, 0.6e-4, 0.0])


def test_a_run_that_is_stopped_heats_no_longer() -> None:
    heat = PlaybackHeat(START_FS)
    heat.add(RUN, at(0.0), at(3600.0), {COLD_PLATE: 1e-4})
    heat.add(("cluster_a", 1, "1"), at(0.0), at(10.0), {COLD_PLATE: 2e-4})
    heat.stop(RUN, at(25.0))
    powers = [watts[COLD_PLATE] for _, watts in heat.take(at(100.0))]
    assert powers == pytest.approx([3e-4, 1e-4, 0.5e-4, 0.0])


def test_what_is_told_too_late_heats_later_and_no_energy_is_lost() -> None:
    heat = PlaybackHeat(START_FS)
    heat.take(at(50.0))
    heat.add(RUN, at(30.0), at(45.0), {COLD_PLATE: 1e-4})
    heat.stop(RUN, at(40.0))
    found = heat.take(at(100.0))
    assert found == [(at(60.0), {COLD_PLATE: pytest.approx(1e-4)}), (at(70.0), {COLD_PLATE: 0.0})]
