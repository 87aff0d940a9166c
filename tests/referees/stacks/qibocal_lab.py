"""A lab's own script for qibolab and qibocal: a platform with a Qblox cluster, qibocal's protocols.

    python qibocal_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. FOLDER gets platform and report. Every
value is what qibocal's own fits say. The last line that is printed is JSON; frequencies in Hz,
times in s.
"""

import json
import os
import sys
from pathlib import Path

import numpy as np

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
RELAX_NS = 200_000
PLATFORM = '''
"""One qubit of a chip on a Qblox cluster."""

from pathlib import Path

from qibolab import Hardware, Qubit
from qibolab._core.instruments.qblox.cluster import Cluster
from qibolab._core.instruments.qblox.platform import infer_los, map_ports

CLUSTER = {{"qrm_rf": (2, {{"io1": [0]}}), "qcm_rf": (4, {{1: [0]}})}}


def create():
    qubits = {{0: Qubit.default(0, ["probe", "acquisition", "drive"])}}
    channels = map_ports(CLUSTER, qubits)
    los = infer_los(CLUSTER)
    for name, readout in ((qubits[0].probe, True), (qubits[0].drive, False)):
        channels[name] = channels[name].model_copy(update={{"lo": los[0, readout]}})
    cluster = Cluster(name="cluster", address="{host}", channels=channels)
    return Hardware(instruments={{"qblox": cluster}}, qubits=qubits)
'''


def pulse(duration: float, amplitude: float, **envelope) -> dict:
    return {"kind": "pulse", "duration": duration, "amplitude": amplitude, "envelope": envelope}


PARAMETERS = {
    "settings": {"nshots": 1000, "relaxation_time": RELAX_NS},
    "configs": {
        "0/drive": {"kind": "iq", "frequency": QUBIT_HZ},
        "0/probe": {"kind": "iq", "frequency": READOUT_HZ},
        "0/acquisition": {"kind": "acquisition", "delay": 300, "smearing": 0},
        "qrm_rf/o1/lo": {"kind": "oscillator", "frequency": 7.16e9, "power": -44},
        "qcm_rf/o1/lo": {"kind": "oscillator", "frequency": 6.1e9, "power": 0},
    },
    "native_gates": {
        "single_qubit": {
            "0": {
                "RX": [["0/drive", pulse(60, 0.4, kind="gaussian", rel_sigma=1 / 6)]],
                "MZ": [
                    [
                        "0/acquisition",
                        {
                            "kind": "readout",
                            "acquisition": {"kind": "acquisition", "duration": 2000},
                            "probe": pulse(2700, 0.25, kind="rectangular"),
                        },
                    ]
                ],
            }
        }
    },
}


def steepest_hz(scan: np.ndarray) -> float:
    """Return where a resonator's magnitude changes most above its dip, as read off its plot.

    An excited qubit moves the dip down: above it both levels are on the same side of theirs.
    """
    slope = np.convolve(np.gradient(scan.signal), np.ones(3) / 3, "same")
    slope[: np.argmin(scan.signal) + 1] = 0
    return float(scan.freq[np.argmax(slope[:-2])])


def farthest_hz(scan: np.ndarray) -> float:
    """Return where a qubit's line is, as read off its plot."""
    return float(scan.freq[np.argmax(np.abs(scan.signal - np.median(scan.signal)))])


def main(host: str, folder: Path) -> dict[str, float]:
    """Calibrate, in the order in which one thing needs the other."""
    home = folder / "platforms" / "krinner"
    home.mkdir(parents=True, exist_ok=True)
    (home / "platform.py").write_text(PLATFORM.format(host=host))
    (home / "parameters.json").write_text(json.dumps(PARAMETERS))
    (home / "calibration.json").write_text(json.dumps({"single_qubits": {"0": {}}}))
    os.environ["QIBOLAB_PLATFORMS"] = str(home.parent)

    from qibocal.auto.execute import Executor

    found: dict[str, float] = {}
    with Executor.open(folder / "report", [0], force=True, platform="krinner") as lab:
        resonator = lab.resonator_spectroscopy(
            freq_width=60_000_000, freq_step=500_000, nshots=200, relaxation_time=10_000
        )
        found["readout_hz"] = resonator.results.frequency[0]
        # in the dip the levels differ by phase; where its upper side is steep, by magnitude
        beside_hz = steepest_hz(resonator.data.data[0])
        lab.platform.update({"configs.0/probe.frequency": beside_hz})
        lab.platform.calibration.single_qubits[0].resonator.dressed_frequency = beside_hz
        # about half a turn each, so weak that two photons do nothing
        wide = lab.qubit_spectroscopy(
            freq_width=480_000_000, freq_step=1_000_000, drive_duration=1000, drive_amplitude=0.03,
            nshots=300, relaxation_time=100_000, update=False,
        )  # fmt: skip
        peak_hz = farthest_hz(wide.data.data[0])
        lab.platform.update({"configs.0/drive.frequency": peak_hz})
        seen = lab.qubit_spectroscopy(
            freq_width=8_000_000, freq_step=100_000, drive_duration=4000, drive_amplitude=0.0075,
            nshots=500, relaxation_time=100_000,
        )  # fmt: skip
        found["spectroscopy_hz"] = seen.results.frequency[0]
        rabi = lab.rabi_amplitude_signal(min_amp=0.0, max_amp=0.9, step_amp=0.02, nshots=500)
        found["pi"] = float(rabi.results.amplitude[0])
        best = lab.resonator_frequency(freq_width=6_000_000, freq_step=500_000, nshots=500)
        found["best_readout_hz"] = float(best.results.best_freq[0])
        shots = lab.single_shot_classification(nshots=2000)
        found["fidelity"] = float(shots.results.assignment_fidelity[0])
        ramsey = lab.ramsey(delay=(20, 8020, 100), detuning=1e6, nshots=1000)
        found["f01"], found["f01_sigma"] = (float(hz) for hz in ramsey.results.frequency[0])
        # one wait instruction for the whole delay: none is longer than 65 us (qibolab issue 1465);
        # that is about two T1, over which few points of many shots tell most
        decay = lab.t1(
            delay_before_readout_start=20, delay_before_readout_end=65_000,
            delay_before_readout_step=6400, nshots=20_000,
        )  # fmt: skip
        found["t1"], found["t1_sigma"] = (1e-9 * float(ns) for ns in decay.results.t1[0])
        echo = lab.spin_echo(
            delay_between_pulses_start=100, delay_between_pulses_end=65_000,
            delay_between_pulses_step=1600, nshots=1000,
        )  # fmt: skip
        found["t2_echo"], found["t2_echo_sigma"] = (1e-9 * float(ns) for ns in echo.results.t2[0])
        # a twentieth too much: of no error at all the fit would not know the sign
        flips = lab.flipping(
            nflips_max=20, nflips_step=1, delta_amplitude=0.05 * found["pi"], nshots=1000
        )
        found["pi_by_flips"] = float(flips.results.amplitude[0][0])
        rb = lab.standard_rb(depths=[1, 20, 60, 120, 200], niter=8, nshots=200, seed=1)
        found["gate_fidelity"] = float(rb.results.pulse_fidelity[0])
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
