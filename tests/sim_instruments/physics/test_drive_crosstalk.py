"""Pulses on one qubit's drive line reach another: in whole runs, in sessions, in drawn worlds."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.docs.pages import ROOT
from tests.benches.physics.chip import FEEDLINE, MATRIX, QUBITS
from tests.benches.physics.coupled_chip import (
    CHARGES,
    EXCHANGE_HZ,
    LINES,
    NAMES,
    flip,
    quanta_where,
    run,
    square,
)
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.chip import Chip
from podium.sim_instruments.physics.episodes import episodes_of
from podium.sim_instruments.physics.feedline_run import FeedlineRun
from podium.sim_instruments.physics.feedline_session import RunStart
from podium.sim_instruments.physics.joint.joint_run import clusters_of
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.short_run import driven_ns
from podium.sim_instruments.physics.signals import PulseTrain
from podium.sim_instruments.physics.spurs import HeardSpurs, without_faint_crosstalk
from podium.sim_instruments.physics.truth import truth
from podium.sim_instruments.physics.world import World
from podium.sim_instruments.physics.world_file import WorldFileError, read_world, write_world

READ_NS, EPOCH_NS = 320, 1_000_000
RATIOS = {NAMES: 0.1 * np.exp(1j), NAMES[::-1]: 0.15 * np.exp(-2j)}
FIXED = ROOT / "examples" / "two_qubit" / "facility_fixed.yaml"
PLACE = "    edges:\n"
SAYS = "    drive_crosstalk: {value: 0.03, spread: 0.02}\n"


def chip_with(ratios: dict, exchange_hz: float = 0.0) -> Chip:
    """The bench's pair; the line of q1 is 3 ns longer than that of q0."""
    qubits = [QUBITS[0], replace(QUBITS[1], drive_delay_ns=48.0)]
    couplings = {NAMES: exchange_hz / CHARGES[0] / CHARGES[1]} if exchange_hz else {}
    return Chip(qubits, [FEEDLINE], MATRIX, np.zeros(2), couplings, crosstalk=ratios)


def world_of(chip: Chip) -> World:
    return World(chip.at, 3, LINES, chip, crosstalk=chip.drive_crosstalk)


def at_the_frequency_of(qubit: int, other: int, starts: list[int], angle: float) -> PulseTrain:
    """A pulse on the line of one qubit with the other's carrier."""
    return replace(flip(other, starts, angle), line=f"{NAMES[qubit]}.drive")


def in_a_session(chip: Chip, played: list[PulseTrain]) -> dict[str, np.ndarray]:
    session = world_of(chip).begin(RunStart(1, 0, chip.sweet_spots_v()))
    session.go_on(run(played, [READ_NS], EPOCH_NS).drives, [], [])
    earlier = dict(zip(NAMES, (35, 32), strict=True))  # than a tone, a drive is there
    return {
        name: session.populations(FEEDLINE.name, READ_NS + ns)[name]
        for name, ns in sorted(earlier.items(), key=lambda one: one[1])
    }


def in_a_whole_run(chip: Chip, played: list[PulseTrain]) -> dict[str, np.ndarray]:
    """Populations at the first reading of qubits that share a state."""
    spots = chip.sweet_spots_v()
    signals = run(played, [READ_NS], EPOCH_NS)
    (point,) = chip.at(spots)
    spread = chip.drive_crosstalk.spread(signals.drives)
    drives = tuple(without_faint_crosstalk(point, spread))
    whole = FeedlineRun(point, replace(signals, drives=drives), 3, LINES.fluxes, chip)
    fluxes = [train for train in drives if train.line in LINES.fluxes]
    (names,) = clusters_of(point, whole.signals, chip, fluxes)
    tones = [train for train in drives if train.line == FEEDLINE.name]
    episodes = episodes_of(point, tones, signals.captures, driven_ns(whole.signals, point))
    cluster = whole._cluster(whole.signals, names, episodes, HeardSpurs(point))
    basis = cluster.point.basis
    joint = cluster.columns.column(int(cluster.blocks.kind[-1]), basis.index(0, 0))
    return {name: np.bincount(basis.level[:, m], joint, 4) for m, name in enumerate(NAMES)}


def test_a_lone_qubit_is_turned_by_its_frequency_on_the_others_line() -> None:
    chip = chip_with({NAMES[::-1]: 0.2 + 0j})
    played = [at_the_frequency_of(0, 1, [20 + 60 * k], 1.0) for k in range(4)]
    found = in_a_session(chip, played)
    angle = 4 * 0.2 * np.pi
    assert found[NAMES[1]][1] == pytest.approx(np.sin(angle / 2) ** 2, abs=0.03)
    assert found[NAMES[0]][1] < 0.03, "far from its own frequency"
    assert in_a_session(chip_with({}), played)[NAMES[1]][1] < 0.02


def test_the_own_line_cancels_what_comes_from_another() -> None:
    """At q1 the two meet where its own pulse leaves 3 ns earlier, on the longer line."""
    chip = chip_with({NAMES[::-1]: 0.2 + 0j})
    other = at_the_frequency_of(0, 1, [100], 2.0)
    own = replace(flip(1, [97], 0.4), phase_turns=other.phase_turns + 0.5)
    assert in_a_session(chip, [other])[NAMES[1]][1] > 0.3
    assert in_a_session(chip, [other, own])[NAMES[1]][1] < 0.02


def test_populations_of_a_session_are_those_of_the_whole_run_at_one_time() -> None:
    """Both are driven at one time; then a flux pulse brings them together, and again."""
    chip = chip_with(RATIOS, EXCHANGE_HZ)
    played = [
        flip(0, [20], 0.5),
        flip(1, [30], 0.5),
        square([110], quanta_where(1), 45),
        at_the_frequency_of(0, 1, [230], 0.7),
        flip(1, [240], 0.5, 0.4),
    ]
    found, expected = in_a_session(chip, played), in_a_whole_run(chip, played)
    for name in NAMES:
        assert found[name] == pytest.approx(expected[name], abs=1e-6)
    without = in_a_session(chip_with({}, EXCHANGE_HZ), played)
    assert max(abs(without[name] - found[name]).max() for name in NAMES) > 0.005


def test_what_nobody_feels_is_left_out() -> None:
    chip = chip_with({NAMES[::-1]: 1e-4 + 0j})
    (point,) = chip.at(chip.sweet_spots_v())
    spread = chip.drive_crosstalk.spread([flip(0, [20]), at_the_frequency_of(0, 1, [80], 1.0)])
    assert [one.spur for one in spread] == ["", "", "crosstalk", "crosstalk"]
    left = without_faint_crosstalk(point, spread)
    assert [(one.line, one.spur) for one in left[2:]] == [(f"{NAMES[1]}.drive", "crosstalk")]
    assert left[2].start_ns.tolist() == [77], "the line of q1 is 3 ns longer"


def written(text: str, folder: Path) -> Path:
    file = folder / "facility.yaml"
    file.write_text(text)
    return file


def test_a_world_has_crosstalk_where_its_file_says_so_and_is_the_same_without(
    tmp_path: Path,
) -> None:
    text = FIXED.read_text()
    assert PLACE in text
    plain = sample(FIXED, 5)
    world = sample(written(text.replace(PLACE, SAYS + PLACE, 1), tmp_path), 5)
    node, before = world.nodes["node_a"], plain.nodes["node_a"]
    assert before.drive_crosstalk == {}
    assert node.model_copy(update={"drive_crosstalk": {}}) == before
    assert {(a, b) for a, by in node.drive_crosstalk.items() for b in by} == {
        ("q0", "q1"),
        ("q1", "q0"),
    }
    write_world(world, tmp_path / "twin.yaml")
    assert read_world(tmp_path / "twin.yaml") == world
    told = truth(world.chip(), optima=False)
    for own, other in (("q0", "q1"), ("q1", "q0")):
        known = node.drive_crosstalk[own][other]
        assert 0 <= known.amplitude.value <= 0.03 + 2.5 * 0.02
        size = told[f"node_a.{own}.drive_crosstalk_{other}"]
        assert size.value == pytest.approx(known.amplitude.value)
    assert not any("drive_crosstalk" in name for name in truth(plain.chip(), optima=False))


def test_phases_of_many_worlds_are_anything(tmp_path: Path) -> None:
    file = written(FIXED.read_text().replace(PLACE, SAYS + PLACE, 1), tmp_path)
    drawn = [sample(file, seed) for seed in range(cases(12, 40))]
    worlds = [one.nodes["node_a"].drive_crosstalk["q0"]["q1"] for one in drawn]
    turns = np.sort([one.phase.value for one in worlds])
    assert turns[0] < -0.3
    assert turns[-1] > 0.3
    assert np.std([one.amplitude.value for one in worlds]) == pytest.approx(0.02, rel=0.5)


def test_a_twin_file_that_names_no_qubit_is_refused(tmp_path: Path) -> None:
    file = written(FIXED.read_text().replace(PLACE, SAYS + PLACE, 1), tmp_path)
    write_world(sample(file, 1), tmp_path / "twin.yaml")
    text = (tmp_path / "twin.yaml").read_text()
    (tmp_path / "twin.yaml").write_text(
        text.replace("      q1:\n        q0:\n", "      q7:\n        q0:\n")
    )
    with pytest.raises(WorldFileError, match="drive_crosstalk names q7"):
        read_world(tmp_path / "twin.yaml")
