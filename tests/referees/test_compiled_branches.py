"""Conditions as the compiler writes them, before judges that we did not write.

The vendor's assembler takes every line; q1simulator, told the same triggers as our emulator, skips
and latches the same, for random programs as well.
"""

from collections.abc import Sequence

import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.compilers.branch_dice import dice_of
from tests.benches.compilers.qblox_oracle import triggers
from tests.benches.compilers.qblox_playback import emulate
from tests.benches.programs.branch_programs import branch_programs
from tests.benches.programs.example_programs import target
from tests.benches.programs.random_branches import branching
from tests.benches.referees.phase_slack import PHASE_SLACK
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler
from tests.benches.referees.q1simulator_oracle import Record, simulate
from tests.benches.thoroughness import cases

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import Program
from podium.firmware_interfaces.qblox_cluster.program import SequencerProgram

PROGRAMS = branch_programs()
QUIET = settings(
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)


def simulated(sequencer: SequencerProgram, told: Sequence[tuple[int, int]] = ()) -> Record:
    return simulate(
        sequencer.text,
        waveforms=[len(w.samples) for w in sequencer.waveforms],
        acquisitions={a.index: a.bins for a in sequencer.acquisitions},
        triggers=told,
    )


def hold_against_q1simulator(program: Program, seed: int) -> None:
    compiled = compile_program(program, target())
    told = triggers(program, compiled, dice_of(program, seed))
    traces = emulate(compiled, told)
    for sequencer, trace in zip(compiled.sequencers, traces, strict=True):
        # Both count from their own start of the first shot: they differ in how they synchronise.
        ours_ns, theirs_ns = int(trace.time_ns[1]), simulated(sequencer).rows[1].time_ns
        shifted = [(one.time_ns - ours_ns + theirs_ns, one.address) for one in told]
        record = simulated(sequencer, shifted)
        assert not record.stale_read
        assert record.errors == frozenset()
        assert len(record.rows) == len(trace)
        for k, row in enumerate(record.rows[1:], 1):
            assert row.time_ns - theirs_ns == trace.time_ns[k] - ours_ns
            assert row.gain == (trace.gain0[k], trace.gain1[k])
            assert row.offset == (trace.offs0[k], trace.offs1[k])
            off = (row.phase_turns - trace.nco_phase[k] * 1e-9 + 0.5) % 1 - 0.5
            assert abs(off) < PHASE_SLACK


@pytest.mark.parametrize("name", PROGRAMS)
def test_q1simulator_takes_the_same_branches(name: str) -> None:
    for seed in range(2):
        hold_against_q1simulator(PROGRAMS[name], seed)


@settings(QUIET, max_examples=25)
@given(branching())
def test_q1simulator_takes_the_same_branches_of_random_programs(program: Program) -> None:
    try:
        hold_against_q1simulator(program, 1)
    except DoesNotFit:
        return


@pytest.fixture
def assembler() -> None:
    found = vendor_assembler()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@settings(QUIET, max_examples=cases(20, 40))
@given(branching())
def test_the_vendors_assembler_accepts_random_branches(program: Program) -> None:
    try:
        compiled = compile_program(program, target())
    except DoesNotFit:
        return
    for sequencer, resources in zip(compiled.sequencers, compiled.resources, strict=True):
        verdict = judge(sequencer.text)
        assert verdict.accepted, (sequencer.frame, verdict.log)
        assert verdict.length == resources.instructions
        assert "deprecated" not in verdict.log
