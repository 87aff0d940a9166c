import math
import re
from collections import Counter
from dataclasses import replace

import pytest
from hypothesis import HealthCheck, event, given, seed, settings
from hypothesis import strategies as st
from tests.benches.compilers.zurich_oracle import hold_against_reference
from tests.benches.compilers.zurich_targets import hdawg, shfqc
from tests.benches.programs.example_programs import NS, first_light
from tests.benches.programs.flux_programs import hdawg_programs
from tests.benches.programs.random_programs import programs
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.batches import part_of
from podium.control.program.program import Delay, Program

PROGRAMS = {name: replace(program, trace=False) for name, program in first_light().items()}
QUIET = settings(
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large],
    database=None,
    derandomize=True,
)
AS_ANOTHER = ("echo", "ramsey_square", "ramsey_table", "t1")
"""Made of what programs that stay in ``make test`` are made of."""
SOME = 3
"""Batches of a program that are looked at."""


def _points(program: Program) -> int:
    return math.prod(axis.count for axis in program.axes)


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.slow if _points(program) > 30 or name in AS_ANOTHER else ()
        )
        for name, program in PROGRAMS.items()
    ],
)
def test_machine_code_plays_what_the_program_means(name: str) -> None:
    program = PROGRAMS[name]
    for batch in compile_in_batches(program, shfqc())[:SOME]:
        hold_against_reference(part_of(program, batch.batch), shfqc())


@pytest.mark.parametrize(("name", "parts"), [("resonator_spectroscopy", 1), ("punch_out", 4)])
def test_readouts_that_ride_on_oscillators_take_few_programs(name: str, parts: int) -> None:
    program, target = PROGRAMS[name], replace(shfqc(), readout_slots=8, modulates=True)
    rest = Delay(tuple(frame.name for frame in program.frames), 400 * NS)
    program = replace(program, body=(rest, *program.body))
    batches = compile_in_batches(program, target)
    assert len(batches) == parts
    hold_against_reference(part_of(program, batches[0].batch), target)


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
@given(hdawg_programs())
def test_flux_channels_play_what_random_programs_mean(program: Program) -> None:
    _hold_or_refuse(program, hdawg())


@pytest.mark.slow
@pytest.mark.timeout(3600)
@settings(QUIET, max_examples=5_000)
@given(hdawg_programs())
def test_flux_channels_play_what_many_random_programs_mean(program: Program) -> None:
    _hold_or_refuse(program, hdawg())


@settings(QUIET, max_examples=cases(15, 500))
@given(hdawg_programs())
def test_flux_arrives_at_one_time_behind_lines_that_delay(program: Program) -> None:
    whole = hdawg()
    late = {f"node_a.c{k}.flux": ns for k, ns in enumerate((3.4, -7.0, -12.6))}
    ports = {
        name: replace(whole.ports[name], response=LineResponse(delay_s=ns * 1e-9))
        for name, ns in late.items()
    }
    _hold_or_refuse(program, replace(whole, ports=ports))


@settings(QUIET, max_examples=cases(15, 30))
@given(programs())
def test_readouts_of_random_programs_may_ride_on_oscillators(program: Program) -> None:
    _hold_or_refuse(program, replace(shfqc(), readout_slots=2, modulates=True))


def _hold_or_refuse(program: Program, target: ZurichTarget | None = None) -> None:
    try:
        hold_against_reference(program, target or shfqc())
    except TooLarge:
        _hold_in_batches(program, target or shfqc())
    except DoesNotFit as refusal:
        event(re.sub(r"[-+]?[\d.]+", "#", str(refusal))[:80])


def _hold_in_batches(program: Program, target: ZurichTarget) -> None:
    try:
        batches = compile_in_batches(program, target)
    except DoesNotFit as refusal:
        event(f"in batches: {str(refusal)[:60]}")
        return
    event("in batches")
    for batch in batches[:SOME]:
        hold_against_reference(part_of(program, batch.batch), target)


@pytest.mark.parametrize(
    ("drawn", "wiring"),
    [(programs(), shfqc()), pytest.param(hdawg_programs(), hdawg(), marks=pytest.mark.slow)],
    ids=("drive and readout", "flux"),
)
def test_most_random_programs_fit(drawn: st.SearchStrategy[Program], wiring: ZurichTarget) -> None:
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
