"""Subroutines of the unmodified netqasm SDK ask the link layer for pairs, at both ends."""

import asyncio
import json
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from tests.benches.links.simulated_layer import link, network
from tests.benches.links.virtual_links import VirtualClock, VirtualSource

from podium.control.links.link_layer import LinkLayer
from podium.control.links.netqasm_controller import (
    EprExchange,
    NetqasmController,
    Returned,
    SubroutineFailed,
)
from podium.control.links.network import Pair
from podium.firmware_interfaces.netqasm import (
    VERSION,
    Instruction,
    Register,
    Subroutine,
    read_message,
)

TOLD = json.loads(
    (Path(__file__).parents[2] / "benches" / "links" / "netqasm_sdk.json").read_text()
)
STATIONS = {0: "node_a", 1: "node_b"}


@dataclass
class Recorded:
    """Qubits that remember what was done to them; every readout gives 1."""

    held: dict[int, Pair] = field(default_factory=dict)
    done: list[tuple[str, tuple[int, ...]]] = field(default_factory=list)

    async def hold(self, qubit: int, pair: Pair) -> None:
        self.held[qubit] = pair

    async def apply(self, gate: str, qubits: tuple[int, ...], numbers: tuple[int, ...]) -> None:
        self.done.append((gate, (*qubits, *numbers)))

    async def measure(self, qubit: int) -> int:
        self.done.append(("meas", (qubit,)))
        return 1

    async def free(self, qubit: int) -> None:
        self.held.pop(qubit, None)


async def hosted(controller: NetqasmController, host: str) -> Returned:
    """Send a host's messages; return what its subroutine returned."""
    found = None
    for one in TOLD[host]:
        answer = await controller.handle(read_message(bytes.fromhex(one["bytes"])))
        found = answer or found
    assert found is not None
    return found


async def both(worth: float, hosts: tuple[str, ...]) -> tuple[list[Returned], list[Recorded]]:
    clock = VirtualClock()
    time = asyncio.create_task(clock.leap())
    net = network(link("node_a", "hub", worth), link("hub", "node_b", worth))
    exchange = EprExchange(STATIONS)
    qubits = [Recorded(), Recorded()]
    try:
        async with asyncio.timeout(5), LinkLayer(net, VirtualSource(clock), clock) as layer:
            nodes = [NetqasmController(n, exchange, layer, qubits[n]) for n in range(2)]
            work = (hosted(node, host) for node, host in zip(nodes, hosts, strict=False))
            return await asyncio.gather(*work), qubits
    finally:
        time.cancel()


async def test_both_ends_get_the_halves_of_the_same_pairs() -> None:
    (alice, bob), (at_a, at_b) = await both(0.97, ("alice", "bob"))
    for results in (alice.arrays[0], bob.arrays[0]):
        assert results[0::10] == [0, 0]  # kept
        assert results[4::10] == [0, 1]  # in order
        assert all(80 <= goodness <= 94 for goodness in results[7::10])
        assert results[9::10] == [0, 0]  # Phi+
    assert alice.arrays[0][7::10] == bob.arrays[0][7::10]
    assert alice.arrays[3] == alice.arrays[4] == alice.arrays[5] == [1]
    assert ("cnot", (2, 0)) in at_a.done
    assert [one for one in at_b.done if one[0] == "rot_z"] == [
        ("rot_z", (0, 1, 2)),
        ("rot_z", (1, 1, 2)),
    ]


async def test_a_request_that_the_layer_refuses_ends_the_subroutine_with_the_reason() -> None:
    with pytest.raises(SubroutineFailed, match=r"2 pairs of 0\.8000 .* the best there is now"):
        await both(0.85, ("alice",))


async def test_pairs_that_are_measured_at_once_are_refused() -> None:
    with pytest.raises(SubroutineFailed, match="type K"):
        await both(0.97, ("measure",))


async def test_a_subroutine_that_never_ends_or_reads_nothing_is_stopped() -> None:
    exchange = EprExchange(STATIONS)
    controller = NetqasmController(0, exchange, None, Recorded())  # type: ignore[arg-type]
    loop = Subroutine(VERSION, 0, (Instruction("jmp", (0,)),))
    with pytest.raises(SubroutineFailed, match="more than"):
        await controller.handle(loop)
    load = Subroutine(VERSION, 0, (Instruction("load", (Register("R", 0), 7, Register("R", 1))),))
    with pytest.raises(SubroutineFailed, match="line 0, load"):
        await controller.handle(load)


async def test_a_loop_adds_up_as_written() -> None:
    r0, r1, r2 = (Register("R", n) for n in range(3))
    program = (
        Instruction("set", (r1, 5)),
        Instruction("set", (r2, 1)),
        Instruction("add", (r0, r0, r1)),
        Instruction("sub", (r1, r1, r2)),
        Instruction("bnz", (r1, 2)),
        Instruction("ret_reg", (r0,)),
    )
    controller = NetqasmController(0, EprExchange(STATIONS), None, Recorded())  # type: ignore[arg-type]
    found = await controller.handle(Subroutine(VERSION, 0, program))
    assert found is not None
    assert found.registers == {"R0": 15}
