"""The same as bench_compile.py, compiled by qblox-scheduler; run by its own Python.

``rabi`` or ``benchmarking`` (JSON of all pulses on standard input) as the argument; prints JSON:
the version, the seconds of each compilation, the first of which is the first in this process.
``once`` compiles the Rabi scan alone, for a cold process. Pulses, not gates: no device element.
"""

import json
import sys
import time

from qblox_scheduler import (
    ClockResource,
    DRAGPulse,
    DType,
    IdlePulse,
    IQIntegration,
    QuantumDevice,
    Schedule,
    SquarePulse,
    linspace,
)
from qblox_scheduler.backends import SerialCompiler

QUBITS, POINTS, SHOTS = 8, 51, 1024
REPETITIONS = 7


def device() -> QuantumDevice:
    """Two QRM-RF with four qubits each, four QCM-RF with two each."""
    modules = {str(2 + k): {"instrument_type": "QCM_RF"} for k in range(4)}
    modules |= {str(10 + k): {"instrument_type": "QRM_RF"} for k in range(2)}
    graph, frequencies = [], {}
    for k in range(QUBITS):
        graph.append([f"cluster0.module{2 + k // 2}.complex_output_{k % 2}", f"q{k}:mw"])
        frequencies[f"q{k}:mw-q{k}.01"] = {"lo_freq": 4.8e9}
        frequencies[f"q{k}:res-q{k}.ro"] = {"lo_freq": 7.2e9}
    for half in range(2):
        ports = [f"q{k}:res" for k in range(4 * half, 4 * half + 4)]
        graph.append([f"cluster0.module{10 + half}.complex_output_0", ports])
    made = QuantumDevice("device")
    made.hardware_config = {
        "config_type": "QbloxHardwareCompilationConfig",
        "hardware_description": {
            "cluster0": {"instrument_type": "Cluster", "ref": "internal", "modules": modules}
        },
        "hardware_options": {"modulation_frequencies": frequencies},
        "connectivity": {"graph": graph},
    }
    return made


def clocks(schedule: Schedule, qubits: int) -> None:
    """Add the carriers."""
    for k in range(qubits):
        schedule.add_resource(ClockResource(f"q{k}.01", 4.9e9 + 1e6 * k))
        schedule.add_resource(ClockResource(f"q{k}.ro", 7.1e9 + 20e6 * k))


def read(schedule: Schedule, qubit: int, after: object, coordinates: dict) -> None:
    """Read a qubit after ``after``."""
    port, clock = f"q{qubit}:res", f"q{qubit}.ro"
    pulse = SquarePulse(amplitude=0.1, duration=1e-6, port=port, clock=clock)
    schedule.add(pulse, ref_op=after, ref_pt="end")
    window = IQIntegration(
        port=port, clock=clock, duration=1e-6, acq_label=str(qubit), coords=coordinates
    )
    schedule.add(window, ref_pt="start", rel_time=120e-9)


def rabi() -> Schedule:
    """All qubits at once: the amplitude of a pulse is swept in a hardware loop."""
    schedule = Schedule("rabi", repetitions=SHOTS)
    clocks(schedule, QUBITS)
    with schedule.loop(linspace(0, 1, POINTS, DType.AMPLITUDE)) as amplitude:
        begin = schedule.add(IdlePulse(4e-9))
        for k in range(QUBITS):
            pulse = DRAGPulse(
                amplitude=amplitude,
                beta=0.5e-9,
                duration=40e-9,
                port=f"q{k}:mw",
                clock=f"q{k}.01",
            )
            played = schedule.add(pulse, ref_op=begin, ref_pt="end")
            read(schedule, k, played, {"amplitude": amplitude})
        schedule.add(IdlePulse(50e-6))
    return schedule


def sequence(gates: list[list[float]], number: int) -> Schedule:
    """One sequence of randomised benchmarking."""
    schedule = Schedule(f"benchmarking{number}", repetitions=SHOTS)
    clocks(schedule, 1)
    last = None
    for amplitude, turns in gates:
        last = schedule.add(
            DRAGPulse(
                amplitude=0.8 * amplitude,
                beta=0.5e-9,
                duration=40e-9,
                phase=360 * turns,
                port="q0:mw",
                clock="q0.01",
            )
        )
    read(schedule, 0, last, {"sequence": number})
    schedule.add(IdlePulse(50e-6))
    return schedule


def main() -> None:
    """Compile and print."""
    what = sys.argv[1]
    config = device().generate_compilation_config()
    compiler = SerialCompiler("compiler")

    def text_of(schedule: Schedule) -> str:
        compiled = compiler.compile(schedule, config)
        programs = str(compiled.compiled_instructions)
        assert "acquire" in programs, "something is compiled"
        return programs

    if what == "once":
        text_of(rabi())
        return
    sequences = json.load(sys.stdin) if what == "benchmarking" else []
    took = []
    for _ in range(REPETITIONS if what == "rabi" else 1):
        schedules = [rabi()] if what == "rabi" else []
        schedules += [sequence(gates, k) for k, gates in enumerate(sequences)]
        begin = time.perf_counter()
        for schedule in schedules:
            compiler.compile(schedule, config)
        took.append(time.perf_counter() - begin)
    from importlib.metadata import version

    print(json.dumps({"version": version("qblox-scheduler"), "seconds": took}))


if __name__ == "__main__":
    main()
