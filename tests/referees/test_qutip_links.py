"""QuTiP solves the same links from scratch, on all states, and judges their channels."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.physics.qutip_links import judged
from tests.benches.thoroughness import cases

from podium.sim_instruments.physics.links.herald_station import (
    HeraldStation,
    StationArm,
    StationDetector,
)
from podium.sim_instruments.physics.links.link_channel import evolve_window
from podium.sim_instruments.physics.links.link_window import (
    Atom,
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.window_steps import steps_of

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

TOLERANCE = 5e-6
NS = 1_000_000


def random_window(
    random: np.random.Generator, *, hot: float = 0.0, back: float = 0.0
) -> LinkWindow:
    """A window with two drives of no particular use and everything else that a link has."""

    def end() -> WindowEnd:
        rates = np.array([[0, 1, 0], [3e-3, 0, 2], [0, 2e-3, 0]]) * random.uniform(1e5, 4e5)
        dephasing = random.uniform(1e5, 5e5, (3, 3))
        count = 90
        height = random.uniform(2e6, 6e6) * np.exp(2j * np.pi * random.uniform())
        shape = np.sin(np.pi * (np.arange(count) + 0.5) / count) ** 2
        chirp = np.exp(1j * random.uniform(-1, 1) * np.arange(count) / count)
        return WindowEnd(
            Atom(rates, 0.5 * (dephasing + dephasing.T), random.uniform(-2e-8, 2e-8)),
            TransferResonator(random.uniform(6e6, 14e6), random.uniform(-1e6, 1e6), hot),
            Sideband(
                height * shape * chirp,
                int(random.integers(-5 * NS, 20 * NS)),
                NS,
                random.uniform(-2e6, 2e6),
            ),
            int(random.integers(0, 4 * NS)),
            int(random.integers(100 * NS, 130 * NS)),
        )

    way = Way(
        np.sqrt(0.77) * np.exp(2j * np.pi * random.uniform()),
        int(random.integers(3 * NS, 12 * NS)),
        np.sqrt(back) * np.exp(2j * np.pi * random.uniform()),
    )
    return LinkWindow((end(), end()), way)


def random_state(inputs: tuple[tuple[int, int], ...], random: np.random.Generator) -> np.ndarray:
    """A mixed state of the atoms with these levels."""
    count = len(inputs)
    matrix = random.normal(size=(count, count)) + 1j * random.normal(size=(count, count))
    matrix = matrix @ matrix.conj().T
    state = np.zeros((9, 9), np.complex128)
    numbers = [3 * first + second for first, second in inputs]
    state[np.ix_(numbers, numbers)] = matrix / np.trace(matrix).real
    return state


def agreement(window: LinkWindow, seed: int, photons: int) -> float:
    """The largest difference of an element of the state."""
    state = random_state(window.inputs, np.random.default_rng(seed))
    found = evolve_window(window).channel.apply(state)
    return float(np.abs(found - judged(window, state, photons)).max())


def test_a_photon_between_two_atoms_comes_out_as_of_qutip() -> None:
    for seed in range(cases(2, 40)):
        window = random_window(np.random.default_rng(seed))
        assert agreement(window, seed, 2) < TOLERANCE, seed


def test_a_way_that_leads_back_comes_out_as_of_qutip() -> None:
    for seed in range(cases(1, 20)):
        window = random_window(np.random.default_rng(seed), back=0.1)
        assert agreement(window, seed, 2) < TOLERANCE, seed


def station_window(seed: int) -> tuple[LinkWindow, HeraldStation]:
    """Two emitters whose photons meet, all levels of both, and arms and detectors that differ."""
    random = np.random.default_rng(seed)
    window = random_window(random)
    arms = [StationArm(one, 0.0, 0.0, 1.0, 0) for one in random.uniform(0.3, 1.0, 2)]
    detectors = [StationDetector(one, 0.0, 0, 0) for one in random.uniform(0.4, 1.0, 2)]
    everything = tuple((k, m) for k in range(3) for m in range(3))
    way = Way(0j, window.way.delay_fs)
    window = replace(window, way=way, inputs=everything, photons=2)
    return window, HeraldStation((arms[0], arms[1]), (detectors[0], detectors[1]))


def test_what_two_emitters_do_while_detectors_stay_silent_is_as_of_qutip() -> None:
    """Every set of silent detectors; behind a beam splitter the second port has two signs.

    By ``make test`` the first of them is not silent alone: it has the sign of an emitter alone.
    """
    sets = ((False, False), (False, True), (True, True), (True, False))
    for seed in range(cases(1, 10)):
        window, station = station_window(seed)
        state = random_state(window.inputs, np.random.default_rng(seed))
        traces = {}
        for silent in sets[: cases(3, 4)]:
            looked = replace(window, unseen=station.seen(silent))
            ways = np.sqrt([arm.efficiency for arm in station.arms])
            ports = [
                np.sqrt(one.efficiency / 2) * ways * np.array([1.0, sign])
                for one, sign, quiet in zip(station.detectors, (1, -1), silent, strict=True)
                if quiet
            ]
            channel = evolve_window(looked).channel
            last = 1e-6 * (steps_of(looked).start_fs[-1] - steps_of(window).start_fs[-1])
            wanted = judged(window, state, 2, [list(one) for one in ports], float(last))
            found = channel.apply(state)
            assert np.abs(found - wanted).max() < TOLERANCE, (seed, silent)
            traces[silent] = float(np.trace(found).real)
        assert traces[False, False] == pytest.approx(1.0, abs=1e-5)
        one = [traces[silent] for silent in traces if sum(silent) == 1]
        assert traces[True, True] < min(one) < 0.99  # detectors do see some of it


@pytest.mark.slow
def test_thermal_photons_come_out_as_of_qutip() -> None:
    for seed in range(cases(1, 10)):
        window = random_window(np.random.default_rng(seed), hot=0.01)
        assert agreement(window, seed, 3) < TOLERANCE, seed


@pytest.mark.slow
def test_two_excited_atoms_come_out_as_of_qutip() -> None:
    everything = tuple((k, m) for k in range(3) for m in range(3))
    for seed in range(cases(1, 10)):
        window = replace(random_window(np.random.default_rng(seed)), inputs=everything)
        assert agreement(window, seed, 3) < TOLERANCE, seed
