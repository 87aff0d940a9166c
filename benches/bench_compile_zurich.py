"""Compiling for Zurich Instruments, against LabOne Q (Apache), in one run.

``python benches/bench_compile_zurich.py`` prints two lines: what we emit (SeqC, command tables,
waveforms, settings), and that together with the machine code that the vendor's own compiler makes
of it. LabOne Q's time is from its experiment to the same: it compiles the SeqC as well. Programs
are built anew each time and building them is not counted, on no side.
"""

import sys
from collections.abc import Iterator

import zhinst.core
from bench_compile import OUR_REPETITIONS, Measured, Peer, best, theirs
from compile_programs import QUBITS, ansatz, rabi

from podium.control.compilers.zurich.compile import compile_together
from podium.control.compilers.zurich.recompilation import Recompiler
from podium.control.compilers.zurich.target import (
    Channel,
    DriveChannel,
    ReadoutChannel,
    ZurichTarget,
)
from podium.firmware_interfaces.zurich.program import Start, ZurichProgram

FLOOR = 3.0
"""Times of LabOne Q's compilation that ours takes without the vendor's compiler."""
FLOOR_WITH_VENDOR = 1.0
EACH = 4
"""Qubits of one SHFQC, as LabOne Q has them in this bench."""
START = Start(8)


def targets() -> tuple[ZurichTarget, ...]:
    """Two SHFQC with four qubits each."""
    made = []
    for box in range(QUBITS // EACH):
        ports: dict[str, Channel] = {}
        for k in range(EACH):
            qubit = box * EACH + k
            ports[f"q{qubit}.drive"] = DriveChannel(k, 4.8e9)
            ports[f"q{qubit}.readout"] = ReadoutChannel(0, 7.2e9)
        made.append(ZurichTarget(f"shfqc_{box}", "SHFQC", ports))
    return tuple(made)


def with_vendor(programs: tuple[ZurichProgram, ...]) -> int:
    """Compile all SeqC as the driver does at an upload; return the bytes of machine code."""
    size = 0
    for program in programs:
        for core in program.cores:
            code, _ = zhinst.core.compile_seqc(core.text, program.model, "", 0, sequencer=core.kind)
            size += len(code)
    return size


def best_compile(*, vendor: bool) -> float:
    """Return how long a Rabi scan takes us, built anew each time, nothing kept, s."""
    wiring, fastest = targets(), float("inf")
    for _ in range(OUR_REPETITIONS):
        program = rabi()

        def run(program: object = program) -> None:
            made = compile_together(program, wiring, START)  # type: ignore[arg-type]
            if vendor:
                with_vendor(made)

        fastest = min(fastest, best(run, 1))
    return fastest


def best_again() -> tuple[float, float]:
    """Return how long another value of a parameter takes, and compiling with it, s.

    It is in the drives of all qubits: of the cores only those of the readouts stay.
    """
    wiring, again = targets(), Recompiler()
    again.compile_together(ansatz(0.1), wiring, START)
    again_s = compile_s = float("inf")
    for k in range(OUR_REPETITIONS):
        program = ansatz(0.2 + 0.01 * k)
        again_s = min(
            again_s, best(lambda new=program: again.compile_together(new, wiring, START), 1)
        )
        compile_s = min(
            compile_s, best(lambda new=program: compile_together(new, wiring, START), 1)
        )
    return again_s, compile_s


def measure() -> Iterator[Measured]:
    """Measure all."""
    peer = theirs("laboneq", "rabi")
    what = "compile Rabi for two SHFQC, 8 qubits, 51 points"
    yield what, best_compile(vendor=False), None, [(peer, FLOOR)]
    yield (
        "  with the vendor's compiler",
        best_compile(vendor=True),
        None,
        [(peer, FLOOR_WITH_VENDOR)],
    )
    again_s, compile_s = best_again()
    what = "  change one parameter of 8 qubits, the SeqC stays"
    yield what, again_s, None, [(Peer("compiling it", compile_s), 0.0)]


def main() -> int:
    """Print what was measured; 1 when a floor was missed."""
    missed = False
    for what, seconds, _, peers in measure():
        print(f"{what}: {1e3 * seconds:.2f} ms")
        for peer, floor in peers:
            ratio = None if peer.seconds is None else peer.seconds / seconds
            print(f"  {peer}" + ("" if ratio is None else f", {ratio:.1f} times"))
            missed = missed or (ratio is not None and ratio < floor)
    return int(missed)


if __name__ == "__main__":
    sys.exit(main())
