"""An HDAWG's filters are set so that what arrives behind the line is what the program means."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.compilers.zurich_playback import execute
from tests.benches.compilers.zurich_targets import hdawg

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.precompensation import precompensation_of
from podium.control.compilers.zurich.target import FluxChannel, ZurichTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.program import Delay, Frame, Play, Program, ShiftPhase, Statement
from podium.control.program.waveforms import NetZero, Square
from podium.firmware_interfaces.zurich.precompensation import BLOCK, exponential_filter
from podium.firmware_interfaces.zurich.program import ZurichProgram

LINE = LineResponse(((-0.03, 5e-9), (0.015, 60e-9), (-0.012, 1.2e-6), (0.006, 30e-6)))
PORT = "node_a.c0.flux"
RATE_HZ = 2_000_000_000


def target(line: LineResponse | None = LINE, *, filters: bool = True) -> ZurichTarget:
    """Return an HDAWG at 2 GSa/s, two samples to a ns."""
    whole = hdawg()
    channel = whole.ports[PORT]
    assert isinstance(channel, FluxChannel)
    ports = dict(whole.ports) | {PORT: replace(channel, response=line)}
    return replace(whole, ports=ports, flux_rate_hz=RATE_HZ, precompensates=filters)


def program(*body: Statement) -> Program:
    whole = (Delay(("f",), ns=100), *body, Delay(("f",), ns=1000))
    return Program("p", (Frame("f", PORT, 0.0),), whole)


def settings_of(target: ZurichTarget, *body: Statement) -> dict[str, object]:
    made = compile_program(program(*body), target)
    return {path: value for path, value in made.settings if "/precompensation/" in path}


def hardware(samples: np.ndarray, nodes: dict[str, object], output: int) -> np.ndarray:
    """Return what leaves an output, sample by sample, as loops over blocks and taps."""
    at = f"sigouts/{output}/precompensation"
    made = samples.copy()
    for number in range(8):
        if not nodes[f"{at}/exponentials/{number}/enable"]:
            continue
        tau_s = float(nodes[f"{at}/exponentials/{number}/timeconstant"])  # type: ignore[arg-type]
        size = float(nodes[f"{at}/exponentials/{number}/amplitude"])  # type: ignore[arg-type]
        one = exponential_filter(tau_s, size, RATE_HZ)
        means, follows = [0.0, 0.0], [0.0, 0.0]
        for begin in range(0, len(made), BLOCK):
            block = made[begin : begin + BLOCK]
            fresh = follows[-2] + one.follows * ((means[-1] + means[-2]) / 2 - follows[-2])
            means.append(float(block.mean()))
            follows.append(fresh)
            made[begin : begin + BLOCK] = block + one.gain * (fresh - block)
    taps = np.array(nodes[f"{at}/fir/coefficients"])
    kernel = np.concatenate([taps[:8], np.repeat(taps[8:], 2)])
    return np.convolve(made, kernel)[: len(made)]


def behind_the_line(samples: np.ndarray, line: LineResponse = LINE) -> np.ndarray:
    """Return what arrives in the middle of each sample."""
    middle_s = (np.arange(len(samples)) + 0.5) / RATE_HZ
    step = np.ones(len(samples))
    for size, tau_s in line.exponentials:
        step += size * np.exp(-middle_s / tau_s)
    if line.reflection is not None:
        again, later_s = line.reflection
        late = round(later_s * RATE_HZ)
        step[late:] += again * step[: len(step) - late].copy()
    return np.convolve(np.diff(samples, prepend=0.0), step)[: len(samples)]


@pytest.mark.parametrize("begin", [64, 67])
def test_a_step_behind_filters_and_line_is_a_step(begin: int) -> None:
    nodes = settings_of(target(), Play("f", Square(ns=60), 0.5))
    (output,) = {int(path.split("/")[1]) for path in nodes}
    samples = np.zeros(8000)
    samples[begin:] = 1.0
    found = behind_the_line(hardware(samples, nodes, output))[begin + 10 :]
    left = precompensation_of(PORT, LINE, RATE_HZ).residual
    assert np.abs(found - 1).max() < 1.1 * left < 6e-4


@pytest.mark.parametrize("exponentials", [LINE.exponentials, ()])
def test_a_reflection_is_taken_away(exponentials: tuple[tuple[float, float], ...]) -> None:
    line = LineResponse(exponentials, reflection=(-0.009, 10e-9))
    made = compile_program(program(Play("f", Square(ns=60), 0.5)), target(line))
    nodes = {path: value for path, value in made.settings if "/precompensation/" in path}
    (output,) = {int(path.split("/")[1]) for path in nodes}
    samples = np.zeros(8000)
    samples[64:] = 1.0
    off = np.abs(behind_the_line(hardware(samples, nodes, output), line)[74:] - 1)
    # Its later coefficients are for two samples each: where one of them has it, half is left.
    assert np.sum(off > 1e-3) <= 2
    assert off.max() < 0.5 * 9e-3
    assert np.abs(behind_the_line(samples, line)[74:] - 1).max() > 8e-3


def test_after_a_pulse_nothing_is_left() -> None:
    nodes = settings_of(target(), Play("f", Square(ns=60), 0.5))
    (output,) = {int(path.split("/")[1]) for path in nodes}
    samples = np.zeros(8000)
    samples[72:192] = 1.0
    found = behind_the_line(hardware(samples, nodes, output))
    assert np.abs(found[202:]).max() < 1e-3
    bare = behind_the_line(samples)
    assert np.abs(bare[202:]).max() > 5e-3


def test_its_signals_are_sent_so_much_earlier_as_the_filters_take() -> None:
    body = (Play("f", NetZero(ns=60, rise_ns=2, gap_ns=4), 0.5),)
    plain = compile_program(program(*body), target(None))
    made = compile_program(program(*body), target())
    nodes = {path: value for path, value in made.settings if "/precompensation/" in path}
    (output,) = {int(path.split("/")[1]) for path in nodes}
    at = f"sigouts/{output}/precompensation/exponentials"
    used = sum(bool(nodes[f"{at}/{number}/enable"]) for number in range(8))
    (core,), (bare,) = execute(made), execute(plain)
    first = int(np.flatnonzero(core.samples(0, 4000)[0].real)[0])
    before = int(np.flatnonzero(bare.samples(0, 4000)[0].real)[0])
    later = round((made.first_shot_fs - plain.first_shot_fs) * RATE_HZ * 1e-15)
    assert later % 80 == 0
    assert before + later - first == 72 + 88 * used + 136
    assert made.duration_fs - plain.duration_fs == made.first_shot_fs - plain.first_shot_fs


def test_what_undoes_a_line_is_told() -> None:
    (use,) = compile_program(program(Play("f", Square(ns=60), 0.5)), target()).resources
    (words,) = use.undoes
    assert "60 ns by exponential filter 2" in words
    assert "5 ns by the FIR filter" in words
    assert "nothing in samples" in words


def test_a_line_that_is_not_corrected_has_its_filters_bypassed() -> None:
    nodes = settings_of(target(None), Play("f", Square(ns=60), 0.5))
    assert list(nodes.values()) == [0]


def test_an_hdawg_without_the_option_corrects_in_samples() -> None:
    made = compile_program(program(Play("f", Square(ns=60), 0.5)), target(filters=False))
    assert not [path for path, _ in made.settings if "/precompensation/" in path]
    assert "in samples while a pulse lasts" in made.resources[0].undoes[0]


def test_a_phase_is_no_matter_of_the_filters() -> None:
    settings_of(target(), ShiftPhase("f", 0.5), Play("f", Square(ns=60), 0.5))


def test_a_pulse_that_filters_make_too_high_is_refused() -> None:
    with pytest.raises(DoesNotFit, match=r"make it 1\.0\d+ of full scale, at most 1"):
        settings_of(target(), Play("f", Square(ns=60), 0.999))


def test_a_line_that_nothing_undoes_is_refused() -> None:
    with pytest.raises(DoesNotFit, match="no filter undoes its response"):
        settings_of(target(LineResponse(((-1.5, 40e-9),))), Play("f", Square(ns=60), 0.1))


def late_pair(first_s: float, second_s: float) -> ZurichTarget:
    """Return an HDAWG, both lines of whose first core delay."""
    whole = hdawg()
    ports = dict(whole.ports)
    for name, delay_s in ((PORT, first_s), ("node_a.c1.flux", second_s)):
        channel = ports[name]
        assert isinstance(channel, FluxChannel)
        ports[name] = replace(channel, response=LineResponse(delay_s=delay_s))
    return replace(whole, ports=ports, flux_rate_hz=RATE_HZ)


def first_sample(made: ZurichProgram) -> int:
    """Return when the first pulse leaves its sequencer, after the first shot begins."""
    (core,) = execute(made)
    first = int(np.flatnonzero(core.samples(0, 4000)[0].real)[0])
    return first - round(made.first_shot_fs * RATE_HZ * 1e-15)


def test_the_later_line_of_a_core_makes_it_begin_earlier_and_the_other_output_waits() -> None:
    body = (Play("f", Square(ns=60), 0.5),)
    plain = first_sample(compile_program(program(*body), target(None)))
    made = compile_program(program(*body), late_pair(3.4e-9, -2.0e-9))
    assert plain - first_sample(made) == 7, "half nanoseconds"
    nodes = dict(made.settings)
    assert nodes["sigouts/0/delay"] == 0.0
    assert nodes["sigouts/0/precompensation/enable"] == 0, "no filter is needed"
    assert "0.1 ns of it are left" in made.resources[0].undoes[0]
    made = compile_program(program(*body), late_pair(-2.0e-9, 3.4e-9))
    assert plain - first_sample(made) == 7, "the other one needs it, whether it plays or not"
    assert dict(made.settings)["sigouts/0/delay"] == 11 / RATE_HZ


def test_an_output_that_earlier_runs_have_delayed_is_delayed_no_more() -> None:
    made = compile_program(program(Play("f", Square(ns=60), 0.5)), target(None))
    assert dict(made.settings)["sigouts/0/delay"] == 0.0


def test_lines_of_a_core_that_delay_by_too_much_more_are_refused() -> None:
    said = "sigouts/1 of hdawg_a: flux arrives 26.5 ns earlier .* makes up for 26 ns"
    with pytest.raises(DoesNotFit, match=said):
        compile_program(program(Play("f", Square(ns=60), 0.5)), late_pair(20e-9, -6.5e-9))


def test_lines_that_are_corrected_in_samples_have_their_delay_beside() -> None:
    body = (Play("f", Square(ns=60), 0.5),)
    line = LineResponse(((0.015, 60e-9),), delay_s=3e-9)
    made = compile_program(program(*body), target(line, filters=False))
    plain = compile_program(program(*body), target(replace(line, delay_s=0.0), filters=False))
    assert first_sample(plain) - first_sample(made) == 6
    assert [part.text for part in made.cores] != [part.text for part in plain.cores]
    assert len(made.resources[0].undoes) == 2
