"""Made-up results of a demo: recovered values, panels of every kind, a whole story."""

import numpy as np

from podium.control.calibration.outcome import Outcome, Panel, Picture, Series
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import QUANTITIES
from podium.control.report.comparison import Comparison, Truth, compare
from podium.control.report.story import Step, Story

QUBITS = ("node_a.q0", "node_a.q1", "node_a.q2")
TRUE = {
    "f01": Truth(6.0301234567e9, "Hz"),
    "anharmonicity": Truth(-174.3e6, "Hz"),
    "t1": Truth(33.2e-6, "s"),
    "t2_ramsey": Truth(27.1e-6, "s"),
    "t2_echo": Truth(41.0e-6, "s"),
    "readout_frequency": Truth(7.2594671e9, "Hz"),
    "chi": Truth(-1.21e6, "Hz"),
    "kappa": Truth(4.34e6, "Hz"),
    "sweet_spot": Truth(-64.7e-3, "V"),
    "assignment_fidelity": Truth(0.9912, "1"),
    "thermal_population": Truth(0.0123, "1"),
}
SIGMA = {
    "f01": 12.3,
    "anharmonicity": 21e3,
    "t1": 0.45e-6,
    "t2_ramsey": 0.6e-6,
    "t2_echo": 0.8e-6,
    "readout_frequency": 9.1e3,
    "chi": 11e3,
    "kappa": 32e3,
    "sweet_spot": 0.21e-3,
    "assignment_fidelity": 0.0007,
    "thermal_population": 0.0004,
}


def world(seed: int, pull: float = 1.0, lost: tuple[str, ...] = ()) -> tuple[Comparison, ...]:
    """Return recovered values whose pulls are normal with standard deviation ``pull``."""
    rng = np.random.default_rng(seed)
    found, truth = {}, {}
    for qubit in QUBITS:
        for quantity in QUANTITIES:
            name, true = f"{qubit}.{quantity.name}", TRUE[quantity.name]
            truth[name] = true
            sigma = SIGMA[quantity.name]
            value = true.value + sigma * pull * float(rng.standard_normal())
            if name not in lost:
                found[name] = Measured(value, sigma, true.unit)
    return compare(QUBITS, found, truth)


def panels_of_every_kind() -> list[Panel]:
    """Return one panel of each shape that routines draw."""
    rng = np.random.default_rng(5)
    delay = np.linspace(0.0, 80.0, 41)
    decay = np.exp(-delay / 33)
    fringe = 0.5 + 0.5 * np.cos(delay / 4) * np.exp(-delay / 27)
    frequency = np.linspace(7.2512, 7.2712, 61)
    amplitude = np.geomspace(0.006, 0.6, 15)
    dip = 1 - 0.9 / (1 + ((frequency - 7.2603) / 0.0022) ** 2)
    ground, excited = rng.normal(0, 1, (2, 600)), rng.normal(0, 1, (2, 600)) + 4
    trace = rng.normal(0, 1e-8, 1900) ** 2
    noise = rng.normal(0, 0.02, 41)
    return [
        Panel(
            "q0",
            "delay (µs)",
            "excited fraction",
            (Series("data", delay, decay + noise), Series("fit", delay, decay, True)),
            text="T1 33.20 ± 0.45 µs",
        ),
        Panel(
            "q1",
            "delay (µs)",
            "excited fraction",
            (
                Series("phase 0.00", delay, fringe + noise),
                Series("phase 0.25", delay, 1 - fringe + noise),
                Series("fit 0.00", delay, fringe, True),
                Series("fit 0.25", delay, 1 - fringe, True),
            ),
            text="f01 6.0301235 GHz ± 12 Hz",
        ),
        Panel(
            "q2",
            "I (mV)",
            "Q (mV)",
            (Series("0", *ground), Series("1", *excited)),
            text="assignment fidelity 99.12 ± 0.07 %",
            equal_axes=True,
        ),
        Panel(
            "q0",
            "probe frequency (GHz)",
            "probe amplitude (full scale)",
            picture=Picture(frequency, amplitude, np.tile(dip, (15, 1)), "|S21|", y_log=True),
            marks=(("bare", 7.2570), ("low power", 7.2603)),
            text="+3.3 MHz between low and high power",
        ),
        Panel(
            "feedline",
            "time since the pulse was played (ns)",
            "power at the input (V²)",
            (Series("trace", np.arange(1900.0), trace),),
            marks=(("arrives", 150.0),),
            text="arrives after 150 ± 0.5 ns",
        ),
        Panel(
            "q1",
            "drive frequency (GHz)",
            "signal (mV)",
            (Series("wide scan", frequency, rng.normal(0, 1, 61)),),
            text="the line at 7.2600 GHz is no higher than 0.4 sigma <of the noise>",
            failed=True,
        ),
    ]


def made_up_story() -> Story:
    """A demo in which q1's spectroscopy fails and its T1 is lost; all else is well."""
    panels = panels_of_every_kind()
    told = Story("first_light", 7, QUBITS, device="node_a: krinner2022 (Krinner et al.)")
    told.fridge_k = {"fridge_a": 0.0152}
    outcomes = [
        Outcome("relaxation", "T1", ["1795164504-00017"], panels=panels[:3]),
        Outcome("punch_out", "Punch-out", ["1795164504-00003"], panels=panels[3:4]),
        Outcome("time_of_flight", "Time of flight", ["1795164504-00001"], panels=panels[4:5]),
        Outcome(
            "qubit_spectroscopy",
            "Qubit spectroscopy",
            [f"1795164504-{n:05d}" for n in range(20, 26)],
            failures={"node_a.q1": panels[5].text, "node_a.q2": "f01 has not been measured yet"},
            panels=panels[5:],
        ),
    ]
    told.steps = [Step(outcome, wall_s=1.2, lab_s=8.4) for outcome in outcomes]
    told.comparisons = world(7, lost=("node_a.q1.t1",))
    told.wall_s, told.lab_s = 61.5, 492.0
    told.lab_causes = {"since_start_s": 500.25, "running_s": 410.0}
    return told
