"""A lab whose runs over a herald station are drawn from exact states, with faults.

What each pattern of clicks leaves is worked out by ``heralded_states``, which the code under test
does not know; the readings of each attempt are drawn from it in every setting of the program.
"""

import json
from dataclasses import replace

import numpy as np
import xarray
from tests.benches.links.linked_ends import EXAMPLES

from podium.control.calibration.links.entangled_pair import PHASES
from podium.control.calibration.routines.bell_state import both, rotations, turned
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.program.program import Program
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces.tai import Tai
from podium.sim_instruments.physics.links.heralded_link import Arm, Detector, HeraldedLink, Scheme
from podium.sim_instruments.physics.links.heralded_states import Heralded, heralded_states

OPTICAL = EXAMPLES / "linked" / "facility_optical.yaml"
NOW = Tai(1_800_000_000, 0)
ERRORS = (0.01, 0.03)
"""Chances that a readout takes 0 and 1 for the other."""
ETA, DARK = 0.486, 2e-4
EPOCHS = {"ticks_a": 1, "ticks_b": 1, "ticks_station": 1}
KNOWN = {
    "node_a.q0.f01": 6.3443e9,
    "node_b.q0.f01": 6.1084e9,
    "link_ab.a.kappa": 10.8e6,
    "link_ab.b.kappa": 13.3e6,
    **{f"node_{n}.q0.pi_amplitude": 0.42 for n in "ab"},
    **{f"node_{n}.q0.t1": 30e-6 for n in "ab"},
    **{f"node_{n}.q0.t2_ramsey": 25e-6 for n in "ab"},
    **{f"node_{n}.q0.{which}_{one}": float(which == "excited" and one == "i")
       for n in "ab" for which in ("ground", "excited") for one in "iq"},
    **{f"node_{n}.q0.{which}_variance": 1e-4 for n in "ab" for which in ("ground", "excited")},
    **{f"node_{n}.q0.readout_threshold": 0.5 for n in "ab"},
    **{f"node_{n}.q0.false_excited": ERRORS[0] for n in "ab"},
    **{f"node_{n}.q0.false_ground": ERRORS[1] for n in "ab"},
}  # fmt: skip
SCHEMES = {Scheme.ONE_CLICK: ("one_click", 0.012), Scheme.TWO_CLICKS: ("two_clicks", 0.010)}
PERIOD_S = 175e-6


def link_of(scheme: Scheme, alpha: float = 0.1) -> HeraldedLink:
    """Return a sound link."""
    return HeraldedLink(
        scheme,
        (Arm(ETA / 0.9), Arm(ETA / 0.9)),
        (Detector(0.9, DARK), Detector(0.9, DARK)),
        alpha if scheme is Scheme.ONE_CLICK else 0.5,
        visibility=0.98,
        phase_sigma_rad=0.2,
    )


def figures(alpha: float = 0.1) -> dict[str, tuple[float, float]]:
    """Return what a calibration finds of both schemes on a sound link: values and sigmas."""
    found: dict[str, tuple[float, float]] = {}
    for scheme, (name, sigma) in SCHEMES.items():
        good = [one for one in heralded_states(link_of(scheme, alpha)) if one.sign]
        chance = sum(one.probability for one in good)
        fidelity = sum(one.probability * one.fidelity for one in good) / chance
        found |= {
            f"link_ab.{name}_fidelity": (fidelity, sigma),
            f"link_ab.{name}_chance": (chance, 1e-3),
            f"link_ab.{name}_rate": (chance / PERIOD_S, 5.0),
        }
    return found


def entries(epoch: int = 1, age_s: float = 0.0) -> list[ParameterEntry]:
    """Return what is stored of qubits and link."""
    at_s = float(NOW.seconds) - age_s
    plain = {name: (value, max(abs(value) * 1e-3, 1e-9)) for name, value in KNOWN.items()}
    return [
        ParameterEntry(name, value, sigma, "1", "run0", "r", at_s, epoch)
        for name, (value, sigma) in {**plain, **figures()}.items()
    ]


class StationLab:
    """Plays attempts on a link that may have any fault."""

    ends = ("node_a", "node_b")

    def __init__(self, seed: int = 3) -> None:
        self.facility = load_facility(OPTICAL)
        self.drawn = np.random.default_rng(seed)
        self.cut: set[int] = set()
        self.blind: set[int] = set()
        self.dark = [DARK, DARK]
        self.visibility, self.phase_sigma_rad = 0.98, 0.2
        self.unreachable = ""
        self.epochs = dict(EPOCHS)
        self.ahead, self.runs, self.played = 0.37, 0, 0
        self.now_fs = NOW.total_fs

    def truth(self, scheme: Scheme, alpha: float = 0.1) -> HeraldedLink:
        """Return the link as it is, faults and all."""
        sound = link_of(scheme, alpha)
        arms = [replace(a, transmission=0.0) if k in self.cut else a
                for k, a in enumerate(sound.arms)]  # fmt: skip
        detectors = [
            Detector(0.0 if k in self.blind else d.efficiency, self.dark[k] * (k not in self.blind))
            for k, d in enumerate(sound.detectors)
        ]
        return replace(
            sound,
            arms=(arms[0], arms[1]),
            detectors=(detectors[0], detectors[1]),
            visibility=self.visibility,
            phase_sigma_rad=self.phase_sigma_rad,
        )

    def fidelity(self, scheme: Scheme, clicks: list[str], alpha: float = 0.1) -> float:
        """Return the true fidelity of pairs with these clicks, with the state they announce."""
        wanted = tuple((one == "d0", one == "d1") for one in clicks)
        (found,) = (x for x in heralded_states(self.truth(scheme, alpha)) if x.pattern == wanted)
        return found.fidelity

    async def now(self) -> Tai:
        """Return the facility's time; a question takes some."""
        self.now_fs += 10**12
        return Tai.from_fs(self.now_fs)

    async def run(self, program: Program) -> xarray.Dataset:
        """Return what the instruments would report of a program of heralded attempts."""
        if self.unreachable:
            raise RunFailed(self.unreachable)
        scheme = Scheme.TWO_CLICKS if "two" in program.name else Scheme.ONE_CLICK
        states = heralded_states(self.truth(scheme))
        self.runs += 1
        sweep = np.linspace(0.0, 1.0, PHASES)
        played = rotations(self.ahead)
        played += [both(turned(np.pi / 2, 0.0), turned(np.pi / 2, t - self.ahead)) for t in sweep]
        shape = (program.shots, len(played))
        self.played += program.shots * len(played)
        chance = np.array([one.probability for one in states])
        which = self.drawn.choice(len(states), shape, p=chance / chance.sum())
        told = self._read(states, which, played)
        started, self.now_fs = (
            self.now_fs,
            self.now_fs + int(program.shots * len(played) * PERIOD_S * 1e15),
        )
        return self._dataset(states, which, told, started, scheme)

    def _read(
        self, states: tuple[Heralded, ...], which: np.ndarray, played: list[np.ndarray]
    ) -> np.ndarray:
        told = np.zeros((*which.shape, 2))
        for number, state in enumerate(states):
            rho = state.rho[::-1, ::-1] if state.probability else np.eye(4) / 4  # emitted: 0
            for k, unitary in enumerate(played):
                mine = which[:, k] == number
                chances = np.diag(unitary @ rho @ unitary.conj().T).real.clip(0)
                was = self.drawn.choice(4, int(mine.sum()), p=chances / chances.sum())
                for end, bit in enumerate((was // 2, was % 2)):
                    wrong = self.drawn.random(bit.size) < np.where(bit, ERRORS[1], ERRORS[0])
                    told[mine, k, end] = bit ^ wrong
        return told

    def _dataset(
        self,
        states: tuple[Heralded, ...],
        which: np.ndarray,
        told: np.ndarray,
        started_fs: int,
        scheme: Scheme,
    ) -> xarray.Dataset:
        dims, volts = ("shot", "setting"), {"units": "V"}
        variables = {
            f"node_{name}.q0_{part}": (dims, told[:, :, end] * (part == "i"), volts)
            for end, name in enumerate("ab")
            for part in "iq"
        }
        windows = ("early",) if scheme is Scheme.ONE_CLICK else ("early", "late")
        for number, window in enumerate(windows):
            for detector in (0, 1):
                clicked = np.array(
                    [len(x.pattern) > number and x.pattern[number][detector] for x in states]
                )[which]
                name = f"link_ab.d{detector}.{window}"
                first = np.where(clicked, 0.2e-6, np.nan)
                variables |= {
                    f"{name}_clicks": (dims, clicked.astype(float), {"units": "1"}),
                    f"{name}_first": (dims, first, {"units": "s"}),
                }
        return xarray.Dataset(
            variables,
            attrs={
                "run": f"run{self.runs}",
                "epoch": self.epochs["ticks_a"],
                "epochs": json.dumps(self.epochs),
                "started_tai": str(Tai.from_fs(started_fs)),
                "started_tai_s": started_fs / 1e15,
            },
        )
