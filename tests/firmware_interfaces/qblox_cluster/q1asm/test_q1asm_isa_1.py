"""What `make test-clients` finds of the older assembler itself, tests/referees/clients holds."""

import pytest

from podium.firmware_interfaces.qblox_cluster.q1asm import AssemblyError, assemble

LOOPS = """
       move 10,R0
       move 0,R1
a:     wait 4
       add R1,1,R1
       nop
       jge R1,5,@b
b:     loop R0,@a
       stop
"""


def test_its_programs_assemble_to_the_same_memory_and_nothing_is_deprecated() -> None:
    old, new = assemble(LOOPS, generation=1), assemble(LOOPS)
    assert old.opcode.tolist() == new.opcode.tolist()
    assert old.operands.tolist() == new.operands.tolist()
    assert not old.warnings
    assert len(new.warnings) == 2


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ("jnz 0", "instruction 'jnz' not found; newer firmware has it"),
        ("fb_pop_data 3,R1", "instruction 'fb_pop_data' not found; newer firmware has it"),
        ("plqy 1,1,4", "instruction 'plqy' not found; nearest: play"),
        ("stop 3", '"stop" does not support argument signature "#"; supported: ""'),
        ("sub 1,R2,R3", 'supported: "R#,R#,R#" or "R#,#,R#"'),
        ("wait 3", "value: 3 out of range (4,65535)"),
        ("add R1,-1,R1", "value: -1 out of range (0,4294967295)"),
    ],
)
def test_what_came_later_is_refused(line, says) -> None:
    with pytest.raises(AssemblyError) as refused:
        assemble(line, generation=1)
    assert says in str(refused.value)
    if "nearest" not in says:
        assemble(line)
