"""QuTiP plays five coupled transmons through the circuit of a GHZ state: 243 levels.

Pure states on the whole circuit, and the master equation with T1 and dephasing on the part that
makes the state of two and of three of them.
"""

import numpy as np
import pytest
from tests.benches.physics.five_transmons import Row
from tests.benches.referees.qutip_row import QutipRow, ours
from tests.benches.thoroughness import sampled

pytestmark = pytest.mark.filterwarnings("ignore::FutureWarning", "ignore::DeprecationWarning")


def judged(row: Row, *, decays: bool) -> float:
    """Return by how much populations differ from QuTiP's at most."""
    found, wanted = ours(row, decays=decays), QutipRow(row, decays=decays).play()
    assert abs(wanted.sum() - 1) < 1e-4
    return float(np.abs(found - wanted).max())


@pytest.mark.parametrize("count", sampled([3, 5], kept=[3]))
def test_a_ghz_state_comes_out_as_of_qutip(count: int) -> None:
    """Of five it takes ten gates."""
    row = Row(count)
    row.ghz()
    assert judged(row, decays=False) < 1e-3
    basis = row.point().basis
    halves = ours(row, decays=True)[[basis.index(*[n] * row.count) for n in (0, 1)]]
    assert np.all(halves > 0.4)


@pytest.mark.slow
def test_its_coherence_does() -> None:
    """All five are turned by pi/2 behind it: populations tell the phase between both halves."""
    row = Row()
    row.ghz()
    for k in range(row.count):
        row.turn([k], 0.5, 0.07)
    assert judged(row, decays=False) < 1e-3


def test_jumps_come_out_as_of_its_master_equation() -> None:
    """Populations of the whole chain of two, with an excitation lost in every third shot."""
    row = Row(2, 4e-6)
    row.ghz()
    row.turn([0], 0.5, 0.07)
    row.turn([1], 0.5, 0.07)
    assert judged(row, decays=True) < 1e-3
