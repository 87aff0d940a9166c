"""Where the twin and q1simulator differ: for each a program, what both do, a line in the docs."""

from dataclasses import dataclass, replace
from pathlib import Path

import pytest
from tests.benches.referees.q1simulator_oracle import simulate

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Route
from podium.sim_instruments.twins.qblox_cluster.processor.q1_group import run_together
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)

PAGE = Path(__file__).parents[2] / "docs/reference/q1_processor.md"
HEADING = "## Where we differ from q1simulator"
UNDERFLOW = "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW"
RT_ILLEGAL = "SEQUENCE PROCESSOR RT EXEC ILLEGAL INSTRUCTION"
Q1_ILLEGAL = "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION"
READOUT = SequencerSetup(
    waveform_lengths={0: 20},
    weight_lengths={0: 100},
    acquisition_bins={0: 10},
    readout=True,
    sync=True,
)


@dataclass(frozen=True, slots=True)
class Did:
    """What a processor did, as far as it is shown."""

    errors: tuple[str, ...] = ()
    time_ns: tuple[int, ...] = ()
    """Of rows."""
    end_ns: int | None = None
    exit_code: int | None = None
    gain0: tuple[int, ...] | None = None
    marker: tuple[int, ...] | None = None
    frequency_hz: tuple[float, ...] | None = None


@dataclass(frozen=True, slots=True)
class Difference:
    """One row of the page."""

    title: str
    """In the first column of the page."""
    program: str
    theirs: Did | str
    """A string: it raises this."""
    ours: Did
    triggers: tuple[tuple[int, int], ...] = ()
    readout: bool = True


TOO_LATE = "nop\n" * 20 + "upd_param 4\nstop"
LOOP = "nop\n" * 9 + "upd_param {}\nmove 1,R0\nnop\nloop R0,@end\nend: upd_param 1000\nstop"
DIFFERENCES = [
    Difference("start", TOO_LATE, Did((UNDERFLOW,)), Did((), (44,), 48, 0)),
    Difference(
        "a register read right behind its write",
        "move 5,R1\nset_awg_gain R1,R1\nupd_param 4\nstop",
        "cannot be read immediately after write",
        Did((), (0,), 4, 0, gain0=(0,)),
    ),
    Difference(
        "a duration below 4 or above 65535 ns",
        "wait 3\nupd_param 4\nstop",
        Did(("WAIT TIME < 4 ns",), (3,), 7, 0),
        Did((RT_ILLEGAL,), (), 0),
    ),
    Difference(
        "a duration below 4 or above 65535 ns",
        "move 65536,R1\nnop\nwait R1\nupd_param 4\nstop",
        Did(("WAIT TIME > 65535 ns",), (65536,), 65540, 0),
        Did((RT_ILLEGAL,), (), 0),
    ),
    Difference(
        "a frequency beyond 500 MHz",
        "set_freq 2000000004\nupd_param 4\nstop",
        Did((), (0,), 4, 0, frequency_hz=(500_000_001.0,)),
        Did((RT_ILLEGAL,), (), 0),
    ),
    Difference("`loop`", LOOP.format(28), Did((UNDERFLOW,), (0,), 28), Did((), (0, 28), 1028, 0)),
    Difference(
        "flags of a left shift",
        "move 2147483648,R1\nnop\nasl R1,1,R2\njz @z\nstop 1\nz: stop 2",
        Did((), (), 0, 1),
        Did((), (), 0, 2),
    ),
    Difference("exit code", "stop -1", Did((), (), 0, 2**32 - 1), Did((), (), 0, -1)),
    Difference(
        "numbers that are not decimal", "stop 0x10", "Invalid integer: 0x10", Did((), (), 0, 16)
    ),
    Difference(
        "exit code from a register",
        "move 7,R1\nnop\nstop R1",
        "Register operand not support",
        Did((), (), 0, 7),
    ),
    Difference(
        "`set_mrk` by register",
        "move 53,R1\nnop\nset_mrk R1\nupd_param 4\nstop",
        Did((), (0,), 4, 0, marker=(0x35,)),
        Did((), (0,), 4, 0, marker=(5,)),
    ),
    Difference(
        "`set_latch_en` by register",
        "move 2,R1\nnop\nset_latch_en R1,4\nstop",
        "enable must be 0 or 1",
        Did((), (), 4, 0),
    ),
    Difference(
        "operation of `set_cond` above 5",
        "set_cond 1,1,6,4\nupd_param 4\nstop",
        "list index out of range",
        Did((RT_ILLEGAL,), (), 0),
    ),
    Difference(
        "messages under a condition",
        "set_latch_en 1,4\nset_cond 1,1,0,20\nfb_com_data 16,5,400\nstop",
        Did((), (), 404, 0),
        Did((), (), 24, 0),
    ),
    Difference(
        "a message with the value of a register",
        "move 5,R1\nnop\nfb_com_data 16,R1,400\nfb_pop_data 16,R2\nnop\nstop R2",
        "Register operand not support",
        Did((), (), 400, 5),
    ),
    Difference(
        "messages to oneself, id 1 to 15",
        "fb_com_data 3,5,400\nfb_pop_data 3,R2\nstop",
        "missing 1 required positional argument",
        Did((), (), 400, 0),
    ),
    Difference(
        "`wait_trigger`",
        "wait 100\nwait_trigger 3,4\nstop",
        "takes 2 positional arguments but 3 were given",
        Did((), (), 504, 0),
        triggers=((500, 3),),
    ),
    Difference(
        "acquisitions on a control module",
        "acquire 0,0,4\nstop",
        "instrument type is not QRM",
        Did((Q1_ILLEGAL,), (), 0),
        readout=False,
    ),
    Difference(
        "`sw_req`, `set_scope_en`, net-zero and time-tag instructions",
        "sw_req 1\nset_scope_en 1\nstop 3",
        Did((Q1_ILLEGAL,), (), 0),
        Did((), (), 0, 3),
    ),
]
NOT_RUN = {
    "`wait_sync` without `sync_en`": "theirs waits for ever",
    "`reset_ph`": "needs a parameter that is set from outside: compared below",
}


def theirs(difference: Difference) -> Did | str:
    try:
        record = simulate(
            difference.program,
            waveforms=(20,),
            weights=(100,),
            acquisitions={0: 10},
            triggers=difference.triggers,
            readout=difference.readout,
        )
    except Exception as error:
        return str(error)
    if record.stale_read:
        return "cannot be read immediately after write"
    return Did(
        tuple(sorted(record.errors)),
        tuple(row.time_ns for row in record.rows),
        record.end_ns,
        record.exit_code,
        tuple(row.gain[0] for row in record.rows),
        tuple(row.marker for row in record.rows),
        tuple(row.frequency_hz for row in record.rows),
    )


def ours(difference: Difference) -> Did:
    setup = replace(READOUT, readout=difference.readout)
    (trace,) = run_together(
        [Q1Processor(assemble(difference.program), setup)],
        triggers=[Trigger(*one) for one in difference.triggers],
        routes=lambda _, id_: Route((0,), self_cast=id_ < 16),
    )
    return Did(
        tuple(sorted(trace.flags)),
        tuple(trace.time_ns.tolist()),
        trace.end_ns,
        trace.exit_code,
        tuple(trace.gain0.tolist()),
        tuple(trace.marker.tolist()),
        tuple(freq / 4 for freq in trace.nco_freq.tolist()),
    )


def assert_shown(did: Did, expected: Did) -> None:
    shown = {
        name: getattr(did, name) if getattr(expected, name) is not None else None
        for name in Did.__slots__
    }
    assert Did(**shown) == expected


@pytest.mark.parametrize("difference", DIFFERENCES, ids=lambda one: one.title)
def test_both_do_what_the_page_says(difference: Difference) -> None:
    did = theirs(difference)
    if isinstance(difference.theirs, str):
        assert isinstance(did, str), did
        assert difference.theirs in did
    else:
        assert not isinstance(did, str), did
        assert_shown(did, difference.theirs)
    assert_shown(ours(difference), difference.ours)


def test_a_loop_costs_them_a_tick_more_and_no_other_difference() -> None:
    longer = Difference("`loop`", LOOP.format(32), Did(), Did())
    both = theirs(longer), ours(longer)
    assert both[0] == both[1]


def test_a_reset_of_the_phase_clears_what_was_set_as_a_parameter() -> None:
    setup = replace(READOUT, nco_phase=250_000_000)
    (trace,) = run_together([Q1Processor(assemble("reset_ph\nupd_param 4\nstop"), setup)])
    assert trace.nco_phase.tolist() == [0]


def test_every_difference_has_its_line_on_the_page_and_every_line_its_program() -> None:
    section = PAGE.read_text().split(HEADING)[1].split("\n## ")[0]
    rows = [line.split("|")[1:-1] for line in section.splitlines() if line.startswith("| ")]
    titles = [row[0].strip() for row in rows[2:]]
    assert sorted(titles) == sorted({one.title for one in DIFFERENCES} | set(NOT_RUN))
    assert all(all(cell.strip() for cell in row) and len(row) == 4 for row in rows)
