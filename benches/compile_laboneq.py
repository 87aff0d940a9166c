"""The same as bench_compile.py, compiled by LabOne Q; run by its own Python.

``rabi`` or ``benchmarking`` (JSON of all pulses on standard input) as the argument; prints JSON:
the version and the seconds of each compilation. Two SHFQC of four qubits each, and a PQSC.
"""

import json
import logging
import sys
import time
import warnings
from importlib.metadata import version

warnings.simplefilter("ignore")
logging.disable(logging.CRITICAL)

from laboneq.contrib.example_helpers.generate_device_setup import generate_device_setup  # noqa: E402
from laboneq.simple import (  # noqa: E402
    AcquisitionType,
    AveragingMode,
    Calibration,
    Experiment,
    ExperimentSignal,
    LinearSweepParameter,
    Oscillator,
    SectionAlignment,
    Session,
    SignalCalibration,
    pulse_library,
)

QUBITS, POINTS, SHOTS = 8, 51, 1024
REPETITIONS = 7


def session(qubits: int) -> Session:
    """A session with emulated instruments: nothing is sent anywhere while compiling."""
    boxes = -(-qubits // 4)
    setup = generate_device_setup(
        number_qubits=4 * boxes,
        shfqc=[
            {
                "serial": f"DEV1200{k}",
                "number_of_channels": 6,
                "readout_multiplex": 4,
                "options": None,
            }
            for k in range(boxes)
        ],
        pqsc=[{"serial": "DEV10001"}] if boxes > 1 else None,
        setup_name="setup",
    )
    calibration = Calibration()
    for number, (name, group) in enumerate(setup.logical_signal_groups.items()):
        signals = group.logical_signals
        ready = {
            "drive": (5.0e9, -100e6 + 1e6 * number),
            "measure": (7.0e9, 100e6 + 20e6 * number),
            "acquire": (7.0e9, 100e6 + 20e6 * number),
        }
        for line, (lo_hz, offset_hz) in ready.items():
            if line in signals:
                calibration[f"{name}/{line}"] = SignalCalibration(
                    local_oscillator=Oscillator(f"lo_{line}_{number // 4}", frequency=lo_hz),
                    oscillator=Oscillator(f"nco_{name}_{line}", frequency=offset_hz),
                )
    setup.set_calibration(calibration)
    made = Session(setup, log_level=logging.CRITICAL)
    made.connect(do_emulation=True)
    return made


def signals_of(made: Session, qubits: int) -> list[ExperimentSignal]:
    """Drive, measure and acquire of each qubit."""
    groups = list(made.device_setup.logical_signal_groups.items())[:qubits]
    return [
        ExperimentSignal(f"{line}{k}", map_to=group.logical_signals[line])
        for k, (_, group) in enumerate(groups)
        for line in ("drive", "measure", "acquire")
    ]


DRAG = pulse_library.drag(uid="drag", length=40e-9, sigma=0.5, beta=0.1)
READ = pulse_library.const(uid="read", length=1e-6, amplitude=0.1)


def reading(made: Experiment, qubit: int, after: str) -> None:
    """Read a qubit after a section."""
    with made.section(uid=f"read{qubit}_{after}", play_after=after):
        made.play(signal=f"measure{qubit}", pulse=READ)
        made.acquire(signal=f"acquire{qubit}", handle=f"q{qubit}", length=1e-6)


def rabi(made: Session) -> Experiment:
    """All qubits at once: the amplitude of a pulse is swept."""
    experiment = Experiment("rabi", signals=signals_of(made, QUBITS))
    amplitude = LinearSweepParameter("amplitude", start=0, stop=1, count=POINTS)
    with (
        experiment.acquire_loop_rt(
            count=SHOTS,
            averaging_mode=AveragingMode.CYCLIC,
            acquisition_type=AcquisitionType.INTEGRATION,
        ),
        experiment.sweep(parameter=amplitude),
    ):
        with experiment.section(uid="drive", alignment=SectionAlignment.RIGHT):
            for k in range(QUBITS):
                experiment.play(signal=f"drive{k}", pulse=DRAG, amplitude=amplitude)
        for k in range(QUBITS):
            reading(experiment, k, "drive")
        with experiment.section(uid="relax", length=50e-6):
            experiment.reserve(signal="measure0")
    return experiment


def benchmarking(made: Session, sequences: list[list[list[float]]]) -> Experiment:
    """Sequence after sequence, in one program."""
    experiment = Experiment("benchmarking", signals=signals_of(made, 1))
    with experiment.acquire_loop_rt(
        count=SHOTS,
        averaging_mode=AveragingMode.CYCLIC,
        acquisition_type=AcquisitionType.INTEGRATION,
    ):
        for number, gates in enumerate(sequences):
            with experiment.section(uid=f"gates{number}"):
                for amplitude, turns in gates:
                    experiment.play(
                        signal="drive0",
                        pulse=DRAG,
                        amplitude=0.8 * amplitude,
                        phase=6.283185307179586 * turns,
                    )
            reading(experiment, 0, f"gates{number}")
            with experiment.section(uid=f"relax{number}", length=50e-6):
                experiment.reserve(signal="measure0")
    return experiment


def main() -> None:
    """Compile and print."""
    what = sys.argv[1]
    sequences = json.load(sys.stdin) if what == "benchmarking" else []
    made = session(QUBITS if what == "rabi" else 1)
    took = []
    for _ in range(REPETITIONS if what == "rabi" else 3):
        experiment = rabi(made) if what == "rabi" else benchmarking(made, sequences)
        begin = time.perf_counter()
        compiled = made.compile(experiment)
        took.append(time.perf_counter() - begin)
        assert compiled is not None
    print(json.dumps({"version": version("laboneq"), "seconds": took}))


if __name__ == "__main__":
    main()
