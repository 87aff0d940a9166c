"""A lab's own script for qibolab and qibocal: a CZ between two coupled transmons, from nothing.

    python qibocal_pair.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline of both qubits, a QCM-RF in slot 4 on their drives, a QCM in slot 6 on their flux lines.
Qubit 0 is the upper one: a pulse on its line brings 11 and 20 together. FOLDER gets platform and
report. The last line that is printed is JSON: frequencies in Hz, times in s, amplitudes as parts of
full scale.
"""

import json
import math
import os
import sys
import time
from pathlib import Path

import lab_fits
import numpy as np
from qibocal_lab import RELAX_NS, farthest_hz, pulse, steepest_hz

OFFSETS = (-0.02, 0.0, 0.02)
"""Of flux lines, parts of full scale, at which a qubit's frequency is looked at."""
UPPER, LOWER = 0, 1
PAIR = (LOWER, UPPER)
QUBITS_HZ, READOUTS_HZ = (6.02e9, 5.40e9), (7.26e9, 7.04e9)
"""About: what the maker of the chip says."""
PLATFORM = '''
"""Two qubits of a chip on a Qblox cluster."""

from qibolab import Hardware, Qubit
from qibolab._core.instruments.qblox.cluster import Cluster
from qibolab._core.instruments.qblox.platform import infer_los, map_ports

CLUSTER = {{
    "qrm_rf": (2, {{"io1": [0, 1]}}),
    "qcm_rf": (4, {{1: [0], 2: [1]}}),
    "qcm": (6, {{1: [0], 2: [1]}}),
}}


def create():
    parts = ["probe", "acquisition", "drive", "flux"]
    qubits = {{number: Qubit.default(number, parts) for number in (0, 1)}}
    channels = map_ports(CLUSTER, qubits)
    los = infer_los(CLUSTER)
    for number, qubit in qubits.items():
        for name, readout in ((qubit.probe, True), (qubit.drive, False)):
            channels[name] = channels[name].model_copy(update={{"lo": los[number, readout]}})
    cluster = Cluster(name="cluster", address="{host}", channels=channels)
    return Hardware(instruments={{"qblox": cluster}}, qubits=qubits)
'''


def natives(number: int) -> dict:
    readout = {
        "kind": "readout",
        "acquisition": {"kind": "acquisition", "duration": 2000},
        "probe": pulse(2700, 0.25, kind="rectangular"),
    }
    turn = pulse(60, 0.4, kind="gaussian", rel_sigma=1 / 6)
    return {
        "RX": [[f"{number}/drive", turn]],
        "MZ": [[f"{number}/acquisition", readout]],
    }


def configs(number: int) -> dict:
    return {
        f"{number}/drive": {"kind": "iq", "frequency": QUBITS_HZ[number]},
        f"{number}/probe": {"kind": "iq", "frequency": READOUTS_HZ[number]},
        f"{number}/acquisition": {"kind": "acquisition", "delay": 300, "smearing": 0},
        f"{number}/flux": {"kind": "dc", "offset": 0.0},
    }


PARAMETERS = {
    "settings": {"nshots": 1000, "relaxation_time": RELAX_NS},
    "configs": {
        **configs(UPPER),
        **configs(LOWER),
        "qrm_rf/o1/lo": {"kind": "oscillator", "frequency": 7.13e9, "power": -44},
        "qcm_rf/o1/lo": {"kind": "oscillator", "frequency": 5.92e9, "power": 0},
        "qcm_rf/o2/lo": {"kind": "oscillator", "frequency": 5.30e9, "power": 0},
    },
    "native_gates": {
        "single_qubit": {"0": natives(UPPER), "1": natives(LOWER)},
        "two_qubit": {"1-0": {"CZ": [["0/flux", pulse(70, 0.1, kind="rectangular")]]}},
    },
}


def dump(o):
    print(f"{time.perf_counter():.1f}", o, file=sys.stderr, flush=True)


def qubits(lab, found) -> None:
    resonator = lab.resonator_spectroscopy(
        freq_width=60_000_000, freq_step=500_000, nshots=200, relaxation_time=10_000
    )
    for number in (UPPER, LOWER):
        beside_hz = steepest_hz(resonator.data.data[number])
        lab.platform.update({f"configs.{number}/probe.frequency": beside_hz})
        lab.platform.calibration.single_qubits[number].resonator.dressed_frequency = beside_hz
    dump("resonator")
    lines = []
    for offset in OFFSETS:
        for number in (UPPER, LOWER):
            lab.platform.update({f"configs.{number}/flux.offset": offset})
        wide = lab.qubit_spectroscopy(
            freq_width=360_000_000, freq_step=1_500_000, drive_duration=1000, drive_amplitude=0.03,
            nshots=150, relaxation_time=100_000, update=False,
        )  # fmt: skip
        lines.append([farthest_hz(wide.data.data[number]) for number in (UPPER, LOWER)])
    for number, line in zip((UPPER, LOWER), np.transpose(lines)):
        curved, sloped, height = np.polyfit(OFFSETS, line, 2)
        spot = -sloped / (2 * curved)
        lab.platform.update({
            f"configs.{number}/flux.offset": float(spot),
            f"configs.{number}/drive.frequency": float(height - curved * spot**2),
        })  # fmt: skip
        dump((number, line, spot))
    seen = lab.qubit_spectroscopy(
        freq_width=24_000_000, freq_step=250_000, drive_duration=4000, drive_amplitude=0.0075,
        nshots=300, relaxation_time=100_000,
    )  # fmt: skip
    dump(seen.results)
    rabi = lab.rabi_amplitude_signal(min_amp=0.0, max_amp=0.9, step_amp=0.02, nshots=300)
    dump(rabi.results)
    lab.resonator_frequency(freq_width=6_000_000, freq_step=500_000, nshots=300)
    shots = lab.single_shot_classification(nshots=1000)
    dump(shots.results.assignment_fidelity)
    ramsey = lab.ramsey(delay=(20, 2020, 100), detuning=1e6, nshots=500)
    dump(ramsey.results)
    rabi = lab.rabi_amplitude_signal(min_amp=0.0, max_amp=0.9, step_amp=0.02, nshots=300)
    dump(rabi.results)
    for number in (UPPER, LOWER):
        found[f"q{number}_f01"] = float(ramsey.results.frequency[number][0])


def chevron(lab, begin, end, step, shots, durations):
    """Run qibocal's chevron and fit it ourselves as well; its values are not taken over."""
    first, last, apart = durations
    return lab.chevron(
        targets=[PAIR], amplitude_min=begin, amplitude_max=end, amplitude_step=step,
        duration_min=first, duration_max=last, duration_step=apart,
        nshots=shots, parking=False, dt=20, update=False,
    )  # fmt: skip


def gate(lab, found) -> None:
    lab.platform.calibration.single_qubits[UPPER].qubit.frequency_12 = found["q0_f01"] - 175e6
    arc = lab.flux_amplitude_frequency(
        targets=[UPPER], amplitude_min=0, amplitude_max=0.06, amplitude_step=0.0015, duration=12,
        nshots=500,
    )
    dump((arc.results.fitted_parameters_detuning))
    meeting = chevron(lab, 0.06, 0.16, 0.001, 200, (32, 33, 10))
    low = np.ravel(meeting.data.data[PAIR][0])
    dump(low.shape)
    about = meeting.data.amplitude[int(np.argmin(low))]
    dump(about)
    fine = chevron(lab, about - 0.0036, about + 0.0037, 0.0005, 300, (8, 158, 10))
    dump((fine.results.amplitude, fine.results.duration, fine.results.fitted_parameters))
    parts, ns = np.array(fine.data.amplitude), np.array(fine.data.duration)
    dump((len(parts), len(ns), fine.data.data[PAIR].shape))
    np.save("/tmp/p21_logs/w/qchev.npy", fine.data.data[PAIR])
    for name, seen in zip(("q1", "q0"), fine.data.data[PAIR]):
        fit = lab_fits.chevron(parts, ns, seen.T)
        found |= {f"{name}_{key}": value for key, value in fit.items()}
    dump(found)
    length = round(1e9 / found["q1_gap"])
    at = found["q1_resonance"]
    best = lab.optimize_two_qubit_gate(
        targets=[PAIR], theta_start=0, theta_end=2 * math.pi, theta_step=math.pi / 4,
        flux_pulse_amplitude_min=at - 0.0015, flux_pulse_amplitude_max=at + 0.0015,
        flux_pulse_amplitude_step=0.0003, duration_min=length, duration_max=length + 1,
        duration_step=4, dt=20, nshots=200, update=False,
    )
    dump((best.results.best_amp, best.results.best_dur, best.results.angles, best.results.leakages))


def main(host: str, folder: Path) -> dict[str, float]:
    """Calibrate, in the order in which one thing needs the other."""
    home = folder / "platforms" / "krinner"
    home.mkdir(parents=True, exist_ok=True)
    (home / "platform.py").write_text(PLATFORM.format(host=host))
    (home / "parameters.json").write_text(json.dumps(PARAMETERS))
    (home / "calibration.json").write_text(json.dumps({"single_qubits": {"0": {}, "1": {}}}))
    os.environ["QIBOLAB_PLATFORMS"] = str(home.parent)

    from qibocal.auto.execute import Executor

    found: dict[str, float] = {}
    with Executor.open(folder / "report", [0, 1], force=True, platform="krinner") as lab:
        qubits(lab, found)
        gate(lab, found)
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
