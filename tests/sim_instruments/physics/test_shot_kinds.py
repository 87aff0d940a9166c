"""How a run falls into shots, against plain loops over all its elements."""

import numpy as np
import pytest
from tests.benches.physics.small_chip import capture, tone, train

from podium.sim_instruments.physics.deduplicate import EqualArrays
from podium.sim_instruments.physics.shot_kinds import LineTrain, shot_kinds
from podium.sim_instruments.physics.signals import Piece

NONE = np.zeros(0, np.complex128)


def drawn_trains(rng: np.random.Generator, longest_ns: int) -> list[LineTrain]:
    """Tones and captures of 400 shots, and pulses in one of two patterns, at random phases."""
    shots = 400
    begin = 2000 * np.arange(shots) + 1000
    tones = tone(0.0, 1.0, 300, (begin + 500).tolist())
    windows = capture(0.0, 300, (begin + 520).tolist())
    pieces = [Piece(0.0, NONE, 1.0, ns) for ns in (20, 40, longest_ns)]
    offsets = rng.integers(0, 480, (2, 5))
    kind = rng.integers(0, 2, shots)
    starts = np.sort((begin[:, None] + offsets[kind]).reshape(-1))
    items = rng.integers(0, 3 if longest_ns > 40 else 2, 5)
    turns = rng.integers(0, 4, 5)[None, :] / 4 + rng.random(shots)[:, None]
    pulses = train(
        "q0.drive", starts.tolist(), pieces, np.tile(items, shots).tolist(), list(turns.reshape(-1))
    )
    return [
        LineTrain(tones, 0, 0, busy_ns=100, leads=True, phased=False),
        LineTrain(windows, 0, 0),
        LineTrain(pulses, 1, 7),
    ]


def test_trains_share_what_is_equal_and_nothing_else() -> None:
    some, others = (2000 * np.arange(400), 2000 * np.arange(400))
    others[7] += 1
    trains = [LineTrain(tone(0.0, 1.0, 300, starts.tolist()), 0, 0) for starts in (some, some)]
    trains += [LineTrain(tone(0.0, 1.0, 300, others.tolist()), 0, 0)]
    shared = EqualArrays()
    first, same, moved = (one.sharing(shared) for one in trains)
    assert first is trains[0]
    assert same.told_by(True) == first.told_by(True) != trains[1].told_by(True)
    assert moved.train.start_ns is trains[2].train.start_ns
    for one, other in zip(trains, (first, same, moved), strict=True):
        assert np.array_equal(one.start_ns, other.start_ns)
        assert other.lasts_ns().tolist() == one.lasts_ns().tolist()


@pytest.mark.parametrize("longest_ns", [40, 900, 30_000])
@pytest.mark.parametrize("seed", range(4))
def test_no_shot_begins_within_an_element_and_equal_shots_have_one_number(
    seed: int, longest_ns: int
) -> None:
    trains = drawn_trains(np.random.default_rng(seed), longest_ns)
    found = shot_kinds(trains)
    if found is None:
        assert longest_ns == 30_000, "shots lie below one pulse"
        return
    for one in trains:
        begins = one.start_ns + one.later_ns
        ends = begins + one.lasts_ns()[one.item]
        for at in found.begin_ns[1:]:
            assert not np.any((begins < at) & (ends > at))
    numbers: dict[object, int] = {}
    before: object = None
    for shot, begin in enumerate(found.begin_ns.tolist()):
        last = shot + 1 == found.begin_ns.size
        end = 2**62 if last else int(found.begin_ns[shot + 1])
        content: list[object] = [None if last else end - begin]
        for one in trains:
            at = one.start_ns + one.later_ns
            own = np.flatnonzero((at >= begin) & (at < end))
            turns = one.turns[own] - one.turns[own[0]] if own.size and one.line else np.zeros(0)
            phases = np.round(turns % 1.0, 6) % 1.0
            content.append(((at[own] - begin).tobytes(), one.item[own].tobytes(), phases.tobytes()))
        here = tuple(content)
        assert numbers.setdefault((before, here), int(found.step[shot])) == found.step[shot]
        before = here
    assert len(numbers) == found.example.size
