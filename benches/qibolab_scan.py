"""The Rabi scan of ``bench_physics`` in the emulator of qibolab: run by the referees' Python.

``.venv-referees/bin/python benches/qibolab_scan.py PROBLEM.json`` prints JSON: the seconds of
one scan, and the populations, shape (points, levels). qibolab solves in the laboratory frame
and interpolates between samples, so its populations differ from those of held samples.
"""

import json
import sys
import time
from importlib.metadata import version
from pathlib import Path
from typing import Any

import numpy as np
from qibolab import (
    Acquisition,
    AcquisitionConfig,
    AcquisitionType,
    AveragingMode,
    Custom,
    Delay,
    ExecutionParameters,
    Parameter,
    Pulse,
    PulseSequence,
    Sweeper,
)
from qibolab.instruments.emulator import (
    DriveEmulatorConfig,
    EmulatorController,
    HamiltonianConfig,
)

DRIVE, LISTEN = "0/drive", "0/acquisition"


def scan(problem: dict[str, Any]) -> tuple[float, np.ndarray]:
    """Return the seconds of one scan as a user runs it, and the populations behind it."""
    levels, t1_ns, t2_ns = problem["levels"], problem["t1_s"] * 1e9, problem["t2_s"] * 1e9
    qubit = {
        "frequency": problem["f01_hz"],
        "anharmonicity": problem["anharmonicity_hz"],
        "t1": {(n, n + 1): t1_ns / (n + 1) for n in range(levels - 1)},
        "t2": {(0, 1): t2_ns},
    }
    frequency, rabi = problem["f01_hz"], problem["rabi_hz"]
    configs = {
        "hamiltonian": HamiltonianConfig(transmon_levels=levels, qubits={0: qubit}),
        DRIVE: DriveEmulatorConfig(frequency=frequency, rabi_frequency=rabi),
        LISTEN: AcquisitionConfig(delay=0, smearing=0),
    }
    # Its signal is I cos + Q sin, ours the real part of (I + jQ) exp(+j 2 pi f t).
    i, q = np.array(problem["envelope_i"]), -np.array(problem["envelope_q"])
    pulse = Pulse(duration=len(i), amplitude=1.0, envelope=Custom(i_=i, q_=q))
    events = [(DRIVE, pulse), (LISTEN, Delay(duration=len(i))), (LISTEN, Acquisition(duration=1))]
    sequence = PulseSequence(events)
    values = np.array(problem["amplitudes"])
    sweep = [[Sweeper(parameter=Parameter.amplitude, values=values, pulses=[pulse])]]
    options = ExecutionParameters(
        nshots=1000,
        acquisition_type=AcquisitionType.DISCRIMINATION,
        averaging_mode=AveragingMode.CYCLIC,
    )
    emulator = EmulatorController(address="0")
    begin = time.perf_counter()
    emulator.play(configs, [sequence], options, sweep)
    seconds = time.perf_counter() - begin
    states = emulator._sweep((0, sequence.align_to_delays()), configs, sweep)
    return seconds, np.real(np.einsum("amii->ai", states.reshape(len(values), 1, levels, levels)))


if __name__ == "__main__":
    seconds, populations = scan(json.loads(Path(sys.argv[1]).read_text()))
    said = {"version": version("qibolab"), "seconds": seconds, "populations": populations.tolist()}
    print(json.dumps(said))
