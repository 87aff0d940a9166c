import math
from collections import Counter
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st
from tests.benches.compilers.qblox_oracle import compare_samples, hold_against_reference
from tests.benches.compilers.qblox_playback import emulate, shot
from tests.benches.programs.bring_up_programs import bring_up_programs
from tests.benches.programs.edge_programs import edge_programs
from tests.benches.programs.example_programs import NS, first_light, flux_target, target
from tests.benches.programs.flux_programs import qcm_programs
from tests.benches.programs.fractional_programs import fractional_programs
from tests.benches.programs.random_programs import programs
from tests.benches.thoroughness import cases, sampled

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import Delay, Frame, Play, Program
from podium.control.program.waveforms import FlatTop, Gaussian

PROGRAMS = first_light() | edge_programs() | fractional_programs()
BRING_UP, BRING_UP_TARGET = bring_up_programs()
QUICK_POINTS = 40
AS_ANOTHER = {"long_gaps", "echo", "ramsey_square", "ef_rabi", "ef_spectroscopy"}
"""Made of what programs that stay in ``make test`` are made of, and ..."""
LONG_AS_ANOTHER = {"T1 1", "Ramsey 1"}
"""... the same of a bring-up, whose delays are longer."""


def _points(program: Program) -> int:
    return math.prod(axis.count for axis in program.axes)


QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)


@pytest.mark.parametrize(
    "name", sampled(PROGRAMS, kept=[n for n in PROGRAMS if n not in AS_ANOTHER])
)
def test_machine_code_plays_what_the_program_means(name: str) -> None:
    hold_against_reference(PROGRAMS[name], target())


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name,
            marks=pytest.mark.slow
            if _points(program) > QUICK_POINTS or name in LONG_AS_ANOTHER
            else (),
        )
        for name, program in BRING_UP.items()
    ],
)
def test_machine_code_of_a_bring_up_plays_what_its_programs_mean(name: str) -> None:
    hold_against_reference(BRING_UP[name], BRING_UP_TARGET)


@given(st.sampled_from((Gaussian, FlatTop)), st.integers(8, 60), st.sampled_from((1.0, -1.0)))
def test_waveform_memory_at_unit_gain_and_no_carrier_is_equal_to_the_bit(
    shape: type[Gaussian] | type[FlatTop], length_ns: int, amplitude: float
) -> None:
    wave = shape(length_ns * NS, 3 * NS)  # edges of 3 ns: all of it in waveform memory
    frame = Frame("f", "node_a.q0.drive", target().ports["node_a.q0.drive"].lo_hz)
    body = (Play("f", wave, amplitude), Delay(("f",), 3000 * NS))
    compiled = compile_program(Program("bits", (frame,), body), target())
    (trace,) = emulate(compiled)
    played = shot(compiled.sequencers[0], trace, int(trace.time_ns[1]), length_ns)
    memory = np.floor(sample_envelope(wave).real * 32767 + 0.5).astype(np.int64)
    assert not played.nco_turns.any()
    assert (played.words == (memory * round(amplitude * 32767) >> 15)).all()


@settings(QUIET, max_examples=cases(15, 500))
@given(programs())
def test_machine_code_of_random_programs_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(QUIET, max_examples=10_000)
@given(programs())
def test_machine_code_of_many_random_programs_plays_what_they_mean(program: Program) -> None:
    _hold_or_refuse(program)


@settings(QUIET, max_examples=cases(15, 500))
@given(qcm_programs())
def test_flux_outputs_play_what_random_programs_mean(program: Program) -> None:
    _hold_or_refuse(program, flux_target())


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(QUIET, max_examples=5_000)
@given(qcm_programs())
def test_flux_outputs_play_what_many_random_programs_mean(program: Program) -> None:
    _hold_or_refuse(program, flux_target())


def late_target() -> QbloxTarget:
    """The same flux lines, each with a delay of its own."""
    whole = flux_target()
    late = {f"node_a.c{k}.flux": ns for k, ns in enumerate((3.4, -7.0, 120.6))}
    ports = {
        name: replace(whole.ports[name], response=LineResponse(delay_s=ns * 1e-9))
        for name, ns in late.items()
    }
    return replace(whole, ports=dict(whole.ports) | ports)


@settings(QUIET, max_examples=cases(15, 500))
@given(qcm_programs())
def test_flux_arrives_with_drives_behind_lines_that_delay(program: Program) -> None:
    _hold_or_refuse(program, late_target())


def _hold_or_refuse(program: Program, wiring: QbloxTarget | None = None) -> None:
    try:
        hold_against_reference(program, wiring or target())
    except DoesNotFit as refusal:
        event(str(refusal)[:60])


@pytest.mark.parametrize(
    ("drawn", "wiring"),
    [(programs(), target()), pytest.param(qcm_programs(), flux_target(), marks=pytest.mark.slow)],
    ids=("drive and readout", "flux"),
)
def test_most_random_programs_fit(drawn: st.SearchStrategy[Program], wiring: QbloxTarget) -> None:
    outcomes: Counter[bool] = Counter()

    @seed(1)
    @settings(QUIET, derandomize=False, max_examples=cases(25, 100))
    @given(drawn)
    def count(program: Program) -> None:
        try:
            compile_program(program, wiring)
            outcomes[True] += 1
        except DoesNotFit:
            outcomes[False] += 1

    count()
    assert outcomes[True] > outcomes[False]


def test_the_oracle_sees_a_shift_of_one_sample_and_an_error_of_two_lsb() -> None:
    reference = np.zeros(100, np.complex128)
    reference[20:60] = 0.01
    words = np.round(reference * 32766)
    compare_samples(words, np.zeros(100), reference)
    with pytest.raises(AssertionError):
        compare_samples(np.roll(words, 1), np.zeros(100), reference)
    with pytest.raises(AssertionError):
        compare_samples(words + 2j, np.zeros(100), reference)
