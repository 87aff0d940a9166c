"""QuTiP solves both links of a GHZ state over a hub, and judges the best that a world allows."""

import numpy as np
import pytest
from tests.benches.physics.lossy_links import PULSES, relay
from tests.benches.physics.qutip_links import judged

from podium.sim_instruments.physics.links.link_truth import coarse
from podium.sim_instruments.physics.links.link_window import LinkWindow
from podium.sim_instruments.physics.links.relay_truth import ghz_fidelity, shared_by_three

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")

STILL = (0.0, 0.0, 0.0)
T1_S = 5e-6


def by_qutip(windows: tuple[LinkWindow, LinkWindow], t1_s: float) -> float:
    """Fidelity of three, each link's master equation solved on all its states.

    The first end waits in g and e alone, which decay to g by hand.
    """
    pair = np.zeros((9, 9), complex)
    pair[np.ix_([3, 6], [3, 6])] = 0.5
    pair = judged(windows[0], pair, 2)
    swap = np.eye(3)[[1, 0, 2]]
    flip = np.kron(np.eye(3), swap)
    pair = flip @ pair @ flip
    hub = pair.reshape(3, 3, 3, 3)
    spent = 1e-15 * (windows[1].ends[0].stop_fs - windows[1].ends[0].start_fs) / t1_s
    stays = np.exp(-spent)
    ground, excited, between = hub[0, :, 0], hub[1, :, 1], hub[1, :, 0]
    parts = {}
    for name, part in (("gg", ground + (1 - stays) * excited), ("ee", stays * excited)):
        start = np.kron(part, np.diag([1.0, 0, 0]))
        weight = np.trace(start).real
        parts[name] = weight * judged(windows[1], start / weight, 2)
    # a coherence is no state: it is taken from four that are
    mixed = np.zeros((9, 9), complex)
    for turn in (1, 1j, -1, -1j):
        # of the hub alone: rho of (g + turn e of the first end) / sqrt 2
        seen = 0.5 * (ground + excited + np.conj(turn) * between + turn * between.conj().T)
        start = np.kron(seen, np.diag([1.0, 0, 0]))
        weight = np.trace(start).real
        mixed += 0.5 * turn * weight * judged(windows[1], start / weight, 2)
    mixed *= np.sqrt(stays)
    # |1 1 0>: hub e, last g: 3; |0 0 1>: hub g, last f: 2
    straight = parts["ee"][3, 3] + parts["gg"][2, 2]
    return float(0.5 * straight.real + abs(mixed[3, 2]))


@pytest.mark.slow
def test_a_ghz_state_over_a_hub_comes_out_as_of_qutip() -> None:
    here = relay(T1_S)
    windows = coarse(here.window(0, PULSES[0])), coarse(here.window(1, PULSES[1]))
    found = ghz_fidelity(shared_by_three(windows, STILL))
    assert found == pytest.approx(by_qutip(windows, T1_S), abs=3e-4)
    assert 0.55 < found < 0.75
