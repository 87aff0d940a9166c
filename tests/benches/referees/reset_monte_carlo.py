"""Active reset as a Monte Carlo of its own: rate equations and Gaussian noise, no twin's code."""

import numpy as np

T1_NS = 33_000.0
THERMAL = 0.05
SECOND_NS = 2700
"""From the first tone of a shot to the second."""
AT_NS = 1700
"""From a shot's beginning to the conditional pulse: readouts are known by then."""


def expected(half, shots, first, resets, seed=1, at_ns=AT_NS):
    """Simulate the shots of one qubit: rate equations, a rectangular readout, Gaussian noise.

    ``first`` and ``resets`` tell what pulses do to (level, bit); ``half``: half the distance of the
    two levels' means, in sigmas of one record. Returns the bits of both readings.
    """
    random = np.random.default_rng(seed)
    up = THERMAL / (1 - THERMAL) / T1_NS
    down = 1 / T1_NS

    def idle(level, span_ns):
        mixed = np.exp(-(up + down) * span_ns)
        one = up / (up + down) + (level - up / (up + down)) * mixed
        return (random.random(shots) < one).astype(float)

    def read(level):
        # the mean over the window of a level that may jump once in it
        jumps = random.exponential(1 / np.where(level > 0, down, up)) / 1000.0
        part = np.minimum(jumps, 1.0)
        mean = level * part + (1 - level) * (1 - part)
        after = np.where(jumps < 1, 1 - level, level)
        bit = (2 * mean - 1) * half + random.normal(size=shots) > 0
        return bit, after

    level = idle(np.full(shots, THERMAL), 10 * T1_NS)
    level = first(level, random)
    level = idle(level, 100)
    bit, level = read(level)
    level = idle(level, at_ns - 1100)
    level = resets(level, bit)
    level = idle(level, 100 + SECOND_NS - at_ns)
    again, _ = read(level)
    return bit, again


def flipped(level, random):
    return (random.random(level.size) < 0.5).astype(float)


def near(count, other, shots):
    """Four sigma of the difference of two counts, and what the simple model leaves out."""
    share = (count + other) / (2 * shots)
    return abs(count - other) < 4 * np.sqrt(2 * shots * share * (1 - share)) + 0.006 * shots
