"""Random Q1ASM programs that end, and keep to what both q1simulator and the twin define.

What they leave out stands, each with a program of its own, in ``test_q1simulator_differences.py``.
"""

import random
from dataclasses import dataclass, field
from typing import Final

from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label, Operand, Register
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS
from podium.firmware_interfaces.qblox_cluster.q1asm.print import format_program

WAVEFORMS: Final = (20, 40, 4)
WEIGHTS: Final = (100, 100)
BINS: Final = {0: 50, 1: 3}
REGISTERS: Final = 10
"""R0 counts the outer loop, R1 to R7 are played with, R8 and R9 hold addresses and inner counts."""
PLAYED: Final = range(1, 8)
ADDRESS, INNER = Register(8), Register(9)
CONDITIONS: Final = sorted(
    form.mnemonic for form in FORMS if form.mnemonic[0] == "j" and form.signature == "#"
)
CAST_IDS: Final = (16, 40)
"""Routed to the one sequencer that there is."""
TRIGGERS: Final = 30
TRIGGERS_UNTIL_NS: Final = 40_000


@dataclass(frozen=True, slots=True)
class Program:
    """One program and what it is run with."""

    text: str
    triggers: tuple[tuple[int, int], ...]
    """(time in ns, address)."""


def random_program(seed: int) -> Program:
    """Return the program of a seed.

    Three of four have slack: waits after which the real-time side is ahead again. The fourth runs
    dry somewhere, more often than not.
    """
    chance = random.Random(seed)
    slack, with_triggers = seed % 4 > 0, seed % 3 == 0
    text = _Writer(chance, slack=slack, triggers=with_triggers).program()
    times = sorted(chance.sample(range(1, TRIGGERS_UNTIL_NS), TRIGGERS)) if with_triggers else []
    return Program(text, tuple((time_ns, chance.randint(1, 15)) for time_ns in times))


@dataclass(slots=True)
class _Writer:
    random: random.Random
    slack: bool
    triggers: bool
    lines: list[Instruction] = field(default_factory=list)
    labels: int = 0
    label: str | None = None
    """Stands before the next instruction."""
    inside: bool = False
    """Within an inner loop or a subroutine: no other."""

    def add(self, mnemonic: str, *operands: int | str | Register) -> None:
        label, self.label = self.label, None
        values: tuple[Operand, ...] = tuple(Label(o) if isinstance(o, str) else o for o in operands)
        self.lines.append(Instruction(mnemonic, values, label))

    def new_label(self) -> str:
        self.labels += 1
        return f"at{self.labels}"

    def register(self) -> Register:
        return Register(self.random.choice(PLAYED))

    def number(self, low: int, high: int) -> int:
        spread = self.random.random()
        if spread < 0.2:
            return self.random.choice((low, high))
        if spread < 0.6:
            return max(low, min(high, self.random.randint(-50, 50)))
        return self.random.randint(low, high)

    def put(self, value: int) -> Register:
        """Put a number into a register, and wait for it."""
        register = self.register()
        self.add("move", value, register)
        self.add("nop")
        return register

    def program(self) -> str:
        self.add("wait_sync", 4)
        self.add("set_awg_gain", 100, -100)
        self.add("wait", 3000)
        if self.triggers:
            self.add("set_latch_en", 1, 4)
        for k in PLAYED:
            self.add("move", self.number(-(2**31), 2**32 - 1), Register(k))
        self.add("move", self.random.randint(1, 6), Register(0))
        self.add("nop")
        self.label = "again"
        for _ in range(self.random.randint(1, 16)):
            self.statement()
        if self.slack:
            self.add("wait", 4000)
        self.outer_loop()
        self.ending()
        return format_program(self.lines)

    def outer_loop(self) -> None:
        if self.slack and self.random.random() < 0.3:  # it costs them a tick more
            self.add("loop", Register(0), "again")
            return
        self.add("sub", Register(0), 1, Register(0))
        self.add("jnz", "again")

    def ending(self) -> None:
        match self.random.randint(0, 9):
            case 0:
                self.add("illegal")
            case 1 | 2 | 3:
                self.add("stop", self.number(-(2**31), 2**31 - 1))
            case _:
                self.add("stop")

    def statement(self) -> None:
        kinds = ["arithmetic"] * 3 + ["jump"] * 2 + ["parameter"] * 3 + ["play", "acquire"] * 2
        kinds += ["wait", "update", "sync"]
        if not self.inside:
            kinds += ["inner_loop", "subroutine"]
        if self.triggers:
            kinds += ["condition"] * 2
        else:
            kinds += ["message"]  # they skip none, we do
        getattr(self, self.random.choice(kinds))()

    def arithmetic(self) -> None:
        pick = self.random.choice
        match pick(("binary", "compare", "shift", "unary", "multiply", "multiply_16")):
            case "binary":
                self.two(pick(("add", "sub", "and", "or", "xor")), -(2**31), 2**32 - 1, 1)
            case "compare":
                self.two(pick(("cmp", "test")), -(2**31), 2**32 - 1, 0)
            case "shift":
                self.shift()
            case "unary":
                source = self.register() if self.random.random() < 0.5 else self.number(-9, 9)
                self.add(pick(("move", "not")), source, self.register())
            case "multiply":
                wide = pick(("mulu32", "muls32", "mulu32l", "mulu32h", "muls32l", "muls32h"))
                low, high = (0, 2**32 - 1) if wide[3] == "u" else (-(2**31), 2**31 - 1)
                self.two(wide, low, high, 2 if len(wide) == 6 else 1)
            case "multiply_16":
                if pick((False, True)):
                    self.two("mulu16", 0, 65535, 1)
                else:
                    self.two("muls16", -32768, 32767, 1)
        self.add("nop")

    def shift(self) -> None:
        """Within the width; what flags a left shift leaves is not compared."""
        pick = self.random.choice
        places: int | Register = self.random.randint(0, 31)
        if pick((False, True)):
            places = self.put(places)
        self.add(pick(("asr", "lsr")), self.register(), places, self.register())
        self.add("nop")
        self.add(pick(("asl", "lsl")), self.register(), self.number(0, 31), self.register())
        self.add("nop")
        self.add("test", self.register(), self.register())

    def two(self, mnemonic: str, low: int, high: int, destinations: int) -> None:
        operands: list[int | Register] = [self.register(), self.register()]
        if self.random.random() < 0.5:
            operands[self.random.randint(0, 1)] = self.number(low, high)
        first = self.random.randint(1, len(PLAYED) - 1)
        targets = [Register(first), Register(first + 1)][:destinations]
        self.add(mnemonic, *operands, *targets)

    def jump(self) -> None:
        over = self.new_label()
        match self.random.randint(0, 3):
            case 0:
                self.add("move", over, ADDRESS)
                self.add("nop")
                self.add(self.random.choice(CONDITIONS), ADDRESS)
            case 1:
                mnemonic = self.random.choice(("jge", "jlt"))
                self.add(mnemonic, self.register(), self.number(0, 2**32 - 1), over)
            case _:
                self.add(self.random.choice(CONDITIONS), over)
        for _ in range(self.random.randint(0, 2)):
            self.arithmetic()
        self.label = over
        self.add("nop")

    def inner_loop(self) -> None:
        self.inside = True
        back = self.new_label()
        self.add("move", self.random.randint(1, 4), INNER)
        self.label = back
        self.add("nop")
        for _ in range(self.random.randint(1, 4)):
            self.statement()
        self.add("sub", INNER, 1, INNER)
        self.add("jnz", back)
        self.inside = False

    def subroutine(self) -> None:
        """Go on at an address from a register, and come back through it."""
        self.inside = True
        body, after = self.new_label(), self.new_label()
        self.add("move", after, INNER)
        self.add("jmp", body)
        self.label = body
        self.add("nop")
        # A jump within takes ADDRESS, not INNER: the way back stays.
        for _ in range(self.random.randint(1, 3)):
            self.statement()
        self.add("jmp", INNER)
        self.add("illegal")
        self.label = after
        self.add("nop")
        self.inside = False

    def parameter(self) -> None:
        by_register = self.random.random() < 0.5
        match self.random.choice(("gain", "offs", "freq", "ph", "delta", "reset", "mrk")):
            case ("gain" | "offs") as name:
                if by_register:
                    self.add(f"set_awg_{name}", self.register(), self.register())
                    return
                values = [self.number(-32768, 32767) for _ in range(2)]
                self.add(f"set_awg_{name}", *values)
            case "freq":
                value = self.number(-2_000_000_000, 2_000_000_000)
                self.add("set_freq", self.put(value) if by_register else value)
            case "ph":
                value = self.number(0, 10**9)
                self.add("set_ph", self.put(value) if by_register else value)
            case "delta":
                value = self.number(0, 10**9)
                self.add("set_ph_delta", self.put(value) if by_register else value)
            case "reset":
                self.add("reset_ph")
            case "mrk":
                value = self.random.randint(0, 15)
                self.add("set_mrk", self.put(value) if by_register else value)

    def duration(self) -> int:
        durations = (4, 5, 7, 20, 100, 400, 1000, 65535) if self.slack else (4, 5, 7, 20, 60)
        return self.random.choice(durations)

    def play(self) -> None:
        waves = self.random.randint(0, 3), self.random.randint(0, 3)
        if self.random.random() < 0.3:
            first = self.put(waves[0])
            self.add("play", first, first, self.duration())
            return
        self.add("play", *waves, self.duration())

    def acquire(self) -> None:
        acquisition, bin_ = self.random.randint(0, 2), self.random.randint(0, 4)
        weights = self.random.randint(0, 2), self.random.randint(0, 2)
        match self.random.randint(0, 3):
            case 0:
                self.add("acquire", acquisition, bin_, self.duration())
            case 1:
                register = self.put(self.number(0, 2**32 - 1) if bin_ == 4 else bin_)
                self.add("acquire", acquisition, register, self.duration())
            case 2:
                register = self.put(bin_)
                self.add("acquire_weighted", acquisition, *[register] * 3, self.duration())
            case _:
                name = self.random.choice(("acquire_weighed", "acquire_weighted"))
                self.add(name, acquisition, bin_, *weights, self.duration())

    def wait(self) -> None:
        if self.random.random() < 0.5:
            self.add("wait", self.duration())
            return
        self.add("and", self.register(), 0x3FF, Register(7))
        self.add("nop")
        self.add("or", Register(7), 4, Register(7))
        self.add("nop")
        self.add("wait", Register(7))

    def update(self) -> None:
        duration = self.duration()
        self.add("upd_param", self.put(duration) if self.random.random() < 0.2 else duration)

    def sync(self) -> None:
        if self.slack:
            self.add("wait_sync", self.random.choice((4, 100, 1000)))

    def message(self) -> None:
        """Send to oneself over the network (they cannot do so directly), and take it."""
        id_ = self.random.randint(*CAST_IDS)
        words = self.random.choice((1, 1, 2))
        if self.random.random() < 0.5:
            bit = self.random.randint(0, 32 * words - 1)
            self.add("fb_com_cfg", 0, bit, 4 * words, 4)
        else:
            self.add("fb_com_cfg", 0, 0, 4 * words, 4)
        self.add("fb_com_data", id_, self.number(0, 2**32 - 1), 400)
        for _ in range(words):
            if self.random.random() < 0.5:
                self.add("fb_pop_data", id_, self.register())
            else:
                self.add("fb_pull_data", Register(1), Register(2))
        self.add("nop")

    def condition(self) -> None:
        match self.random.randint(0, 3):
            case 0:
                enable = self.random.randint(0, 1)
                by_register = self.random.random() < 0.3
                self.add("set_latch_en", self.put(enable) if by_register else enable, 4)
            case 1:
                self.add("latch_rst", 4)
            case 2:
                self.add("set_cond", 0, 0, 0, 4)
            case _:
                mask, operation = self.random.randint(0, 32767), self.random.randint(0, 5)
                self.add("set_cond", 1, mask, operation, self.duration())
