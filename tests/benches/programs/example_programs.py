"""The kinds of programs that bring-up plays, for three qubits at once, and a wiring for them."""

from podium.control.compilers.qblox.target import PortTarget, QbloxTarget
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Program,
    SetFrequency,
    ShiftPhase,
    Statement,
    Table,
    Variable,
)
from podium.control.program.waveforms import Drag, FlatTop, Gaussian, Square

NS = 1_000_000
US = 1000 * NS
QUBITS = ("q0", "q1", "q2")
DRIVE_HZ = {"q0": 6.01e9, "q1": 5.21e9, "q2": 4.9003e9}
READOUT_HZ = {"q0": 7.05e9, "q1": 7.2e9, "q2": 7.412e9}
DRAG = Drag(40 * NS, 10 * NS, 0.9e-9)
RESET_FS = 20 * US


def target() -> QbloxTarget:
    feedline = PortTarget(
        2, "QRM-RF", "out0", 7.2e9, input="in0", output_attenuation_db=30, input_attenuation_db=0
    )
    return QbloxTarget(
        "cluster_a",
        {
            "node_a.feedline": feedline,
            **{f"node_a.{q}.readout": feedline for q in QUBITS},
            "node_a.q0.drive": PortTarget(4, "QCM-RF", "out0", 5.8e9),
            "node_a.q1.drive": PortTarget(4, "QCM-RF", "out1", 5.0e9),
            "node_a.q2.drive": PortTarget(
                6, "QCM", "out0_1", 4.9e9, modulator="lo_q2", modulator_power_dbm=0.0
            ),
        },
    )


def flux_target() -> QbloxTarget:
    """The same cluster, with three flux lines on single outputs."""
    lines = {f"node_a.c{k}.flux": PortTarget(8, "QCM", f"out{k}", 0.0) for k in (0, 1, 2)}
    return QbloxTarget("cluster_a", target().ports | lines)


def frames(*kinds: str) -> tuple[Frame, ...]:
    """``drive``, ``ef`` and ``readout`` frames of all qubits."""
    made = []
    for q in QUBITS:
        for kind in kinds:
            port = f"node_a.{q}.{'readout' if kind == 'readout' else 'drive'}"
            hz = READOUT_HZ[q] if kind == "readout" else DRIVE_HZ[q]
            made.append(Frame(f"{q}.{kind}", port, hz - (180e6 if kind == "ef" else 0)))
    return tuple(made)


def read(q: str, amplitude: float | Affine = 0.25, hold_fs: int = 1 * US) -> list[Statement]:
    return [
        Capture(f"{q}.readout", f"{q}", hold_fs - 200 * NS, delay_fs=152 * NS),
        Play(f"{q}.readout", Square(hold_fs), amplitude),
    ]


def time_of_flight() -> Program:
    body: list[Statement] = [
        Capture("q1.readout", "q1", 1 * US),
        Play("q1.readout", Square(1 * US), 0.5),
        Delay(("q1.readout",), 10 * US),
    ]
    return Program("time_of_flight", frames("readout"), tuple(body), shots=7, trace=True)


def _linear(name: str, unit: str, start: float, step: float, count: int) -> Variable:
    return Variable(name, unit, Linear.steps(start, step, count))


def resonator_spectroscopy(points: int = 41, shots: int = 3) -> Program:
    swept = [
        _linear(f"{q}_hz", "Hz", READOUT_HZ[q] - 8e6, 16e6 / (points - 1), points) for q in QUBITS
    ]
    body: list[Statement] = []
    for q in QUBITS:
        body += [SetFrequency(f"{q}.readout", Affine(f"{q}_hz")), *read(q)]
        body.append(Delay((f"{q}.readout",), 5 * US))
    axis = Axis("frequency", tuple(swept))
    return Program("resonator_spectroscopy", frames("readout"), tuple(body), (axis,), shots)


def punch_out() -> Program:
    hz = [_linear(f"{q}_hz", "Hz", READOUT_HZ[q] - 5e6, 10e6 / 12, 13) for q in QUBITS]
    level = Variable("drive", "1", Table(tuple(0.3 * 10 ** (-k / 4) for k in range(7))))
    body: list[Statement] = []
    for q in QUBITS:
        body += [
            SetFrequency(f"{q}.readout", Affine(f"{q}_hz")),
            *read(q, Affine("drive", 1.0 if q == "q0" else 0.9)),
            Delay((f"{q}.readout",), 4 * US),
        ]
    axes = (Axis("amplitude", (level,)), Axis("frequency", tuple(hz)))
    return Program("punch_out", frames("readout"), tuple(body), axes, shots=2)


def _after_drive(drive: dict[str, list[Statement]], reset_fs: int = RESET_FS) -> list[Statement]:
    body: list[Statement] = []
    for q in QUBITS:
        body += drive[q]
    names = tuple({s.frame: None for q in QUBITS for s in drive[q] if isinstance(s, Play)})
    readouts = tuple(f"{q}.readout" for q in QUBITS)
    body.append(Barrier((*names, *readouts)))
    for q in QUBITS:
        body += read(q)
    body.append(Barrier((*names, *readouts)))
    body.append(Delay(readouts, reset_fs))
    return body


def qubit_spectroscopy() -> Program:
    swept = [_linear(f"{q}_hz", "Hz", DRIVE_HZ[q] - 20e6, 1e6 / 3, 31) for q in QUBITS]
    drive = {
        q: [
            SetFrequency(f"{q}.drive", Affine(f"{q}_hz")),
            Play(f"{q}.drive", Square((5 + 7 * k) * US), 0.004 * (k + 1)),
        ]
        for k, q in enumerate(QUBITS)
    }
    axis = Axis("frequency", tuple(swept))
    body = tuple(_after_drive(drive))
    return Program("qubit_spectroscopy", frames("drive", "readout"), body, (axis,), shots=2)


def rabi(points: int = 51, shots: int = 2) -> Program:
    swept = [
        _linear(f"{q}_amplitude", "1", 0.0, 0.9 / (k + 1) / (points - 1), points)
        for k, q in enumerate(QUBITS)
    ]
    drive: dict[str, list[Statement]] = {
        q: [Play(f"{q}.drive", DRAG, Affine(f"{q}_amplitude"))] for q in QUBITS
    }
    axis = Axis("amplitude", tuple(swept))
    body = tuple(_after_drive(drive))
    return Program("rabi", frames("drive", "readout"), body, (axis,), shots)


def ramsey(*, table: bool = False, pulse: Drag | Square = DRAG) -> Program:
    count = 21
    if table:
        times = Variable("delay", "fs", Table(tuple(4 * NS * (2**k - 1) for k in range(15))))
    else:
        times = _linear("delay", "fs", 0, 4 * 1003 * NS, count)
    index = _linear("point", "1", 0, 1, times.values.count)
    drive: dict[str, list[Statement]] = {
        q: [
            Play(f"{q}.drive", pulse, 0.2 * (k + 1)),
            Delay((f"{q}.drive",), Affine("delay")),
            ShiftPhase(f"{q}.drive", Affine("point", 0.13 * (k + 1))),
            Play(f"{q}.drive", pulse, 0.2 * (k + 1)),
        ]
        for k, q in enumerate(QUBITS)
    }
    axis = Axis("delay", (times, index))
    body = tuple(_after_drive(drive))
    return Program("ramsey", frames("drive", "readout"), body, (axis,), shots=2, settle_fs=5 * US)


def t1() -> Program:
    times = _linear("delay", "fs", 0, 6000 * NS, 26)
    drive: dict[str, list[Statement]] = {
        q: [
            Play(f"{q}.drive", DRAG, 0.4),
            Delay((f"{q}.drive",), Affine("delay", 1.0 if q != "q1" else 0.5)),
        ]
        for q in QUBITS
    }
    body = tuple(_after_drive(drive))
    return Program("t1", frames("drive", "readout"), body, (Axis("delay", (times,)),), shots=2)


def echo() -> Program:
    times = _linear("delay", "fs", 0, 8006 * NS, 21)
    half = Affine("delay", 0.5)
    drive: dict[str, list[Statement]] = {
        q: [
            Play(f"{q}.drive", DRAG, 0.2),
            Delay((f"{q}.drive",), half),
            ShiftPhase(f"{q}.drive", 0.25),
            Play(f"{q}.drive", DRAG, 0.4),
            ShiftPhase(f"{q}.drive", -0.25),
            Delay((f"{q}.drive",), half),
            Play(f"{q}.drive", DRAG, 0.2),
        ]
        for q in QUBITS
    }
    body = tuple(_after_drive(drive))
    return Program("echo", frames("drive", "readout"), body, (Axis("delay", (times,)),), shots=2)


def ef_spectroscopy() -> Program:
    swept = [_linear(f"{q}_hz", "Hz", DRIVE_HZ[q] - 210e6, 1.1e6, 41) for q in QUBITS]
    drive: dict[str, list[Statement]] = {
        q: [
            SetFrequency(f"{q}.ef", Affine(f"{q}_hz")),
            Play(f"{q}.drive", DRAG, 0.4),
            Barrier((f"{q}.drive", f"{q}.ef")),
            Play(f"{q}.ef", FlatTop(2 * US, 20 * NS), 0.01),
            Barrier((f"{q}.drive", f"{q}.ef")),
            Play(f"{q}.drive", DRAG, 0.4),
        ]
        for q in QUBITS
    }
    axis = Axis("frequency", tuple(swept))
    body = tuple(_after_drive(drive))
    return Program("ef_spectroscopy", frames("drive", "ef", "readout"), body, (axis,), shots=2)


def ef_rabi() -> Program:
    swept = [_linear(f"{q}_amplitude", "1", -0.8, 1.6 / 36, 37) for q in QUBITS]
    drive: dict[str, list[Statement]] = {
        q: [
            Play(f"{q}.drive", DRAG, 0.4),
            Barrier((f"{q}.drive", f"{q}.ef")),
            Play(f"{q}.ef", Gaussian(60 * NS, 15 * NS), Affine(f"{q}_amplitude")),
            Barrier((f"{q}.drive", f"{q}.ef")),
            Play(f"{q}.drive", DRAG, 0.4),
        ]
        for q in QUBITS
    }
    axis = Axis("amplitude", tuple(swept))
    body = tuple(_after_drive(drive))
    return Program("ef_rabi", frames("drive", "ef", "readout"), body, (axis,), shots=2)


def single_shot() -> Program:
    state = Variable("state", "1", Table((0.0, 1.0)))
    drive: dict[str, list[Statement]] = {
        q: [Play(f"{q}.drive", DRAG, Affine("state", 0.31 + 0.1 * k))] for k, q in enumerate(QUBITS)
    }
    body = tuple(_after_drive(drive))
    axis = Axis("state", (state,))
    return Program(
        "single_shot", frames("drive", "readout"), body, (axis,), shots=25, keep_shots=True
    )


def readout_optimisation() -> Program:
    hz = [_linear(f"{q}_hz", "Hz", READOUT_HZ[q] - 2e6, 0.5e6, 9) for q in QUBITS]
    levels = [_linear(f"{q}_level", "1", 0.05, 0.05 + 0.01 * k, 5) for k, q in enumerate(QUBITS)]
    state = Variable("state", "1", Table((0.0, 1.0)))
    body: list[Statement] = []
    for q in QUBITS:
        body += [
            SetFrequency(f"{q}.readout", Affine(f"{q}_hz")),
            Play(f"{q}.drive", DRAG, Affine("state", 0.4)),
        ]
    everything = tuple(f"{q}.{kind}" for q in QUBITS for kind in ("drive", "readout"))
    body.append(Barrier(everything))
    for q in QUBITS:
        body += read(q, Affine(f"{q}_level"))
    body.append(Delay(everything, 20 * US))
    axes = (
        Axis("frequency", tuple(hz)),
        Axis("amplitude", tuple(levels)),
        Axis("state", (state,)),
    )
    return Program("readout_optimisation", frames("drive", "readout"), tuple(body), axes, shots=2)


def first_light() -> dict[str, Program]:
    """All of them by name."""
    programs = {
        program.name: program
        for program in (
            time_of_flight(),
            resonator_spectroscopy(),
            punch_out(),
            qubit_spectroscopy(),
            rabi(),
            ramsey(),
            t1(),
            echo(),
            ef_spectroscopy(),
            ef_rabi(),
            single_shot(),
            readout_optimisation(),
        )
    }
    programs["ramsey_table"] = ramsey(table=True)
    programs["ramsey_square"] = ramsey(pulse=Square(20 * NS))
    return programs
