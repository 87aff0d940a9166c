"""The filters of an output against scipy's, the vendor's and a convolution, sample by sample."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from tests.benches.qblox_cluster.direct_filter import directly
from tests.benches.thoroughness import cases

from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import FilterChain
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping

CLOSE = 0.5 + 0.125 + 1e-6


def samples(times, words, end_ns: int) -> np.ndarray:
    at = np.searchsorted(times, np.arange(end_ns), side="right") - 1
    return np.where(at >= 0, np.append(words, 0)[np.maximum(at, 0)], 0)


def stream(steps: list[tuple[int, int]], end_ns: int):
    times = np.cumsum([wait for wait, _ in steps])
    levels = np.array([level for _, level in steps], np.float64)
    x = np.zeros(end_ns)
    for time, level in zip(times, levels, strict=True):
        x[time:] = level
    return times.astype(np.int64), levels, x


steps = st.lists(st.tuples(st.integers(1, 400), st.integers(-6000, 6000)), min_size=1, max_size=8)
exponentials = st.lists(
    st.tuples(st.sampled_from([6.0, 30.0, 30.0, 500.0, 1e5, float("inf")]), st.floats(-0.9, 0.9)),
    max_size=4,
)
firs = st.sampled_from([(1.0,), (1.5, -0.5, *[0.0] * 30), tuple(np.hanning(32) / 16)])


@settings(max_examples=cases(30, 150), deadline=None)
@given(steps, exponentials, firs, st.sampled_from([None, 5e4]))
def test_every_sample_is_that_of_a_direct_computation(drawn, poles, fir, high_pass_ns) -> None:
    shaping = OutputShaping(0, tuple(poles), fir, high_pass_ns)
    end_ns = sum(wait for wait, _ in drawn) + 5000
    times, levels, x = stream(drawn, end_ns)
    ideal = directly(shaping, x)
    got_times, words, over = FilterChain(shaping).advance(times, levels, end_ns)
    if np.abs(ideal).max() < 32_000:
        assert not over
        assert np.abs(samples(got_times, words, end_ns) - ideal).max() <= CLOSE


@settings(max_examples=cases(30, 150), deadline=None)
@given(
    steps,
    exponentials,
    firs,
    st.sampled_from([None, 5e4]),
    st.lists(st.integers(1, 3000), min_size=1, max_size=12),
)
def test_part_by_part_it_is_a_direct_computation_of_the_whole(
    drawn, poles, fir, high_pass_ns, parts
) -> None:
    shaping = OutputShaping(0, tuple(poles), fir, high_pass_ns)
    end_ns = sum(wait for wait, _ in drawn) + 5000
    times, levels, x = stream(drawn, end_ns)
    ideal = directly(shaping, x)
    if np.abs(ideal).max() >= 32_000:
        return
    chain, found = FilterChain(shaping), []
    for until_ns in np.unique(np.append(np.cumsum(parts) % end_ns, end_ns)).tolist():
        here = slice(*np.searchsorted(times, [until_ns and chain_end(found), until_ns]))
        *changes, over = chain.advance(times[here], levels[here], until_ns)
        assert not over
        found.append((until_ns, changes))
    when, words = (np.concatenate([part[k] for _, part in found]) for k in (0, 1))
    assert (np.diff(when) > 0).all()
    assert np.abs(samples(when, words, end_ns) - ideal).max() <= CLOSE


def chain_end(found: list) -> int:
    return found[-1][0] if found else 0


def test_it_is_what_the_vendor_simulates() -> None:
    from qblox_instruments.simulations.predistortions import get_impulse_response

    fir = [0.9, 0.2, -0.1, *[0.0] * 29]
    response = get_impulse_response(400, 20.0, 0.3, 100.0, -0.2, 6.0, 0.1, 50.0, 0.0, fir)
    shaping = OutputShaping(0, ((20.0, 0.3), (100.0, -0.2), (6.0, 0.1), (50.0, 0.0)), tuple(fir))
    times, words, _ = FilterChain(shaping).advance(np.array([0, 1]), np.array([20_000.0, 0.0]), 400)
    assert np.abs(samples(times, words, 400) - 20_000 * response).max() <= CLOSE


def test_a_tail_of_seconds_is_walked_in_leaps() -> None:
    shaping = OutputShaping(0, ((1e8, 0.05), (3e6, -0.02)))
    end_ns = 3_000_000_000
    times, words, _ = FilterChain(shaping).advance(np.array([0]), np.array([20_000.0]), end_ns)
    assert len(times) < 2000  # a word each that the tail passes through, not one a sample
    assert words[-1] == 20_000
    at = 200_000_000
    slow, fast = (1 - np.exp(-(at + 1) / tau) for tau in (1e8, 3e6))
    assert fast == pytest.approx(1)
    assert samples_at(times, words, at) == pytest.approx(20_000 * (0.95 + 0.05 * slow), abs=1.0)


def samples_at(times, words, at: int) -> int:
    return int(words[np.searchsorted(times, at, side="right") - 1])


def test_what_does_not_fit_the_converter_is_held_and_told() -> None:
    shaping = OutputShaping(0, ((50.0, -0.9),))
    times, words, over = FilterChain(shaping).advance(np.array([0]), np.array([30_000.0]), 1000)
    assert over
    assert words[0] == 32_767
    assert words[-1] == 30_000
    assert (np.diff(times) > 0).all()


HALF = 0.500005 / 0.99
"""Of this level the first word is 5e-6 away from being rounded otherwise."""


@pytest.mark.parametrize(
    ("level", "wait_ns", "high_pass_ns", "passed"),
    [
        (9_000.2, 22_000, None, 3),
        (HALF, 22_000, None, 0),
        (9_000.2, 4_000, None, 0),
        (9_000.2, 22_000, 3e5, 0),
    ],
    ids=["far from rounding", "near it", "soon", "high-pass"],
)
def test_stretches_pass_while_no_word_is_rounded_otherwise(
    level, wait_ns, high_pass_ns, passed
) -> None:
    times = np.array([0, 32])
    chain = FilterChain(OutputShaping(0, ((2_000.0, 0.01),), high_pass_ns=high_pass_ns))
    chain.advance(times, np.array([9_000.2, 0.0]), wait_ns)
    response = chain.response(times, np.array([level, 0.0]), 40_000)
    found = chain.advance_over(np.zeros(3, np.int64), [response])
    assert found == passed
    assert chain.known_ns == wait_ns + 40_000 * passed
    assert chain.advance_over(np.full(1, -1), [response]) == 0
