"""Reads NetQASM: messages of a host to a quantum node's controller, and subroutines in bytes.

The layout is that of the package netqasm 2.3.0 (vanilla flavour; Dahlberg et al., Quantum Sci.
Technol. 7, 035023 (2022)). A subroutine has a head of four bytes, version and application, then
seven bytes for each instruction: its number, its operands without gaps, zeros. Numbers are little
endian. A register is a byte: two bits of bank (R, C, Q, M), four bits of index. Host messages are C
structures with the alignment of C.
"""

import struct
from dataclasses import dataclass

COMMAND_BYTES = 7
HEAD = struct.Struct("<BBH")
BANKS = "RCQM"
VERSION = (0, 10)
"""Of the language; what netqasm 2.3.0 writes."""

# Layouts: r a register, b an integer of one byte without sign, i one of four with sign (also an
# array's address).
INSTRUCTIONS: dict[int, tuple[str, str]] = {
    1: ("qalloc", "r"),
    2: ("init", "r"),
    3: ("array", "ri"),
    4: ("set", "ri"),
    5: ("store", "rir"),
    6: ("load", "rir"),
    7: ("undef", "ir"),
    8: ("lea", "ri"),
    9: ("jmp", "i"),
    10: ("bez", "ri"),
    11: ("bnz", "ri"),
    12: ("beq", "rri"),
    13: ("bne", "rri"),
    14: ("blt", "rri"),
    15: ("bge", "rri"),
    16: ("add", "rrr"),
    17: ("sub", "rrr"),
    18: ("addm", "rrrr"),
    19: ("subm", "rrrr"),
    20: ("x", "r"),
    21: ("y", "r"),
    22: ("z", "r"),
    23: ("h", "r"),
    24: ("s", "r"),
    25: ("k", "r"),
    26: ("t", "r"),
    27: ("rot_x", "rbb"),
    28: ("rot_y", "rbb"),
    29: ("rot_z", "rbb"),
    30: ("cnot", "rr"),
    31: ("cphase", "rr"),
    32: ("meas", "rr"),
    33: ("create_epr", "rrrrr"),
    34: ("recv_epr", "rrrr"),
    35: ("wait_all", "irr"),
    36: ("wait_any", "irr"),
    37: ("wait_single", "ir"),
    38: ("qfree", "r"),
    39: ("ret_reg", "r"),
    40: ("ret_arr", "i"),
    41: ("meas_basis", "rrbbbb"),
    51: ("mov", "rr"),
    52: ("swp", "rr"),
    100: ("breakpoint", "bb"),
    200: ("mul", "rrr"),
    201: ("div", "rrr"),
    202: ("rem", "rrr"),
}
"""Number of an instruction: its name, and the layout of its operands."""
NUMBERS = {name: number for number, (name, _) in INSTRUCTIONS.items()}
SIZES = {"r": 1, "b": 1, "i": 4}


class NetqasmError(ValueError):
    """Bytes that are no NetQASM. The message says where and what would be right."""


@dataclass(frozen=True, slots=True)
class Register:
    """One of sixteen registers of a bank."""

    bank: str
    index: int

    def __str__(self) -> str:
        return f"{self.bank}{self.index}"


Operand = Register | int


@dataclass(frozen=True, slots=True)
class Instruction:
    """One instruction, its operands in the order of the bytes."""

    name: str
    operands: tuple[Operand, ...]

    def registers(self) -> tuple[Register, ...]:
        """Return the operands that are registers."""
        return tuple(one for one in self.operands if isinstance(one, Register))

    def numbers(self) -> tuple[int, ...]:
        """Return the operands that are numbers."""
        return tuple(one for one in self.operands if isinstance(one, int))


@dataclass(frozen=True, slots=True)
class Subroutine:
    """A program of an application, as its host sends it."""

    version: tuple[int, int]
    application: int
    instructions: tuple[Instruction, ...]


@dataclass(frozen=True, slots=True)
class NewApplication:
    """An application begins."""

    application: int
    qubits: int


@dataclass(frozen=True, slots=True)
class OpenSocket:
    """An application wants pairs with another node."""

    application: int
    socket: int
    remote_node: int
    remote_socket: int
    fidelity_percent: int


@dataclass(frozen=True, slots=True)
class StopApplication:
    """An application ends."""

    application: int


@dataclass(frozen=True, slots=True)
class StopSignal:
    """The host stops a simulation."""


HostMessage = NewApplication | OpenSocket | Subroutine | StopApplication | StopSignal


def read_subroutine(data: bytes) -> Subroutine:
    """Return the subroutine in ``data``; raises :class:`NetqasmError`."""
    if len(data) < HEAD.size or (len(data) - HEAD.size) % COMMAND_BYTES:
        raise NetqasmError(
            f"a subroutine has {HEAD.size} bytes and {COMMAND_BYTES} for each instruction; "
            f"got {len(data)}"
        )
    major, minor, application = HEAD.unpack_from(data)
    if (major, minor) != VERSION:
        raise NetqasmError(f"version {major}.{minor}; what is read here is {VERSION}")
    commands = (
        _instruction(data[at : at + COMMAND_BYTES], (at - HEAD.size) // COMMAND_BYTES)
        for at in range(HEAD.size, len(data), COMMAND_BYTES)
    )
    return Subroutine((major, minor), application, tuple(commands))


def _instruction(data: bytes, line: int) -> Instruction:
    if data[0] not in INSTRUCTIONS:
        raise NetqasmError(f"line {line}: there is no instruction {data[0]}")
    name, layout = INSTRUCTIONS[data[0]]
    at = 1
    operands: list[Operand] = []
    for kind in layout:
        piece = data[at : at + SIZES[kind]]
        at += SIZES[kind]
        if kind == "r":
            operands.append(Register(BANKS[piece[0] & 3], piece[0] >> 2 & 15))
        else:
            operands.append(int.from_bytes(piece, "little", signed=kind == "i"))
    return Instruction(name, tuple(operands))


def write_subroutine(subroutine: Subroutine) -> bytes:
    """Return a subroutine's bytes; raises :class:`NetqasmError` for what does not fit."""
    parts = [HEAD.pack(*subroutine.version, subroutine.application)]
    for one in subroutine.instructions:
        layout = INSTRUCTIONS[NUMBERS[one.name]][1]
        data = bytes([NUMBERS[one.name]])
        for kind, operand in zip(layout, one.operands, strict=True):
            if isinstance(operand, Register):
                data += bytes([BANKS.index(operand.bank) | operand.index << 2])
                continue
            try:
                data += operand.to_bytes(SIZES[kind], "little", signed=kind == "i")
            except OverflowError as error:
                raise NetqasmError(f"{one.name}: {operand} does not fit") from error
        parts.append(data.ljust(COMMAND_BYTES, b"\0"))
    return b"".join(parts)


def read_message(data: bytes) -> HostMessage:
    """Return a host's message; raises :class:`NetqasmError`."""
    if not data:
        raise NetqasmError("a message has at least one byte, its kind")
    kind = data[0]
    try:
        match kind:
            case 0:
                return NewApplication(*struct.unpack_from("<IB", data, 4))
            case 1:
                return OpenSocket(*struct.unpack_from("<IiiiB", data, 4))
            case 2:
                return read_subroutine(data[1:])
            case 3:
                return StopApplication(*struct.unpack_from("<I", data, 4))
            case 4:
                return StopSignal()
    except struct.error as error:
        raise NetqasmError(f"a message of kind {kind} is longer than {len(data)} bytes") from error
    raise NetqasmError(f"there is no kind {kind} of message; kinds are 0 to 4")


def text_of(subroutine: Subroutine) -> str:
    """Return a subroutine as its language is written, one instruction a line."""
    return "\n".join(_line(one) for one in subroutine.instructions)


def _line(one: Instruction) -> str:
    match one.name, one.operands:
        case "array" | "lea", (register, address):
            said = f"{register} @{address}"
        case "store" | "load", (register, address, index):
            said = f"{register} @{address}[{index}]"
        case "undef" | "wait_single", (address, index):
            said = f"@{address}[{index}]"
        case "wait_all" | "wait_any", (address, start, stop):
            said = f"@{address}[{start}:{stop}]"
        case "ret_arr", (address,):
            said = f"@{address}"
        case _, operands:
            said = " ".join(map(str, operands))
    return f"{one.name} {said}"
