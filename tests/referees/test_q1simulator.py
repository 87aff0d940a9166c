"""Our Q1 processor against q1simulator: same rows, same times, same faults."""

import bisect
from collections.abc import Sequence

import pytest
from tests.benches.referees.q1simulator_oracle import Record, simulate
from tests.benches.referees.random_q1_programs import BINS, WAVEFORMS, WEIGHTS, random_program
from tests.benches.thoroughness import cases

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Access, Operation
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Route
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import (
    Ending,
    RealTimeTrace,
)

KINDS = ("update", "play", "acquire", "weighed")


def ours(text: str, triggers: Sequence[tuple[int, int]]) -> RealTimeTrace:
    setup = SequencerSetup(
        waveform_lengths=dict(enumerate(WAVEFORMS)),
        weight_lengths=dict(enumerate(WEIGHTS)),
        acquisition_bins=BINS,
        readout=True,
        sync=True,
        gain=(0, 0),
    )
    arriving = [Trigger(time_ns, address) for time_ns, address in triggers]
    processor = Q1Processor(assemble(text), setup)
    (trace,) = run_together((processor,), triggers=arriving, routes=lambda *_: Route((0,)))
    return trace


def theirs(text: str, triggers: Sequence[tuple[int, int]]) -> Record:
    # Its registers start with gain 32767: programs set the gain first.
    return simulate(
        text, waveforms=WAVEFORMS, weights=WEIGHTS, acquisitions=BINS, triggers=triggers
    )


def assert_equal(trace: RealTimeTrace, record: Record, text: str) -> None:
    assert len(trace) == len(record.rows), text
    for k, row in enumerate(record.rows):
        where = f"row {k} of\n{text}"
        assert KINDS[trace.kind[k]] == row.kind, where
        assert trace.time_ns[k] == row.time_ns, where
        assert (trace.gain0[k], trace.gain1[k]) == row.gain, where
        assert (trace.offs0[k], trace.offs1[k]) == row.offset, where
        assert trace.marker[k] == row.marker, where
        assert trace.nco_freq[k] == row.frequency_hz * 4, where
        apart = (trace.nco_phase[k] * 1e-9 - row.phase_turns + 0.5) % 1 - 0.5
        assert abs(apart) < 2e-9, where  # ours cuts to 1e-9 turn; theirs is a float
        indices = {
            "update": (),
            "play": (trace.wave0[k], trace.wave1[k]),
            "acquire": (trace.acq[k], trace.bin[k]),
            "weighed": (trace.acq[k], trace.bin[k], trace.weight0[k], trace.weight1[k]),
        }[row.kind]
        assert indices == row.indices, where
    assert set(trace.flags) == record.errors, text
    assert trace.end_ns == record.end_ns, text
    assert trace.ending is Ending.STOPPED, text
    if not record.errors:
        assert trace.exit_code % 2**32 == record.exit_code, text  # theirs is unsigned


def compare(seed: int) -> Record:
    program = random_program(seed)
    record = theirs(program.text, program.triggers)
    assert not record.stale_read, program.text
    assert_equal(ours(program.text, program.triggers), record, f"seed {seed}:\n{program.text}")
    return record


def test_random_programs_do_the_same_on_q1simulator() -> None:
    programs = cases(300, 600)
    records = [compare(seed) for seed in range(programs)]
    faults = frozenset().union(*(record.errors for record in records))
    assert faults == {
        "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW",
        "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION",
        "AWG WAVE PLAYBACK INDEX INVALID PATH 0",
        "AWG WAVE PLAYBACK INDEX INVALID PATH 1",
        "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 0",
        "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 1",
        "ACQ INDEX INVALID",
        "ACQ BIN INDEX INVALID",
        "ACQ BINNING FIFO ERROR",
    }
    assert sum(not record.errors for record in records) > 30 * programs / 600
    assert sum(len(record.rows) for record in records) > 4000 * programs / 600


def classical() -> list[str]:
    """Return every classical instruction form that q1simulator knows."""
    lines = []
    for form in FORMS:
        known = Operation.NOP <= form.operation <= Operation.SET_AWG_OFFS
        if not known or form.operation is Operation.SW_REQ:
            continue
        if Operation.JMP <= form.operation <= Operation.JBE:
            if form.signature == "#":  # a jump to the next instruction, taken or not
                lines += [f"{form.mnemonic} @{form.mnemonic}\n{form.mnemonic}: nop"]
            continue
        words = [
            f"R{k}" if field is Access.WRITE else f"R{10 + k}" if field is Access.READ else "1"
            for k, field in enumerate(form.fields)
        ]
        lines.append(f"{form.mnemonic} {','.join(words)}".rstrip())
    return lines


@pytest.mark.parametrize("line", classical())
def test_the_first_instruction_must_last_as_long_as_what_is_computed_behind_it(line: str) -> None:
    body = line if ":" in line else "\n".join([line] * 7)
    for zero in (0, 1) if ":" in line else (0,):  # both ways through a jump

        def program(lasting_ns: int, zero: int = zero) -> str:
            head = f"cmp R1,{zero}\nset_awg_gain 0,0\n"
            tail = "\n".join(["nop"] * 10)
            return f"{head}upd_param {lasting_ns}\n{body}\n{tail}\nupd_param 60000\nstop"

        lasting = range(4, 1000, 4)
        enough = bisect.bisect_left(lasting, True, key=lambda ns: not ours(program(ns), []).flags)
        least = lasting[enough]
        assert least > 4
        for ns in (least, least - 1):
            text = program(ns)
            assert_equal(ours(text, []), theirs(text, []), text)


@pytest.mark.parametrize("spacing_ns", [50, 150, 290, 300, 310])
def test_acquisitions_are_lost_alike_when_the_binning_is_too_slow(spacing_ns: int) -> None:
    text = "wait_sync 4\nset_awg_gain 0,0\nwait 4000\n" + f"acquire 0,1,{spacing_ns}\n" * 60
    record = theirs(text + "stop", [])
    assert ("ACQ BINNING FIFO ERROR" in record.errors) == (spacing_ns < 290)
    assert_equal(ours(text + "stop", []), record, text)


@pytest.mark.slow
@pytest.mark.timeout(1800)
def test_many_more_random_programs_do_the_same_on_q1simulator() -> None:
    for seed in range(1000, 11_000):
        compare(seed)
