"""Outcomes for the branches of a program, drawn by a seed."""

import random

from tests.benches.compilers.qblox_oracle import Dice

from podium.control.program.program import Capture, Program, walk
from podium.control.program.render import Outcomes

TRIES = 8


def dice_of(program: Program, seed: int = 1) -> Dice:
    names = [one.name for _, one in walk(program.body) if isinstance(one, Capture)]

    def dice(repetition: int, point: int) -> Outcomes:
        rng = random.Random(f"{seed} {repetition} {point}")
        return {name: [rng.randrange(2) for _ in range(TRIES)] for name in names}

    return dice
