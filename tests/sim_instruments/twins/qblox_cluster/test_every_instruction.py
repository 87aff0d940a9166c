"""Every form of every instruction on every kind of sequencer: executed or illegal, as is told."""

from pathlib import Path

import pytest
from tests.benches.docs.page_tools import page_tool

from podium.firmware_interfaces.qblox_cluster.q1asm import assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Form, Immediate, Operation
from podium.sim_instruments.twins.qblox_cluster.processor.message_routes import Route
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
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

TOOL = page_tool("q1_instructions")
KINDS = TOOL.KINDS
PAGE = Path(__file__).parents[4] / "docs/reference/q1_instructions.md"
ILLEGAL = "SEQUENCE PROCESSOR Q1 ILLEGAL INSTRUCTION"
DURATION_NS = 1000
SETUPS = {
    kind: SequencerSetup(
        waveform_lengths={0: 20},
        weight_lengths={0: 20},
        acquisition_bins={0: 4},
        readout=readout,
        tags=tags,
        counts=readout,
        sync=True,
    )
    for kind, (readout, tags) in KINDS.items()
}
ONES = {"seq_trig_addr_imm", "seq_cond_en_imm", "seq_mask_imm"}
"""Operands that are 1: what waits for trigger 0 would wait for ever."""


def spelled(form: Form) -> str:
    """Return an instruction of that form that ends, and a program in which it makes sense."""
    timed = Operation.WAIT <= form.operation <= Operation.SET_LATCH_EN
    lines, words = [], []
    for place, field in enumerate(form.fields):
        last = place == len(form.fields) - 1
        if isinstance(field, Immediate):
            lasts = (timed and last) or field.name == "seq_else_cnt_imm"
            value = DURATION_NS if lasts else 1 if field.name in ONES else 0
            word = "@next" if field.name == "ins_adr_imm" else str(value)
        else:
            word = f"R{10 + place}"
            value = 1 if form.operation is Operation.WAIT_TRIGGER and not last else 0
            value = DURATION_NS if timed and last else value
            jumps = Operation.JMP <= form.operation <= Operation.JBE or form.deprecated
            lines.append(f"move {'@next' if jumps and last else value},{word}")
        words.append(word)
    head = "set_latch_en 1,100\nwait 3000\nfb_com_data 16,1,1000\n" + "".join(
        f"{line}\n" for line in lines
    )
    if form.operation is Operation.FB_POP_DATA:
        words[0] = "16"
    return f"{head}nop\n{form.mnemonic} {','.join(words)}\nnext: nop\nwait 1000\nstop 7\n"


def run(form: Form, kind: str) -> RealTimeTrace:
    processor = Q1Processor(assemble(spelled(form)), SETUPS[kind])
    (trace,) = run_together([processor], triggers=[Trigger(6000, 1)], routes=lambda *_: Route((0,)))
    return trace


def of_page() -> dict[str, list[str]]:
    """Return what the page says each kind of sequencer does with each mnemonic."""
    rows = [line.split(" | ") for line in PAGE.read_text().splitlines() if line.startswith("| `")]
    return {row[0][3:-1]: [cell.strip(" |") for cell in row[-3:]] for row in rows}


def test_the_page_of_instructions_is_current() -> None:
    assert PAGE.read_text() == TOOL.page()
    assert set(of_page()) == {form.mnemonic for form in FORMS}


@pytest.mark.parametrize("form", FORMS, ids=lambda form: f"{form.mnemonic} {form.signature}")
@pytest.mark.parametrize("kind", KINDS)
def test_every_form_is_executed_or_illegal_as_the_page_says(form: Form, kind: str) -> None:
    said = of_page()[form.mnemonic][list(KINDS).index(kind)]
    try:
        trace = run(form, kind)
    except NotEmulated:
        assert said in ("only 0", "0, or mock", "by number")
        assert "R" in form.signature  # what a register holds is not known before the run
        return
    assert trace.ending is Ending.STOPPED
    if form.mnemonic in ("illegal", "stop"):
        assert trace.flags == ((ILLEGAL,) if form.mnemonic == "illegal" else ())
    elif said in ("", "by number") or (said == "QRM" and kind != "readout"):
        assert trace.flags == ((ILLEGAL,) if kind != "time tags" or said != "by number" else ())
    else:
        assert trace.flags == (), trace.log
        assert trace.exit_code == 7
