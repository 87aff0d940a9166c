"""A facility whose data are made up: what a routine sees is what a test wants it to see."""

import json
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import xarray
from tests.benches.facility.loaded_examples import loaded

from podium.control.bus.mixers import MixerFound
from podium.control.calibration.fits.peak import pulse_line
from podium.control.facility.facility import Facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.dataset import dataset_of
from podium.control.program.program import Capture, Program
from podium.control.program.serialise import to_json
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.tai import Tai

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
NOW_S = 1_767_225_637
NODE = "node_a"
ONE_SHOT_V = 0.35e-3
"""Scatter of one shot, each quadrature."""


@dataclass(frozen=True)
class Asked:
    """One capture of one program."""

    program: Program
    element: str
    swept: Mapping[str, np.ndarray]
    """Values of the element's own variables, over all axes: ``amplitude`` for ``q0_amplitude``."""
    shape: tuple[int, ...]
    """Of the axes."""
    capture: str = ""
    """Its name: the element's, or that and what it is for (``q0_herald``)."""

    @property
    def noise_v(self) -> float:
        """Of a mean over the program's shots."""
        return ONE_SHOT_V / np.sqrt(self.program.shots)


def element_of(capture: str) -> str:
    """Return whose capture it is: the part of its name before the first underscore."""
    return capture.partition("_")[0]


EVERY = "every capture"
Make = Callable[[Asked, np.random.Generator], np.ndarray]
"""Returns the means, complex, V, in the shape asked for; or, where shots are kept, every shot, with
the shots first."""


@dataclass
class Values:
    """What a capture brought back."""

    i: np.ndarray
    q: np.ndarray
    out_of_range: bool
    trace_i: np.ndarray | None = None
    trace_q: np.ndarray | None = None
    results: np.ndarray | None = None
    clicks: bool = False

    @property
    def counts(self) -> np.ndarray:
        return np.ones(self.i.shape, np.int64)


@dataclass
class MadeRunner:
    """Implements ``Runner``."""

    make: Make
    seed: int = 0
    saturated: frozenset[str] = frozenset()
    """Captures during which the input clips, or ``EVERY`` one."""
    trace: Make | None = None
    """Makes the raw trace; shape (n,), one sample a ns."""
    facility: Facility = field(default_factory=lambda: loaded(EXAMPLE))
    datasets: list[xarray.Dataset] = field(default_factory=list)
    biases: dict[str, float] = field(default_factory=dict)
    calibrated: list[str] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.rng = np.random.default_rng(self.seed)

    async def run(self, program: Program) -> xarray.Dataset:
        captures = {
            one.name: self._values(program, one) for one in program.body if isinstance(one, Capture)
        }
        attributes = {
            "run": f"{NOW_S + self.seed}-{len(self.datasets):05d}",
            "program": program.name,
            "program_json": to_json(program),
            "facility": self.facility.name,
            "facility_hash": self.facility.digest,
            "epoch": 1,
            "epochs": json.dumps({"house": 1}),
            "started_tai_s": float(NOW_S + len(self.datasets)),
        }
        data = dataset_of(program, captures, attributes)
        self.datasets.append(data)
        return data

    def _values(self, program: Program, capture: Capture) -> Values:
        shape = tuple(axis.variables[0].values.count for axis in program.axes)
        swept = {}
        for k, axis in enumerate(program.axes):
            along = [1] * len(shape)
            along[k] = -1
            for variable in axis.variables:
                element, _, name = variable.name.partition("_")
                if element == element_of(capture.name):
                    values = [variable.value(n) for n in range(variable.values.count)]
                    swept[name] = np.broadcast_to(np.reshape(values, along), shape)
        asked = Asked(program, element_of(capture.name), swept, shape, capture.name)
        clipped = bool({capture.name, EVERY} & self.saturated)
        mean = self.make(asked, self.rng)
        if program.keep_shots and mean.shape != (program.shots, *shape):
            shots = (program.shots, *shape)
            scatter = self.rng.normal(0, ONE_SHOT_V, (2, *shots))
            quiet = getattr(self.make, "quiet", False)
            mean = mean + (0 if quiet else scatter[0] + 1j * scatter[1])
            mean = np.broadcast_to(mean, shots)
        if program.trace:
            size = capture.duration_fs // 10**6
            swept = {"time": np.arange(size)}
            long = Asked(program, asked.element, swept, (size,), capture.name)
            trace = (self.trace or self.make)(long, self.rng)
            return Values(mean.real, mean.imag, clipped, trace.real, trace.imag)
        return Values(mean.real, mean.imag, clipped)

    async def bias(self, volts: Mapping[str, float]) -> None:
        self.biases |= volts

    async def calibrate_mixers(self, ports: Sequence[str]) -> Mapping[str, MixerFound]:
        self.calibrated += ports
        return {f"output of {port}": MixerFound(1e-3, -2e-3, 1.01, 0.02) for port in ports}

    async def read(self, instrument: str, channel: str) -> float:
        return 0.015

    async def now(self) -> Tai:
        return Tai.from_fs((NOW_S + len(self.datasets)) * FS_PER_S)


def sigma_of(name: str, value: float) -> float:
    """Return how well a quantity is known after a bring-up, about."""
    if name in ("f01", "anharmonicity"):
        return 2e3
    if name.endswith("frequency"):
        return 1e4
    return abs(value) * (1e-2 if name.startswith("t") else 1e-3) + 1e-9


def known(facility: Facility) -> MemoryRecord:
    """Return a record in which every quantity of every qubit has been measured, as designed."""
    record = MemoryRecord()
    for qubit in facility.qubits().values():
        design = {name: one.value for name, one in qubit.design.items()}
        pi_amplitude = 0.45
        values = {
            name: design[name]
            for name in (
                *("f01", "anharmonicity", "readout_frequency", "kappa", "chi"),
                *("t1", "t2_echo", "t2_ramsey", "flux_period"),
            )
            if name in design
        } | {
            "sweet_spot": design.get("flux_offset", 0.0),
            "ground_readout_frequency": design["readout_frequency"] - design["chi"],
            "bare_readout_frequency": design["readout_frequency"] - 5e6,
            "probe_frequency": design["readout_frequency"],
            "probe_amplitude": 0.07,
            "probe_duration": 600e-9,
            "probe_loss": 1e-3,
            "pi_amplitude": pi_amplitude,
            "ef_pi_amplitude": pi_amplitude / np.sqrt(2),
            "thermal_population": 0.008,
            "ground_i": 1e-3,
            "ground_q": 0.0,
            "excited_i": -1e-3,
            "excited_q": 0.0,
            "second_i": -0.5e-3,
            "second_q": 0.8e-3,
            "ground_variance": 0.03,
            "excited_variance": 0.04,
            "readout_threshold": 0.5,
            "false_excited": 0.002,
            "false_ground": 0.012,
            "herald_to_readout": 1.5e-6,
            "rare_threshold": 0.589,
            "rare_false_excited": 0.0005,
            "rare_false_ground": 0.03,
            "ramsey_amplitude": 0.49,
            "t2_gaussian": 0.4,
        }
        if qubit.kind == "fluxonium":
            values |= {
                "shelving_frequency": design["f01"] + design["anharmonicity"],
                "shelving_pi_amplitude": 0.4,
                "shelving_duration": 28e-9,
                "shelved_t1": design["t1"] / 5,
                "shelved_shift": 4 * design["chi"],
            }
        record.put(
            ParameterEntry(
                f"{qubit.name}.{name}",
                float(value),
                sigma_of(name, float(value)),
                "1",
                "before",
                "before",
                float(NOW_S),
                1,
            )
            for name, value in values.items()
        )
    return record


def know_gates(facility: Facility, record: MemoryRecord, *, of_gap: bool = False) -> None:
    """Put into the record that every edge is calibrated; ``of_gap``: with room for a level."""
    gate = {
        "gate_amplitude": 0.55,
        "gate_duration": 64e-9,
        "phase_first": 0.2,
        "phase_second": 0.0,
        "carrier_frequency": 100e6,
        "carrier_amplitude": 0.2,
        "carrier_duration": 180e-9,
        "exchange": 5e6,
        "gate_rise": 32e-9,
        "gate_phase_slope": 8.0,
        "gate_frequency": 3.055e9,
        "plasmon_frequency": 3.063e9,
        "plasmon_shift": -20e6,
        "plasmon_rabi": 50e6,
        "zz": -0.8e6,
    }
    if of_gap:
        gate |= {"gate_gap": 8e-9, "gate_gap_level": 0.3}
    line = {"flux_amplitude2": 0.02, "flux_tau2": 60e-9}
    known = {edge.name: gate for edge in facility.edges().values()}
    known |= dict.fromkeys(facility.couplers(), line)
    for owner, values in known.items():
        record.put(
            ParameterEntry(
                f"{owner}.{name}", value, 1e-3 * abs(value) + 1e-12, "1", "before", "before",
                float(NOW_S), 1,
            )
            for name, value in values.items()
        )  # fmt: skip


def noise(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """The amplifiers' noise and nothing else: a cable is off."""
    pair = rng.normal(0, asked.noise_v, (2, *asked.shape))
    return pair[0] + 1j * pair[1]


def no_line(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """A line with its gain and its delay, and nothing on it."""
    frequency = asked.swept.get("probe_frequency", np.zeros(asked.shape))
    amplitude = asked.swept.get("probe_amplitude", np.full(asked.shape, 0.07)) / 0.07
    phase = 0.7 - 2 * np.pi * 160e-9 * (frequency - np.mean(frequency))
    return 1e-3 * amplitude * np.exp(1j * phase) + noise(asked, rng)


def constant(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """The same number, always; each capture has its own."""
    return np.full(asked.shape, 1e-3 * complex(*rng.normal(0, 1, 2)))


def zero(asked: Asked, _: np.random.Generator) -> np.ndarray:
    """A converter that does not convert."""
    return np.zeros(asked.shape, dtype=complex)


def not_a_number(asked: Asked, _: np.random.Generator) -> np.ndarray:
    """What a bin holds that was never written."""
    return np.full(asked.shape, np.nan + 1j * np.nan)


def one_not_a_number(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """One bin that was never written."""
    values = np.array(no_line(asked, rng))
    values.flat[rng.integers(values.size)] = np.nan
    return values


def two_lines(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """Two lines of one depth where one is expected, or two frequencies in one oscillation."""
    values = no_line(asked, rng)
    for name, width in (("probe_frequency", 3e6), ("drive_frequency", 0.0), ("ef_frequency", 0.0)):
        if name not in asked.swept:
            continue
        frequency = asked.swept[name]
        span = float(np.ptp(frequency))
        width = width or 6 * span / (frequency.shape[-1] - 1)
        for place in (-0.22, 0.22):
            detuning = (frequency - np.mean(frequency) - place * span) / (width / 2)
            values = values * (1 - 0.8 / (1 + 1j * detuning))
        return values
    if "delay" in asked.swept and "phase" in asked.swept:
        delay = asked.swept["delay"] * 1e-15
        beat = np.zeros(asked.shape)
        for hertz in (45e3, 130e3):
            beat += np.cos(2 * np.pi * (hertz * delay - asked.swept["phase"]))
        return 1e-3 * 0.5 * beat * np.exp(-delay / 30e-6) + noise(asked, rng)
    return values


for _one in (constant, zero, not_a_number):
    _one.quiet = True  # type: ignore[attr-defined]


def rabi_oscillation(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """A qubit whose pi pulse is at 0.4 of full scale."""
    return 1e-3 * np.cos(np.pi * asked.swept["amplitude"] / 0.4) + noise(asked, rng)


def spectral_line(asked: Asked, rng: np.random.Generator) -> np.ndarray:
    """A qubit whose lines lie 3.3 MHz above the design's, driven by a pulse of about pi."""
    design = loaded(EXAMPLE).qubits()[f"{NODE}.{asked.element}"].design
    frequency, expected = asked.swept.get("drive_frequency"), design["f01"].value
    if frequency is None:
        frequency = asked.swept["ef_frequency"]
        expected += design["anharmonicity"].value
    step = float(np.ptp(frequency)) / (frequency.size - 1)
    duration_s = max(20, 4 * np.ceil(0.8 / (6 * step) * 1e9 / 4)) * 1e-9
    line = {"rabi": 0.5 / duration_s, "height": -2e-3, "offset": 1e-3}
    return pulse_line(frequency, line | {"centre": expected + 3.3e6}, duration_s) + noise(
        asked, rng
    )
