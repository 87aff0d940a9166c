"""Processes of nodes that are killed while a photon is on its way, and while a pair is held."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.servers.photon_program import NS
from tests.chaos.link_kills import LINKED, LinkKills, whole_of
from tests.chaos.twin_laboratory import TwinLaboratory

from podium.control.program.program import Capture, Program


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_node_that_is_killed_ends_its_run_and_no_later_one(tmp_path: Path) -> None:
    """No run hangs or ends with a part of its shots, and the photons after it are what they were.

    Four kills at any instant of a run; a run may also have ended before.
    """
    kinds = ("photon", "pair") * 2
    found = await LinkKills(TwinLaboratory(tmp_path, 5, LINKED)).run(kinds)
    assert found.hung == []
    assert len(found.refused) + found.completed == len(kinds) == found.beside
    assert found.refused, "all kills came too late"
    assert len(found.caught) == 1 + len(kinds)
    # sigma of a mean: 0.012 or so
    assert np.ptp(found.caught) < 0.08, found
    assert 0.5 < np.mean(found.caught) < 0.85, found


@pytest.mark.slow
@pytest.mark.timeout(1800)
async def test_a_hub_that_is_killed_while_it_holds_a_pair_leaves_the_others_at_work(
    tmp_path: Path,
) -> None:
    """Its half of a pair goes on to a third node, or the run says why not."""
    kinds = ("pair",) * 3
    laboratory = TwinLaboratory(tmp_path, 7, LINKED, "facility_hub.yaml")
    found = await LinkKills(laboratory, ("link_ab", "link_bc"), "b").run(kinds)
    assert found.hung == []
    assert len(found.refused) + found.completed == len(kinds) == found.beside
    assert found.refused, "all kills came too late"
    # two photons are lost as one is, and the qubits live 5 us
    assert np.ptp(found.caught) < 0.08, found
    assert 0.25 < np.mean(found.caught) < 0.65, found


def test_signals_with_a_missing_shot_are_no_whole_run() -> None:
    class Column:
        def __init__(self, values: np.ndarray) -> None:
            self.values = values

    reads = tuple(Capture(f"{end}.read", end, 600 * NS) for end in "ab")
    program = Program("two", (), reads, shots=5, keep_shots=True)
    data = {f"{end}_{part}": Column(np.ones(5)) for end in "ab" for part in "iq"}
    assert whole_of(data, program).shape == (2, 5)
    with pytest.raises(AssertionError, match="of 6 shots"):
        whole_of(data, replace(program, shots=6))
    data["b_q"] = Column(np.array([1.0, np.nan, 1.0, 1.0, 1.0]))
    with pytest.raises(AssertionError, match="of 5 shots"):
        whole_of(data, program)
