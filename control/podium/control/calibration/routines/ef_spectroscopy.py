"""Measures the 1-2 transition: the anharmonicity."""

from collections.abc import Mapping
from functools import partial

import numpy as np

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import DRIVE, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.peak import PulsePrior
from podium.control.calibration.line_scan import (
    LineScan,
    Rabi,
    Range,
    expected_strength,
    known_rabi,
    scan_pulse_ns,
    there_and_back,
)
from podium.control.calibration.line_search import LineScanFit, SearchPlan, find_lines, store_lines
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.reset import reset_from_second
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Play,
    Program,
    SetFrequency,
    Statement,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

PLAN = SearchPlan(
    step_hz=0.8e6,
    least_points=41,
    shots=48,
    narrow_steps_hz=(0.06e6, 0.4e6),
    narrow_points=25,
    narrow_shots=250,
)
NEAR_HZ = 6e6
"""Span of a scan in which a short pi pulse brings 2 to 1 wherever the scan is."""
LADDER, LADDER_DOUBT = 2**0.5, 0.1
"""Strength of the 1-2 transition, of 0-1, and how far a transmon's may be off, relative."""


def ef_scan(
    bench: Bench,
    ranges: Mapping[str, Range],
    qubits: tuple[Qubit, ...],
    points: int,
    shots: int,
    rabi_hz: Rabi,
) -> LineScan:
    """Return a scan over the 1-2 lines, each over its own range (by full name).

    ``rabi_hz``: of the 1-2 transition. A shot may leave the qubit in 2, which no flip resets; what
    is left of it pulls half of the points to either side.
    """
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses, ef=True)
    axis = Axis(
        "drive",
        tuple(there_and_back(f"{q.element}_ef_frequency", ranges[q.name], points) for q in qubits),
    )
    duration_ns = scan_pulse_ns(ranges, qubits, points)
    near = max(ranges[q.name].span for q in qubits) < NEAR_HZ
    down = [p.ef_pulse(p.ef_pi_amplitude()) for p in pulses] if near else []
    body: list[Statement] = [
        *(SetFrequency(p.ef, Affine(f"{p.qubit.element}_ef_frequency")) for p in pulses),
        *reset_from_second(pulses, frames, down=down),
    ]
    amplitude: dict[str, float] = {}
    for p in pulses:
        pair, name = (p.drive, p.ef), p.qubit.name
        amplitude[name] = min(0.95, 1e9 / (2 * duration_ns) / rabi_hz[name][0])
        body += [
            p.pi(),
            Barrier(pair),
            Play(p.ef, Square(duration_ns * FS_PER_NS), amplitude[name]),
            Barrier(pair),
            p.pi(),
        ]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    program = Program(
        "1-2 spectroscopy",
        frames_of(pulses, ef=True),
        tuple(body),
        (axis,),
        shots=bench.shots(shots),
    )
    expected = {
        name: PulsePrior(expected_strength(one, duration_ns, rabi_hz[name]))
        for name, one in amplitude.items()
    }
    return LineScan(program, "ef_frequency", duration_ns * 1e-9, amplitude, expected)


async def ef_spectroscopy(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Excite, scan a weak pulse over the 1-2 transition, bring back what is still in 1.

    First over the design's range, wider where no line is seen, then narrowly about the line. Stores
    ``anharmonicity`` (Hz, f12 - f01, negative).
    """
    outcome = Outcome("ef_spectroscopy", "1-2 spectroscopy")
    qubits = bench.with_ladder(outcome, qubits)
    if not qubits:
        return outcome
    expected: dict[str, Range] = {}
    rabi: dict[str, tuple[float, float]] = {}
    for p in all_pulses(bench, qubits):
        name, alpha = p.qubit.name, bench.design(p.qubit, "anharmonicity")
        f12, half = bench.known(p.qubit, "f01").value + alpha.value, 3 * alpha.spread + 4e6
        expected[name] = Range(f12 - half, f12 + half)
        hz, sigma = _rabi(p)
        rabi[name] = LADDER * hz, float(np.hypot(LADDER * sigma, LADDER_DOUBT * LADDER * hz))
    build = partial(ef_scan, bench)
    lines = await find_lines(bench, outcome, qubits, expected, build, rabi, PLAN)

    def values(qubit: Qubit, seen: LineScanFit) -> Mapping[str, Measured]:
        value = seen.fit.values["centre"] - bench.known(qubit, "f01").value
        return {"anharmonicity": Measured(value, seen.fit.sigmas["centre"], "Hz")}

    text = "anharmonicity {anharmonicity}"
    await store_lines(bench, outcome, qubits, lines, expected, text, values)
    return outcome


def _rabi(pulses: Pulses) -> tuple[float, float]:
    """Return the Rabi frequency of 0-1 at full scale and its sigma, Hz: measured, else designed."""
    design = pulses.bench.design(pulses.qubit, "rabi_frequency")
    return known_rabi(pulses) or (design.value, design.spread)


EF_SPECTROSCOPY = Declaration(
    ef_spectroscopy,
    targets="qubits",
    apart=True,
    needs=("sweet_spot", *DRIVE, *READOUT_SETTINGS),
    gives={
        "anharmonicity": Lifetime(30 * DAY_S),
    },
    gate_turns={"coupler cz": 8, "carrier cz": 8, "carrier iswap": 8},  # jazz has moved the coupler
    places=(140,),
    cost_s=1.4,
)
