"""Pass 5: loops and moments become Q1ASM.

Shape of every program (times from the common start)::

    set_mrk, set_freq, upd_param 4   outputs on
    wait_trigger                     where the external trigger starts it
    wait_sync 4                      all sequencers of the cluster
    wait                             lead and settling
    shot loop                        averaging, outermost
      axis loops                     first axis outermost
        one shot: at its start reset_ph, then moments; the last wait reaches the shot's end,
        and under it the registers are stepped
    set_mrk 0, offsets 0, stop
    tables                           one entry for each point of a listed sweep
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.assembly import Assembly
from podium.control.compilers.qblox.code_block import BlockTrain
from podium.control.compilers.qblox.conditional_gain import ConditionalGain, Gain
from podium.control.compilers.qblox.loops import (
    WAIT_CHUNK_NS,
    WAIT_MAX_NS,
    Kind,
    Loop,
    Moment,
    Node,
    Quantity,
    Shot,
    Swept,
    Term,
    terms_of,
)
from podium.control.compilers.qblox.lower import REAL_TIME_MIN_NS
from podium.control.compilers.qblox.rounding import PHASE_STEPS
from podium.control.compilers.qblox.start import begin
from podium.control.compilers.qblox.sweeps import (
    FRACTION_BITS,
    Listed,
    Plan,
    Stepped,
    SteppedFraction,
    plan_sweep,
)
from podium.firmware_interfaces.qblox_cluster.program import ExternalStart
from podium.firmware_interfaces.qblox_cluster.q1asm import Instruction, Label, Operand, Register

INLINE_CHUNKS = 3
"""As many chunks of a long wait are written out; more are a loop."""
WAIT_IN_REGISTER_MAX_NS = 2**31 - 1
LEAD_NS = 4_000
"""Before the first shot, so that the processor can fill the real-time queue."""

ZERO = Register(0)


@dataclass(frozen=True, slots=True)
class SequencerRun:
    """Holds what a sequencer's program needs beside its loops."""

    frame: str
    nco: int
    """In steps of 0.25 Hz."""
    marker: int
    shots: int
    keep_shots: bool
    bins: int
    """Of each acquisition; 0 where the sequencer does not acquire."""
    settle_ns: int
    start: ExternalStart | None = None
    latches: bool = False
    """Whether it does what others have measured."""


@dataclass(frozen=True, slots=True)
class SweptRegister:
    """A register that goes through the values of a term."""

    register: Register
    accumulator: Register
    """Where the sum is kept: the same, or a 16.16 number."""
    plan: Plan


@dataclass(frozen=True, slots=True)
class LoopContext:
    """Holds what is known at a place within the loops."""

    held: dict[Term, SweptRegister]
    bin_register: Register | None


def emit(run: SequencerRun, nodes: Sequence[Node | BlockTrain]) -> Assembly:
    """Return the program of one sequencer, ``finish`` not yet called."""
    assembly = Assembly(run.frame)
    say = assembly.emit
    assembly.take_register()  # ZERO
    say("set_mrk", run.marker, comment="RF switch on" if run.marker else "")
    say("set_freq", run.nco, comment=f"{run.nco / 4:.12g} Hz")
    say("upd_param", REAL_TIME_MIN_NS)
    begin(assembly, run.start)
    lead_ns = LEAD_NS + run.settle_ns + (0 if run.start is None else run.start.offset_ns)
    if run.latches:
        say("set_latch_en", 1, REAL_TIME_MIN_NS, comment="listen to results")
        lead_ns -= REAL_TIME_MIN_NS
    wait(assembly, lead_ns, "lead and settling")
    say("move", 0, ZERO)
    bin_register = assembly.take_register() if run.bins > 1 else None
    if bin_register is not None and run.keep_shots:
        say("move", 0, bin_register, comment="bin")
    assembly.open_loop()
    counter, top = assembly.take_register(), assembly.new_label("shots")
    if run.shots > 1:
        say("move", run.shots, counter, comment="shots")
        assembly.place(top)
    if bin_register is not None and not run.keep_shots:
        say("move", 0, bin_register, comment="bin")
    for node in nodes:
        _node(assembly, node, LoopContext({}, bin_register))
    if run.shots > 1:
        say("sub", counter, 1, counter)
        say("jnz", top, comment="next repetition")
    assembly.close_loop()
    say("set_mrk", 0)
    say("set_awg_offs", 0, 0)
    say("upd_param", REAL_TIME_MIN_NS)
    say("stop")
    return assembly


def _node(assembly: Assembly, node: Node | BlockTrain, inside: LoopContext) -> None:
    match node:
        case Shot():
            _shot(assembly, node, inside)
        case Loop():
            _loop(assembly, node, inside)
        case BlockTrain():
            _train(assembly, node, inside)


def _loop(assembly: Assembly, loop: Loop, inside: LoopContext) -> None:
    mark = assembly.registers_taken()
    assembly.open_loop()
    say = assembly.emit
    mine: dict[Term, SweptRegister] = {}
    for term in terms_of(loop):
        plan = plan_sweep(term)
        register = assembly.take_register()
        separate = isinstance(plan, SteppedFraction)
        mine[term] = SweptRegister(
            register, assembly.take_register() if separate else register, plan
        )
    listed = [(h.register, h.plan.values) for h in mine.values() if isinstance(h.plan, Listed)]
    axis = f"axis {loop.axis}"
    for term, h in mine.items():
        if isinstance(h.plan, Stepped | SteppedFraction):
            say("move", h.plan.start, h.accumulator, comment=f"{axis}: {term.kind.value}")
    _take_fractions(assembly, mine)
    entry = assembly.take_register() if listed else ZERO
    table, top, body = (assembly.new_label(stem) for stem in ("table", "points", "point"))
    if listed:
        first = _table(assembly, loop.count, listed, entry, table, body)
        say("move", first, entry, comment=f"{axis}: first entry of the table")
    counter = assembly.take_register()
    say("move", loop.count, counter, comment=f"{axis}: points")
    assembly.place(top)
    if listed:
        say("jmp", entry, comment="take the values of this point")
        assembly.place(body)
    within = replace(inside, held=inside.held | mine)
    for node in loop.body:
        _node(assembly, node, within)
    for h in mine.values():
        if isinstance(h.plan, Stepped | SteppedFraction):
            say("add", h.accumulator, h.plan.step, h.accumulator, comment=f"{axis}: step")
    for h in mine.values():
        if isinstance(h.plan, Stepped) and h.plan.wraps:
            _wrap(assembly, h.accumulator)
    _take_fractions(assembly, mine)
    say("sub", counter, 1, counter)
    say("jnz", top, comment=f"{axis}: next point")
    assembly.close_loop(table_moves=1 + len(listed) if listed else 0)
    assembly.release_to(mark)


def _take_fractions(assembly: Assembly, held: dict[Term, SweptRegister]) -> None:
    for h in held.values():
        if isinstance(h.plan, SteppedFraction):
            assembly.emit("asr", h.accumulator, FRACTION_BITS, h.register)


def _table(
    assembly: Assembly,
    count: int,
    listed: list[tuple[Register, tuple[int, ...]]],
    entry: Register,
    table: Label,
    body: Label,
) -> Label:
    """Append one entry for each point behind the program; return the first one's label.

    An entry moves what differs from the point before, makes the next entry the next, and jumps.
    """
    labels = [Label(f"{table.name}_{k}") for k in range(count)]
    for k in range(count):
        name: str | None = labels[k].name
        for register, values in listed:
            if k == 0 or values[k] != values[k - 1]:
                assembly.tables.append(Instruction("move", (values[k], register), name))
                name = None
        if k + 1 < count:
            assembly.tables.append(Instruction("move", (labels[k + 1], entry), name))
            name = None
        assembly.tables.append(Instruction("jmp", (body,), name))
    return labels[0]


def _wrap(assembly: Assembly, register: Register) -> None:
    """Bring a phase that was added to back below one turn."""
    done = assembly.new_label("wrapped")
    assembly.emit("cmp", register, PHASE_STEPS)
    assembly.emit("jb", done)
    assembly.emit("sub", register, PHASE_STEPS, register)
    assembly.place(done)


def _shot(assembly: Assembly, shot: Shot, inside: LoopContext) -> None:
    mark = assembly.registers_taken()
    assembly.open_body()
    operands: dict[Swept, Register] = {}
    for moment in shot.moments:
        for quantity in moment.quantities:
            if isinstance(quantity, Swept) and quantity not in operands:
                operands[quantity] = _sum(assembly, quantity, inside.held)

    def operand(quantity: Quantity) -> Operand:
        return operands[quantity] if isinstance(quantity, Swept) else quantity

    phase: Quantity | None = 0
    gain: Gain | None = None
    gates = ConditionalGain(assembly)
    for moment in shot.moments:
        if moment.gate is not None:
            phase = None  # skipped settings are forgotten, and the next are made anew
        gates.set(moment)
        if moment.reset:
            assembly.emit("reset_ph")
        if moment.tune is not None:
            assembly.emit("set_freq", operand(moment.tune))
        if moment.phase is not None and moment.phase != phase:
            assembly.emit("set_ph", operand(moment.phase))
            phase = moment.phase
        if moment.delta is not None:
            assembly.emit("set_ph_delta", operand(moment.delta))
        if moment.level is not None:
            pair(assembly, "set_awg_offs", operand(moment.level), both=False)
        new = gates.gain_for(moment)
        if new is not None and new != gain:
            pair(assembly, "set_awg_gain", operand(new[0]), both=new[1])
            gain = new
        if moment.gate is not None:
            phase = gain = None
        act(assembly, moment, inside.bin_register)
        if moment.wait_ns != 0:
            gates.open()
        match moment.wait_ns:
            case Swept() as wait_ns:
                _wait_swept(assembly, wait_ns, operands[wait_ns])
            case wait_ns if wait_ns > 0:
                wait(assembly, wait_ns, f"{moment.hold_ns + wait_ns} ns in all")
    gates.open()
    if inside.bin_register is not None:
        assembly.emit("add", inside.bin_register, 1, inside.bin_register, comment="next bin")
    assembly.close_body()
    assembly.release_to(mark)


def _train(assembly: Assembly, train: BlockTrain, inside: LoopContext) -> None:
    """Emit a shot whose lines are made already."""
    assembly.open_body()
    acts: list[int] = []
    for piece in train.pieces:
        acts.append(len(assembly.lines) + piece.act)
        assembly.extend(piece.lines, piece.least_ns)
        if piece.long_ns:
            wait(assembly, piece.long_ns, f"{piece.gap_ns} ns in all")
    assembly.noted.append((acts, train.notes))
    if inside.bin_register is not None:
        assembly.emit("add", inside.bin_register, 1, inside.bin_register, comment="next bin")
    assembly.close_body()


def _sum(assembly: Assembly, quantity: Swept, held: dict[Term, SweptRegister]) -> Register:
    """Return the register that holds ``quantity``, terms added up where there are several."""
    first, *others = [held[term].register for term in quantity.terms]
    if not others:
        return first
    total = assembly.take_register()
    assembly.emit("move", first, total, comment=f"sum: {quantity.kind.value}")
    for register in others:
        assembly.emit("add", total, register, total)
        if quantity.kind is Kind.PHASE:
            _wrap(assembly, total)
    return total


def pair(assembly: Assembly, mnemonic: str, operand: Operand, *, both: bool) -> None:
    """Set both paths, or the real one alone and the other to 0."""
    zero: Operand = ZERO if isinstance(operand, Register) else 0
    assembly.emit(mnemonic, operand, operand if both else zero)


def act(assembly: Assembly, moment: Moment, bin_register: Register | None) -> None:
    """Emit the instruction at which the settings of a moment take hold."""
    comment = ", ".join(moment.notes)
    least_ns = None if moment.gate is None else min(moment.hold_ns, moment.else_ns)
    if moment.gate is not None:
        comment = f"if {moment.gate}: {comment}"
    if moment.pauses:
        assembly.emit("wait", moment.hold_ns, comment=comment, least_ns=least_ns)
    elif moment.forgets:
        assembly.emit("latch_rst", moment.hold_ns, comment=comment)
    elif moment.wave is not None:
        real, imaginary = moment.wave
        second = real if imaginary is None else imaginary
        what = (real, second, moment.hold_ns)
        assembly.emit("play", *what, comment=comment, least_ns=least_ns)
    elif moment.acquisition is not None:
        bin_operand = 0 if bin_register is None else bin_register
        which = (moment.acquisition, bin_operand, moment.hold_ns)
        assembly.emit("acquire", *which, comment=comment, least_ns=least_ns)
    else:
        assembly.emit("upd_param", moment.hold_ns, comment=comment, least_ns=least_ns)


def _chunks(time_ns: int) -> tuple[int, int]:
    """Return of how many chunks a wait is made, and what is left."""
    chunks, rest = divmod(time_ns, WAIT_CHUNK_NS)
    if chunks and rest + WAIT_CHUNK_NS <= WAIT_MAX_NS:
        return chunks - 1, rest + WAIT_CHUNK_NS
    return chunks, rest


def wait_is_looped(time_ns: int) -> bool:
    """Return whether a wait takes a loop, with a register and a label of its own."""
    return _chunks(time_ns)[0] > INLINE_CHUNKS


def wait(assembly: Assembly, time_ns: int, comment: str) -> None:
    """Wait, however long: in chunks, written out or in a loop."""
    chunks, rest = _chunks(time_ns)
    if chunks <= INLINE_CHUNKS:
        for _ in range(chunks):
            assembly.emit("wait", WAIT_CHUNK_NS, comment=comment)
    else:
        mark = assembly.registers_taken()
        counter, top = assembly.take_register(), assembly.new_label("wait")
        assembly.emit("move", chunks, counter)
        assembly.place(top)
        assembly.emit("wait", WAIT_CHUNK_NS, comment=comment)
        assembly.emit("sub", counter, 1, counter)
        assembly.emit("jnz", top)
        assembly.release_to(mark)
    assembly.emit("wait", rest, comment=comment)


def _wait_swept(assembly: Assembly, wait_ns: Swept, register: Register) -> None:
    """Wait what a register says."""
    if wait_ns.high > WAIT_IN_REGISTER_MAX_NS:
        raise DoesNotFit(
            f"{assembly.frame}: a swept delay reaches {wait_ns.high} ns, "
            f"{wait_ns.high - WAIT_IN_REGISTER_MAX_NS} ns more than a register holds; "
            "split the sweep"
        )
    comment = f"{wait_ns.low} ... {wait_ns.high} ns"
    if wait_ns.high <= WAIT_MAX_NS:
        assembly.emit("wait", register, comment=comment, least_ns=wait_ns.low)
        return
    mark = assembly.registers_taken()
    left = assembly.take_register()
    top, done = assembly.new_label("wait"), assembly.new_label("waited")
    assembly.emit("move", register, left, comment=comment)
    assembly.place(top)
    assembly.emit("cmp", left, WAIT_MAX_NS + 1)
    assembly.emit("jb", done)
    assembly.emit("wait", WAIT_CHUNK_NS, least_ns=0)
    assembly.emit("sub", left, WAIT_CHUNK_NS, left)
    assembly.emit("jmp", top)
    assembly.place(done)
    assembly.emit("wait", left, least_ns=min(wait_ns.low, WAIT_MAX_NS + 1 - WAIT_CHUNK_NS))
    assembly.release_to(mark)
