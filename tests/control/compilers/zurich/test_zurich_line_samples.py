"""Where an HDAWG has no filters, samples undo its line: what arrives during a pulse is meant."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve
from tests.benches.compilers.zurich_playback import execute
from tests.benches.compilers.zurich_targets import hdawg

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.line_samples import left_after
from podium.control.compilers.zurich.target import FluxChannel, ZurichTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Variable,
)
from podium.control.program.waveforms import FlatTop, NetZero, Square, Waveform

LINE = LineResponse(((-0.03, 5e-9), (0.015, 60e-9), (-0.012, 1.2e-6)), 300e-6)
PORT = "node_a.c0.flux"
RATE_HZ = 2_000_000_000


def target() -> ZurichTarget:
    """Return an HDAWG at 2 GSa/s, two samples to a ns."""
    whole = hdawg()
    channel = whole.ports[PORT]
    assert isinstance(channel, FluxChannel)
    ports = dict(whole.ports) | {PORT: replace(channel, response=LINE)}
    return replace(whole, ports=ports, flux_rate_hz=RATE_HZ, precompensates=False)


def program(*body: Statement, axes: tuple[Axis, ...] = ()) -> Program:
    whole = (Delay(("f",), ns=100), *body, Delay(("f",), ns=1000))
    return Program("p", (Frame("f", PORT, 0.0),), whole, axes)


def arrived(played: np.ndarray) -> np.ndarray:
    """Return what arrives of samples of 1 ns, ns by ns: the step response as written, finely."""
    fine = 8
    middle_ns = (np.arange(len(played) * fine) + 0.5) / fine
    step = np.ones(len(middle_ns))
    for amplitude, tau_s in LINE.exponentials:
        step += amplitude * np.exp(-middle_ns * 1e-9 / tau_s)
    faded = np.exp(-middle_ns * 1e-9 / float(LINE.high_pass_s or np.inf))
    step = fftconvolve(np.diff(step, prepend=0.0), faded)[: len(step)]
    means = step.reshape(-1, fine).mean(axis=1)
    return np.asarray(fftconvolve(np.diff(played, prepend=0.0), means)[: len(played)])


@pytest.mark.parametrize(
    "waveform", [Square(ns=64), FlatTop(ns=300, rise_ns=6), NetZero(ns=80, rise_ns=2, gap_ns=4)]
)
def test_what_arrives_while_a_pulse_lasts_is_what_is_meant(waveform: Waveform) -> None:
    high = Axis("a", (Variable("a", "1", Linear(-0.5, 0.9, 3)),))
    compiled = compile_program(program(Play("f", waveform, Affine("a")), axes=(high,)), target())
    (core,) = execute(compiled)
    length = (100 + waveform.duration_fs // 10**6 + 1000) * 2
    first = round(compiled.first_shot_fs * RATE_HZ * 1e-15)
    meant = sample_envelope(waveform).real
    for number, amplitude in enumerate((-0.5, 0.2, 0.9)):
        begin = first + number * length
        played = core.samples(begin, begin + length)[0].real.reshape(-1, 2).mean(axis=1)
        during = arrived(played)[100 : 100 + len(meant)]
        assert np.abs(during - amplitude * meant).max() < 2e-4
        assert np.abs(arrived(played)[105 + len(meant) :]).max() < 1.5 * left_after(LINE)


@pytest.mark.parametrize(
    ("body", "said"),
    [
        ((Play("f", Square(ns=60), 0.99),), r"it reaches 1\.0\d+ of full scale, at most 1"),
        ((Play("f", Square(ns=5000), 0.5),), "corrected in samples, up to 4096 ns of a pulse"),
        ((ShiftPhase("f", 0.5), Play("f", Square(ns=60), 0.5)), "without a carrier or a phase"),
    ],
)
def test_what_samples_cannot_undo_is_refused(body: tuple[Statement, ...], said: str) -> None:
    with pytest.raises(DoesNotFit, match=said):
        compile_program(program(*body), target())
