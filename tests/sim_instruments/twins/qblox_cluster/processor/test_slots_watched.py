"""A processor notes whether it comes to an instruction that uses a register."""

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Limits,
    Q1Processor,
    SequencerSetup,
)
from podium.sim_instruments.twins.qblox_cluster.processor.q1_run import Q1Run
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import Ending

PROGRAM = """
    move 100,R1
    wait 1000
    wait R2
    wait 1000
    move 8,R3
    nop
    wait R3
    stop"""


def run_to(pause_ns: int, *slots: int, program: str = PROGRAM) -> Q1Run:
    setup = SequencerSetup(registers=(0, 0, 500, *(0,) * 61))
    run = Q1Run(Q1Processor(assemble(program), setup), Limits())
    run.watch_slots(slots)
    run.pause_ns = pause_ns
    run.proceed()
    return run


@pytest.mark.parametrize(
    ("pause_ns", "slots", "used"),
    [
        (500, (2,), False),  # it stands before the wait, and has not used what it says
        (1_200, (2,), True),
        (1_200, (3,), False),
        (10_000, (3,), True),
        (10_000, (5, 9), False),
        (500, (1,), True),  # written
    ],
)
def test_what_was_executed_counts_and_nothing_else(
    pause_ns: int, slots: tuple[int, ...], used: bool
) -> None:
    assert run_to(pause_ns, *slots).slots_used is used


def test_what_is_watched_is_executed_as_ever() -> None:
    watched, plain = run_to(10_000, 1, 2, 3), run_to(10_000)
    assert watched.ending is plain.ending is Ending.STOPPED
    assert watched.time_ns == plain.time_ns
    assert watched.state.tolist() == plain.state.tolist()


def test_numbers_of_rows_are_no_registers() -> None:
    """``nop`` and jumps within the layout have numbers where others have registers."""
    stale = "move 8,R3\nwait R3\nnop\nnop\nnop\nwait 100\nstop"
    assert not run_to(10_000, 2, program=stale).slots_used
    assert run_to(10_000, 3, program=stale).slots_used
