"""Filters of a QCM undo a flux line: the twin's filters before the line's plain convolution."""

from dataclasses import replace

import numpy as np
import pytest
from scipy.signal import fftconvolve
from tests.benches.compilers.qblox_oracle import emulate
from tests.benches.programs.example_programs import target

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.line_inverse import inverse_stages
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.predistortion import (
    EXPONENTIALS,
    OutputFilters,
    predistortion_of,
)
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.conditions import Discriminator, is_one
from podium.control.program.program import Barrier, Capture, Delay, Frame, If, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.sim_instruments.twins.qblox_cluster.outputs.filter_kernel import FilterChain
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import (
    ANY_STAGE_NS,
    EXPONENTIAL_NS,
    FIR_NS,
    OutputShaping,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind

PORT = "node_a.q0.flux"
FOUR = ((-0.03, 5e-9), (0.015, 60e-9), (-0.012, 1.2e-6), (0.006, 30e-6))
LAST_NS = 20_000
LEVEL = 16_000
"""Words of the step: rounding to whole ones is 6e-5 of it."""


def shaping(filters: OutputFilters) -> OutputShaping:
    """Return what a module does with these settings, as its twin has them."""
    said = filters.settings
    on = [k for k in range(EXPONENTIALS) if said[f"exp{k}_config"] == "enabled"]
    return OutputShaping(
        0,
        tuple((said[f"exp{k}_tau_constant"] * 1e9, said[f"exp{k}_amplitude"]) for k in on),
        said["fir_coeffs"] if said["fir_config"] == "enabled" else (1.0,),
        said["ihp_tau_constant"] * 1e9 if said["ihp_config"] == "enabled" else None,
    )


def at_the_chip(response: LineResponse, words: np.ndarray) -> np.ndarray:
    """Return the means over each ns of what arrives of words that are held for 1 ns.

    By the step response as it is written down, on a fine grid: each change of the level is a step.
    """
    fine = 8
    middle_ns = (np.arange(len(words) * fine) + 0.5) / fine
    step = np.ones(len(middle_ns))
    for amplitude, tau_s in response.exponentials:
        step += amplitude * np.exp(-middle_ns * 1e-9 / tau_s)
    if response.high_pass_s is not None:
        impulse = np.exp(-middle_ns * 1e-9 / response.high_pass_s)
        step = fftconvolve(np.diff(step, prepend=0.0), impulse)[: len(step)]
    means = step.reshape(-1, fine).mean(axis=1)
    changes = np.diff(words, prepend=0.0)
    if response.reflection is not None:
        again, later_s = response.reflection
        late = round(later_s * 1e9 * fine)  # in eighths of a ns
        step = step + again * np.concatenate([np.zeros(late), step])[: len(step)]
        means = step.reshape(-1, fine).mean(axis=1)
    size = 2 * len(words)
    spectrum = np.fft.rfft(changes, size) * np.fft.rfft(means, size)
    return np.asarray(np.fft.irfft(spectrum, size)[: len(words)])


def step_behind(filters: OutputFilters | None, response: LineResponse, last_ns: int) -> np.ndarray:
    """Return a step at the chip, of a level of 1."""
    words = np.full(last_ns, float(LEVEL))
    if filters is not None:
        time = np.zeros(1, np.int64)
        chain = FilterChain(shaping(filters))
        when, values, over = chain.advance(time, np.full(1, float(LEVEL)), last_ns)
        assert not over
        words = values[np.searchsorted(when, np.arange(last_ns), side="right") - 1].astype(float)
    return at_the_chip(response, words) / LEVEL


@pytest.mark.parametrize(
    "response",
    [
        LineResponse(FOUR),
        LineResponse(FOUR[:1]),
        LineResponse(FOUR[1:3]),
        LineResponse(((0.05, 20e-9), (0.04, 25e-9))),
        LineResponse(((-0.1, 8e-9), (0.08, 3e-9))),
        LineResponse(FOUR, reflection=(0.012, 9.75e-9)),
        LineResponse((), reflection=(-0.009, 12e-9)),
    ],
)
def test_a_step_is_flat_behind_filters_and_line(response: LineResponse) -> None:
    filters = predistortion_of(PORT, response)
    off = np.abs(step_behind(filters, response, LAST_NS)[5:] - 1).max()
    assert off < 5e-4
    assert off == pytest.approx(filters.residual, abs=2e-4)
    assert np.abs(step_behind(None, response, LAST_NS)[5:] - 1).max() > 0.004


def test_a_bias_tee_is_undone_by_the_inverse_high_pass() -> None:
    response = LineResponse((), 40e-6)
    filters = predistortion_of(PORT, response)
    assert np.abs(step_behind(filters, response, 2000) - 1).max() < 5e-4
    assert step_behind(None, response, 2000)[-1] < 0.96


def test_all_together_stay_within_a_thousandth_to_two_microseconds() -> None:
    response = LineResponse(FOUR, 400e-6)
    filters = predistortion_of(PORT, response)
    assert np.abs(step_behind(filters, response, 2000)[5:] - 1).max() < 1e-3
    assert filters.delay_ns == ANY_STAGE_NS + 4 * EXPONENTIAL_NS + FIR_NS
    assert filters.parts[-1] == "5 ns by the FIR filter"


def test_the_inverse_has_the_poles_that_the_line_has_zeros() -> None:
    for one, (amplitude, tau) in zip(
        inverse_stages(PORT, LineResponse(FOUR[1:2])), FOUR[1:2], strict=True
    ):
        assert one.line_ns == pytest.approx(tau * 1e9)
        assert one.tau_ns == pytest.approx(tau * 1e9 * (1 + amplitude))


@pytest.mark.parametrize(
    ("response", "said"),
    [
        (
            LineResponse(tuple((0.01, tau * 1e-9) for tau in (10, 40, 160, 640, 2560))),
            r"5 exponentials of 6 ns or more, 1 more than the 4 filters of a QCM output; without "
            r"it 0\.0\d+ of a step would be left",
        ),
        (
            LineResponse(((-0.7, 50e-9),)),
            r"the exponential of 50 ns needs an amplitude of -2\.333, 1\.33 beyond the 1 of a QCM",
        ),
        (LineResponse((), 5e-9), r"a high-pass of 5 ns, 5 ns below the 10 ns"),
        (LineResponse(((-1.2, 50e-9),)), "no filter undoes its response"),
    ],
)
def test_what_no_filter_reaches_is_refused_with_by_how_much_and_what_would_be_left(
    response: LineResponse, said: str
) -> None:
    with pytest.raises(DoesNotFit, match=said):
        predistortion_of(PORT, response)


def first_pulses_ns(response: LineResponse) -> tuple[list[int], ClusterProgram]:
    """Return when pulses of a line with a response and of one without leave their outputs."""
    ports = {
        PORT: PortTarget(6, "QCM", "out0", 0.0, response=response),
        "node_a.q1.flux": PortTarget(6, "QCM", "out1", 0.0),
    }
    frames = (Frame("f", PORT, 0.0), Frame("g", "node_a.q1.flux", 0.0))
    pulses = (Play("f", Square(ns=40), 0.5), Play("g", Square(ns=40), 0.5))
    body = (Delay(("f", "g"), ns=100), *pulses, Barrier(("f", "g")), Delay(("f",), ns=2000))
    made = compile_program(Program("p", frames, body, shots=2), QbloxTarget("c", ports))
    first = []
    for trace in emulate(made):
        moved = np.flatnonzero(np.diff((trace.offs0 != 0).astype(int)) > 0)
        first.append(int(trace.time_ns[moved[0] + 1]))
    return first, made


def test_pulses_start_earlier_by_what_their_filters_take() -> None:
    first, made = first_pulses_ns(LineResponse(FOUR))
    delay_ns = predistortion_of(PORT, LineResponse(FOUR)).delay_ns
    assert first[1] - first[0] == delay_ns == 60 + 3 * 50 + 80
    (module,) = made.modules
    assert module.filters["out0"]["exp0_config"] == "enabled"
    assert module.filters["out1"]["exp0_config"] == "bypassed"
    assert "f: its line is undone: 3e+04 ns by exponential filter 0" in made.listing
    assert made.resources[1].undoes == ()


def conditional_pulse(wait_ns: int) -> ClusterProgram:
    """Return a flux pulse so long behind a window, where that has found a 1."""
    here = target()
    flux = PortTarget(8, "QCM", "out0", 0.0, response=LineResponse(FOUR))
    here = replace(here, ports={**here.ports, PORT: flux})
    every = ("r", "f")
    body = (
        Capture("r", "m", 400 * FS_PER_NS, 100 * FS_PER_NS, Discriminator(0.15, 0.02)),
        Delay(("r",), ns=500),
        Barrier(every),
        Delay(every, ns=wait_ns),
        If(is_one("m"), (Play("f", Square(ns=40), 0.5),)),
        Delay(every, ns=4000),
    )
    frames = (Frame("r", "node_a.q0.readout", 7.1e9), Frame("f", PORT, 0.0))
    return compile_program(Program("p", frames, body, shots=3), here)


def test_a_result_has_to_come_earlier_where_filters_make_a_pulse_play_ahead() -> None:
    delay_ns = predistortion_of(PORT, LineResponse(FOUR)).delay_ns
    least_ns = 364 + delay_ns
    said = (
        f"is there {least_ns} ns after its window has closed, as its filters make it play "
        f"{delay_ns} ns ahead, which is 1 ns too late"
    )
    with pytest.raises(DoesNotFit, match=said):
        conditional_pulse(least_ns - 1)
    made = conditional_pulse(least_ns)
    measures, plays = (one.frame == "r" for one in made.sequencers)
    assert measures
    assert not plays
    (read, _) = emulate(made, [])
    arrivals = read.time_ns[read.kind == EventKind.ACQUIRE] + 400 + 364
    (address,) = made.sequencers[1].listens_to
    for of_shots in ((), (0,), (1, 2)):
        (_, flux) = emulate(made, [Trigger(int(arrivals[k]), address) for k in of_shots])
        begins = flux.time_ns[flux.kind == EventKind.PLAY].tolist()
        assert begins == [arrivals[k] for k in of_shots], "as soon as it is known"


@pytest.mark.parametrize(("delay_s", "earlier_ns"), [(3.4e-9, 3), (-2.6e-9, -3), (0.4e-9, 0)])
def test_a_line_that_delays_is_played_earlier_by_whole_nanoseconds(
    delay_s: float, earlier_ns: int
) -> None:
    (late, plain), made = first_pulses_ns(LineResponse(delay_s=delay_s))
    assert plain - late == earlier_ns
    (words,) = made.resources[0].undoes[:-1]
    assert f"{abs(delay_s) * 1e9:g} ns" in words
    assert "0.4 ns of it are left" in words
    (module,) = made.modules
    assert {module.filters[out]["exp0_config"] for out in ("out0", "out1")} == {"bypassed"}
    behind_fs = max(0, -earlier_ns) * FS_PER_NS
    per_shot_fs = 2140 * FS_PER_NS
    assert made.duration_fs == made.first_shot_ns * FS_PER_NS + 2 * per_shot_fs + behind_fs


def test_a_delay_adds_to_what_filters_take() -> None:
    plain, late = LineResponse(FOUR), LineResponse(FOUR, delay_s=5e-9)
    filters = [predistortion_of(PORT, one) for one in (plain, late)]
    assert filters[1].delay_ns - filters[0].delay_ns == 5
    assert filters[1].settings == filters[0].settings
    assert filters[1].residual == filters[0].residual
