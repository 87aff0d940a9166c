"""Programs that do what they measure, on an SHFQC: machine code against the reference renderer."""

import re
from dataclasses import replace

import pytest
from tests.benches.compilers.branch_dice import dice_of
from tests.benches.compilers.zurich_oracle import hold_against_reference
from tests.benches.compilers.zurich_playback import execute
from tests.benches.compilers.zurich_targets import hdawg, shfqc
from tests.benches.programs.branch_programs import (
    ALL,
    FRAMES,
    NS,
    READS,
    X,
    Y,
    branch_programs,
    program,
)
from tests.benches.thoroughness import sampled

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.compilers.zurich.batches import compile_in_batches
from podium.control.compilers.zurich.compile import compile_program
from podium.control.compilers.zurich.results import LEAST_DELAY_FS
from podium.control.compilers.zurich.target import ZurichTarget
from podium.control.program.conditions import Condition, is_one
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Play,
    Program,
    Statement,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.program import Start
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Kind, Row

US = 1000 * NS

DEAF, CLOSE = "analyzer's sequencer hears no results", "begins in the last sample"
REFUSED = {
    "until 1": DEAF,
    "until 0": DEAF,
    "a window in a branch": DEAF,
    "between two samples": CLOSE,
}
PROGRAMS = {name: one for name, one in branch_programs().items() if name not in REFUSED}


DEAR = ("swept phases", "a fraction swept")
"""As "swept" is, over more points."""


def only(target: ZurichTarget, what: str) -> dict:
    return {port: one for port, one in target.ports.items() if port.endswith(what)}


def ones(repetition: int, point: int) -> dict[str, list[int]]:
    return {"m": [1], "n": [1]}


@pytest.mark.parametrize("name", sampled(PROGRAMS, kept=[n for n in PROGRAMS if n not in DEAR]))
def test_machine_code_takes_the_branches_that_results_tell(name: str) -> None:
    program = PROGRAMS[name]
    for seed in range(3):
        hold_against_reference(program, shfqc(), None, dice_of(program, seed))


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_sequencer_that_is_told_something_else_is_found_out(name: str) -> None:
    program = PROGRAMS[name]

    def hold() -> None:
        for seed in range(3):
            told = dice_of(program, seed + 100)
            hold_against_reference(program, shfqc(), None, dice_of(program, seed), told)

    with pytest.raises(AssertionError):
        hold()


def reacting(wait_ns: int, *pulses: Statement, joined: bool = False) -> Program:
    """Two readouts, one after the other or joined, and what depends on both so much later."""
    later = () if joined else (Barrier(ALL), Delay(ALL, 100 * NS))
    return program(
        "react",
        *read_at("q0.readout", "m"),
        *later,
        *read_at("q1.readout", "n"),
        Barrier(ALL),
        Delay(("q1.drive",), 400 * NS),
        Delay(("q0.drive",), wait_ns * NS),
        *pulses,
        shots=2,
    )


def read_at(frame: str, name: str) -> tuple[Statement, ...]:
    return (Capture(frame, name, 400 * NS, 100 * NS, READS), Play(frame, Square(500 * NS), 0.25))


@pytest.mark.parametrize("joined", [True, False])
def test_what_is_not_refused_comes_in_time(joined: bool) -> None:
    both = If(Condition(("m", "n"), "odd"), (X,), (Y,))
    outcomes = []
    for wait_ns in range(120, 330, 7):
        made = reacting(wait_ns, both, If(is_one("n"), (Y,)), joined=joined)
        try:
            hold_against_reference(made, shfqc(), None, dice_of(made, wait_ns))
            outcomes.append("")
        except DoesNotFit as refusal:
            outcomes.append(str(refusal))
    first = outcomes.index("")
    assert first
    assert all("too early" in one for one in outcomes[:first])
    assert not any(outcomes[first:]), "once it fits it fits"
    assert (120 + 7 * first) * NS < LEAST_DELAY_FS


def test_what_comes_too_early_is_told_by_how_much() -> None:
    early = reacting(100, If(is_one("n"), (X,)))
    with pytest.raises(DoesNotFit, match=r"what depends on n begins .* ns too early") as refused:
        compile_program(early, shfqc())
    missing = int(re.search(r"([\d]+) ns too early", str(refused.value)).group(1))
    compile_program(reacting(100 + missing + 8, If(is_one("n"), (X,))), shfqc())


def test_a_pulse_right_before_leaves_no_time_to_read() -> None:
    close = reacting(156, Y, If(is_one("n"), (X,)))
    with pytest.raises(DoesNotFit, match="after the pulse before it: the result is read between"):
        compile_program(close, shfqc())
    hold_against_reference(reacting(500, Y, Y, X, If(is_one("m"), (X,))), shfqc(), None, ones)


def test_results_of_others_are_refused() -> None:
    made = reacting(400, If(is_one("m"), (X,)))
    alone = replace(shfqc(), model="SHFSG8", ports=only(shfqc(), "drive"))
    with pytest.raises(DoesNotFit, match="this is an SHFSG8"):
        compile_program(made, alone, Start(0))
    with pytest.raises(DoesNotFit, match="an SHFQC that reads nothing out"):
        compile_program(made, replace(shfqc(), ports=only(shfqc(), "drive")), Start(0))
    flux = replace(made, frames=(*FRAMES, Frame("z", "node_a.c0.flux", 0.0)))
    flux = replace(flux, body=(*made.body, If(is_one("m"), (Play("z", Square(100 * NS), 0.1),))))
    with pytest.raises(DoesNotFit, match=r"z: .*this is an HDAWG4"):
        compile_program(flux, hdawg(), Start(0))


@pytest.mark.parametrize("wait_ns", [240, 260, 264, 272, 280, 320])
def test_results_come_in_time_where_zsync_gives_the_start(wait_ns: int) -> None:
    """Then analyser and generators are held back by other times, and results take longer."""
    made = reacting(wait_ns, If(Condition(("m", "n"), "odd"), (X,), (Y,)), joined=True)
    alone = compile_program(made, shfqc())
    if wait_ns < 250:
        with pytest.raises(DoesNotFit, match="ns too early"):
            compile_program(made, shfqc(), Start(0, zsync=True))
        return
    zsync = compile_program(made, shfqc(), Start(0, zsync=True))
    for seed in range(4):
        dice = dice_of(made, seed)
        (played, also) = (
            [
                one.trace.kinds(Kind.WAVE)[:, Row.AMPLITUDES_01].tolist()
                for one in execute(each, dice)
            ]
            for each in (zsync, alone)
        )
        assert played == also


def test_what_depends_on_a_result_may_come_long_after_it() -> None:
    made = replace(reacting(900_000, If(is_one("m"), (X,), (Y,))), shots=1)
    for seed in range(2):
        hold_against_reference(made, shfqc(), None, dice_of(made, seed))


def test_a_run_of_more_than_eight_seconds_is_cut() -> None:
    long = reacting(400, If(is_one("m"), (X,)), Delay(("q0.drive",), 400 * US))
    long = replace(long, shots=30_000, keep_shots=False)
    with pytest.raises(TooLarge, match=r"counts cycles from the start, at most 8\.59 s"):
        compile_program(long, shfqc())
    assert len(compile_in_batches(long, shfqc())) == 2


@pytest.mark.parametrize("name", REFUSED)
def test_what_the_hardware_cannot_do_is_refused(name: str) -> None:
    with pytest.raises(DoesNotFit, match=REFUSED[name]):
        compile_program(branch_programs()[name], shfqc())


def test_a_latency_is_not_looked_for_on_an_analyser() -> None:
    early = replace(reacting(500, If(is_one("m"), (X,))), results_after_fs=0)
    with pytest.raises(DoesNotFit, match=r"results_after_fs: .* this latency is not measured"):
        compile_program(early, shfqc())
