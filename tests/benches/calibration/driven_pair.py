"""The data of two coupled transmons of fixed frequency whose drives reach each other."""

from dataclasses import dataclass

import numpy as np
from tests.benches.calibration.synthetic_data import ONE_SHOT_V, Asked, MadeRunner, known
from tests.benches.docs.pages import ROOT

from podium.control.calibration.bench import Bench
from podium.control.calibration.fits.bloch_turn import bloch_vector
from podium.control.calibration.sequences import Pulses, pulse_area_ns
from podium.control.client.cross_resonance import RISE_NS
from podium.control.facility.load import load_facility
from podium.control.program.program import Affine, Play, ShiftPhase
from podium.control.program.waveforms import FlatTop

FACILITY = load_facility(ROOT / "examples" / "two_qubit" / "facility_fixed.yaml")
HALF_V, PI_AMPLITUDE = 1e-3, 0.45
HANDED_TURNS = 0.3
"""By how much the source's own line is ahead of the target's, as the source feels both."""


@dataclass(frozen=True)
class Pair:
    """Two coupled transmons of fixed frequency, by first order in the exchange."""

    ratios: tuple[complex, complex]
    """At q0 of the drive of q1, and at q1 of that of q0."""
    in_check: float = 1.0
    """Of what the source's drive does, where it is cancelled."""
    coherent: bool = True
    """Whether both lines have one phase in every shot."""

    def __call__(self, asked: Asked, rng: np.random.Generator) -> np.ndarray:
        excited = np.zeros(asked.shape)
        if "source_amplitude" in asked.swept:
            excited = (1 - self._seen(asked)) / 2
        noise = rng.normal(0, 1, (2, *excited.shape)) / np.sqrt(asked.program.shots)
        chance = np.clip(excited, 0, 1)
        scatter = np.hypot(2 * HALF_V * np.sqrt(chance * (1 - chance)), ONE_SHOT_V)
        return HALF_V * (1 - 2 * excited) + scatter * (noise[0] + 1j * noise[1])

    def _seen(self, asked: Asked) -> np.ndarray:
        """Bloch components of the target behind its drives."""
        drives = [
            one
            for one in asked.program.body
            if isinstance(one, Play) and isinstance(one.waveform, FlatTop)
        ]
        place = ("q0", "q1").index(asked.element)
        target, source = (FACILITY.qubits()[f"node_a.q{k}"].design for k in (place, 1 - place))
        apart = source["f01"].value - target["f01"].value
        bent = apart + source["anharmonicity"].value
        exchange = FACILITY.edges()["node_a.q0_q1"].design["exchange"].value
        handed = exchange * np.array([-1 / apart, 1 / apart - 2 / bent])
        rates = self.ratios[place] + np.exp(2j * np.pi * HANDED_TURNS) * handed
        if len(drives) == 2:
            turns = next(one.turns for one in asked.program.body if isinstance(one, ShiftPhase))
            assert isinstance(turns, float)
            assert isinstance(drives[1].amplitude, Affine)
            cancel = drives[1].amplitude.scale * np.exp(2j * np.pi * turns)
            rates = self.in_check * rates + cancel
        bench = Bench(
            MadeRunner(self, facility=FACILITY), "node_a", (), known(FACILITY), keep=lambda _: None
        )
        area_ns = pulse_area_ns(
            Pulses(bench, FACILITY.qubits()[f"node_a.{asked.element}"]).pulse_ns
        )
        lasts_ns = drives[0].waveform.duration_fs * 1e-6 - RISE_NS
        weight = asked.swept["source_amplitude"][:, 0, 0] * lasts_ns / (2 * PI_AMPLITUDE * area_ns)
        far = FACILITY.qubits()[f"node_a.q{place}"].design["anharmonicity"].value
        zz = (
            2
            * exchange**2
            * (1 / (apart - far) - 1 / bent)
            * drives[0].waveform.duration_fs
            * 1e-15
        )
        seen = [
            bloch_vector(weight, rate.real, rate.imag, control * zz)
            for control, rate in enumerate(rates)
        ]
        return np.stack(seen, axis=1) * (1.0 if self.coherent else np.array([0.0, 0.0, 1.0]))
