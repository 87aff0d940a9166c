"""Shots of a run end on the grids of all controllers that play it."""

from pathlib import Path

import numpy as np
import pytest

from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility
from podium.control.families.shot_grid import on_shot_grid
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    Variable,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

LINKED = Path(__file__).parents[3] / "examples" / "linked"
MIXED = load_facility(LINKED / "facility_mixed.yaml")
"""node_a is on a cluster, node_b on a rack of Zurich Instruments."""


def program(nodes: str, ns: int, step_ns: int = 0) -> Program:
    frames = tuple(Frame(f"{one}.drive", f"node_{one}.q0.drive", 6e9) for one in nodes)
    last = frames[-1].name
    wait = Variable("wait", "fs", Linear(0.0, 3.0 * step_ns * FS_PER_NS, 4))
    body = (
        *(Play(one.name, Square(ns=40), 0.1) for one in frames),
        Delay((last,), ns=ns - 40),
        Delay((last,), Affine("wait")),
    )
    return Program("shots", frames, body, (Axis("wait", (wait,)),), shots=10)


def lengths_ns(one: Program) -> list[int]:
    return np.unique(place_in_fs(one).shot_fs // FS_PER_NS).tolist()


@pytest.mark.parametrize(
    ("nodes", "ns", "lasts"),
    [
        ("a", 1004, 1004),
        ("a", 1001, 1001),
        ("b", 1004, 1008),
        ("ab", 1004, 1008),
        ("ab", 1001, 1008),
    ],
)
def test_a_shot_lasts_a_whole_number_of_the_coarsest_grid_that_plays_it(
    nodes: str, ns: int, lasts: int
) -> None:
    assert lengths_ns(on_shot_grid(program(nodes, ns), MIXED)) == [lasts]


def test_what_fits_stays_as_it_is() -> None:
    fits = program("ab", 1000)
    assert on_shot_grid(fits, MIXED) is fits


def test_shots_that_differ_by_whole_grids_are_all_ended_on_it() -> None:
    assert lengths_ns(on_shot_grid(program("ab", 1004, 8), MIXED)) == [1008, 1016, 1024, 1032]
    uneven = program("ab", 1000, 4)
    assert on_shot_grid(uneven, MIXED) is uneven
