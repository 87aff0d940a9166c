"""Executes NetQASM subroutines on the link layer: an application asks for pairs in its own words.

A host (the netqasm SDK) opens sockets to other nodes, with a fidelity in percent, and sends
subroutines. Here ``create_epr`` becomes a request to the link layer, ``recv_epr`` takes the other
half of what the remote node has created, and both go on beside the subroutine until a ``wait``.
What is done to qubits is handed on to whoever plays gates on the node.

Pairs are kept (type K). Those to be measured at once (M) or to prepare a remote state (R) are
refused: no source here does either.
"""

import asyncio
import math
from collections import defaultdict
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Protocol

from podium.control.links.link_layer import RequestRefused
from podium.control.links.network import Pair
from podium.firmware_interfaces.netqasm import (
    HostMessage,
    Instruction,
    NewApplication,
    OpenSocket,
    StopApplication,
    Subroutine,
)

USUAL_DEADLINE_S = 10.0
"""ASSUMED: of a request without ``max_time``."""
TIME_UNITS_S = (1e-6, 1e-3, 1.0)
MOST_STEPS = 50_000
STEPS_AT_A_TIME = 1000
"""A subroutine that executes more instructions is taken for one that never ends."""
KEEP = 0
KEEP_RESULTS = 10
"""Entries that a kept pair has in the results' array."""


class SubroutineFailed(Exception):
    """A subroutine ended before its end. The message names the line and the reason."""


class PairRequests(Protocol):
    """Hands out pairs: the link layer."""

    async def request(
        self, ends: tuple[str, str], fidelity: float, number: int, deadline_s: float
    ) -> tuple[Pair, ...]:
        """Return pairs; raises ``RequestRefused``."""


class NodeQubits(Protocol):
    """Plays gates on a node's qubits."""

    async def hold(self, qubit: int, pair: Pair) -> None:
        """Know the node's half of a pair as ``qubit`` from now on."""

    async def apply(self, gate: str, qubits: tuple[int, ...], numbers: tuple[int, ...]) -> None:
        """Play a gate; ``numbers`` n, d of a rotation: an angle of ``n pi / 2^d``."""

    async def measure(self, qubit: int) -> int:
        """Return 0 or 1 along Z."""

    async def free(self, qubit: int) -> None:
        """Nobody needs the qubit any longer."""


@dataclass
class EprExchange:
    """Hands halves of pairs from the node that created them to the one that receives them."""

    stations: dict[int, str]
    """Name of each node id's station."""
    _waiting: dict[tuple[int, int], asyncio.Queue[Pair]] = field(
        default_factory=lambda: defaultdict(asyncio.Queue)
    )

    def put(self, node: int, socket: int, pairs: tuple[Pair, ...]) -> None:
        """Have halves wait at a node's socket."""
        for pair in pairs:
            self._waiting[(node, socket)].put_nowait(pair)

    async def take(self, node: int, socket: int, number: int) -> list[Pair]:
        """Return the next halves at a socket, once they are there."""
        return [await self._waiting[(node, socket)].get() for _ in range(number)]


@dataclass(frozen=True, slots=True)
class Returned:
    """Holds the values that a subroutine has returned to its host."""

    arrays: dict[int, list[int | None]]
    registers: dict[str, int]


@dataclass
class _Memory:
    """Of one subroutine."""

    registers: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    arrays: dict[int, list[int | None]] = field(default_factory=dict)
    written: asyncio.Event = field(default_factory=asyncio.Event)
    returned: Returned = field(default_factory=lambda: Returned({}, {}))


class NetqasmController:
    """Controls one node for its applications."""

    def __init__(
        self, node: int, exchange: EprExchange, pairs: PairRequests, qubits: NodeQubits
    ) -> None:
        self._node, self._exchange = node, exchange
        self._pairs, self._qubits = pairs, qubits
        self._sockets: dict[tuple[int, int], OpenSocket] = {}
        self._created = 0

    async def handle(self, message: HostMessage) -> Returned | None:
        """Do what a host's message asks; a subroutine's results are returned.

        Raises :class:`SubroutineFailed`; what was started beside it is cancelled then.
        """
        match message:
            case OpenSocket():
                if message.remote_node not in self._exchange.stations:
                    known = ", ".join(map(str, self._exchange.stations))
                    raise SubroutineFailed(f"node {message.remote_node} is none of {known}")
                self._sockets[(message.application, message.socket)] = message
            case StopApplication(application):
                self._sockets = {k: v for k, v in self._sockets.items() if k[0] != application}
            case Subroutine():
                return await self._execute(message)
            case NewApplication() | _:
                pass
        return None

    async def _execute(self, subroutine: Subroutine) -> Returned:
        memory = _Memory()
        try:
            async with asyncio.TaskGroup() as beside:
                await self._steps(subroutine, memory, beside)
        except ExceptionGroup as error:
            first: BaseException = error
            while isinstance(first, ExceptionGroup):
                first = first.exceptions[0]
            if isinstance(first, SubroutineFailed | RequestRefused):
                raise SubroutineFailed(str(first)) from error
            raise
        return memory.returned

    async def _steps(
        self, subroutine: Subroutine, memory: _Memory, beside: asyncio.TaskGroup
    ) -> None:
        line, steps = 0, 0
        while line < len(subroutine.instructions):
            steps += 1
            if steps % STEPS_AT_A_TIME == 0:
                await asyncio.sleep(0)  # others have their turn
            if steps > MOST_STEPS:
                raise SubroutineFailed(f"line {line}: more than {MOST_STEPS} instructions")
            one = subroutine.instructions[line]
            try:
                jump = _classical(one, memory)
                if jump is None:
                    await self._quantum(one, subroutine.application, memory, beside)
            except (IndexError, KeyError, ZeroDivisionError) as error:
                raise SubroutineFailed(f"line {line}, {one.name}: {error!r}") from error
            line = jump if jump is not None and jump >= 0 else line + 1

    async def _quantum(
        self, one: Instruction, application: int, memory: _Memory, beside: asyncio.TaskGroup
    ) -> None:
        """Do an instruction that waits, asks for pairs, or is about qubits."""
        values = [memory.registers[str(register)] for register in one.registers()]
        match one.name:
            case "create_epr":
                beside.create_task(self._create(application, memory, values))
            case "recv_epr":
                beside.create_task(self._receive(application, memory, values))
            case "wait_all" | "wait_any" | "wait_single":
                await _wait(one, memory, values)
            case "meas":
                outcome = await self._qubits.measure(values[0])
                memory.registers[str(one.registers()[1])] = outcome
            case "qfree":
                await self._qubits.free(values[0])
            case "qalloc" | "breakpoint":
                pass
            case _:
                await self._qubits.apply(one.name, tuple(values), one.numbers())

    def _socket(self, application: int, remote: int, socket: int) -> OpenSocket:
        found = self._sockets.get((application, socket))
        if found is None or found.remote_node != remote:
            raise SubroutineFailed(f"no socket {socket} to node {remote} is open")
        return found

    async def _create(self, application: int, memory: _Memory, values: list[int]) -> None:
        remote, number, qubits, arguments, results = values
        socket = self._socket(application, remote, number)
        asked = memory.arrays[arguments]
        if (asked[0] or KEEP) != KEEP:
            raise SubroutineFailed("create_epr: pairs are kept here (type K), no other type")
        wanted = asked[1] or 1
        percent = asked[4] if asked[4] is not None else socket.fidelity_percent
        longest = (asked[6] or 0) * TIME_UNITS_S[asked[5] or 0] or USUAL_DEADLINE_S
        ends = (self._exchange.stations[self._node], self._exchange.stations[remote])
        pairs = await self._pairs.request(ends, percent / 100.0, wanted, longest)
        self._exchange.put(remote, socket.remote_socket, pairs)
        self._created += 1
        await self._keep(memory, pairs, (qubits, results), (socket, self._created, 0))

    async def _receive(self, application: int, memory: _Memory, values: list[int]) -> None:
        remote, number, qubits, results = values
        socket = self._socket(application, remote, number)
        wanted = len(memory.arrays[results]) // KEEP_RESULTS
        pairs = await self._exchange.take(self._node, number, wanted)
        self._created += 1
        await self._keep(memory, tuple(pairs), (qubits, results), (socket, self._created, 1))

    async def _keep(
        self,
        memory: _Memory,
        pairs: tuple[Pair, ...],
        arrays: tuple[int, int],
        origin: tuple[OpenSocket, int, int],
    ) -> None:
        """Write what came of a request where the subroutine looks for it.

        The goodness is the label in percent, rounded down; the Bell state is number 0, Phi+.
        """
        qubits, results = arrays
        socket, created, direction = origin
        for index, pair in enumerate(pairs):
            qubit = memory.arrays[qubits][index] or 0
            await self._qubits.hold(qubit, pair)
            goodness = math.floor(100.0 * pair.fidelity)
            found = [KEEP, created, qubit, direction, index, socket.socket, socket.remote_node]
            at = index * KEEP_RESULTS
            memory.arrays[results][at : at + KEEP_RESULTS] = [*found, goodness, 0, 0]
        memory.written.set()


async def _wait(one: Instruction, memory: _Memory, values: list[int]) -> None:
    address = one.numbers()[0]
    start = values[0]
    stop = start + 1 if one.name == "wait_single" else values[1]
    enough: Callable[[list[bool]], bool] = any if one.name == "wait_any" else all
    while not enough([entry is not None for entry in memory.arrays[address][start:stop]]):
        memory.written.clear()
        await memory.written.wait()


def _classical(one: Instruction, memory: _Memory) -> int | None:
    """Do an instruction of numbers alone; return the line to go to, -1 for the next one.

    None: it is none of them.
    """
    registers = memory.registers
    names = [str(register) for register in one.registers()]
    values = [registers[name] for name in names]
    numbers = one.numbers()
    if one.name in ARITHMETIC:
        found = ARITHMETIC[one.name](*values[1:3])
        registers[names[0]] = found % values[3] if len(values) > 3 else found
    elif one.name in BRANCHES:
        return numbers[0] if BRANCHES[one.name](*values) else -1
    else:
        match one.name:
            case "set" | "lea":
                registers[names[0]] = numbers[0]
            case "array":
                memory.arrays[numbers[0]] = [None] * values[0]
            case "store":
                memory.arrays[numbers[0]][values[1]] = values[0]
                memory.written.set()
            case "load":
                entry = memory.arrays[numbers[0]][values[1]]
                if entry is None:
                    raise KeyError(f"@{numbers[0]}[{values[1]}] was never written")
                registers[names[0]] = entry
            case "undef":
                memory.arrays[numbers[0]][values[0]] = None
            case "ret_reg":
                memory.returned.registers[names[0]] = values[0]
            case "ret_arr":
                memory.returned.arrays[numbers[0]] = list(memory.arrays[numbers[0]])
            case _:
                return None
    return -1


ARITHMETIC: dict[str, Callable[[int, int], int]] = {
    "add": lambda a, b: a + b,
    "addm": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "subm": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "div": lambda a, b: a // b,
    "rem": lambda a, b: a % b,
}
BRANCHES: dict[str, Callable[..., bool]] = {
    "jmp": lambda: True,
    "bez": lambda a: a == 0,
    "bnz": lambda a: a != 0,
    "beq": lambda a, b: a == b,
    "bne": lambda a, b: a != b,
    "blt": lambda a, b: a < b,
    "bge": lambda a, b: a >= b,
}
