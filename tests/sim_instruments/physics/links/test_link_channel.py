"""Channels of a link's window: what they are for any numbers, and how little is evolved."""

import pickle
from dataclasses import replace

import numpy as np
import pytest

from podium.sim_instruments.physics.links.dephasing import (
    independent_lines,
    number_operator,
    two_sigma_z,
)
from podium.sim_instruments.physics.links.link_channel import channel_of, evolve_window
from podium.sim_instruments.physics.links.link_experiment import SENT, atom_of
from podium.sim_instruments.physics.links.link_window import (
    LinkWindow,
    Sideband,
    TransferResonator,
    Way,
    WindowEnd,
)
from podium.sim_instruments.physics.links.sech_photon import sideband

NS = 1_000_000
EVERYTHING = tuple((k, m) for k in range(3) for m in range(3))
MODELS = [number_operator, independent_lines, two_sigma_z]


def window(
    model: object = number_operator, *, thermal: float = 0.0, warm: float = 0.0
) -> LinkWindow:
    """A link of typical numbers; ``warm``: what heats the atoms over what cools them."""
    ends = []
    for e, kind in enumerate(("emission", "catch")):
        atom = atom_of(5e-6, 2.3e-6, 3.4e-6, 2.1e-6, model)
        atom.rates_1_s[1, 0] = warm * atom.rates_1_s[0, 1]
        band = sideband(kind, 8e6, 10e6, length_ns=160, centre_fs=(80 + 5 * e) * NS)
        resonator = TransferResonator(10e6, 0.0, thermal)
        ends.append(WindowEnd(atom, resonator, band, 0, 170 * NS))
    return LinkWindow((ends[0], ends[1]), Way(0.9j, 5 * NS), SENT)


def choi(matrix: np.ndarray, count: int) -> np.ndarray:
    """The channel's Choi matrix (9 n, 9 n)."""
    return matrix.reshape(9, 9, count, count).transpose(0, 2, 1, 3).reshape(9 * count, -1)


@pytest.mark.parametrize("model", MODELS)
@pytest.mark.parametrize(("thermal", "inputs"), [(0.0, SENT), (0.0, EVERYTHING), (0.02, SENT)])
def test_a_channel_is_completely_positive_and_keeps_the_trace(
    model: object, thermal: float, inputs: tuple[tuple[int, int], ...]
) -> None:
    found = evolve_window(replace(window(model, thermal=thermal), inputs=inputs)).channel
    count = len(inputs)
    assert np.linalg.eigvalsh(choi(found.matrix, count)).min() > -2e-6
    traces = np.einsum("kkij->ij", found.matrix.reshape(9, 9, count, count))
    assert np.abs(traces - np.eye(count)).max() < 1e-5
    assert found.lost_trace < 1e-5


def test_one_photon_between_cold_atoms_takes_seven_states() -> None:
    assert evolve_window(window()).states == 7
    assert evolve_window(window(warm=0.01)).states > 7
    assert evolve_window(window(warm=1e-9)).states == 7


def test_what_is_left_out_costs_less_than_a_few_times_the_bound() -> None:
    for one in (window(warm=0.02), window(thermal=0.01)):
        whole = evolve_window(replace(one, bound=1e-10, photons=4)).channel.matrix
        for bound in (1e-6, 1e-5):
            part = evolve_window(replace(one, bound=bound, photons=4))
            assert np.abs(part.channel.matrix - whole).max() < 3 * bound


def test_two_fock_levels_are_wrong_where_there_are_thermal_photons() -> None:
    hot = window(thermal=0.01)
    three, two = (evolve_window(replace(hot, photons=n)).channel.matrix for n in (3, 2))
    assert np.abs(three - two).max() > 5e-3
    four = evolve_window(replace(hot, photons=4)).channel.matrix
    assert np.abs(four - three).max() < 2e-3


def test_a_state_outside_the_inputs_is_refused() -> None:
    state = np.zeros((9, 9), np.complex128)
    state[1, 1] = 1
    with pytest.raises(ValueError, match="name them among the window's inputs"):
        evolve_window(window()).channel.apply(state)


def test_equal_contents_are_worked_out_once_and_travel() -> None:
    one, other = window(), window()
    assert one.digest() == other.digest() == pickle.loads(pickle.dumps(one)).digest()
    assert channel_of(one) is channel_of(other)
    later = replace(one, way=replace(one.way, delay_fs=one.way.delay_fs + 1))
    assert later.digest() != one.digest()
    found = pickle.loads(pickle.dumps(channel_of(one)))
    assert np.array_equal(found.channel.matrix, channel_of(one).channel.matrix)


def test_silent_atoms_decay_for_as_long_as_their_windows_last() -> None:
    quiet = Sideband(np.zeros(0, np.complex128), 0, NS)
    base = window()
    ends = tuple(
        replace(end, sideband=quiet, start_fs=start, stop_fs=start + length)
        for end, start, length in zip(base.ends, (20 * NS, 0), (100 * NS, 300_000_000), strict=True)
    )
    state = np.zeros((9, 9), np.complex128)
    state[4, 4] = 1
    one = replace(base, ends=(ends[0], ends[1]), inputs=((1, 1), (0, 0)))
    after = evolve_window(one).channel.apply(state).reshape(3, 3, 3, 3)
    first, second = np.einsum("abcb->ac", after), np.einsum("abac->bc", after)
    assert first[1, 1].real == pytest.approx(np.exp(-100e-9 / 5e-6), abs=1e-6)
    assert second[1, 1].real == pytest.approx(np.exp(-300e-9 / 5e-6), abs=1e-6)


def test_a_photon_arrives_after_the_time_of_flight_and_not_before() -> None:
    base = window()
    still = base.ends[1]
    for delay_ns, arrives in ((5, True), (400, False)):
        one = replace(base, way=replace(base.way, delay_fs=delay_ns * NS))
        population = evolve_window(one).channel.matrix.reshape(9, 9, 3, 3)[2, 2, 2, 2].real
        assert (population > 0.5) == arrives
    assert still.sideband.first_fs == 5 * NS


def test_photons_that_come_back_to_the_first_end_change_its_emission() -> None:
    base = window()
    back = replace(base, way=replace(base.way, backward=0.3))
    one, other = evolve_window(base).photon, evolve_window(back).photon
    assert one is not None
    assert other is not None
    assert abs(other.caught - one.caught) > 1e-3
    assert abs(other.emitted - one.emitted) > 1e-4


@pytest.mark.parametrize(
    "broken",
    [
        lambda w: replace(w, way=Way(1.2, 0)),
        lambda w: replace(w, way=Way(1.0, 0, 0.95)),
        lambda w: replace(w, inputs=()),
        lambda w: replace(w, inputs=((0, 0), (0, 0))),
        lambda w: replace(w, ends=(replace(w.ends[0], stop_fs=-1), w.ends[1])),
    ],
)
def test_numbers_that_no_link_has_are_refused(broken: object) -> None:
    assert callable(broken)
    with pytest.raises(ValueError, match=r"amplify|inputs|window from"):
        broken(window())
