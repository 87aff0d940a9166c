"""A lab's own script for qililab: a platform from a runcard, QPrograms with hardware loops.

    python qililab_lab.py HOST FOLDER

Nothing here knows of simulated instruments. HOST is a Qblox cluster: a QRM-RF in slot 2 on the
feedline, a QCM-RF in slot 4 on the drive of the qubit. qililab's own driver connects to it. The
last line that is printed is JSON: what was found, with sigmas; frequencies in Hz, times in s.
"""

import json
import sys

import lab_fits
import numpy as np
import qililab as ql

READOUT_HZ, QUBIT_HZ = 7.26e9, 5.93e9
"""About: what the maker of the chip says."""
SCANS = ((480e6, 161, 0.06), (24e6, 61, 0.012), (4e6, 41, 0.003))
"""Of the line: span, Hz, points, amplitude. The last one makes half a turn: one peak, no more."""
READOUT_LO_HZ, DRIVE_LO_HZ = 7.16e9, 6.1e9
PULSE_NS, TONE_NS, RELAX_NS = 60, 4000, 300_000
DELAY_NS, READ_NS = 300, 2000
FULL_GAIN, SPLIT_NS = 32_767, 65_532
GAUSSIAN = ql.IQPair(I=ql.Gaussian(1.0, PULSE_NS, num_sigmas=6), Q=ql.Square(0.0, PULSE_NS))
TONE = ql.IQPair(I=ql.Square(1.0, TONE_NS), Q=ql.Square(0.0, TONE_NS))
READ = ql.IQPair(I=ql.Square(0.25, DELAY_NS + READ_NS), Q=ql.Square(0.0, DELAY_NS + READ_NS))
WEIGHTS = ql.IQPair(I=ql.Square(1.0, READ_NS), Q=ql.Square(1.0, READ_NS))

SEQUENCER = {
    "identifier": 0,
    "outputs": [0],
    "intermediate_frequency": 0.0,
    "gain_imbalance": 1.0,
    "phase_imbalance": 0.0,
    "hardware_modulation": True,
    "gain_i": 1.0,
    "gain_q": 1.0,
    "offset_i": 0.0,
    "offset_q": 0.0,
}
RUNCARD = {
    "name": "one_qubit",
    "instruments": [
        {
            "name": "QRM-RF",
            "alias": "QRM-RF",
            "out0_in0_lo_freq": READOUT_LO_HZ,
            "out0_in0_lo_en": True,
            "out0_att": 44,
            "in0_att": 0,
            "out0_offset_path0": 0.0,
            "out0_offset_path1": 0.0,
            "awg_sequencers": [
                SEQUENCER
                | {
                    "scope_acquire_trigger_mode": "sequencer",
                    "scope_hardware_averaging": False,
                    "sampling_rate": 1.0e9,
                    "hardware_demodulation": True,
                    "integration_length": READ_NS,
                    "integration_mode": "ssb",
                    "sequence_timeout": 5,
                    "acquisition_timeout": 5,
                    "scope_store_enabled": False,
                    "threshold": 0.0,
                    "threshold_rotation": 0.0,
                    "time_of_flight": DELAY_NS,
                }
            ],
        },
        {
            "name": "QCM-RF",
            "alias": "QCM-RF",
            "out0_lo_freq": DRIVE_LO_HZ,
            "out0_lo_en": True,
            "out0_att": 0,
            "out0_offset_path0": 0.0,
            "out0_offset_path1": 0.0,
            "out1_lo_freq": DRIVE_LO_HZ,
            "out1_lo_en": False,
            "out1_att": 60,
            "out1_offset_path0": 0.0,
            "out1_offset_path1": 0.0,
            "awg_sequencers": [SEQUENCER],
        },
    ],
    "instrument_controllers": [
        {
            "name": "qblox_cluster",
            "alias": "cluster",
            "connection": {"name": "tcp_ip"},
            "reset": True,
            "modules": [{"alias": "QRM-RF", "slot_id": 2}, {"alias": "QCM-RF", "slot_id": 4}],
        }
    ],
    "buses": [
        {"alias": "readout", "instruments": ["QRM-RF"], "channels": [0]},
        {"alias": "drive", "instruments": ["QCM-RF"], "channels": [0]},
    ],
}


class Lab:
    """The platform, and what is known of the qubit by now."""

    def __init__(self, host: str) -> None:
        RUNCARD["instrument_controllers"][0]["connection"]["address"] = host
        self.platform = ql.build_platform(RUNCARD)
        self.platform.connect()
        self.platform.initial_setup()
        self.platform.turn_on_instruments()
        self.readout_hz, self.drive_hz, self.pi = READOUT_HZ, QUBIT_HZ, 0.5

    def begin(self, program: ql.QProgram) -> None:
        """Begin a shot: carriers at phase zero."""
        program.reset_phase("drive")
        program.reset_phase("readout")
        program.wait("drive", 100)
        program.wait("readout", 100)

    def turn(self, program: ql.QProgram, part) -> None:
        program.set_gain("drive", part)
        program.play("drive", GAUSSIAN)

    def read(self, program: ql.QProgram) -> None:
        """Read out after what the drive did last, and let the qubit relax."""
        program.sync()
        program.measure("readout", READ, WEIGHTS)
        program.wait("readout", RELAX_NS)

    def run(self, program: ql.QProgram, shots: int) -> np.ndarray:
        for bus, hz in (
            ("readout", self.readout_hz - READOUT_LO_HZ),
            ("drive", self.drive_hz - DRIVE_LO_HZ),
        ):
            self.platform.set_parameter(bus, ql.Parameter.IF, round(hz))
        (found,) = self.platform.execute_qprogram(program).results["readout"]
        assert set(found.raw_measurement_data["bins"]["avg_cnt"]) == {shots}
        return (found.array[0] + 1j * found.array[1]) / READ_NS


def resonator(lab: Lab) -> dict[str, float]:
    for span, points in ((60e6, 61), (12e6, 41)):
        program, step = ql.QProgram(), span / (points - 1)
        hz = program.variable("hz", ql.Domain.Frequency)
        begin = lab.readout_hz - READOUT_LO_HZ - span / 2
        with program.average(100), program.for_loop(hz, begin, begin + span, step):
            program.set_frequency("readout", hz)
            lab.begin(program)
            lab.read(program)
        heard = lab.run(program, 100)
        lab.readout_hz = READOUT_LO_HZ + begin + step * int(np.argmin(np.abs(heard)))
    return {"readout_hz": lab.readout_hz}


def spectroscopy(lab: Lab) -> dict[str, float]:
    for span, points, part in SCANS:
        program, step = ql.QProgram(), span / (points - 1)
        hz = program.variable("hz", ql.Domain.Frequency)
        begin = round(lab.drive_hz - DRIVE_LO_HZ - span / 2)
        with program.average(300), program.for_loop(hz, begin, begin + span, step):
            program.set_frequency("drive", hz)
            lab.begin(program)
            program.set_gain("drive", part)
            program.play("drive", TONE)
            lab.read(program)
        seen = DRIVE_LO_HZ + begin + step * np.arange(points)
        lab.drive_hz = lab_fits.line_centre(seen, lab.run(program, 300))
    return {"spectroscopy_hz": lab.drive_hz}


def rabi(lab: Lab) -> dict[str, float]:
    points, most = 51, 0.9
    program = ql.QProgram()
    part = program.variable("part", ql.Domain.Voltage)
    with program.average(1000), program.for_loop(part, 0.0, most, most / (points - 1)):
        lab.begin(program)
        lab.turn(program, part)
        lab.read(program)
    # the loop adds whole numbers, of which the gain has 32,767
    played = int(most * FULL_GAIN) // (points - 1) / FULL_GAIN * np.arange(points)
    lab.pi, sigma = lab_fits.half_turn(played, lab.run(program, 1000))
    return {"pi": lab.pi, "pi_sigma": sigma}


def readout_point(lab: Lab) -> dict[str, float]:
    """Move the readout to where the levels are farthest apart."""
    span, points, heard = 6e6, 25, []
    begin, step = round(lab.readout_hz - READOUT_LO_HZ - span / 2), span / (points - 1)
    for part in (0.0, lab.pi):
        program = ql.QProgram()
        hz = program.variable("hz", ql.Domain.Frequency)
        with program.average(1000), program.for_loop(hz, begin, begin + span, step):
            program.set_frequency("readout", hz)
            lab.begin(program)
            lab.turn(program, part)
            lab.read(program)
        heard.append(lab.run(program, 1000))
    lab.readout_hz = lab_fits.farthest(READOUT_LO_HZ + begin + step * np.arange(points), *heard)
    return {"farthest_hz": lab.readout_hz}


def ramsey(lab: Lab) -> dict[str, float]:
    detuning, points, step_ns = 1e6, 81, 100
    lab.drive_hz -= detuning
    program = ql.QProgram()
    tau = program.variable("tau", ql.Domain.Time)
    with program.average(1000), program.for_loop(tau, 20, 20 + step_ns * (points - 1), step_ns):
        lab.begin(program)
        lab.turn(program, lab.pi / 2)
        program.wait("drive", tau)
        lab.turn(program, lab.pi / 2)
        lab.read(program)
    us = 0.02 + 1e-3 * step_ns * np.arange(points)
    hz, sigma, t2_s, t2_sigma = lab_fits.fringe(us, lab.run(program, 1000))
    lab.drive_hz += hz
    return {"f01": lab.drive_hz, "f01_sigma": sigma, "t2": t2_s, "t2_sigma": t2_sigma}


def relaxation(lab: Lab) -> dict[str, float]:
    def scan(step_ns: int, shots: int) -> tuple[np.ndarray, np.ndarray]:
        points = lab_fits.DELAYS
        # no wait of the sweep may be a multiple of 65,532 ns and 0 to 3: qililab splits it there
        while np.any((20 + step_ns * np.arange(points))[1:] % SPLIT_NS < 4):
            step_ns += 4
        program = ql.QProgram()
        tau, last_ns = program.variable("tau", ql.Domain.Time), 20 + step_ns * (points - 1)
        with program.average(shots), program.for_loop(tau, 20, last_ns, step_ns):
            lab.begin(program)
            lab.turn(program, lab.pi)
            program.wait("drive", tau)
            lab.read(program)
        return 0.02 + 1e-3 * step_ns * np.arange(points), lab.run(program, shots)

    t1_s, sigma = lab_fits.lifetime(scan)
    return {"t1": t1_s, "t1_sigma": sigma}


def single_shots(lab: Lab) -> dict[str, float]:
    """Two levels, 2,000 shots each, one for each step of a loop."""
    clouds = []
    for part in (0.0, lab.pi):
        program = ql.QProgram()
        shot = program.variable("shot", ql.Domain.Scalar, int)
        with program.for_loop(shot, 0, 1999, 1):
            lab.begin(program)
            lab.turn(program, part)
            lab.read(program)
        clouds.append(lab.run(program, 1))
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
        lab.platform.disconnect()
    return found


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1])))
