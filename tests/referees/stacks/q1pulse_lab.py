"""A lab's own script for q1pulse: programs with loops and variables, run by a Q1Instrument.

    python q1pulse_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. q1pulse's own TurboCluster connects to it.
The last line that is printed is JSON: what was found, with sigmas; frequencies in Hz, times in s.
"""

import json
import sys

import lab_fits
import numpy as np
from q1pulse.instrument import Q1Instrument
from q1pulse.program import Program
from q1pulse.turbo_cluster import TurboCluster

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
SCANS = ((480e6, 161, 0.06), (24e6, 61, 0.012), (4e6, 41, 0.003))
"""Of the line: span, Hz, points, amplitude. The last one makes half a turn: one peak, no more."""
READOUT_LO_HZ, DRIVE_LO_HZ = 7.16e9, 6.1e9
PULSE_NS, TONE_NS, RELAX_NS = 60, 4000, 300_000
DELAY_NS, READ_NS = 300, 2000
GAUSSIAN = np.exp(-0.5 * ((np.arange(PULSE_NS) - (PULSE_NS - 1) / 2) / (PULSE_NS / 6)) ** 2)


class Lab:
    """The instrument, and what is known of the qubit by now."""

    def __init__(self, host: str) -> None:
        self.cluster = TurboCluster("cluster", host)
        self.cluster.reset()
        readout, drive = self.cluster.module2, self.cluster.module4
        readout.out0_in0_lo_freq(READOUT_LO_HZ)
        readout.out0_att(44)
        readout.in0_att(0)
        drive.out0_lo_freq(DRIVE_LO_HZ)
        drive.out0_att(0)
        self.instrument = Q1Instrument()
        self.instrument.add_qcm(drive)
        self.instrument.add_qrm(readout)
        self.instrument.add_control("q0", drive.name, [0, 1], nco_frequency=0)
        self.instrument.add_readout("r0", readout.name, [0, 1], nco_frequency=0, in_channels=[0])
        self.readout_hz, self.drive_hz, self.pi = READOUT_HZ, QUBIT_HZ, 0.5

    def program(self, name: str, points: int) -> Program:
        """Return a program whose switches are closed, with a bin for each point."""
        program = self.instrument.new_program(name)
        program.q0.nco_frequency = self.drive_hz - DRIVE_LO_HZ
        program.r0.nco_frequency = self.readout_hz - READOUT_LO_HZ
        program.r0.integration_length_acq = READ_NS
        self.bins = f"points_{points}"  # q1pulse adds to what is loaded: no name for two lengths
        program.r0.add_acquisition_bins(self.bins, points)
        program.q0.add_wave("gaussian", GAUSSIAN)
        program.q0.set_markers(3)
        program.r0.set_markers(3)
        program.wait(2000)
        return program

    def begin(self, program: Program) -> None:
        """Begin a shot: carriers at phase zero."""
        program.wait(100)
        program.q0.reset_phase()
        program.r0.reset_phase()
        program.wait(100)

    def turn(self, program: Program, part) -> None:
        program.q0.shaped_pulse("gaussian", part, "gaussian", 0.0)

    def read(self, program: Program, at) -> None:
        """Read out into a bin, and let the qubit relax."""
        program.r0.set_offset(0.25, 0.0)
        program.wait(DELAY_NS)
        program.r0.acquire(self.bins, at)
        program.wait(READ_NS)
        program.r0.set_offset(0.0, 0.0)
        program.wait(RELAX_NS)

    def run(self, program: Program, shots: int) -> np.ndarray:
        program.compile()
        self.instrument.start_program(program)
        self.instrument.wait_stopped(timeout_minutes=5)
        bins = self.instrument.get_acquisition_bins("r0", self.bins)
        assert set(bins["avg_cnt"]) == {shots}, bins["avg_cnt"]
        found = bins["integration"]
        return (np.asarray(found["path0"]) + 1j * np.asarray(found["path1"])) / READ_NS


def resonator(lab: Lab) -> dict[str, float]:
    for span, points in ((60e6, 61), (12e6, 41)):
        p = lab.program("resonator", points)
        begin, step = round(lab.readout_hz - READOUT_LO_HZ - span / 2), round(span / (points - 1))
        with p.loop_range(100):
            p.R.hz = begin
            with p.loop_range(points) as at:
                p.r0.set_frequency(p.R.hz)
                lab.begin(p)
                lab.read(p, at)
                p.R.hz += step
        heard = lab.run(p, 100)
        lab.readout_hz = READOUT_LO_HZ + begin + step * int(np.argmin(np.abs(heard)))
    return {"readout_hz": lab.readout_hz}


def spectroscopy(lab: Lab) -> dict[str, float]:
    for span, points, part in SCANS:
        p = lab.program("qubit", points)
        begin, step = round(lab.drive_hz - DRIVE_LO_HZ - span / 2), round(span / (points - 1))
        with p.loop_range(300):
            p.R.hz = begin
            with p.loop_range(points) as at:
                p.q0.set_frequency(p.R.hz)
                lab.begin(p)
                p.q0.block_pulse(TONE_NS, part, 0.0)
                lab.read(p, at)
                p.R.hz += step
        hz = DRIVE_LO_HZ + begin + step * np.arange(points)
        lab.drive_hz = lab_fits.line_centre(hz, lab.run(p, 300))
    return {"spectroscopy_hz": lab.drive_hz}


def rabi(lab: Lab) -> dict[str, float]:
    points = 51
    p = lab.program("rabi", points)
    with p.loop_range(1000):
        p.R.at = 0
        with p.loop_linspace(0, 0.9, points) as part:
            lab.begin(p)
            lab.turn(p, part)
            lab.read(p, p.R.at)
            p.R.at += 1
    lab.pi, sigma = lab_fits.half_turn(np.linspace(0, 0.9, points), lab.run(p, 1000))
    return {"pi": lab.pi, "pi_sigma": sigma}


def readout_point(lab: Lab) -> dict[str, float]:
    """Move the readout to where the levels are farthest apart."""
    span, points = 6e6, 25
    begin, step = round(lab.readout_hz - READOUT_LO_HZ - span / 2), round(span / (points - 1))
    heard = []
    for part in (0.0, lab.pi):
        p = lab.program("levels", points)
        with p.loop_range(1000):
            p.R.hz = begin
            with p.loop_range(points) as at:
                p.r0.set_frequency(p.R.hz)
                lab.begin(p)
                lab.turn(p, part)
                lab.read(p, at)
                p.R.hz += step
        heard.append(lab.run(p, 1000))
    lab.readout_hz = lab_fits.farthest(READOUT_LO_HZ + begin + step * np.arange(points), *heard)
    return {"farthest_hz": lab.readout_hz}


def ramsey(lab: Lab) -> dict[str, float]:
    detuning, points, step_ns = 1e6, 81, 100
    lab.drive_hz -= detuning
    p = lab.program("ramsey", points)
    with p.loop_range(1000):
        p.R.tau = 20
        with p.loop_range(points) as at:
            lab.begin(p)
            lab.turn(p, lab.pi / 2)
            p.wait(p.R.tau)
            lab.turn(p, lab.pi / 2)
            lab.read(p, at)
            p.R.tau += step_ns
    us = 0.02 + 1e-3 * step_ns * np.arange(points)
    hz, sigma, t2_s, t2_sigma = lab_fits.fringe(us, lab.run(p, 1000))
    lab.drive_hz += hz
    return {"f01": lab.drive_hz, "f01_sigma": sigma, "t2": t2_s, "t2_sigma": t2_sigma}


def relaxation(lab: Lab) -> dict[str, float]:
    def scan(step_ns: int, shots: int) -> tuple[np.ndarray, np.ndarray]:
        points = lab_fits.DELAYS
        p = lab.program("t1", points)
        with p.loop_range(shots):
            p.R.tau = 20
            with p.loop_range(points) as at:
                lab.begin(p)
                lab.turn(p, lab.pi)
                p.wait(p.R.tau)
                lab.read(p, at)
                p.R.tau += step_ns
        return 0.02 + 1e-3 * step_ns * np.arange(points), lab.run(p, shots)

    t1_s, sigma = lab_fits.lifetime(scan)
    return {"t1": t1_s, "t1_sigma": sigma}


def single_shots(lab: Lab) -> dict[str, float]:
    clouds = []
    for part in (0.0, lab.pi):
        p = lab.program("shots", 2000)
        with p.loop_range(2000) as at:
            lab.begin(p)
            lab.turn(p, part)
            lab.read(p, at)
        clouds.append(lab.run(p, 1))
    return {"fidelity": lab_fits.told_apart(*clouds), "shots": float(len(clouds[0]))}


def main(host: str) -> dict[str, float]:
    """Measure, in the order in which one thing needs the other."""
    lab = Lab(host)
    found: dict[str, float] = {}
    try:
        for step in (
            resonator,
            spectroscopy,
            rabi,
            readout_point,
            ramsey,
            relaxation,
            single_shots,
        ):
            found |= step(lab)
    finally:
        lab.cluster.close()
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
