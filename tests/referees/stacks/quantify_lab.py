"""A lab's own script for quantify-scheduler: its schedules, measurement control and analyses.

    python quantify_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. FOLDER gets the data. The last line that is
printed is JSON: what was found, with sigmas; frequencies in Hz, times in s.
"""

import json
import sys
import warnings
from pathlib import Path

import lab_fits
import numpy as np
from qblox_instruments import Cluster
from qcodes.parameters import ManualParameter
from quantify_core.analysis.single_qubit_timedomain import (
    RabiAnalysis,
    RamseyAnalysis,
    T1Analysis,
)
from quantify_core.data.handling import set_datadir
from quantify_core.measurement import MeasurementControl
from quantify_scheduler import (
    BasicTransmonElement,
    ClockResource,
    InstrumentCoordinator,
    QuantumDevice,
    Schedule,
)
from quantify_scheduler.gettables import ScheduleGettable
from quantify_scheduler.instrument_coordinator.components.qblox import ClusterComponent
from quantify_scheduler.operations import IdlePulse, Measure, Reset, SetClockFrequency, X
from quantify_scheduler.schedules import (
    heterodyne_spec_sched_nco,
    rabi_sched,
    ramsey_sched,
    t1_sched,
    two_tone_spec_sched_nco,
)

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
SCANS = ((480e6, 161, 0.06), (24e6, 61, 0.012), (4e6, 41, 0.003))
"""Of the line: span, Hz, points, amplitude. The last one makes half a turn: one peak, no more."""
READOUT_LO_HZ, DRIVE_LO_HZ = 7.16e9, 6.1e9
PULSE_S, RELAX_S, READ_S, DELAY_S = 60e-9, 300e-6, 2e-6, 300e-9
TONE = 0.25
MW, RES = "q0:mw", "q0:res"

HARDWARE = {
    "config_type": "quantify_scheduler.backends.qblox_backend.QbloxHardwareCompilationConfig",
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
            "q0:mw-q0.01": {"lo_freq": DRIVE_LO_HZ},
            "q0:res-q0.ro": {"lo_freq": READOUT_LO_HZ},
        },
        "output_att": {"q0:mw-q0.01": 0, "q0:res-q0.ro": 44},
        "input_att": {"q0:res-q0.ro": 0},
    },
    "connectivity": {
        "graph": [
            ["cluster0.module2.complex_output_0", RES],
            ["cluster0.module4.complex_output_0", MW],
        ]
    },
}


class Lab:
    """The device, and what measures it."""

    def __init__(self, host: str) -> None:
        cluster = Cluster("cluster0", host)
        cluster.reset()
        coordinator = InstrumentCoordinator("coordinator")
        self.kept = [cluster, coordinator, ClusterComponent(cluster)]
        """QCoDeS forgets instruments that nobody holds."""
        coordinator.add_component(self.kept[-1])
        coordinator.timeout(300)
        self.control = MeasurementControl("control")
        self.control.verbose(False)
        self.device = QuantumDevice("device")
        self.device.hardware_config(HARDWARE)
        self.device.instr_measurement_control(self.control.name)
        self.device.instr_instrument_coordinator(coordinator.name)
        self.qubit = BasicTransmonElement("q0")
        self.device.add_element(self.qubit)
        qubit = self.qubit
        qubit.reset.duration(RELAX_S)
        qubit.rxy.duration(PULSE_S)
        qubit.measure.pulse_amp(TONE)
        qubit.measure.pulse_duration(READ_S + DELAY_S)
        qubit.measure.integration_time(READ_S)
        qubit.measure.acq_delay(DELAY_S)
        qubit.clock_freqs.readout(READOUT_HZ)
        qubit.clock_freqs.f01(QUBIT_HZ)

    def measured(self, name, schedule, setpoints, label, unit, words, shots):
        """Run a schedule with all its points in one program; return complex points."""
        self.device.cfg_sched_repetitions(shots)
        swept = ManualParameter(name, unit=unit, label=label)
        swept.batched = True
        swept.batch_size = len(setpoints)
        gettable = ScheduleGettable(
            self.device, schedule_function=schedule, schedule_kwargs=words | {name: swept},
            real_imag=True, batched=True,
        )  # fmt: skip
        self.control.settables(swept)
        self.control.setpoints(np.asarray(setpoints))
        self.control.gettables(gettable)
        data = self.control.run(f"{label} of q0")
        return data, data.y0.values + 1j * data.y1.values


def resonator(lab: Lab) -> dict[str, float]:
    centre = READOUT_HZ
    for span, points in ((60e6, 61), (12e6, 41)):
        hz = np.linspace(centre - span / 2, centre + span / 2, points)
        words = {
            "pulse_amp": TONE, "pulse_duration": READ_S + DELAY_S, "acquisition_delay": DELAY_S,
            "integration_time": READ_S, "port": RES, "clock": "q0.ro", "init_duration": 10e-6,
        }  # fmt: skip
        _, heard = lab.measured(
            "frequencies", heterodyne_spec_sched_nco, hz, "Frequency", "Hz", words, 100
        )
        centre = float(hz[np.argmin(np.abs(heard))])
    lab.qubit.clock_freqs.readout(centre)
    return {"readout_hz": centre}


def spectroscopy(lab: Lab) -> dict[str, float]:
    centre = QUBIT_HZ
    for span, points, part in SCANS:
        hz = np.linspace(centre - span / 2, centre + span / 2, points)
        words = {
            "spec_pulse_amp": part, "spec_pulse_duration": 4e-6, "spec_pulse_port": MW,
            "spec_pulse_clock": "q0.01", "ro_pulse_amp": TONE,
            "ro_pulse_duration": READ_S + DELAY_S, "ro_pulse_delay": 20e-9, "ro_pulse_port": RES,
            "ro_pulse_clock": "q0.ro", "ro_pulse_frequency": lab.qubit.clock_freqs.readout(),
            "ro_acquisition_delay": DELAY_S, "ro_integration_time": READ_S,
            "init_duration": RELAX_S,
        }  # fmt: skip
        _, heard = lab.measured(
            "spec_pulse_frequencies", two_tone_spec_sched_nco, hz, "Frequency", "Hz", words, 300
        )
        centre = lab_fits.line_centre(hz, heard)
    lab.qubit.clock_freqs.f01(centre)
    return {"spectroscopy_hz": centre}


def rabi(lab: Lab) -> dict[str, float]:
    words = {
        "pulse_duration": PULSE_S, "frequency": lab.qubit.clock_freqs.f01(), "qubit": "q0",
    }  # fmt: skip
    part = np.linspace(-0.9, 0.9, 51)
    data, heard = lab.measured("pulse_amp", rabi_sched, part, "Qubit drive amp", "V", words, 1024)
    # pulses of 4 sigma are stronger than they are wide
    pi, sigma = lab_fits.half_turn(part, heard)
    lab.qubit.rxy.amp180(pi)
    theirs = _theirs(RabiAnalysis, data)
    return {"pi": pi, "pi_sigma": sigma, "pi_theirs": theirs.get("Pi-pulse amplitude", (0, 0))[0]}


def level_spectrum(frequencies, qubit: str, level: int, repetitions: int = 1):
    """Return the schedule of a readout at several frequencies, the qubit in one level."""
    schedule = Schedule(f"level {level}", repetitions)
    schedule.add_resource(ClockResource(f"{qubit}.ro", frequencies[0]))
    for hz in frequencies:
        schedule.add(Reset(qubit))
        schedule.add(SetClockFrequency(clock=f"{qubit}.ro", clock_freq_new=hz))
        schedule.add(IdlePulse(1e-6))
        if level:
            schedule.add(X(qubit))
        schedule.add(Measure(qubit))
    return schedule


def readout_point(lab: Lab) -> dict[str, float]:
    """Move the readout to where the levels are farthest apart."""
    hz = lab.qubit.clock_freqs.readout() + np.linspace(-3e6, 3e6, 25)
    heard = [
        lab.measured(
            "frequencies", level_spectrum, hz, "Frequency", "Hz", {"qubit": "q0", "level": n}, 1000
        )[1]
        for n in (0, 1)
    ]
    farthest_hz = lab_fits.farthest(hz, *heard)
    lab.qubit.clock_freqs.readout(farthest_hz)
    return {"farthest_hz": farthest_hz}


def ramsey(lab: Lab) -> dict[str, float]:
    detuning, hz = 1e6, lab.qubit.clock_freqs.f01()
    times = 80e-9 + 100e-9 * np.arange(81)
    words = {"artificial_detuning": detuning, "qubit": "q0"}
    data, heard = lab.measured("times", ramsey_sched, times, "Delay", "s", words, 1000)
    seen_hz, sigma, t2_s, t2_sigma = lab_fits.fringe(1e6 * times, heard)
    theirs = _theirs(RamseyAnalysis, data, artificial_detuning=detuning)
    f01 = hz + detuning - seen_hz
    lab.qubit.clock_freqs.f01(f01)
    found = {"f01": f01, "f01_sigma": sigma, "t2": t2_s, "t2_sigma": t2_sigma}
    if "detuning" in theirs:
        off, off_sigma = theirs["detuning"]
        found |= {"f01_theirs": hz - off, "f01_theirs_sigma": off_sigma}
    return found


def t1_with_calibration(times, qubit: str, repetitions: int = 1):
    """Return T1's schedule, and a point of each level behind it, by which the analysis turns."""
    schedule = t1_sched(times[:-2], qubit, repetitions)
    for level in (0, 1):
        schedule.add(Reset(qubit))
        if level:
            schedule.add(X(qubit))
        schedule.add(Measure(qubit))
    return schedule


def relaxation(lab: Lab) -> dict[str, float]:
    taken = []

    def scan(step_ns: int, shots: int) -> tuple[np.ndarray, np.ndarray]:
        times = 80e-9 + 1e-9 * step_ns * np.arange(lab_fits.DELAYS + 2)
        data, heard = lab.measured(
            "times", t1_with_calibration, times, "Delay", "s", {"qubit": "q0"}, shots
        )
        taken.append(data)
        return 1e6 * times[:-2], heard[:-2]

    t1_s, sigma = lab_fits.lifetime(scan)
    theirs = _theirs(T1Analysis, taken[-1], calibration_points=True).get("T1", (0.0, 0.0))
    return {
        "t1": t1_s, "t1_sigma": sigma, "t1_theirs": theirs[0], "t1_theirs_sigma": theirs[1],
    }  # fmt: skip


def _theirs(analysis, data, **words) -> dict[str, tuple[float, float]]:
    """Return what quantify-core's own analysis makes of a dataset: values and sigmas."""
    done = analysis(tuid=data.attrs["tuid"]).run(**words)
    return {
        name: (float(one.nominal_value), float(one.std_dev))
        for name, one in done.quantities_of_interest.items()
        if hasattr(one, "nominal_value")
    }


def main(host: str, folder: Path) -> dict[str, float]:
    """Measure, in the order in which one thing needs the other."""
    warnings.simplefilter("ignore")
    set_datadir(folder)
    lab = Lab(host)
    found: dict[str, float] = {}
    # RamseyAnalysis fits the magnitude, which tells the levels apart in the dip
    for step in (resonator, spectroscopy, rabi, ramsey, readout_point, relaxation):
        found |= step(lab)
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
