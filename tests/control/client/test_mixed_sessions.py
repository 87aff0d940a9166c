"""A cluster and an SHFQC share photons in runs whose pulses depend on results of their own."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED
from tests.benches.links.linked_lab import linked_lab
from tests.benches.links.photon_readout import both_reset

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

MIXED = LINKED.parent / "facility_mixed.yaml"
LAG_NS = 364
"""By so much later the cluster begins where no skew is corrected."""
SHOTS = 60


@pytest.mark.slow
async def test_an_shfqc_catches_a_photon_in_a_run_that_branches(tmp_path: Path) -> None:
    """As in one that does not: its qubit is in 1 in 0.6 of the shots, and found so in 0.5."""
    async with linked_lab(MIXED, 3, tmp_path) as linked:
        data = await linked.lab.run(both_reset(linked.made, linked.levels, LAG_NS, SHOTS))
    sent, caught = (data[f"{end}_outcome"].values.astype(bool) for end in "ab")
    assert caught[~sent].mean() > 0.3, "three sigma below"
    again = data["b_again_i"].values + 1j * data["b_again_q"].values
    heard = np.real(again * np.exp(2j * np.pi * linked.levels["b"].rotation_turns))
    assert heard.min() > 0.5 * linked.levels["b"].threshold_v, "a tone is heard in each window"
