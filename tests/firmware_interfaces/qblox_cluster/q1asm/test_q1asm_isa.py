from podium.firmware_interfaces.qblox_cluster.q1asm.isa import (
    FORMS,
    MAX_OPERANDS,
    OPCODES,
    Immediate,
    Operation,
    signatures,
)


def ticks(mnemonic: str, signature: str) -> int:
    return FORMS[OPCODES[mnemonic, signature]].ticks


def test_an_opcode_is_one_mnemonic_with_one_signature() -> None:
    assert len(OPCODES) == len(FORMS)
    assert {form.operation for form in FORMS} == set(Operation)
    assert all(len(form.fields) <= MAX_OPERANDS for form in FORMS)


def test_every_immediate_has_room() -> None:
    for form in FORMS:
        for field in form.fields:
            if isinstance(field, Immediate):
                assert field.low <= 0 < field.high


def test_the_cost_is_a_tick_for_each_register_read_and_the_arithmetic() -> None:
    assert ticks("nop", "") == 1
    assert ticks("move", "#,R#") == 1
    assert ticks("add", "R#,#,R#") == 3
    assert ticks("add", "R#,R#,R#") == 4
    assert ticks("cmp", "R#,#") == 3
    assert ticks("muls32", "R#,R#,R#,R#") == 7
    assert ticks("muls32l", "R#,#,R#") == 5
    assert ticks("set_awg_gain", "R#,R#") == 2
    assert ticks("set_cond", "R#,R#,R#,#") == 3
    assert ticks("acquire_weighed", "#,R#,R#,R#,#") == 3
    assert ticks("jmp", "R#") == 1


def test_signatures_are_listed_for_messages() -> None:
    assert signatures("jge") == ("R#", "#", "R#,#,R#", "R#,#,#")
    assert signatures("none") == ()
