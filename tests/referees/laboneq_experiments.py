"""LabOne Q, unmodified and not emulated, as a program that others drive; run by its own Python.

The first line of the input is JSON of a :class:`Rack`. Each line that follows is JSON of one
experiment, answered by one line: what was measured, or the error. Imports nothing of Podium's.
"""

import json
import logging
import os
import sys
import time
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

ANSWERS = os.fdopen(os.dup(1), "w", buffering=1)
os.dup2(2, 1)  # whatever else is printed is no answer
warnings.simplefilter("ignore")
logging.disable(logging.WARNING)

import numpy as np  # noqa: E402
from laboneq.analysis import fitting  # noqa: E402
from laboneq.dsl.device import DeviceSetup, create_connection  # noqa: E402
from laboneq.dsl.device.instruments import SHFQC  # noqa: E402
from laboneq.simple import (  # noqa: E402
    AcquisitionType,
    AveragingMode,
    Calibration,
    Experiment,
    ExperimentSignal,
    LinearSweepParameter,
    ModulationType,
    Oscillator,
    SectionAlignment,
    Session,
    SignalCalibration,
    pulse_library,
)

READOUT_S, KERNEL_S, RELAXATION_S = 1.2e-6, 1e-6, 250e-6
EMPTY_S = 400e-9
"""In which a resonator loses its photons."""
PULSE_S, SIGMA = 40e-9, 0.5
"""Length of a Gaussian, and its standard deviation as a share of half of it."""
X = pulse_library.gaussian(uid="x", length=PULSE_S, sigma=SIGMA)
READ = pulse_library.const(uid="read", length=READOUT_S, amplitude=1.0)
KERNEL = pulse_library.const(uid="kernel", length=KERNEL_S)
LINES = ("drive", "measure", "acquire")


def turned_kernel(phase: float) -> Any:
    """Return the kernel of which what it adds up is turned by a phase, rad."""
    if not phase:
        return KERNEL
    samples = np.full(round(KERNEL_S * 2e9), np.exp(1j * phase))
    return pulse_library.sampled_pulse(samples, uid="turned_kernel")


@dataclass(frozen=True)
class Rack:
    """Where the data server is, and what is behind it."""

    host: str
    port: int
    device: str
    options: str
    drives: list[int]
    """Signal generator of each qubit."""
    drive_dbm: float
    output_dbm: float
    input_dbm: float
    port_delay_s: float
    readout_lo_hz: float
    readout_hz: list[float]
    drive_lo_hz: list[float]
    drive_hz: list[float]

    def calibration(self, off_hz: float = 0.0) -> Calibration:
        """Return how all lines are set; ``off_hz`` is added to the frequencies of the drives."""
        found = Calibration()
        read_lo = Oscillator("readout_lo", frequency=self.readout_lo_hz)
        for k, drive_hz in enumerate(self.drive_hz):
            found[f"q{k}/drive"] = SignalCalibration(
                local_oscillator=Oscillator(f"lo{k}", frequency=self.drive_lo_hz[k]),
                oscillator=Oscillator(
                    f"drive{k}",
                    frequency=drive_hz + off_hz - self.drive_lo_hz[k],
                    modulation_type=ModulationType.HARDWARE,
                ),
                range=self.drive_dbm,
            )
            tone = Oscillator(
                f"readout{k}",
                frequency=self.readout_hz[k] - self.readout_lo_hz,
                modulation_type=ModulationType.SOFTWARE,
            )
            found[f"q{k}/measure"] = SignalCalibration(
                local_oscillator=read_lo, oscillator=tone, range=self.output_dbm
            )
            found[f"q{k}/acquire"] = SignalCalibration(
                local_oscillator=read_lo,
                oscillator=tone,
                range=self.input_dbm,
                port_delay=self.port_delay_s,
            )
        return found


def connected(rack: Rack) -> Session:
    """Return a session that is connected."""
    setup = DeviceSetup("twin")
    setup.add_dataserver(host=rack.host, port=rack.port)
    setup.add_instruments(SHFQC(uid="qc", address=rack.device, device_options=rack.options))
    for k, channel in enumerate(rack.drives):
        ports = (
            f"SGCHANNELS/{channel}/OUTPUT",
            "QACHANNELS/0/OUTPUT",
            "QACHANNELS/0/INPUT",
        )
        for line, port in zip(LINES, ports, strict=True):
            setup.add_connections("qc", create_connection(to_signal=f"q{k}/{line}", ports=port))
    setup.set_calibration(rack.calibration())
    session = Session(setup, log_level=logging.ERROR)
    session.connect(do_emulation=False, reset_devices=True)
    return session


def experiment(name: str, qubits: list[int]) -> Experiment:
    """Return an empty experiment with the lines of some qubits."""
    return Experiment(
        name,
        signals=[
            ExperimentSignal(f"{line}{k}", map_to=f"/logical_signal_groups/q{k}/{line}")
            for k in qubits
            for line in LINES
        ],
    )


def read(
    made: Experiment, qubits: list[int], after: str, height: float, phase: float = 0.0
) -> None:
    """Read all qubits at once, and let them relax."""
    kernel = turned_kernel(phase)
    for k in qubits:
        with made.section(uid=f"read{k}", play_after=after):
            made.play(f"measure{k}", READ, amplitude=height)
            made.acquire(f"acquire{k}", f"q{k}", kernel=kernel)
    with made.section(uid="relax", play_after=[f"read{k}" for k in qubits], length=RELAXATION_S):
        for k in qubits:
            made.reserve(f"drive{k}")
            made.reserve(f"measure{k}")


def swept(
    name: str,
    body: Callable[[Experiment, Any], None],
    axis: dict[str, float],
    *,
    shots: int,
    qubits: list[int],
    height: float,
    near_time: bool = False,
    chunks: int = 1,
    mode: AveragingMode = AveragingMode.CYCLIC,
    kind: AcquisitionType = AcquisitionType.INTEGRATION,
) -> Experiment:
    """Return an experiment that does ``body`` and reads, at each point of an axis."""
    made = experiment(name, qubits)
    parameter = LinearSweepParameter("axis", axis["start"], axis["stop"], int(axis["points"]))
    averaging = made.acquire_loop_rt(count=shots, averaging_mode=mode, acquisition_type=kind)
    loop = made.sweep(parameter=parameter, chunk_count=chunks)
    outer, inner = (loop, averaging) if near_time else (averaging, loop)
    with outer, inner:
        with made.section(uid="prepare", alignment=SectionAlignment.RIGHT):
            body(made, parameter)
        read(made, qubits, "prepare", height)
    return made


def rabi(axis: dict[str, float], qubits: list[int], **more: Any) -> Experiment:
    """A Gaussian of swept height on every qubit."""

    def body(made: Experiment, height: Any) -> None:
        for k in qubits:
            made.play(f"drive{k}", X, amplitude=height)

    return swept("rabi", body, axis, qubits=qubits, **more)


def ramsey(axis: dict[str, float], pi: float, **more: Any) -> Experiment:
    """Two half turns with a swept time between them, on the first qubit."""

    def body(made: Experiment, wait: Any) -> None:
        made.play("drive0", X, amplitude=pi / 2)
        made.delay("drive0", wait)
        made.play("drive0", X, amplitude=pi / 2)

    return swept("ramsey", body, axis, qubits=[0], **more)


def relaxation(axis: dict[str, float], pi: float, **more: Any) -> Experiment:
    """A turn, and a swept time."""

    def body(made: Experiment, wait: Any) -> None:
        made.play("drive0", X, amplitude=pi)
        made.delay("drive0", wait)

    return swept("relaxation", body, axis, qubits=[0], **more)


def prepared(
    pi: float,
    turns: int,
    shots: int,
    height: float,
    kind: str,
    mode: str = "SINGLE_SHOT",
    phase: float = 0.0,
) -> Experiment:
    """Shots after so many turns of the first qubit."""
    made = experiment("prepared", [0])
    with made.acquire_loop_rt(
        count=shots,
        averaging_mode=AveragingMode[mode],
        acquisition_type=AcquisitionType[kind],
    ):
        with made.section(uid="prepare"):
            made.reserve("drive0")
            for _ in range(turns):
                made.play("drive0", X, amplitude=pi)
        read(made, [0], "prepare", height, phase)
    return made


def reset(pi: float, turns: int, shots: int, height: float, phase: float) -> Experiment:
    """Shots after so many turns of the first qubit: read, turned once more where a 1 was found,
    read again."""
    made = experiment("reset", [0])
    with made.acquire_loop_rt(
        count=shots,
        averaging_mode=AveragingMode.SINGLE_SHOT,
        acquisition_type=AcquisitionType.DISCRIMINATION,
    ):
        with made.section(uid="prepare"):
            made.reserve("drive0")
            for _ in range(turns):
                made.play("drive0", X, amplitude=pi)
        with made.section(uid="look", play_after="prepare"):
            made.play("measure0", READ, amplitude=height)
            made.acquire("acquire0", "before", kernel=turned_kernel(phase))
        with made.section(uid="ring down", play_after="look", length=EMPTY_S):
            made.reserve("drive0")
            made.reserve("measure0")
        with made.match(uid="reset", handle="before", play_after="ring down"):
            with made.case(state=0):
                pass
            with made.case(state=1):
                made.play("drive0", X, amplitude=pi)
        read(made, [0], "reset", height, phase)
    return made


def resonator(
    rack: Rack, axis: dict[str, float], shots: int, gain: float, near_time: bool = False
) -> Experiment:
    """A tone of swept frequency (Hz from the local oscillator), with the analyser's oscillator."""
    lines = LINES[1:]
    made = Experiment(
        "resonator",
        signals=[ExperimentSignal(x, map_to=f"/logical_signal_groups/q0/{x}") for x in lines],
    )
    tone = LinearSweepParameter("tone", axis["start"], axis["stop"], int(axis["points"]))
    averaging = made.acquire_loop_rt(
        count=shots,
        averaging_mode=AveragingMode.SEQUENTIAL,
        acquisition_type=AcquisitionType.SPECTROSCOPY,
    )
    loop = made.sweep(parameter=tone)
    outer, inner = (loop, averaging) if near_time else (averaging, loop)
    with outer, inner:
        with made.section(uid="probe"):
            made.play("measure", pulse_library.const(uid="tone", length=3e-6, amplitude=1.0))
            made.acquire("acquire", "q0", length=2e-6)
        with made.section(uid="rest", play_after="probe", length=10e-6):
            made.reserve("measure")
    turning = Oscillator("tone", frequency=tone, modulation_type=ModulationType.HARDWARE)
    local = Oscillator("readout_lo", frequency=rack.readout_lo_hz)
    setting = Calibration()
    setting["measure"] = SignalCalibration(
        local_oscillator=local, oscillator=turning, range=rack.output_dbm, amplitude=gain
    )
    setting["acquire"] = SignalCalibration(
        local_oscillator=local, oscillator=turning, range=rack.input_dbm, port_delay=500e-9
    )
    made.set_calibration(setting)
    return made


def long_readout(rack: Rack, pi: float, turns: int, shots: int, height: float) -> Experiment:
    """The first qubit, read for longer than waveforms and weights are (option LRT)."""
    made = experiment("long_readout", [0])
    tone = pulse_library.const(uid="long", length=6e-6, amplitude=height, can_compress=True)
    kernel = pulse_library.const(uid="long_kernel", length=5e-6, can_compress=True)
    with made.acquire_loop_rt(
        count=shots,
        averaging_mode=AveragingMode.CYCLIC,
        acquisition_type=AcquisitionType.INTEGRATION,
    ):
        with made.section(uid="prepare"):
            made.reserve("drive0")
            for _ in range(turns):
                made.play("drive0", X, amplitude=pi)
        with made.section(uid="read", play_after="prepare"):
            made.play("measure0", tone)
            made.acquire("acquire0", "q0", kernel=kernel)
        with made.section(uid="relax", play_after="read", length=RELAXATION_S):
            made.reserve("drive0")
            made.reserve("measure0")
    local = Oscillator("readout_lo", frequency=rack.readout_lo_hz)
    turning = Oscillator(
        "long_tone",
        frequency=rack.readout_hz[0] - rack.readout_lo_hz,
        modulation_type=ModulationType.HARDWARE,
    )
    setting = Calibration()
    for line, dbm in (("measure0", rack.output_dbm), ("acquire0", rack.input_dbm)):
        setting[line] = SignalCalibration(
            local_oscillator=local, oscillator=turning, range=dbm, port_delay=rack.port_delay_s
        )
    made.set_calibration(setting)
    return made


WITH_RACK = ("resonator", "long_readout")


def run(session: Session, rack: Rack, asked: dict[str, Any]) -> dict[str, Any]:
    """Return what one experiment measured."""
    off_hz = asked.pop("off_hz", 0.0)
    thresholds = asked.pop("thresholds", None)
    setting = rack.calibration(off_hz)
    if thresholds is not None:
        setting["q0/acquire"].threshold = thresholds
    session.device_setup.set_calibration(setting)
    name = asked.pop("experiment")
    more = {"rack": rack} if name in WITH_RACK else {}
    made = EXPERIMENTS[name](**more, **asked)
    begin = time.perf_counter()
    compiled = session.compile(made)
    between = time.perf_counter()
    results = session.run(compiled)
    data = {
        name: np.asarray(results.get_data(name))
        for name in (*(f"q{k}" for k in range(len(rack.drives))), "before")
        if name in results.acquired_results
    }
    return {
        "compiled_s": between - begin,
        "ran_s": time.perf_counter() - between,
        "data": {name: [one.real.tolist(), one.imag.tolist()] for name, one in data.items()},
    }


def analysed(fit: str, x: list[float], y: list[float], first: list[float]) -> dict[str, Any]:
    """Return the parameters that LabOne Q's own analysis finds, and their standard deviations."""
    best, covariance = getattr(fitting, fit).fit(np.array(x), np.array(y), *first)
    return {"best": best.tolist(), "errors": np.sqrt(np.diag(covariance)).tolist()}


EXPERIMENTS: dict[str, Callable[..., Experiment]] = {
    one.__name__: one
    for one in (rabi, ramsey, relaxation, prepared, reset, resonator, long_readout)
}


def main() -> None:
    """Connect, then run what is asked for until the input ends."""
    rack = Rack(**json.loads(sys.stdin.readline()))
    session = connected(rack)
    print(json.dumps({"connected": True}), file=ANSWERS)
    for line in sys.stdin:
        try:
            asked = json.loads(line)
            answer = analysed(**asked) if "fit" in asked else run(session, rack, asked)
        except Exception as error:  # the other side must hear of whatever went wrong
            answer = {"error": f"{type(error).__name__}: {error}"}
        print(json.dumps(answer), file=ANSWERS)


if __name__ == "__main__":
    main()
