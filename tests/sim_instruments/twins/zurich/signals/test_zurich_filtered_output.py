"""Equal stretches of a run are filtered once, and leave word for word as sample by sample."""

import numpy as np
import pytest
from tests.benches.referees.seqc_corpus import compile_seqc

from podium.firmware_interfaces.zurich.precompensation import exponential_filter
from podium.sim_instruments.twins.zurich.runs.lookahead_execution import CannotPrecompute
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import NEVER, Processor, Setup
from podium.sim_instruments.twins.zurich.signals import filtered_output
from podium.sim_instruments.twins.zurich.signals.filter_kernel import (
    WORD_MAX,
    FilterChain,
    Responses,
)
from podium.sim_instruments.twins.zurich.signals.filtered_output import TAIL, FilteredOutput
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.output_plays import ROOT_W, OutputPlays
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import played_rows

RATE_HZ = 2e9
SHOTS, LATE = 12, 4
EXPONENTIALS = tuple(
    exponential_filter(tau_s, amplitude, RATE_HZ)
    for tau_s, amplitude in ((4e-6, -0.01), (3e-7, 0.03), (5e-9, 0.1))
)
TAPS = (0.98, *np.random.default_rng(3).normal(0, 0.004, 50).tolist())
FILTERS = {
    "exponentials": Precompensation(EXPONENTIALS, latency=400),
    "FIR": Precompensation(EXPONENTIALS, taps=TAPS, latency=400),
    "odd latency": Precompensation(EXPONENTIALS, taps=TAPS, latency=401),
    "high-pass": Precompensation(EXPONENTIALS, high_pass=2.0**-22, taps=TAPS, latency=400),
}


def program(wait: int, between: str = "") -> str:
    """Return shots of two kinds in turn: pulses close to each other, and a wait, samples."""
    return f"""
wave w = 0.6 * gauss(160, 80, 30); wave v = -0.4 * ones(96); wave u = 0.3 * ones(64);
playZero(64);
repeat ({SHOTS // 2}) {{
  playWave(w); playZero(176); playWave(v); playHold(700); playWave(u); playZero({wait}); {between}
  playWave(v); playZero(48); playWave(w); playZero({wait});
}}
"""


class Bench:
    """Plays a program on one output behind filters."""

    def __init__(self, text: str, filters: Precompensation) -> None:
        image = make_image(compile_seqc(text, "HDAWG8").elf, HDAWG)
        trace = Processor(image, Setup()).run()
        self.end, self.filters = int(trace.end), filters
        self.output = FluxOutput("sigout0", on=True, volts=1.0, filters=filters)
        self.plays = OutputPlays(*played_rows(trace, 0), image, 0, self.output)
        self.filtered = FilteredOutput(self.output, filters, "core", 0, LATE)

    def words(self) -> tuple[np.ndarray, bool]:
        """Return twice the mean word of each nanosecond, and whether any was cut."""
        train, cut = self.filtered.plays(self.plays, self.end, NEVER)
        found, taken = np.zeros(self.end // 2), np.zeros(self.end // 2, int)
        for at, kind in zip(train.start_ns.tolist(), train.piece.tolist(), strict=True):
            piece = train.pieces[kind]
            found[at : at + piece.duration_ns] = piece.level.real
            found[at : at + len(piece.samples)] = piece.samples.real
            taken[at : at + piece.duration_ns] += 1
        assert taken.max() == 1
        words = found / ROOT_W * WORD_MAX * 2
        assert np.abs(words - np.rint(words)).max() < 1e-9
        return np.rint(words), cut

    def words_of_a_walk(self) -> np.ndarray:
        """Return them as the kernel that the vendor's simulation judges gives them in one go."""
        until = max(self.end, int(self.plays.over[-1]) + 1) + TAIL
        chain = FilterChain(self.filters)
        times, words, _ = chain.advance(*self.plays.levels(0, len(self.plays.begin)), until)
        at = np.arange(self.end // 2 * 2) - LATE - self.filters.latency
        held = np.append(0, words)[np.searchsorted(times, at, side="right")]
        return held.reshape(-1, 2).sum(axis=1)


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("wait", [4_800, 20_000, 80_000, 200_000])
def test_what_leaves_is_what_leaves_sample_by_sample(filters, wait) -> None:
    bench = Bench(program(wait), filters)
    words, cut = bench.words()
    assert not cut
    assert np.abs(words).max() > WORD_MAX
    np.testing.assert_array_equal(words, bench.words_of_a_walk())


def test_what_is_left_of_the_shot_before_shows() -> None:
    """Behind a short wait shots differ: a twin that filtered each kind once would be found."""
    bench = Bench(program(4_800), FILTERS["FIR"])
    words, _ = bench.words()
    period = int(bench.plays.begin[10] - bench.plays.begin[0]) // 2
    first, second = words[period : 2 * period], words[2 * period : 3 * period]
    assert np.any(words[:period] != first)
    assert 0 < np.abs(first - second).max() < 100


@pytest.mark.parametrize(("name", "refused"), [("FIR", False), ("high-pass", True)])
def test_equal_shots_go_through_the_filters_once(name, refused, monkeypatch) -> None:
    """But for a high-pass, which keeps what it has summed up."""
    bench = Bench(program(200_000), FILTERS[name])
    samples = len(bench.plays.levels(0, len(bench.plays.begin))[0])
    monkeypatch.setattr(filtered_output, "SAMPLES_MAX", samples // 2)
    if refused:
        with pytest.raises(CannotPrecompute, match="samples go through the filters of sigout0"):
            bench.words()
    else:
        bench.words()


def test_a_shot_that_comes_once_goes_between_those_that_repeat() -> None:
    once = "if (count == 7) { playWave(u); playZero(6400); } count += 1;"
    text = "var count = 0;" + program(100_000, once)
    bench = Bench(text, FILTERS["FIR"])
    words, _ = bench.words()
    np.testing.assert_array_equal(words, bench.words_of_a_walk())


def test_what_is_cut_of_shots_that_repeat_is_reported() -> None:
    strong = Precompensation(EXPONENTIALS, taps=(1.4, 0.4), latency=400)
    bench = Bench(program(200_000), strong)
    words, cut = bench.words()
    assert cut
    assert np.abs(words).max() == 2 * WORD_MAX
    np.testing.assert_array_equal(words, bench.words_of_a_walk())


HALF = 0.500005 / (1 - EXPONENTIALS[0].gain) / WORD_MAX
"""Of this level the first word is 5e-6 away from being rounded otherwise."""


@pytest.mark.parametrize(
    ("level", "wait", "filters", "passed"),
    [
        (0.3, 80_000, Precompensation(EXPONENTIALS[:1]), 3),
        (HALF, 80_000, Precompensation(EXPONENTIALS[:1]), 0),
        (0.3, 80_000, Precompensation(high_pass=2.0**-22), 0),
        # Over a leap taps keep what left before it, which is more than exponentials have kept.
        (HALF, 800_000, Precompensation(EXPONENTIALS[:1]), 0),
        (0.3, 800_000, Precompensation(EXPONENTIALS[:1]), 3),
    ],
    ids=["far from rounding", "near it", "high-pass", "behind a leap", "far, behind a leap"],
)
def test_stretches_pass_while_no_word_is_rounded_otherwise(level, wait, filters, passed) -> None:
    time = np.array([0, 64])
    chain = FilterChain(filters)
    _, words, _ = chain.advance(time, np.array([0.3, 0.0]), wait)
    assert words[-1] == 0
    response = chain.response(time, np.array([level, 0.0]), 80_000)
    found = chain.advance_over(np.zeros(3, np.int64), Responses.of([response]))
    assert found == passed
    assert chain.known == wait + 80_000 * passed
