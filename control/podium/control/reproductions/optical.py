"""Reproduces rate and fidelity of two-click optical links as SeQUeNCe 1.3.1 simulates them.

SeQUeNCe's figures were counted by its own nodes, memories, station and protocol of Barrett and Kok
(``tests/referees/stacks/sequence_lab.py``, seeds 101 to 606); ``make test-stacks STACKS=sequence``
counts anew. Ours are counts of ``podium twin herald``: the twin's physics, another seed.
"""

import json
import math
from dataclasses import dataclass

from podium.control.processes.child_processes import call, podium
from podium.control.reproductions.quantities import Quantity, Reproduction

SOURCE = "SeQUeNCe 1.3.1 (Wu et al., Quantum Sci. Technol. 6, 045027 (2021)), counted here"
MODEL = (
    "two-click herald station of the twin, attempts sampled one by one, each pair measured along "
    "one axis by perfect readout; no machine code: no instrument plays this link yet"
)
ATTEMPTS = 400_000
PERIOD_S = 1e-5


@dataclass(frozen=True, slots=True)
class Counted:
    """One link, and what SeQUeNCe counted on it."""

    name: str
    transmission: float
    """Of each arm."""
    efficiency: float
    """Of each detector."""
    visibility: float
    """SeQUeNCe has the fidelity of its pairs as input, ``(1 + V)/2``."""
    attempts: int
    made: int
    good: float
    """Sum of all pairs' overlaps with the Bell state."""


COUNTED = (
    Counted("eta 0.32", 0.4, 0.8, 0.86, 140_000, 7157, 6630.0),
    Counted("eta 0.10", 0.2, 0.5, 0.90, 90_000, 427, 404.0),
    Counted("eta 0.81", 0.9, 0.9, 0.70, 60_000, 19_727, 16_785.0),
)


async def reproduce_optical(seed: int) -> Reproduction:
    """Return rates (pairs in an attempt) and Bell fidelities of all links, beside SeQUeNCe's.

    Raises ``ProcessFailed`` where there is no simulation.
    """
    quantities: list[Quantity] = []
    for number, link in enumerate(COUNTED):
        quantities += await _compared(link, seed + number)
    return Reproduction("optical", SOURCE, tuple(quantities))


async def _compared(link: Counted, seed: int) -> list[Quantity]:
    words = podium(
        *("twin", "herald", "two-clicks", "--transmission", link.transmission),
        *("--efficiency", link.efficiency, "--visibility", link.visibility),
        *("--period", PERIOD_S, "--attempts", ATTEMPTS, "--seed", seed, "--json"),
    )
    found = json.loads(await call("podium twin herald", words))
    theirs, ours = link.made / link.attempts, found["heralds"] / found["attempts"]
    overlap = link.good / link.made
    return [
        Quantity(
            "rate",
            theirs,
            _spread(theirs, link.attempts),
            ours,
            _spread(ours, found["attempts"]),
            f"{link.name}, pairs in an attempt: {MODEL}",
        ),
        Quantity(
            "bell_fidelity",
            overlap,
            _spread(overlap, link.made),
            found["fidelity"],
            found["fidelity_sigma"],
            f"{link.name}: {MODEL}",
        ),
    ]


def _spread(part: float, of: int) -> float:
    """Return the standard deviation of a part that was counted."""
    return math.sqrt(part * (1.0 - part) / of)
