"""A lab's own script for qblox-scheduler: schedules with hardware loops, run by a HardwareAgent.

    python qblox_scheduler_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. FOLDER gets the data. The last line that is
printed is JSON: what was found, with sigmas; frequencies in Hz, times in s.
"""

import json
import sys
import time
import warnings
from dataclasses import dataclass
from pathlib import Path

import lab_fits
import numpy as np
from qblox_scheduler import (
    ClockResource,
    DType,
    GaussPulse,
    HardwareAgent,
    IdlePulse,
    IQIntegration,
    Schedule,
    SetClockFrequency,
    SquarePulse,
    arange,
    linspace,
)

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
SCANS = ((480e6, 161, 0.06), (24e6, 61, 0.012), (4e6, 41, 0.003))
"""Of the line: span, Hz, points, amplitude. The last one makes half a turn: one peak, no more."""
TIMEOUT_S = 300
READOUT_LO_HZ, DRIVE_LO_HZ = 7.16e9, 6.1e9
PULSE_S, RELAX_S, READ_S = 60e-9, 300e-6, 2e-6
DELAY_S = 300e-9


@dataclass(frozen=True)
class Qubit:
    """A qubit by name, and about where it is."""

    name: str = "q0"
    readout_hz: float = READOUT_HZ
    qubit_hz: float = QUBIT_HZ

    @property
    def mw(self) -> str:
        return f"{self.name}:mw"

    @property
    def mw_clock(self) -> str:
        return f"{self.name}.01"

    @property
    def res(self) -> str:
        return f"{self.name}:res"

    @property
    def res_clock(self) -> str:
        return f"{self.name}.ro"


Q0 = Qubit()
DRIVE, READOUT = f"{Q0.mw}-{Q0.mw_clock}", f"{Q0.res}-{Q0.res_clock}"
HARDWARE = {
    "config_type": "QbloxHardwareCompilationConfig",
    "hardware_description": {
        "cluster0": {
            "instrument_type": "Cluster",
            "ref": "internal",
            "modules": {
                "2": {"instrument_type": "QRM_RF"},
                "4": {"instrument_type": "QCM_RF"},
            },
        }
    },
    "hardware_options": {
        "modulation_frequencies": {
            DRIVE: {"lo_freq": DRIVE_LO_HZ},
            READOUT: {"lo_freq": READOUT_LO_HZ},
        },
        "output_att": {DRIVE: 0, READOUT: 44},
        "input_att": {READOUT: 0},
    },
    "connectivity": {
        "graph": [
            ["cluster0.module2.complex_output_0", Q0.res],
            ["cluster0.module4.complex_output_0", Q0.mw],
        ]
    },
}


def connected(hardware: dict, host: str, folder: Path) -> HardwareAgent:
    """Return the agent, connected to the cluster."""
    hardware["hardware_description"]["cluster0"]["ip"] = host
    agent = HardwareAgent(hardware, output_dir=folder)
    agent.connect_clusters()
    return agent


class Lab:
    """The agent, and what is known of the qubit by now."""

    def __init__(self, agent: HardwareAgent, qubit: Qubit = Q0) -> None:
        self.agent, self.qubit = agent, qubit
        self.readout_hz, self.drive_hz, self.pi = qubit.readout_hz, qubit.qubit_hz, 0.5

    def schedule(self, name: str, shots: int) -> Schedule:
        schedule = Schedule(name, repetitions=shots)
        self.tune(schedule)
        return schedule

    def tune(self, schedule: Schedule) -> None:
        """Add the qubit's frequencies."""
        schedule.add_resource(ClockResource(self.qubit.mw_clock, self.drive_hz))
        schedule.add_resource(ClockResource(self.qubit.res_clock, self.readout_hz))

    def turn(self, part, degrees: float = 0.0) -> GaussPulse:
        return GaussPulse(
            amplitude=part, duration=PULSE_S, port=self.qubit.mw, clock=self.qubit.mw_clock,
            sigma=PULSE_S / 6, phase=degrees,
        )  # fmt: skip

    def tone(self) -> SquarePulse:
        return SquarePulse(
            amplitude=0.25, duration=READ_S + DELAY_S,
            port=self.qubit.res, clock=self.qubit.res_clock,
        )  # fmt: skip

    def window(self, coords: dict) -> IQIntegration:
        return IQIntegration(
            port=self.qubit.res, clock=self.qubit.res_clock, duration=READ_S,
            acq_label=self.qubit.name, coords=coords,
        )  # fmt: skip

    def read(self, schedule: Schedule, coords: dict) -> None:
        """Read out after what was added last, and let the qubit relax."""
        schedule.add(self.tone())
        schedule.add(self.window(coords), ref_pt="start", rel_time=DELAY_S)
        schedule.add(IdlePulse(RELAX_S))

    def run(self, schedule: Schedule) -> np.ndarray:
        return np.asarray(self.agent.run(schedule, timeout=TIMEOUT_S)[self.qubit.name]).squeeze()


def resonator(lab: Lab) -> dict[str, float]:
    for span, points in ((60e6, 61), (12e6, 41)):
        sweep = lab.schedule("resonator", 100)
        begin, end = lab.readout_hz - span / 2, lab.readout_hz + span / 2
        with sweep.loop(linspace(begin, end, points, DType.FREQUENCY)) as hz:
            sweep.add(SetClockFrequency(clock=lab.qubit.res_clock, frequency=hz))
            sweep.add(IdlePulse(1e-6))
            lab.read(sweep, {"hz": hz})
        heard = lab.run(sweep)
        lab.readout_hz = float(np.linspace(begin, end, points)[np.argmin(np.abs(heard))])
    return {"readout_hz": lab.readout_hz}


def spectroscopy(lab: Lab) -> dict[str, float]:
    for span, points, part in SCANS:
        sweep = lab.schedule("qubit", 300)
        begin, end = lab.drive_hz - span / 2, lab.drive_hz + span / 2
        with sweep.loop(linspace(begin, end, points, DType.FREQUENCY)) as hz:
            sweep.add(SetClockFrequency(clock=lab.qubit.mw_clock, frequency=hz))
            sweep.add(IdlePulse(1e-6))
            tone = SquarePulse(
                amplitude=part, duration=4e-6, port=lab.qubit.mw, clock=lab.qubit.mw_clock
            )
            sweep.add(tone)
            lab.read(sweep, {"hz": hz})
        lab.drive_hz = lab_fits.line_centre(np.linspace(begin, end, points), lab.run(sweep))
    return {"spectroscopy_hz": lab.drive_hz}


def rabi(lab: Lab) -> dict[str, float]:
    """51 points of 1,024 shots, timed from the schedule to the data."""
    begun = time.perf_counter()
    sweep = lab.schedule("rabi", 1024)
    with sweep.loop(linspace(0, 0.9, 51, DType.AMPLITUDE)) as part:
        sweep.add(IdlePulse(1e-6))
        sweep.add(lab.turn(part))
        lab.read(sweep, {"part": part})
    heard = lab.run(sweep)
    took = time.perf_counter() - begun
    lab.pi, sigma = lab_fits.half_turn(np.linspace(0, 0.9, 51), heard)
    return {"pi": lab.pi, "pi_sigma": sigma, "rabi_seconds": took}


def readout_point(lab: Lab) -> dict[str, float]:
    """Move the readout to where the levels are farthest apart."""
    span, points, heard = 6e6, 25, []
    begin, end = lab.readout_hz - span / 2, lab.readout_hz + span / 2
    for part in (0.0, lab.pi):
        sweep = lab.schedule("levels", 1000)
        with sweep.loop(linspace(begin, end, points, DType.FREQUENCY)) as hz:
            sweep.add(SetClockFrequency(clock=lab.qubit.res_clock, frequency=hz))
            sweep.add(IdlePulse(1e-6))
            sweep.add(lab.turn(part))
            lab.read(sweep, {"hz": hz})
        heard.append(lab.run(sweep))
    lab.readout_hz = lab_fits.farthest(np.linspace(begin, end, points), *heard)
    return {"farthest_hz": lab.readout_hz}


def ramsey(lab: Lab) -> dict[str, float]:
    detuning, points, longest = 1e6, 81, 8.02e-6
    lab.drive_hz -= detuning
    sweep = lab.schedule("ramsey", 1000)
    with sweep.loop(linspace(20e-9, longest, points, DType.TIME)) as tau:
        sweep.add(IdlePulse(1e-6))
        sweep.add(lab.turn(lab.pi / 2))
        sweep.add(IdlePulse(tau))
        sweep.add(lab.turn(lab.pi / 2))
        lab.read(sweep, {"tau": tau})
    us = 1e6 * np.linspace(20e-9, longest, points)
    hz, sigma, t2_s, t2_sigma = lab_fits.fringe(us, lab.run(sweep))
    lab.drive_hz += hz
    return {"f01": lab.drive_hz, "f01_sigma": sigma, "t2": t2_s, "t2_sigma": t2_sigma}


def relaxation(lab: Lab) -> dict[str, float]:
    def scan(step_ns: int, shots: int) -> tuple[np.ndarray, np.ndarray]:
        points = lab_fits.DELAYS
        longest_s = 1e-9 * (20 + step_ns * (points - 1))
        sweep = lab.schedule("t1", shots)
        with sweep.loop(linspace(20e-9, longest_s, points, DType.TIME)) as tau:
            sweep.add(IdlePulse(1e-6))
            sweep.add(lab.turn(lab.pi))
            sweep.add(IdlePulse(tau))
            lab.read(sweep, {"tau": tau})
        return 0.02 + 1e-3 * step_ns * np.arange(points), lab.run(sweep)

    t1_s, sigma = lab_fits.lifetime(scan)
    return {"t1": t1_s, "t1_sigma": sigma}


def single_shots(lab: Lab) -> dict[str, float]:
    """Two levels, 2,000 shots each, one for each step of a loop."""
    clouds = []
    for part in (0.0, lab.pi):
        shots = lab.schedule("shots", 1)
        with shots.loop(arange(0, 2000, 1, DType.NUMBER)) as number:
            shots.add(IdlePulse(1e-6))
            shots.add(lab.turn(part))
            lab.read(shots, {"shot": number})
        clouds.append(np.ravel(lab.run(shots)))
    return {"fidelity": lab_fits.told_apart(*clouds), "shots": float(len(clouds[0]))}


def main(host: str, folder: Path) -> dict[str, float]:
    """Measure, in the order in which one thing needs the other."""
    warnings.simplefilter("ignore")
    lab = Lab(connected(HARDWARE, host, folder))
    found: dict[str, float] = {}
    for step in (resonator, spectroscopy, rabi, readout_point, ramsey, relaxation, single_shots):
        found |= step(lab)
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
