"""Emulated sequencer instructions per second, against a plain Python interpreter, in one run.

``python benches/bench_zurich_sequencer.py`` prints one line for each program: our rate, theirs, the
ratio. The vendor's compiler makes the programs; each side executes every iteration and keeps what
is played. Nobody publishes an emulator of these sequencers: the peer is the obvious way to write
one, over the compiler's listing.
"""

import json
import re
import sys
import time
from collections.abc import Callable

import zhinst.core

from podium.firmware_interfaces.zurich.command_table import SHFSG as TABLES
from podium.firmware_interfaces.zurich.command_table import parse_command_table
from podium.firmware_interfaces.zurich.elf import SequencerElf, read_elf
from podium.sim_instruments.twins.zurich.sequencer.image import SHFSG, make_image
from podium.sim_instruments.twins.zurich.sequencer.processor import Processor
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Row, Status

WAVE = "wave w = gauss(64, 1.0, 32, 8); assignWaveIndex(1, 2, w, 0); var a = 0;"
PROGRAMS = {
    "arithmetic": "a = a + 5; a = a & 255; a = a << 2; a = a - 3; a = a | 8;",
    "wait": "wait(5);",
    "playZero": "playZero(64);",
    "executeTableEntry": "executeTableEntry(0); playZero(64);",
    "mixed": "if (a & 3) { playWave(1, 2, w); } else { playZero(96); } a += 1; setTrigger(a);"
    "executeTableEntry(0); playZero(512); wait(3);",
}
TABLE = {
    "header": {"version": "1.1"},
    "table": [
        {
            "index": 0,
            "waveform": {"index": 0},
            "amplitude00": {"value": 0.01, "increment": True},
            "phase": {"value": 30, "increment": True},
        }
    ],
}
FLOOR = 100e6
"""Instructions per second."""
REPETITIONS = 3
OUR_REPETITIONS = 30
"""Ours take milliseconds: something else on the machine is more easily all there is of one."""
OUR_ITERATIONS = 200_000
THEIR_ITERATIONS = 2_000


def compiled(body: str, iterations: int) -> SequencerElf:
    """Return a program that runs through ``body`` a number of times."""
    source = f"{WAVE} repeat ({iterations}) {{ {body} }}"
    return read_elf(zhinst.core.compile_seqc(source, "SHFSG8", "", 0, sequencer="sg")[0])


def ours(body: str) -> float:
    """Return our instructions per second."""
    table = parse_command_table(json.dumps(TABLE), TABLES)
    image = make_image(compiled(body, OUR_ITERATIONS), SHFSG, table)
    Processor(image).run(instructions=1000)
    instructions = 0

    def run() -> None:
        nonlocal instructions
        processor = Processor(image)
        played = 0
        while (trace := processor.run(rows=1)).status is Status.FULL:
            played += int(trace.rows[:, Row.A].sum())  # handed on, a few thousand at a time
            processor.forget()
        assert trace.status is Status.ENDED, trace.status
        instructions = trace.instructions

    return instructions_per_second(run, lambda: instructions, OUR_REPETITIONS)


def theirs(body: str) -> float:
    """Return the instructions per second of :func:`interpret`."""
    elf = compiled(body, THEIR_ITERATIONS)
    instructions = 0

    def run() -> None:
        nonlocal instructions
        instructions = interpret(elf)

    return instructions_per_second(run, lambda: instructions, REPETITIONS)


def instructions_per_second(
    run: Callable[[], None], count: Callable[[], int], repetitions: int
) -> float:
    """Return the best of some repetitions."""
    least = float("inf")
    for _ in range(repetitions):
        start = time.perf_counter()
        run()
        least = min(least, time.perf_counter() - start)
    return count() / least


def interpret(elf: SequencerElf) -> int:
    """Execute the listing, one line after the other; return how many were executed."""
    program: list[tuple[str, list[str]]] = []
    labels: dict[str, int] = {}
    for line in elf.assembly.splitlines():
        found = re.match(r"\s*(?:(\w+):)?\s*(\S+)?\s*(.*)", line)
        assert found
        if found[1]:
            labels[found[1]] = len(program)
        if found[2]:
            program.append((found[2], [word.strip() for word in found[3].split(",")]))
    numbers = {
        word: int(word) for _, words in program for word in words if word.lstrip("-").isdigit()
    }
    registers = {f"R{k}": 0 for k in range(16)}
    played: list[tuple[int, str, int]] = []
    at = now = core = count = 0
    while True:
        operation, words = program[at]
        at += 1
        count += 1
        core += 8
        if operation == "addi":
            registers[words[0]] = registers[words[1]] + numbers[words[2]]
        elif operation == "addiu":
            registers[words[0]] = registers[words[1]] + (numbers[words[2]] << 12)
        elif operation in ("addr", "subr", "andr", "orr", "ssl"):
            a, b = registers[words[0]], registers[words[1]]
            registers[words[0]] = {
                "addr": a + b, "subr": a - b, "andr": a & b, "orr": a | b, "ssl": a << 1,
            }[operation]  # fmt: skip
        elif operation == "andi":
            registers[words[0]] = registers[words[1]] & numbers[words[2]]
        elif operation == "ori":
            registers[words[0]] = registers[words[1]] | numbers[words[2]]
        elif operation == "brgz":
            if registers[words[0]] > 0:
                at = labels[words[1]]
        elif operation == "brz":
            if registers[words[0]] == 0:
                at = labels[words[1]]
        elif operation == "jmp":
            at = labels[words[0]]
        elif operation == "st":
            if words[1] == "105":
                core = max(core, now) + 8 * registers[words[0]]
            else:
                played.append((max(core, now), words[1], registers[words[0]]))
        elif operation in ("wvfe", "wvfs", "wvfet"):
            length = numbers[words[-1]]
            played.append((max(core, now), operation, length))
            now = max(core, now) + (64 if operation == "wvfet" else length)
        elif operation == "end":
            return count
        registers["R0"] = 0


def main() -> int:
    """Print the table; 1 when a floor is missed."""
    missed = False
    for name, body in PROGRAMS.items():
        rate, peer = ours(body), theirs(body)
        print(f"{name:<20} {rate / 1e6:7.1f} M/s {peer / 1e6:7.2f} M/s {rate / peer:7.0f}")
        missed = missed or rate < FLOOR
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
