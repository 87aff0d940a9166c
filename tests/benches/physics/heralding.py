"""A plain Monte Carlo of heralding: photon by photon, window by window, one attempt after another.

It shares no formula with the states and the sampler that it judges.
"""

import math
import random
from dataclasses import dataclass

from podium.sim_instruments.physics.links.heralded_link import HeraldedLink, Scheme


@dataclass(frozen=True, slots=True)
class Counted:
    """What came of a Monte Carlo."""

    attempts: int
    heralds: int
    fidelity: float
    """Half of the odd heralds, and half of what their coherences are worth. Arms are alike."""
    sigma: float
    """Standard deviation of the fidelity."""


def plain_monte_carlo(link: HeraldedLink, attempts: int, seed: int) -> Counted:
    """Return what a station would count, every detector with its clock."""
    drawn = random.Random(seed)
    free = [-1.0, -1.0]
    window = 0
    heralds, odd, kept = 0, 0, 0.0
    for _ in range(attempts):
        qubits = [int(drawn.random() < link.alpha) for _ in range(2)]
        clicks, paths = [], []
        for number in range(1 if link.scheme is Scheme.ONE_CLICK else 2):
            emitted = [q ^ number for q in qubits]
            seen, path = _window(link, emitted, free, float(window), drawn)
            window += 1
            paths.append(path)
            clicks.append(seen)
            if len(seen) != 1:
                break
        wanted = 1 if link.scheme is Scheme.ONE_CLICK else 2
        if len(clicks) == wanted and all(len(seen) == 1 for seen in clicks):
            heralds += 1
            odd += qubits[0] != qubits[1]
            # A coherence is there where both qubits' photons could have made these very clicks.
            if qubits[0] != qubits[1] and all(paths):
                kept += link.visibility ** (0.5 * wanted)
    fidelity = (odd + kept) / 2 / heralds if heralds else math.nan
    sigma = math.sqrt(max(1e-12, fidelity * (1 - fidelity)) / heralds) if heralds else math.nan
    return Counted(attempts, heralds, fidelity, sigma)


def _window(
    link: HeraldedLink, emitted: list[int], free: list[float], now: float, drawn: random.Random
) -> tuple[list[int], bool]:
    """Return the detectors that clicked, and whether a photon had a part in it."""
    arrived = [
        n and drawn.random() < arm.transmission for n, arm in zip(emitted, link.arms, strict=True)
    ]
    if all(arrived):
        first = drawn.randrange(2)
        together = drawn.random() < (1 + link.visibility) / 2
        places = [first, first if together else 1 - first]
    else:
        places = [drawn.randrange(2)] if any(arrived) else []
    clicked, by_photon = [], False
    for index, detector in enumerate(link.detectors):
        if now < free[index]:
            continue
        photon = any(drawn.random() < detector.efficiency for p in places if p == index)
        dark = drawn.random() < detector.dark
        if photon or dark:
            clicked.append(index)
            by_photon = by_photon or photon
            free[index] = now + detector.dead_fs / link.period_fs
    return clicked, by_photon
