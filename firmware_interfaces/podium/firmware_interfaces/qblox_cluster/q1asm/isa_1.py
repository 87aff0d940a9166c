"""The first generation of the instruction set: what firmware before 1.0 has.

Read from the assembler that comes with qblox-instruments 0.17.0 and 1.0.3, the same file, by giving
it every form of the second generation (``tests/referees/clients`` does so again). What it has is
part of the second; ``loop``, ``jge`` and ``jlt`` with three operands are its own there, and are
still taken by the newer assembler, which replaces them. Its arithmetic takes no negative numbers,
and a real-time instruction lasts 4 ns at least.
"""

from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Form, Immediate

SHORTEST_NS: Final = 4

_NEWER_MNEMONICS: Final = frozenset(
    {
        "acquire_weighted", "cmp", "ja", "jae", "jb", "jbe", "jg", "jl", "jle", "jno", "jns",
        "jnz", "jo", "js", "jz", "lsl", "lsr", "muls16", "muls32", "muls32h", "muls32l", "mulu16",
        "mulu32", "mulu32h", "mulu32l", "play_netzero", "reset_netzero", "test",
    }
)  # fmt: skip
_NEWER_FORMS: Final = frozenset(
    {
        ("jge", "#"), ("jge", "R#"), ("stop", "#"), ("stop", "R#"), ("upd_param", "R#"),
        *((name, "#,R#,R#") for name in ("add", "and", "asl", "asr", "or", "sub", "xor")),
    }
)  # fmt: skip
_UNSIGNED: Final = frozenset({"alu_src_imm", "alu_rgt_imm", "alu_rgt_s_imm", "srq_imm"})


def has(form: Form) -> bool:
    """Tell whether the first generation has a form."""
    if form.mnemonic in _NEWER_MNEMONICS or form.mnemonic.startswith("fb_"):
        return False
    return (form.mnemonic, form.signature) not in _NEWER_FORMS


def signatures(mnemonic: str) -> tuple[str, ...]:
    """Return the operand forms that a mnemonic takes in the first generation."""
    return tuple(form.signature for form in FORMS if form.mnemonic == mnemonic and has(form))


def lowest(immediate: Immediate) -> int:
    """Return the least value that an operand takes in the first generation."""
    if immediate.name == "seq_cnt_imm":
        return SHORTEST_NS
    return max(immediate.low, 0) if immediate.name in _UNSIGNED else immediate.low
