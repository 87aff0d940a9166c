"""Writes the reference page of all Q1 instructions and of what the twin does with each."""

from collections.abc import Iterator
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm.commands import command
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Form, Immediate, Operation
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import (
    foreign_operations,
    knows_command,
)

_HEAD = """# Q1 instructions

Every form of operands that the vendor's assembler (qblox-instruments 1.4.1) accepts, what it costs
the classical side, and which sequencers execute it here; to others it is an illegal instruction.
A referee holds forms and limits against that assembler, and tests run every form on every kind of
sequencer. What instructions do stands on [the page of the processor](q1_processor.md). This page is
written by `python docs/tools/q1_instructions.py`.

`R` is a register, a range of numbers an immediate. A tick is 4 ns; a jump that is taken costs three
more. Real-time instructions last as long as their last operand says, 4 to 65535 ns.

| instruction | operands | ticks | control | readout | time tags |
| --- | --- | --- | --- | --- | --- |
"""

KINDS: Final = {"control": (False, False), "readout": (True, False), "time tags": (False, True)}
"""Whether it reads out, and whether it tags."""

NOTES: Final = {
    "sw_req": "does nothing",
    "reset_netzero": "does nothing",
    "play_netzero": "only its duration",
    "set_scope_en": "yes",
    "acquire_ttl": "QRM",
    "fb_acq_tb_extra": "only 0",
    "fb_com_extra": "only 0",
    "fb_cmd": "by number",
}
"""What a sequencer that executes it does less than all of it."""


def page() -> str:
    """Return the page."""
    return _HEAD + "".join(f"{row}\n" for row in _rows())


def _rows() -> Iterator[str]:
    forms: dict[str, list[Form]] = {}
    for form in FORMS:
        forms.setdefault(form.mnemonic, []).append(form)
    for mnemonic, all_forms in forms.items():
        operands = "; ".join(f"`{_operands(form)}`" if form.fields else "" for form in all_forms)
        ticks = ", ".join(dict.fromkeys(str(form.ticks) for form in all_forms))
        if all(form.deprecated for form in all_forms):
            ticks = "as two"
        executed = [_executed(all_forms[0], *kind) for kind in KINDS.values()]
        yield f"| `{mnemonic}` | {operands} | {ticks} | {' | '.join(executed)} |"


def _operands(form: Form) -> str:
    words = (
        f"{field.low}…{field.high}" if isinstance(field, Immediate) else "R"
        for field in form.fields
    )
    return ", ".join(words)


def _executed(form: Form, readout: bool, tags: bool) -> str:
    if form.operation in foreign_operations(readout, tags):
        return ""
    if form.operation is Operation.FB_CMD and form.mnemonic != "fb_cmd":
        found = command(form, [0] * len(form.fields))
        if found is None or not knows_command(found.number, readout, tags):
            return ""
    if form.operation is Operation.SET_SCOPE_EN and not tags:
        return "does nothing"
    return NOTES.get(form.mnemonic, "yes")


if __name__ == "__main__":
    print(page(), end="")
