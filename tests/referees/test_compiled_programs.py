"""What the compiler emits, before judges that we did not write.

The vendor's assembler must accept every program and count as many instructions as the resource
report; q1simulator must run it without complaint and latch what our emulator latches.
"""

import pytest
from hypothesis import HealthCheck, given, settings
from tests.benches.compilers.qblox_playback import emulate
from tests.benches.programs.branch_programs import branch_programs
from tests.benches.programs.edge_programs import edge_programs
from tests.benches.programs.example_programs import first_light, flux_target, rabi, target
from tests.benches.programs.flux_programs import qcm_programs
from tests.benches.programs.random_programs import programs
from tests.benches.referees.phase_slack import PHASE_SLACK
from tests.benches.referees.q1asm_oracle import Unavailable, judge, vendor_assembler
from tests.benches.referees.q1simulator_oracle import simulate
from tests.benches.thoroughness import cases, sampled

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import Capture, Delay, Frame, Program
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram, ExternalStart

PROGRAMS = first_light() | edge_programs() | branch_programs()
SIMULATED = (
    "time_of_flight",
    "resonator_spectroscopy",
    "ramsey",
    "ef_spectroscopy",
    "short_gaps",
    "long_swept_gaps",
    "phases_of_two_axes",
    "chirp",
    "kept_shots",
)


@pytest.fixture
def assembler() -> None:
    found = vendor_assembler()
    if isinstance(found, Unavailable):
        pytest.skip(found.reason)


def _is_accepted(compiled: ClusterProgram) -> None:
    for sequencer, resources in zip(compiled.sequencers, compiled.resources, strict=True):
        verdict = judge(sequencer.text)
        assert verdict.accepted, (sequencer.frame, verdict.log)
        assert verdict.length == resources.instructions
        assert "deprecated" not in verdict.log


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@pytest.mark.parametrize("start", [None, ExternalStart(1, 12, 0)])
def test_the_vendors_assembler_accepts_windows_of_a_time_tagger(
    start: ExternalStart | None,
) -> None:
    ports = {f"link_ab.d{n}": PortTarget(10, "QTM", "", 0.0, f"io{n}") for n in range(2)}
    frames = tuple(Frame(port, port, 0.0) for port in ports)
    shot = (
        *(Capture(port, f"{port}.a", ns=400, delay_ns=200_000) for port in ports),
        *(Capture(port, f"{port}.b", ns=400, delay_ns=200_700) for port in ports),
        Delay(tuple(ports), ns=300_000),
    )
    program = Program("clicks", frames, shot, shots=5, keep_shots=True)
    _is_accepted(compile_program(program, QbloxTarget("station", ports), start))


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@pytest.mark.parametrize("name", PROGRAMS)
def test_the_vendors_assembler_accepts_what_we_emit(name: str) -> None:
    _is_accepted(compile_program(PROGRAMS[name], target()))


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@pytest.mark.parametrize(
    "start", sampled([ExternalStart(1), ExternalStart(15, 1_000_001)], kept=[ExternalStart(1)])
)
def test_the_vendors_assembler_accepts_programs_that_wait_for_a_trigger(
    start: ExternalStart,
) -> None:
    for program in list(PROGRAMS.values())[:: cases(3, 1)]:
        _is_accepted(compile_program(program, target(), start))


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@settings(
    max_examples=cases(20, 40),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(programs())
def test_the_vendors_assembler_accepts_random_programs(program: Program) -> None:
    _is_accepted_or_refused(program, target())


@pytest.mark.q1asm
@pytest.mark.usefixtures("assembler")
@settings(
    max_examples=cases(8, 1_000),
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.too_slow, HealthCheck.function_scoped_fixture],
)
@given(qcm_programs())
def test_the_vendors_assembler_accepts_random_flux_programs(program: Program) -> None:
    _is_accepted_or_refused(program, flux_target())


def _is_accepted_or_refused(program: Program, wiring: QbloxTarget) -> None:
    try:
        compiled = compile_program(program, wiring)
    except DoesNotFit:
        return
    _is_accepted(compiled)


@pytest.mark.parametrize("name", SIMULATED)
def test_q1simulator_latches_what_our_emulator_latches(name: str) -> None:
    compiled = compile_program(PROGRAMS[name], target())
    traces = emulate(compiled)
    for sequencer, trace in zip(compiled.sequencers, traces, strict=True):
        record = simulate(
            sequencer.text,
            waveforms=[len(w.samples) for w in sequencer.waveforms],
            acquisitions={a.index: a.bins for a in sequencer.acquisitions},
        )
        assert not record.stale_read
        assert record.errors == frozenset()
        assert len(record.rows) == len(trace)
        # Both count from their own start of the first shot: they differ in how they synchronise.
        ours_ns, theirs_ns = int(trace.time_ns[1]), record.rows[1].time_ns
        for k, row in enumerate(record.rows[1:], 1):
            assert row.time_ns - theirs_ns == trace.time_ns[k] - ours_ns
            assert row.gain == (trace.gain0[k], trace.gain1[k])
            assert row.offset == (trace.offs0[k], trace.offs1[k])
            assert row.frequency_hz == trace.nco_freq[k] / 4
            off = (row.phase_turns - trace.nco_phase[k] * 1e-9 + 0.5) % 1 - 0.5
            assert abs(off) < PHASE_SLACK


def test_a_rabi_scan_takes_less_than_a_tenth_of_the_instructions_of_an_unrolled_one() -> None:
    compiled = compile_program(rabi(51, 1024), target())
    assert max(use.instructions for use in compiled.resources) < 84  # qblox-scheduler 1.0.1: 841
