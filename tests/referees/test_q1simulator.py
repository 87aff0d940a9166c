"""Our Q1 processor against q1simulator: same rows, same times, same faults."""

import bisect
import random

import pytest
from tests.referees.q1simulator_oracle import Record, simulate

from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label, Register, assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.isa import FORMS, Access, Operation
from podium.firmware_interfaces.qblox_cluster.q1asm.print import format_program
from podium.sim_instruments.twins.qblox_cluster.q1_processor import (
    Q1Processor,
    SequencerSetup,
    Trigger,
)
from podium.sim_instruments.twins.qblox_cluster.real_time_trace import Ending, RealTimeTrace

WAVEFORMS = (20, 40, 4)
WEIGHTS = (100, 100)
BINS = {0: 50, 1: 3}
KINDS = ("update", "play", "acquire", "weighed")
REGISTERS = 8  # R0 counts the loop, R1 ... R7 are played with


def ours(text: str, triggers: list[tuple[int, int]]) -> RealTimeTrace:
    setup = SequencerSetup(
        waveform_lengths=dict(enumerate(WAVEFORMS)),
        weight_lengths=dict(enumerate(WEIGHTS)),
        acquisition_bins=BINS,
        readout=True,
        sync=True,
        gain=(0, 0),
    )
    arriving = [Trigger(time_ns, address) for time_ns, address in triggers]
    return Q1Processor(assemble(text), setup).run(triggers=arriving)


def theirs(text: str, triggers: list[tuple[int, int]]) -> Record:
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


class Writer:
    """Writes random programs that end, and keep to what both sides define."""

    def __init__(self, seed: int, *, slack: bool, triggers: bool) -> None:
        self.random = random.Random(seed)
        self.slack = slack
        self.triggers = triggers
        self.lines: list[Instruction] = []
        self.labels = 0

    def add(self, mnemonic: str, *operands: int | str | Register) -> None:
        label, self.label = self.label, None
        values = tuple(Label(o) if isinstance(o, str) else o for o in operands)
        self.lines.append(Instruction(mnemonic, values, label))

    label: str | None = None

    def register(self) -> Register:
        return Register(self.random.randint(1, REGISTERS - 1))

    def number(self, low: int, high: int) -> int:
        spread = self.random.random()
        if spread < 0.2:
            return self.random.choice((low, high))
        if spread < 0.6:
            return max(low, min(high, self.random.randint(-50, 50)))
        return self.random.randint(low, high)

    def program(self) -> str:
        self.add("wait_sync", 4)
        self.add("set_awg_gain", 100, -100)
        self.add("wait", 3000)
        if self.triggers:
            self.add("set_latch_en", 1, 4)
        for k in range(1, REGISTERS):
            self.add("move", self.number(-(2**31), 2**32 - 1), Register(k))
        self.add("move", self.random.randint(1, 12), Register(0))
        self.add("nop")
        self.label = "again"
        for _ in range(self.random.randint(1, 25)):
            self.statement()
        if self.slack:
            self.add("wait", 4000)
        self.add("sub", Register(0), 1, Register(0))
        self.add("jnz", "again")
        self.add(
            "stop", *([] if self.random.random() < 0.5 else [self.number(-(2**31), 2**31 - 1)])
        )
        return format_program(self.lines)

    def statement(self) -> None:
        kinds = ["arithmetic", "jump", "parameter", "play", "acquire", "wait", "update"]
        if self.triggers:
            kinds += ["condition"]
        getattr(self, self.random.choice(kinds))()

    def arithmetic(self) -> None:
        pick = self.random.choice
        match pick(("binary", "compare", "shift", "unary", "multiply")):
            case "binary":
                self.two(pick(("add", "sub", "and", "or", "xor")), -(2**31), 2**32 - 1, 1)
            case "compare":
                self.two(pick(("cmp", "test")), -(2**31), 2**32 - 1, 0)
            case "shift":
                # Shifts beyond the width, and the flags of a left shift, are not compared.
                self.add(pick(("asr", "lsr")), self.register(), self.number(0, 31), self.register())
                self.add("nop")
                self.add("asl", self.register(), self.number(0, 31), self.register())
                self.add("nop")
                self.add("test", self.register(), self.register())
            case "unary":
                self.add(pick(("move", "not")), self.register(), self.register())
            case "multiply":
                wide = pick(("mulu32", "muls32", "mulu32l", "mulu32h", "muls32l", "muls32h"))
                low, high = (0, 2**32 - 1) if wide[3] == "u" else (-(2**31), 2**31 - 1)
                if self.random.random() < 0.5:
                    self.two(wide, low, high, 2 if len(wide) == 6 else 1)
                elif self.random.random() < 0.5:
                    self.two("mulu16", 0, 65535, 1)
                else:
                    self.two("muls16", -32768, 32767, 1)
        self.add("nop")

    def two(self, mnemonic: str, low: int, high: int, destinations: int) -> None:
        operands: list[int | Register] = [self.register(), self.register()]
        if self.random.random() < 0.5:
            operands[self.random.randint(0, 1)] = self.number(low, high)
        first = self.random.randint(1, REGISTERS - 2)
        targets = [Register(first), Register(first + 1)][:destinations]
        self.add(mnemonic, *operands, *targets)

    def jump(self) -> None:
        conditions = sorted(
            form.mnemonic for form in FORMS if form.mnemonic[0] == "j" and form.signature == "#"
        )
        self.labels += 1
        over = f"over{self.labels}"
        self.add(self.random.choice(conditions), over)
        for _ in range(self.random.randint(0, 2)):
            self.arithmetic()
        self.label = over
        self.add("nop")

    def parameter(self) -> None:
        name = self.random.choice(("gain", "offs", "freq", "ph", "delta", "reset", "mrk"))
        if name in ("gain", "offs"):
            if self.random.random() < 0.5:
                self.add(f"set_awg_{name}", self.register(), self.register())
            else:
                self.add(f"set_awg_{name}", self.number(-32768, 32767), self.number(-32768, 32767))
        elif name == "freq":
            self.add("set_freq", self.number(-2_000_000_000, 2_000_000_000))
        elif name == "ph":
            self.add("set_ph", self.number(0, 10**9))
        elif name == "delta":
            self.add("set_ph_delta", self.number(0, 10**9))
        elif name == "reset":
            self.add("reset_ph")
        else:
            self.add("set_mrk", self.random.randint(0, 15))

    def duration(self) -> int:
        durations = (4, 5, 7, 20, 100, 400, 1000, 65535) if self.slack else (4, 5, 7, 20, 60)
        return self.random.choice(durations)

    def play(self) -> None:
        self.add("play", self.random.randint(0, 3), self.random.randint(0, 3), self.duration())

    def acquire(self) -> None:
        acquisition, bin_ = self.random.randint(0, 2), self.random.randint(0, 4)
        if self.random.random() < 0.5:
            self.add("acquire", acquisition, bin_, self.duration())
        else:
            weights = self.random.randint(0, 2), self.random.randint(0, 2)
            self.add("acquire_weighed", acquisition, bin_, *weights, self.duration())

    def wait(self) -> None:
        if self.random.random() < 0.5:
            self.add("wait", self.duration())
        else:
            self.add("and", self.register(), 0x3FF, Register(7))
            self.add("nop")
            self.add("or", Register(7), 4, Register(7))
            self.add("nop")
            self.add("wait", Register(7))

    def update(self) -> None:
        self.add("upd_param", self.duration())

    def condition(self) -> None:
        match self.random.randint(0, 3):
            case 0:
                self.add("set_latch_en", self.random.randint(0, 1), 4)
            case 1:
                self.add("latch_rst", 4)
            case 2:
                self.add("set_cond", 0, 0, 0, 4)
            case _:
                mask, operation = self.random.randint(0, 32767), self.random.randint(0, 5)
                self.add("set_cond", 1, mask, operation, self.duration())


def compare(seed: int) -> Record:
    with_triggers = seed % 3 == 0
    text = Writer(seed, slack=seed % 4 > 0, triggers=with_triggers).program()
    chance = random.Random(seed)
    times = sorted(chance.sample(range(1, 40_000), 30)) if with_triggers else []
    triggers = [(time_ns, chance.randint(1, 15)) for time_ns in times]
    record = theirs(text, triggers)
    assert not record.stale_read, text
    assert_equal(ours(text, triggers), record, text)
    return record


def test_random_programs_do_the_same_on_q1simulator() -> None:
    records = [compare(seed) for seed in range(90)]
    faults = frozenset().union(*(record.errors for record in records))
    assert faults >= {
        "SEQUENCE PROCESSOR RT EXEC COMMAND UNDERFLOW",
        "AWG WAVE PLAYBACK INDEX INVALID PATH 0",
        "AWG WAVE PLAYBACK INDEX INVALID PATH 1",
        "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 0",
        "ACQ WEIGHT PLAYBACK INDEX INVALID PATH 1",
        "ACQ INDEX INVALID",
        "ACQ BIN INDEX INVALID",
    }
    assert sum(not record.errors for record in records) > 8
    assert sum(len(record.rows) for record in records) > 1000


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
