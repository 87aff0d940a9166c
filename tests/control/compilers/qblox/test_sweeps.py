import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from podium.control.compilers.qblox.loops import Kind, SweepTerm
from podium.control.compilers.qblox.sweeps import (
    SteppedFraction,
    SteppedSweep,
    TabledSweep,
    plan_sweep,
)

TURN = 1_000_000_000
words = st.integers(-32767, 32767)


def _registers(term: SweepTerm) -> list[int]:
    """What the processor's 32-bit registers give, by the rules of add and asr."""
    plan = plan_sweep(term)
    match plan:
        case TabledSweep(values):
            return list(values)
        case SteppedSweep(start, step, wraps):
            got = [start]
            for _ in term.values[1:]:
                got.append(got[-1] + step)
                if wraps and got[-1] >= TURN:
                    got[-1] -= TURN
            return got
        case SteppedFraction(start, step):
            return [(start + k * step) >> 16 for k in range(len(term.values))]


@given(st.floats(-1, 1), st.floats(-1, 1), st.integers(2, 2000))
def test_a_stepped_gain_is_each_time_the_nearest_word(a: float, b: float, count: int) -> None:
    asked = np.linspace(a, b, count) * 32767
    values = tuple(int(v) for v in np.rint(asked))
    assert _registers(SweepTerm(Kind.GAIN, 0, values)) == list(values)


@given(st.lists(words, min_size=2, max_size=20), st.sampled_from(list(Kind)))
def test_any_values_are_met_exactly(values: list[int], kind: Kind) -> None:
    values = [v % TURN for v in values] if kind is Kind.PHASE else values
    assert _registers(SweepTerm(kind, 0, tuple(values))) == values


def test_even_amplitudes_take_no_table() -> None:
    for count in (11, 51, 101):
        values = tuple(int(v) for v in np.rint(np.linspace(0, 0.87, count) * 32767))
        assert not isinstance(plan_sweep(SweepTerm(Kind.GAIN, 0, values)), TabledSweep)


def test_a_phase_that_passes_one_turn_is_stepped() -> None:
    values = tuple(k * 300_000_000 % TURN for k in range(9))
    assert plan_sweep(SweepTerm(Kind.PHASE, 0, values)) == SteppedSweep(0, 300_000_000, wraps=True)


def test_a_frequency_of_uneven_steps_is_listed() -> None:
    assert plan_sweep(SweepTerm(Kind.FREQUENCY, 0, (0, 3, 7))) == TabledSweep((0, 3, 7))
