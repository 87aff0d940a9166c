"""A lab's own script in plain QCoDeS: ``dond`` into its dataset, scipy on what is in the dataset.

    python qcodes_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. FOLDER gets the database. The last line that
is printed is JSON with f01 (Hz) and T1 (s) and their sigmas.
"""

import json
import sys
from pathlib import Path

import lab_fits
import numpy as np
from qblox_instruments import Cluster
from qcodes.dataset import (
    LinSweep,
    dond,
    initialise_or_create_database_at,
    load_or_create_experiment,
)
from qcodes.parameters import Parameter
from qcodes.validators import ComplexNumbers

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
SCANS = ((480e6, 161, 0.06), (24e6, 61, 0.012), (4e6, 41, 0.003))
"""Of the line: span, Hz, points, amplitude. The last one makes half a turn: one peak, no more."""
READOUT_LO_HZ, DRIVE_LO_HZ = 7.16e9, 6.1e9
PULSE_NS = 60
RELAX_NS = 300_000
SHOTS = 1000
GAUSSIAN = np.exp(-0.5 * ((np.arange(PULSE_NS) - (PULSE_NS - 1) / 2) / (PULSE_NS / 6)) ** 2)

READOUT = """
        set_mrk 3
        upd_param 4
        move {shots},R0
shot:   wait_sync 4
{before}        reset_ph
        set_awg_offs {amplitude},0
        upd_param 300
        acquire 0,0,{integration}
        set_awg_offs 0,0
        upd_param 4
        move {relax},R1
relax:  wait 50000
        loop R1,@relax
        loop R0,@shot
        stop
"""
DRIVE = """
        set_mrk 3
        upd_param 4
        move {shots},R0
shot:   wait_sync 4
{before}        reset_ph
{pulses}
        loop R0,@shot
        stop
"""
BEFORE_NS = 160_000
"""From the start of a shot to its readout."""
INTEGRATION_NS = 2000


def wait_ns(ns: int) -> str:
    """Return instructions that wait; one of them takes 65 535 ns at most."""
    whole, rest = divmod(ns, 50_000)
    return "        wait 50000\n" * whole + (f"        wait {rest}\n" if rest >= 4 else "")


class Qubit:
    """Two sequencers that play in step, and what is swept, as QCoDeS parameters."""

    def __init__(self, cluster: Cluster) -> None:
        self.module, self.drive_module = cluster.module2, cluster.module4
        self.module.out0_in0_lo_freq(READOUT_LO_HZ)
        self.module.out0_att(44)
        self.module.in0_att(0)
        self.drive_module.out0_lo_freq(DRIVE_LO_HZ)
        self.drive_module.out0_att(0)
        self.readout, self.drive = self.module.sequencer0, self.drive_module.sequencer0
        for module in (self.module, self.drive_module):
            module.disconnect_outputs()
        self.module.disconnect_inputs()
        self.readout.connect_sequencer("io0")
        self.drive.connect_sequencer("out0")
        self.readout.demod_en_acq(True)
        self.readout.integration_length_acq(INTEGRATION_NS)
        for sequencer in (self.readout, self.drive):
            sequencer.mod_en_awg(True)
            sequencer.sync_en(True)
        self.shots = SHOTS
        self.pulses = ""
        self.readout_hz = Parameter(
            "readout_hz", unit="Hz", set_cmd=lambda hz: self.readout.nco_freq(hz - READOUT_LO_HZ)
        )
        self.drive_hz = Parameter(
            "drive_hz", unit="Hz", set_cmd=lambda hz: self.drive.nco_freq(hz - DRIVE_LO_HZ)
        )
        self.amplitude = Parameter("amplitude", set_cmd=self._set_amplitude)
        self.heard = Parameter("heard", unit="V", get_cmd=self.measure, vals=ComplexNumbers())
        """By the readout, mean of all shots."""

    def _set_amplitude(self, part: float) -> None:
        self.drive.gain_awg_path0(part)
        self.drive.gain_awg_path1(part)

    def play(self, pulses: str, length_ns: int) -> None:
        """Load both sequencers: the pulses end when the readout begins."""
        readout = READOUT.format(
            shots=self.shots,
            before=wait_ns(BEFORE_NS),
            amplitude=8000,
            integration=INTEGRATION_NS,
            relax=RELAX_NS // 50_000,
        )
        before = wait_ns(BEFORE_NS - length_ns)
        drive = DRIVE.format(shots=self.shots, before=before, pulses=pulses)
        waves = {"gaussian": {"data": GAUSSIAN.tolist(), "index": 0},
                 "nothing": {"data": [0.0] * PULSE_NS, "index": 1}}  # fmt: skip
        bins = {"line": {"num_bins": 1, "index": 0}}
        empty = {"weights": {}, "acquisitions": {}, "waveforms": {}}
        self.readout.sequence(empty | {"program": readout, "acquisitions": bins})
        self.drive.sequence(empty | {"program": drive, "waveforms": waves})

    def measure(self) -> complex:
        self.readout.delete_acquisition_data(all=True)
        self.module.arm_sequencer(0)
        self.drive_module.arm_sequencer(0)
        self.module.start_sequencer(0)
        self.drive_module.start_sequencer(0)
        self.module.get_acquisition_status(0, timeout=1)
        found = self.module.get_acquisitions(0)["line"]["acquisition"]["bins"]["integration"]
        return complex(found["path0"][0], found["path1"][0]) / INTEGRATION_NS


def taken(name: str, sweep: LinSweep, heard: Parameter) -> tuple[np.ndarray, np.ndarray]:
    """Sweep, and return what the dataset holds: set points, complex amplitudes."""
    dataset, _, _ = dond(sweep, heard, measurement_name=name, do_plot=False, show_progress=False)
    found = dataset.get_parameter_data("heard")["heard"]
    return np.ravel(found[sweep.param.full_name]), np.ravel(found["heard"])


def resonator(qubit: Qubit) -> None:
    """Find the resonator; read out where it differs most from nothing."""
    qubit.shots = 100
    qubit.play("", 4)
    centre = READOUT_HZ
    for span, points in ((60e6, 61), (12e6, 41)):
        sweep = LinSweep(qubit.readout_hz, centre - span / 2, centre + span / 2, points, 0)
        hz, heard = taken("resonator", sweep, qubit.heard)
        centre = float(hz[np.argmin(np.abs(heard))])
    qubit.readout_hz(centre)


def spectroscopy(qubit: Qubit) -> float:
    """Find the qubit's line, first far and wide, then closely."""
    centre = QUBIT_HZ
    for span, points, drive in SCANS:
        qubit.shots = 300
        tone = round(32767 * drive)
        pulses = f"set_awg_offs {tone},0\nupd_param 4000\nset_awg_offs 0,0\nupd_param 4"
        qubit.amplitude(1.0)
        qubit.play(pulses, 4000)
        sweep = LinSweep(qubit.drive_hz, centre - span / 2, centre + span / 2, points, 0)
        hz, heard = taken("qubit_spectroscopy", sweep, qubit.heard)
        centre = lab_fits.line_centre(hz, heard)
    qubit.drive_hz(centre)
    return centre


PULSE = f"        play 0,1,{PULSE_NS}\n"


def rabi(qubit: Qubit) -> float:
    """Return the amplitude of a half turn, and set it."""
    qubit.shots = SHOTS
    qubit.play(PULSE, PULSE_NS)
    part, heard = taken("rabi", LinSweep(qubit.amplitude, 0, 1, 51, 0), qubit.heard)
    half_turn, _ = lab_fits.half_turn(part, heard)
    qubit.amplitude(half_turn)
    return half_turn


def readout_point(qubit: Qubit, half_turn: float) -> None:
    """Move the readout to where the levels are farthest apart."""
    centre, heard = qubit.readout_hz(), []
    for part in (0.0, half_turn):
        qubit.amplitude(part)
        sweep = LinSweep(qubit.readout_hz, centre - 3e6, centre + 3e6, 25, 0)
        hz, each = taken("levels", sweep, qubit.heard)
        heard.append(each)
    qubit.readout_hz(lab_fits.farthest(hz, *heard))


def delayed(qubit: Qubit, name: str, pulses, longest_ns: int, points: int):
    """Sweep a delay: at each point other programs are loaded. Returns delays in us."""

    def load(ns: float) -> None:
        text, length = pulses(round(ns))
        qubit.play(text, length)

    delay = Parameter("delay", unit="ns", set_cmd=load)
    ns, heard = taken(name, LinSweep(delay, 0, longest_ns, points, 0), qubit.heard)
    return 1e-3 * np.rint(ns), heard


def ramsey(qubit: Qubit, spectroscopy_hz: float, half_turn: float) -> tuple[float, float]:
    """Return f01 and its sigma, Hz."""
    detuning = 1e6
    qubit.drive_hz(spectroscopy_hz - detuning)
    qubit.amplitude(half_turn / 2)
    us, heard = delayed(
        qubit,
        "ramsey",
        lambda ns: (PULSE + wait_ns(ns) + PULSE, 2 * PULSE_NS + ns),
        8000,
        81,
    )
    hz, sigma, _, _ = lab_fits.fringe(us, heard)
    return spectroscopy_hz - detuning + hz, sigma


def relaxation(qubit: Qubit, f01_hz: float, half_turn: float) -> tuple[float, float]:
    """Return T1 and its sigma, s."""
    qubit.drive_hz(f01_hz)
    qubit.amplitude(half_turn)

    def pulses(ns: int) -> tuple[str, int]:
        return PULSE + wait_ns(ns), PULSE_NS + ns

    def scan(step_ns: int, shots: int) -> tuple[np.ndarray, np.ndarray]:
        qubit.shots = shots
        points = lab_fits.DELAYS
        return delayed(qubit, "t1", pulses, step_ns * (points - 1), points)

    return lab_fits.lifetime(scan)


def main(host: str, folder: Path) -> dict[str, float]:
    """Measure, in the order in which one thing needs the other."""
    initialise_or_create_database_at(folder / "lab.db")
    load_or_create_experiment("q0", "krinner")
    cluster = Cluster("cluster", host)
    try:
        qubit = Qubit(cluster)
        resonator(qubit)
        seen_hz = spectroscopy(qubit)
        half_turn = rabi(qubit)
        readout_point(qubit, half_turn)
        f01_hz, f01_sigma = ramsey(qubit, seen_hz, half_turn)
        t1_s, t1_sigma = relaxation(qubit, f01_hz, half_turn)
    finally:
        cluster.close()
    return {
        "spectroscopy_hz": seen_hz,
        "half_turn": half_turn,
        "f01": f01_hz,
        "f01_sigma": float(f01_sigma),
        "t1": t1_s,
        "t1_sigma": t1_sigma,
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1], Path(sys.argv[2]))))
