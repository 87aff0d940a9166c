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
ANHARMONICITY_HZ = -175e6
NEAR = (0.08, 0.15, 0.00125)
"""Amplitudes among which the levels meet, and their step."""
SWAP_NS = 32
"""About half an exchange."""
PART, STEP, DURATIONS = 0.0036, 0.0012, (12, 138, 14)
"""Of the chevron: amplitudes to either side, and their step; durations, ns, with theirs."""
BESIDE = 0.0006
"""Of a conditional phase: amplitudes to either side."""
GAP_NS = 40
"""Before and after a flux pulse."""
ANGLES, ANGLE = 8, 7 * math.pi / 4
"""Of a conditional phase. qibolab 0.2.17 sweeps minus the angle, each step taken modulo a turn and
added up in a register of 32 bits, which is no whole number of turns: from the fifth step of an
eighth of a turn on phases are 0.295 turns off (qibocal 1564 sweeps otherwise for such trouble). A
step of seven eighths comes to the same angles, and stays below."""
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
        # the flux line rests before its pulse
        "RX": [
            [f"{number}/drive", turn],
            [f"{number}/drive", {"kind": "delay", "duration": GAP_NS}],
        ],
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


def sweet_spots(lab) -> dict[str, float]:
    """Bias both where their frequencies are highest, by a parabola through three of them."""
    lines, found = [], {}
    for offset in OFFSETS:
        for number in (UPPER, LOWER):
            lab.platform.update({f"configs.{number}/flux.offset": offset})
        wide = lab.qubit_spectroscopy(
            freq_width=480_000_000, freq_step=1_500_000, drive_duration=1000, drive_amplitude=0.03,
            nshots=150, relaxation_time=100_000, update=False,
        )  # fmt: skip
        lines.append([farthest_hz(wide.data.data[number]) for number in (UPPER, LOWER)])
    for number, line in zip((UPPER, LOWER), np.transpose(lines), strict=True):
        curved, sloped, height = np.polyfit(OFFSETS, line, 2)
        spot = -sloped / (2 * curved)
        found[f"q{number}_offset"] = float(spot)
        lab.platform.update({
            f"configs.{number}/flux.offset": float(spot),
            f"configs.{number}/drive.frequency": float(height - curved * spot**2),
        })  # fmt: skip
    return found


def qubits(lab) -> dict[str, float]:
    """Calibrate both side by side."""
    resonator = lab.resonator_spectroscopy(
        freq_width=60_000_000, freq_step=500_000, nshots=200, relaxation_time=10_000
    )
    for number in (UPPER, LOWER):
        beside_hz = steepest_hz(resonator.data.data[number])
        lab.platform.update({f"configs.{number}/probe.frequency": beside_hz})
        lab.platform.calibration.single_qubits[number].resonator.dressed_frequency = beside_hz
    spots = sweet_spots(lab)
    near = lab.qubit_spectroscopy(
        freq_width=24_000_000, freq_step=250_000, drive_duration=4000, drive_amplitude=0.0075,
        nshots=300, relaxation_time=100_000,
    )  # fmt: skip
    for number in (UPPER, LOWER):  # its own fit may end 12 MHz beside a line that is plain to see
        scan = near.data.data[number]
        heard = scan.signal * np.exp(1j * scan.phase)
        line_hz = lab_fits.line_centre(np.array(scan.freq, float), heard)
        lab.platform.update({f"configs.{number}/drive.frequency": line_hz})
    turn = {"min_amp": 0.0, "max_amp": 0.9, "step_amp": 0.02, "nshots": 300}
    lab.rabi_amplitude_signal(**turn)
    for number in (UPPER, LOWER):  # of several it hears the last for all (0.2.6)
        lab.resonator_frequency(
            targets=[number], freq_width=6_000_000, freq_step=500_000, nshots=300
        )
    lab.single_shot_classification(nshots=1000)
    found = spots | lines(lab)
    lab.rabi_amplitude_signal(**turn)
    return found


def lines(lab) -> dict[str, float]:
    """Find both qubits' lines, one after the other: fringes of both at once would beat by ZZ."""
    found = {}
    for number in (UPPER, LOWER):
        ramsey = lab.ramsey(targets=[number], delay=(20, 2020, 100), detuning=1e6, nshots=500)
        found[f"q{number}_f01"] = float(ramsey.results.frequency[number][0])
    return found


def chevron(lab, amplitudes: tuple, durations: tuple, shots: int):
    """Run qibocal's chevron, without taking over what its fit says."""
    (lowest, highest, step), (first, last, apart) = amplitudes, durations
    return lab.chevron(
        targets=[PAIR], amplitude_min=lowest, amplitude_max=highest, amplitude_step=step,
        duration_min=first, duration_max=last, duration_step=apart,
        nshots=shots, parking=False, dt=GAP_NS, update=False,
    )  # fmt: skip


def meeting(lab, f01_hz: float) -> float:
    """Return about the amplitude at which 11 and 20 meet: the lower qubit is in 0 behind it.

    Both qubits are read, and so pulsed, in what gives qibocal the guesses of its chevron's fit.
    """
    upper = lab.platform.calibration.single_qubits[UPPER].qubit
    upper.frequency_12 = f01_hz + ANHARMONICITY_HZ
    lab.flux_amplitude_frequency(
        amplitude_min=0, amplitude_max=0.036, amplitude_step=0.004, duration=12, nshots=500
    )
    seen = chevron(lab, NEAR, (SWAP_NS, SWAP_NS + 1, 10), 200)
    return float(seen.data.amplitude[int(np.argmin(np.ravel(seen.data.data[PAIR][0])))])


def chevrons(lab, about: float) -> dict[str, float]:
    """Return resonance and gap as each qubit shows them, by a plain fit, and by qibocal's own."""
    seen = chevron(lab, (about - PART, about + PART + 1e-6, STEP), DURATIONS, 300)
    parts, ns = np.array(seen.data.amplitude), np.array(seen.data.duration)
    found: dict[str, float] = {}
    for place, name in enumerate(("q1", "q0")):
        fit = lab_fits.chevron(parts, ns, seen.data.data[PAIR][place].T)
        found |= {f"{name}_{key}": value for key, value in fit.items()}
        amplitude, length = seen.results.amplitude[PAIR][place], seen.results.duration[PAIR][place]
        if isinstance(amplitude, float):  # its fit has come to an end
            found |= {f"{name}_own_resonance": amplitude, f"{name}_own_gap": 1e9 / length}
    return {key: float(value) for key, value in found.items()}


def angles(lab, amplitude: float, ns: int, shots: int) -> dict[str, float]:
    """Return how far the gate's phase is from pi at an amplitude, as either qubit shows it, rad.

    By a plain fit of what qibocal measures, and by its own, whose phase is bounded to one turn and
    stays at either end.
    """
    gate = f"native_gates.two_qubit.{LOWER}-{UPPER}.CZ.0.1"
    lab.platform.update({f"{gate}.amplitude": float(amplitude), f"{gate}.duration": ns})
    seen = lab.correct_virtual_z_phases(
        targets=[PAIR], theta_start=0, theta_end=ANGLES * ANGLE, theta_step=ANGLE,
        dt=GAP_NS, nshots=shots, update=False,
    )  # fmt: skip
    found, thetas = {}, np.array(seen.data.thetas)
    for name, pair in (("phase_off", PAIR), ("phase_off_swapped", PAIR[::-1])):
        without, behind = (
            lab_fits.fringe_phase(thetas, np.array(seen.data.data[*pair, setup][0]))
            for setup in ("I", "X")
        )
        found[name] = float(np.angle(-np.exp(1j * (behind - without))))
        own = -np.exp(-1j * seen.results.angle[pair])  # of the first less the second
        found[f"{name}_own"] = float(np.angle(own))
    return found


def conditional_phase(lab, resonance: float, gap_hz: float) -> dict[str, float]:
    """Find the amplitude at which the gate's phase is pi; say what it is there."""
    ns = round(1e9 / gap_hz)
    parts = np.linspace(resonance - BESIDE, resonance + BESIDE, 5)
    seen = [angles(lab, part, ns, 300)["phase_off"] for part in parts]
    at, sigma = lab_fits.crossing(parts, np.unwrap(seen), 0.0)
    return {"gate": at, "gate_sigma": sigma, "gate_ns": ns} | angles(lab, at, ns, 1000)


def main(host: str, folder: Path) -> dict[str, float]:
    """Calibrate, in the order in which one thing needs the other."""
    home = folder / "platforms" / "krinner"
    home.mkdir(parents=True, exist_ok=True)
    (home / "platform.py").write_text(PLATFORM.format(host=host))
    (home / "parameters.json").write_text(json.dumps(PARAMETERS))
    (home / "calibration.json").write_text(json.dumps({"single_qubits": {"0": {}, "1": {}}}))
    os.environ["QIBOLAB_PLATFORMS"] = str(home.parent)

    from qibocal.auto.execute import Executor

    with Executor.open(folder / "report", [0, 1], force=True, platform="krinner") as lab:
        found = qubits(lab)
        found |= chevrons(lab, meeting(lab, found["q0_f01"]))
        found |= conditional_phase(lab, found["q1_resonance"], found["q1_gap"])
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
