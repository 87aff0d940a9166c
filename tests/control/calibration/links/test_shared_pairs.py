"""Pairs on request, on a lab whose runs are drawn from a state: what is said of each of them."""

import json
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import numpy as np
import pytest
import xarray
from tests.benches.links.hub_states import drawn, kets

from podium.control import cli
from podium.control.calibration.fits.shared_by_three import SWAPPED
from podium.control.calibration.fits.two_qubit_state import SETTINGS
from podium.control.calibration.links.entangled_pair import (
    PHASES,
    PSI_PLUS,
    bell_program,
    pair_body,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_session import link_validities
from podium.control.calibration.links.shared_pairs import (
    HANDED_OUT,
    WITNESS_SHOTS,
    made_times_fs,
    share_pairs,
)
from podium.control.calibration.routines.bell_state import both, rotations, turned
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.parameters.store import ParameterStore
from podium.control.records.datasets import save_dataset
from podium.firmware_interfaces.tai import Tai

LINKED = Path(__file__).parents[4] / "examples" / "linked" / "facility.yaml"
HUB = LINKED.parent / "facility_hub.yaml"
NOW = Tai(1_800_000_000, 0)
ERRORS = (0.01, 0.03)
KNOWN = {
    "node_a.q0.f01": 6.3443e9,
    "node_b.q0.f01": 6.1084e9,
    "link_ab.b.kappa": 13.3e6,
    "link_ab.best_lag": 7.2e-9,
    "link_ab.bell_fidelity": 0.80,
    **{f"node_{n}.q0.pi_amplitude": 0.42 for n in "ab"},
    **{f"node_{n}.q0.t1": 5e-6 for n in "ab"},
    **{f"node_{n}.q0.t2_ramsey": 3e-6 for n in "ab"},
    **{f"node_{n}.q0.{which}_{one}": float(which == "excited" and one == "i")
       for n in "ab" for which in ("ground", "excited") for one in "iq"},
    **{f"node_{n}.q0.{which}_variance": 1e-4 for n in "ab" for which in ("ground", "excited")},
    **{f"node_{n}.q0.readout_threshold": 0.5 for n in "ab"},
    **{f"node_{n}.q0.false_excited": ERRORS[0] for n in "ab"},
    **{f"node_{n}.q0.false_ground": ERRORS[1] for n in "ab"},
}  # fmt: skip


def entries() -> list[ParameterEntry]:
    return [
        ParameterEntry(name, value, max(abs(value) * 1e-3, 1e-9), "1", "run0", "r", 1.8e9, 1)
        for name, value in KNOWN.items()
    ]


class DrawnLab:
    """Runs a Bell program on a state whose second half is some turns ahead."""

    file, ends, entries = LINKED, ("node_b", "node_a"), staticmethod(entries)

    def __init__(self, weight: float, ahead: float = 0.37) -> None:
        self.facility = load_facility(self.file)
        pure = np.outer(PSI_PLUS, PSI_PLUS.conj())
        self.rho = weight * pure + (1 - weight) * np.eye(4) / 4
        self.ahead, self.epochs, self.runs = ahead, {"ticks_a": 1, "ticks_b": 1}, 0
        self.drawn = np.random.default_rng(3)

    @property
    def fidelity(self) -> float:
        return float((PSI_PLUS.conj() @ self.rho @ PSI_PLUS).real)

    async def now(self) -> Tai:
        return NOW

    async def run(self, program) -> xarray.Dataset:
        self.runs += 1
        sweep = np.linspace(0.0, 1.0, PHASES)
        played = rotations(self.ahead)
        played += [both(turned(np.pi / 2, 0.0), turned(np.pi / 2, t - self.ahead)) for t in sweep]
        told = np.empty((program.shots, len(played), 2))
        for k, unitary in enumerate(played):
            chances = np.diag(unitary @ self.rho @ unitary.conj().T).real.clip(0)
            was = self.drawn.choice(4, program.shots, p=chances / chances.sum())
            for end, bit in enumerate((was // 2, was % 2)):
                wrong = self.drawn.random(program.shots) < np.where(bit, ERRORS[1], ERRORS[0])
                told[:, k, end] = bit ^ wrong
        return self.dataset({f"node_{n}.q0": told[:, :, end] for end, n in enumerate("ab")})

    def dataset(self, told: dict[str, np.ndarray]) -> xarray.Dataset:
        """What was told of each qubit (shots, settings), as a run's data have it."""
        dims, volts = ("shot", "setting"), {"units": "V"}
        return xarray.Dataset(
            {
                f"{name}_{part}": (dims, values * (part == "i"), volts)
                for name, values in told.items()
                for part in "iq"
            },
            attrs={
                "run": f"run{self.runs}",
                "epoch": max(self.epochs.values()),
                "epochs": json.dumps(self.epochs),
                "started_tai": str(NOW),
                "started_tai_s": float(NOW.seconds),
            },
        )


def hub_entries() -> list[ParameterEntry]:
    """The same of three nodes, and what a swap at the one in the middle is worth."""
    more = {name.replace("node_b", "node_c"): value for name, value in KNOWN.items()}
    more |= KNOWN | {"link_bc.best_lag": 6e-9, "link_ab.link_bc.swapped_fidelity": 0.70}
    del more["link_ab.bell_fidelity"]
    return [
        ParameterEntry(name, value, max(abs(value) * 1e-3, 1e-9), "1", "run0", "r", 1.8e9, 1)
        for name, value in more.items()
    ]


class HubLab(DrawnLab):
    """Runs a swap at a hub, on a GHZ state with noise."""

    file, ends, entries = HUB, ("node_c", "node_a"), staticmethod(hub_entries)

    def __init__(self, weight: float) -> None:
        super().__init__(weight)
        pure = np.outer(kets(0.6), kets(0.6).conj())
        self.rho = weight * pure + (1 - weight) * np.eye(8) / 8
        self.epochs = {f"ticks_{n}": 1 for n in "abc"}

    async def run(self, program) -> xarray.Dataset:
        self.runs += 1
        up, down = ERRORS
        wrong = np.array([[1 - up, down], [up, 1 - down]])
        told = drawn(self.rho, self.drawn, SWAPPED, [wrong] * 3, program.shots)
        return self.dataset(
            {f"node_{n}.q0": told[end].astype(float) for end, n in enumerate("abc")}
        )


def bench_of(lab: DrawnLab) -> LinkBench:
    link = lab.facility.links["link_ab"]
    record = MemoryRecord(entries())
    return LinkBench.of(lab, link, record, lambda data: None, link_validities(lab.facility))  # type: ignore[arg-type]


@pytest.mark.parametrize("weight", [0.75, 0.95])
async def test_pairs_of_a_run_are_as_good_as_its_own_tomography_says(weight: float) -> None:
    lab = DrawnLab(weight)
    found = await share_pairs(bench_of(lab), 40)
    assert abs(found.fidelity - lab.fidelity) < 5 * found.sigma < 0.1
    assert found.outcomes.shape == (40, 2)
    odd = found.outcomes[:, 0] != found.outcomes[:, 1]
    assert odd.mean() > 0.6
    assert (found.run, found.epochs) == ("run1", lab.epochs)


def test_pairs_are_made_when_the_program_has_them() -> None:
    bench = bench_of(DrawnLab(0.9))
    program = bell_program(bench, WITNESS_SHOTS)
    made = made_times_fs(program, pair_body(bench), HANDED_OUT, 5, 3)
    every = np.broadcast_to(place_in_fs(program).shot_fs, (len(SETTINGS) + PHASES,))
    assert np.diff(made).tolist() == [every.sum()] * 2
    before, own = every[:HANDED_OUT].sum(), every[HANDED_OUT]
    assert 5 + before < made[0] < 5 + before + own
    assert own - (made[0] - 5 - before) < 3e9  # what is left: rotations and readout


@pytest.fixture
def request_of(tmp_path, monkeypatch, capsys):
    """Carry out ``podium link request`` on a drawn lab; return status, answer and words."""

    def carry_out(lab: DrawnLab, *words: str):
        @asynccontextmanager
        async def reached(*args: object, **options: object) -> AsyncIterator[DrawnLab]:
            yield lab

        monkeypatch.setattr("podium.control.processes.lab_access.reached", reached)
        store = tmp_path / "parameters.sqlite"
        if not store.exists():
            with ParameterStore(store) as known:
                known.put(lab.entries())
        asked = ["link", "request", str(lab.file), *lab.ends, "--json", *words]
        status = cli.main([*asked, "--out", str(tmp_path), "--store", str(store)])
        said = capsys.readouterr()
        return status, json.loads(said.out) if said.out else {}, said.err

    return carry_out


def test_a_request_is_answered_with_epochs_fidelity_and_expiry(request_of) -> None:
    lab = DrawnLab(0.9)
    status, answer, _ = request_of(lab, "--fidelity", "0.6", "--number", "3")
    assert (status, answer["refused"], lab.runs) == (0, None, 1)
    assert answer["ends"] == ["node_b", "node_a"]
    calibrated = 0.80 - 3 * 0.80e-3
    for pair in answer["pairs"]:
        assert pair["links"] == ["link_ab"]
        assert pair["epochs"] == {"ticks_a": 1, "ticks_b": 1}
        run = pair["run_fidelity"]
        assert pair["fidelity"] == min(calibrated, run["value"] - 3 * run["sigma"]) <= lab.fidelity
        assert pair["made_tai"] < pair["expires_tai"]
        assert 0 < pair["lasts_s"] < 3e-6
        assert set(pair["read"]) <= {0, 1}


def test_a_run_that_is_worse_than_the_calibration_lowers_the_label(request_of) -> None:
    lab = DrawnLab(0.6)
    status, answer, _ = request_of(lab, "--fidelity", "0.5")
    assert status == 0
    assert answer["pairs"][0]["fidelity"] < lab.fidelity < 0.80
    runs = lab.runs
    status, answer, _ = request_of(lab, "--fidelity", "0.78")
    assert (status, answer["pairs"], lab.runs) == (1, [], runs + 1)
    assert "by what the run has measured its pairs are worth" in answer["refused"]
    status, answer, _ = request_of(lab, "--fidelity", "0.9")
    assert status == 1
    assert "the best there is now is 0.7976, over link_ab" in answer["refused"]


def test_a_clock_that_was_set_anew_since_the_calibration_refuses(request_of, tmp_path) -> None:
    lab = DrawnLab(0.9)
    lab.epochs = {"ticks_a": 1, "ticks_b": 2}
    status, answer, _ = request_of(lab, "--fidelity", "0.6")
    assert (status, answer["pairs"]) == (1, [])
    assert "clocks of link_ab: epoch 1 then, 2 now; calibrate it" in answer["refused"]
    then = xarray.Dataset(
        {"v": ("x", [1.0], {"units": "V"})},
        attrs={"run": "run0", "epochs": json.dumps({"ticks_a": 1, "ticks_b": 0})},
    )
    save_dataset(then, tmp_path / "datasets")
    lab.epochs = {"ticks_a": 1, "ticks_b": 1}  # the greatest is as it was
    status, answer, _ = request_of(lab, "--fidelity", "0.6")
    assert (status, answer["pairs"]) == (1, [])
    assert "ticks_b: epoch 0 then, 1 now; calibrate link_ab" in answer["refused"]


def test_without_a_pair_the_link_is_down_with_the_reason(request_of) -> None:
    status, answer, _ = request_of(DrawnLab(0.0), "--fidelity", "0.6")
    assert status == 1
    assert "they share no pair" in answer["refused"]


def test_a_request_over_a_hub_is_answered_by_swaps(request_of) -> None:
    lab = HubLab(0.6)
    status, answer, _ = request_of(lab, "--fidelity", "0.5", "--number", "4")
    assert (status, answer["refused"], lab.runs) == (0, None, 1)
    # of the outer two 0.6 is a pair, but where the hub is read wrong, and a quarter of the rest
    right = 1 - 0.5 * sum(ERRORS)
    fidelity = 0.6 * right + 0.4 / 4
    for pair in answer["pairs"]:
        assert pair["links"] == ["link_ab.link_bc"]
        assert set(pair["epochs"]) == {"ticks_a", "ticks_b", "ticks_c"}
        run = pair["run_fidelity"]
        assert abs(run["value"] - fidelity) < 4 * run["sigma"] < 0.1
        assert pair["fidelity"] == min(0.70 - 3 * 0.70e-3, run["value"] - 3 * run["sigma"])
        assert 0 < pair["lasts_s"] < 3e-6


def test_over_a_hub_a_pair_that_is_worth_less_is_named(request_of) -> None:
    """As where a link behind it was cut since: what the outer two are left with is no pair."""
    lab = HubLab(0.0)
    status, answer, _ = request_of(lab, "--fidelity", "0.5")
    assert (status, answer["pairs"], lab.runs) == (1, [], 1)
    assert "link_ab.link_bc: by what the run has measured" in answer["refused"]


def test_a_hub_whose_swap_was_never_measured_makes_no_pairs(request_of, monkeypatch) -> None:
    known = [one for one in hub_entries() if "swapped" not in one.name]
    monkeypatch.setattr(HubLab, "entries", lambda self: known)
    status, answer, _ = request_of(HubLab(0.6), "--fidelity", "0.5")
    assert (status, answer["pairs"]) == (1, [])
    assert "link_ab.link_bc.swapped_fidelity is not known: podium link swap" in answer["refused"]


@pytest.mark.parametrize(
    ("words", "says"),
    [
        (["--fidelity", "1.5"], "a fidelity lies above 0 and up to 1"),
        (["--number", "0"], "at least one pair"),
        (["--deadline", "0"], "a deadline above 0 s"),
    ],
)
def test_requests_that_cannot_be_are_named(request_of, words, says) -> None:
    status, _, said = request_of(DrawnLab(0.9), *words)
    assert status == 2
    assert says in said
