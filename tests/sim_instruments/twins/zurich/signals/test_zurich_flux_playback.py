"""What cores of HDAWGs put out is the same in parts of a run as in one."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.referees.seqc_corpus import compile_seqc

from podium.firmware_interfaces.zurich.precompensation import exponential_filter, latency_samples
from podium.sim_instruments.twins.zurich.sequencer.image import HDAWG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor, Setup, Trace
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row, Status
from podium.sim_instruments.twins.zurich.signals.filter_kernel import WORD_MAX
from podium.sim_instruments.twins.zurich.signals.flux_outputs import FluxOutput
from podium.sim_instruments.twins.zurich.signals.flux_playback import FluxPlayback
from podium.sim_instruments.twins.zurich.signals.output_plays import ROOT_W
from podium.sim_instruments.twins.zurich.signals.precompensation import Precompensation

RATE_HZ = 2e9
LENGTH_NS = 9_000
BEGIN_NS, LATE = 40, 4
PROGRAM = """
wave w = 0.6 * gauss(160, 80, 30); wave v = -0.4 * ones(96); wave u = 0.3 * ones(64);
playZero(64);
repeat (3) { playWave(w); playZero(512); playWave(v); playHold(700); playWave(u); playZero(1600); }
"""
FILTERS = {
    "bypassed": None,
    "exponentials": Precompensation(
        tuple(exponential_filter(tau, 0.1, RATE_HZ) for tau in (3e-8, 1e-6)),
        latency=latency_samples(2, high_pass=False, bounce=False, fir=False),
    ),
    "bounce": Precompensation(
        (exponential_filter(2e-7, -0.05, RATE_HZ),),
        taps=(1.0, *(0.0,) * 30, 0.2),
        latency=latency_samples(1, high_pass=False, bounce=True, fir=False) + 1,  # an odd one, too
    ),
}


@pytest.fixture(scope="module")
def played():
    image = make_image(compile_seqc(PROGRAM, "HDAWG8").elf, HDAWG)
    trace = Processor(image, Setup()).run()
    assert trace.status is Status.ENDED
    return image, trace


def playback(image, filters) -> FluxPlayback:
    outputs = (FluxOutput("sigout0", on=True, volts=1.0, filters=filters, status="over"),)
    return FluxPlayback(outputs, "core", image, BEGIN_NS, LATE)


def in_parts(image, trace: Trace, filters, cuts):
    """Trains that leave where rows become known up to each cut."""
    flux, trains, since = playback(image, filters), [], 0
    times = trace.rows[:, Row.TIME]
    for cut in cuts:
        trains += flux.plays(replace(trace, rows=trace.rows[times < cut]), since, cut)
        since = cut
    return trains + flux.plays(trace, since)


def volts(trains) -> np.ndarray:
    """Each nanosecond of a line, which no two pieces share."""
    found, taken = np.zeros(LENGTH_NS), np.zeros(LENGTH_NS, int)
    for train in trains:
        for at, kind in zip(train.start_ns.tolist(), train.piece.tolist(), strict=True):
            piece = train.pieces[kind]
            values = np.full(piece.duration_ns, piece.level.real)
            values[: len(piece.samples)] = piece.samples.real
            end = min(at + piece.duration_ns, LENGTH_NS)
            found[at:end] += values[: end - at]
            taken[at:end] += 1
    assert taken.max() == 1
    return found / ROOT_W


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
@pytest.mark.parametrize("seed", range(4))
def test_in_parts_it_leaves_as_in_one(played, filters, seed) -> None:
    image, trace = played
    rng = np.random.default_rng(seed)
    whole = volts(playback(image, filters).plays(trace))
    starts = trace.rows[:, Row.TIME]
    cuts = np.unique([*rng.choice(starts, 4), *rng.integers(1, int(trace.end), 4)]).tolist()
    parts = volts(in_parts(image, trace, filters, cuts))
    assert np.abs(whole).max() > 0.5
    # a word of the converter, where a leap over what hardly moves was cut in two
    np.testing.assert_allclose(parts, whole, atol=1.01 / WORD_MAX if filters else 0.0)


@pytest.mark.parametrize("filters", FILTERS.values(), ids=FILTERS)
def test_a_part_leaves_from_the_time_that_is_known_on(played, filters) -> None:
    """What is said later begins later: the world may have gone on until then."""
    image, trace = played
    flux, times = playback(image, filters), trace.rows[:, Row.TIME]
    for since, cut in ((0, 800), (800, 801), (801, 2600)):
        trains = flux.plays(replace(trace, rows=trace.rows[times < cut]), since, cut)
        known_ns = BEGIN_NS + (since + LATE >> 1)
        assert all(train.start_ns.min() >= known_ns for train in trains)


def test_what_is_cut_at_the_converter_is_reported_by_its_node(played) -> None:
    image, trace = played
    outputs = (
        FluxOutput("o", on=True, volts=2.0, full_scale_v=1.0, status="over",
                   filters=FILTERS["bounce"]),
    )  # fmt: skip
    reported: list[str] = []
    FluxPlayback(outputs, "core", image, 0, 0).plays(trace, overflowed=reported.append)
    assert reported == ["over"]


def test_a_sharp_pulse_is_silent_where_its_waveform_is() -> None:
    """A net-zero pulse between two multiples of 16 samples, bypassing the filters."""
    text = "wave n = join(zeros(6), ones(96), -1 * ones(96), zeros(10)); playWave(n); playZero(64);"
    image = make_image(compile_seqc(text, "HDAWG8").elf, HDAWG)
    trace = Processor(image, Setup()).run()
    (train,) = playback(image, None).plays(trace)
    (piece,) = train.pieces
    loud = np.flatnonzero(piece.samples)
    assert (loud[0], loud[-1]) == (3, 98)
