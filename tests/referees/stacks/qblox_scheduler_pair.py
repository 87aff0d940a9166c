"""A lab's own script for qblox-scheduler: a CZ between two coupled transmons, from nothing.

    python qblox_scheduler_pair.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline of both qubits, a QCM-RF in slot 4 on their drives, a QCM in slot 6 on their flux lines.
q0 is the upper one: a pulse on its line brings 11 and 20 together. FOLDER gets the data. The last
line that is printed is JSON: frequencies in Hz, times in s, amplitudes as parts of full scale.
"""

import json
import sys
import warnings
from pathlib import Path

import lab_fits
import numpy as np
import qblox_scheduler_lab as single
from qblox_scheduler import DType, HardwareAgent, IdlePulse, Schedule, SquarePulse, linspace
from qblox_scheduler_lab import DELAY_S, RELAX_S, Lab, Qubit

UPPER, LOWER = Qubit("q0", 7.26e9, 6.02e9), Qubit("q1", 7.04e9, 5.40e9)
"""About: what the maker of the chip says."""
FULL_V = 2.5
"""Of an output of a QCM."""
BIASES_V = (-0.05, 0.0, 0.05)
"""At which a qubit's frequency is looked at: about its sweet spot."""
NEAR = (0.06, 0.16, 101)
"""Amplitudes among which the levels meet, and how many."""
SWAP_S = 32e-9
"""About half an exchange."""
PART, DURATIONS = 0.0036, tuple(range(8, 158, 10))
"""Of the chevron: amplitudes to either side, and durations, ns."""
POINTS = 15
BESIDE = 0.0015
"""Of a conditional phase: amplitudes to either side."""
GAP_S = 40e-9
"""Before and after a flux pulse."""
DEGREES = tuple(range(0, 360, 45))
LO_HZ = {
    "q0:res-q0.ro": 7.13e9,
    "q1:res-q1.ro": 7.13e9,
    "q0:mw-q0.01": 5.92e9,
    "q1:mw-q1.01": 5.3e9,
}
HARDWARE = {
    "config_type": "QbloxHardwareCompilationConfig",
    "hardware_description": {
        "cluster0": {
            "instrument_type": "Cluster",
            "ref": "internal",
            "modules": {
                "2": {"instrument_type": "QRM_RF"},
                "4": {"instrument_type": "QCM_RF"},
                "6": {"instrument_type": "QCM"},
            },
        }
    },
    "hardware_options": {
        "modulation_frequencies": {line: {"lo_freq": hz} for line, hz in LO_HZ.items()},
        "output_att": {line: 44 if "res" in line else 0 for line in LO_HZ},
        "input_att": {line: 0 for line in LO_HZ if "res" in line},
    },
    "connectivity": {
        "graph": [
            ["cluster0.module2.complex_output_0", "q0:res"],
            ["cluster0.module2.complex_output_0", "q1:res"],
            ["cluster0.module4.complex_output_0", "q0:mw"],
            ["cluster0.module4.complex_output_1", "q1:mw"],
            ["cluster0.module6.real_output_0", "q0:fl"],
        ]
    },
}


class Pair:
    """Two qubits on one agent."""

    def __init__(self, agent: HardwareAgent) -> None:
        self.agent = agent
        self.upper, self.lower = Lab(agent, UPPER), Lab(agent, LOWER)
        self.levels: dict[str, tuple[complex, complex]] = {}

    def bias(self, lab: Lab, volts: float) -> None:
        """Set the static output of a flux line."""
        qcm = self.agent.get_clusters()["cluster0"].module6
        getattr(qcm, f"out{(self.upper, self.lower).index(lab)}_offset")(volts)

    def schedule(self, name: str, shots: int) -> Schedule:
        schedule = self.upper.schedule(name, shots)
        self.lower.tune(schedule)
        return schedule

    def turn(self, schedule: Schedule, upper: float, lower: float, degrees: float = 0.0) -> None:
        """Turn both at one time, by parts of half a turn."""
        schedule.add(self.upper.turn(upper * self.upper.pi))
        schedule.add(self.lower.turn(lower * self.lower.pi, degrees), ref_pt="start")

    def pulse(self, schedule: Schedule, part, seconds: float) -> None:
        """Move the upper one."""
        schedule.add(IdlePulse(GAP_S))
        schedule.add(SquarePulse(amplitude=part, duration=seconds, port="q0:fl"))
        schedule.add(IdlePulse(GAP_S))

    def read(self, schedule: Schedule, coords: dict) -> None:
        """Read both at one time, and let them relax."""
        tone = schedule.add(self.upper.tone())
        schedule.add(self.lower.tone(), ref_op=tone, ref_pt="start")
        for lab in (self.upper, self.lower):
            # 1.0.1 mixes up two labels that have coordinates of one name
            own = {f"{lab.qubit.name}_{name}": value for name, value in coords.items()}
            schedule.add(lab.window(own), ref_op=tone, ref_pt="start", rel_time=DELAY_S)
        schedule.add(IdlePulse(RELAX_S))

    def run(self, schedule: Schedule) -> dict[str, np.ndarray]:
        """Return the population of 1 of each qubit, as far as a line between 0 and 1 says."""
        data = self.agent.run(schedule, timeout=single.TIMEOUT_S)
        heard = {name: np.asarray(data[name]).squeeze() for name in ("q0", "q1")}
        if not self.levels:
            return heard
        return {
            name: ((heard[name] - zero) / (one - zero)).real
            for name, (zero, one) in self.levels.items()
        }


def sweet_spot(pair: Pair, lab: Lab) -> None:
    """Bias a qubit where its frequency is highest, by a parabola through three of them."""
    lines = []
    for volts in BIASES_V:
        pair.bias(lab, volts)
        lab.drive_hz, lab.readout_hz = lab.qubit.qubit_hz, lab.qubit.readout_hz
        single.resonator(lab)
        lines.append(single.spectroscopy(lab)["spectroscopy_hz"])
    curved, sloped, _ = np.polyfit(BIASES_V, lines, 2)
    pair.bias(lab, float(-sloped / (2 * curved)))
    lab.drive_hz = max(lines)


def known_qubits(pair: Pair) -> dict[str, float]:
    for lab in (pair.upper, pair.lower):
        sweet_spot(pair, lab)
    found = {}
    for lab in (pair.upper, pair.lower):
        for step in (
            single.resonator, single.spectroscopy, single.rabi, single.readout_point,
            single.ramsey, single.rabi,
        ):  # fmt: skip
            step(lab)
        found[f"{lab.qubit.name}_f01"] = lab.drive_hz
    schedule = pair.schedule("levels", 2000)
    for number, excited in enumerate((0, 1)):
        schedule.add(IdlePulse(1e-6))
        pair.turn(schedule, excited, excited)
        pair.read(schedule, {"excited": number})
    pair.levels = {name: tuple(heard) for name, heard in pair.run(schedule).items()}
    return found


def meeting(pair: Pair) -> dict[str, float]:
    """Find about where 11 and 20 meet: the lower qubit loses its excitation there."""
    begin, end, points = NEAR
    sweep = pair.schedule("meeting", 500)
    with sweep.loop(linspace(begin, end, points, DType.AMPLITUDE)) as part:
        sweep.add(IdlePulse(1e-6))
        pair.turn(sweep, 1, 1)
        pair.pulse(sweep, part, SWAP_S)
        pair.read(sweep, {"part": part})
    lower = pair.run(sweep)["q1"]
    return {"meeting": float(np.linspace(begin, end, points)[np.argmin(lower)])}


def chevron(pair: Pair, about: float) -> dict[str, float]:
    """Amplitude and duration: resonance and gap, as each of both qubits shows them."""
    parts = np.linspace(about - PART, about + PART, POINTS)
    sweep = pair.schedule("chevron", 300)
    with sweep.loop(linspace(parts[0], parts[-1], POINTS, DType.AMPLITUDE)) as part:
        for ns in DURATIONS:
            sweep.add(IdlePulse(1e-6))
            pair.turn(sweep, 1, 1)
            pair.pulse(sweep, part, ns * 1e-9)
            pair.read(sweep, {"part": part, "ns": ns})
    found = {}
    for name, seen in pair.run(sweep).items():
        map_ = seen.reshape(POINTS, len(DURATIONS))
        fit = lab_fits.chevron(parts, np.array(DURATIONS, float), map_)
        found |= {f"{name}_{key}": value for key, value in fit.items()}
    return found


def ramsey_pairs(pair: Pair, sweep: Schedule, part, ns: int) -> None:
    """Have the lower qubit turn behind a pulse, the upper one in 0 and in 1."""
    for control in (0, 1):
        for degrees in DEGREES:
            sweep.add(IdlePulse(1e-6))
            pair.turn(sweep, control, 0.5)
            pair.pulse(sweep, part, ns * 1e-9)
            pair.turn(sweep, 0, 0.5, degrees)
            pair.read(sweep, {"part": part, "control": control, "degrees": degrees})


def fringes(pair: Pair, sweep: Schedule) -> np.ndarray:
    """Return the lower qubit's fringes, complex: amplitude by the upper one's level."""
    seen = pair.run(sweep)["q1"].reshape(-1, 2, len(DEGREES))
    return seen @ np.exp(1j * np.radians(DEGREES)) * 2 / len(DEGREES)


def conditional_phase(pair: Pair, resonance: float, gap_hz: float) -> dict[str, float]:
    """Scan it over amplitude, for one whole exchange; then look at the amplitude of pi."""
    ns = round(1e9 / gap_hz)
    begin, end = resonance - BESIDE, resonance + BESIDE
    sweep = pair.schedule("conditional phase", 200)
    with sweep.loop(linspace(begin, end, POINTS, DType.AMPLITUDE)) as part:
        ramsey_pairs(pair, sweep, part, ns)
    seen = fringes(pair, sweep)
    from_pi = np.unwrap(np.angle(-seen[:, 1] / seen[:, 0]))
    parts = np.linspace(begin, end, POINTS)
    at, sigma = lab_fits.crossing(parts, from_pi, 0.0)
    once = pair.schedule("gate", 2000)
    ramsey_pairs(pair, once, at, ns)
    ((zero, one),) = fringes(pair, once)
    return {
        "gate": at, "gate_sigma": sigma, "gate_ns": ns,
        "phase_off": float(np.angle(-one / zero)), "contrast": float(abs(one / zero)),
    }  # fmt: skip


def main(host: str, folder: Path) -> dict[str, float]:
    """Measure, in the order in which one thing needs the other."""
    warnings.simplefilter("ignore")
    pair = Pair(single.connected(HARDWARE, host, folder))
    found = known_qubits(pair)
    found |= meeting(pair)
    found |= chevron(pair, found["meeting"])
    found |= conditional_phase(pair, found["q1_resonance"], found["q1_gap"])
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
