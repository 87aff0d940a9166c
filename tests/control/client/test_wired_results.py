"""Results of one cluster decide what another one plays, by a line from a marker to a QTM."""

from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED
from tests.benches.links.linked_lab import linked_lab
from tests.benches.links.photon_readout import pair_flip, remote_flip
from tests.benches.servers.photon_program import NS

from podium.control.client.result_latencies import line_between, stored_latencies
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.program.program import Program
from podium.control.runs.errors import RunRefused
from podium.sim_instruments.servers.faults import bring_about

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

WIRED = LINKED.parent / "facility_wired.yaml"
SHOTS = 150
PAIRS = 60


def measured(value_s: float, name: str = "link_ab.result_latency") -> ParameterEntry:
    return ParameterEntry(name, value_s, 1e-9, "s", "1", "result_latency", 0.0, 0)


def test_the_latency_of_a_line_is_that_of_the_link_between_its_nodes() -> None:
    facility = load_facility(str(WIRED), None)
    line = line_between(facility, "node_b", "node_a")
    assert line is not None
    assert line.name == "b_to_a"
    record = MemoryRecord([measured(723e-9)])
    assert stored_latencies(facility, record) == (("a_to_b", 726_000_000),)
    assert stored_latencies(load_facility(str(LINKED), None), record) == ()


@pytest.mark.slow
async def test_a_result_of_one_cluster_flips_the_qubit_of_another(tmp_path: Path) -> None:
    async with linked_lab(WIRED, 3, tmp_path) as linked:

        def flip(wait_fs: int) -> Program:
            return remote_flip(linked.made, linked.levels, wait_fs, SHOTS)

        data = await linked.lab.run(flip(780 * NS))
        with pytest.raises(RunRefused, match=r"by a_to_b.* ns too late .* let it wait"):
            await linked.lab.run(flip(500 * NS))
        bring_about(linked.serving, "unplug", "a_to_b.result")
        cut = await linked.lab.run(flip(780 * NS))
    one, other = data["a_outcome"].values, data["b_outcome"].values
    assert 0.3 < one.mean() < 0.7
    assert (one == other).mean() > 0.8, "readouts and decay within them take some 10 %"
    assert np.mean(cut["b_outcome"].values) < 0.2, "nothing arrives, and nobody waits for it"


@pytest.mark.slow
async def test_a_result_goes_over_an_output_of_a_time_tagger_as_well(tmp_path: Path) -> None:
    """One module of each cluster shows results at one channel and listens at another."""
    text = WIRED.read_text()
    for cluster in ("cluster_a", "cluster_b"):
        text = text.replace(f"{cluster}.slot4.marker3", f"{cluster}.slot6.io5")
    facility = tmp_path / "facility.yaml"
    facility.write_text(text)
    async with linked_lab(facility, 3, tmp_path) as linked:
        found = {}
        for ends in ("ab", "ba"):
            program = remote_flip(linked.made, linked.levels, 780 * NS, SHOTS, ends=ends)
            data = await linked.lab.run(program)
            found[ends] = [data[f"{end}_outcome"].values for end in ends]
        bring_about(linked.serving, "unplug", "a_to_b.result")
        program = remote_flip(linked.made, linked.levels, 780 * NS, SHOTS)
        cut = await linked.lab.run(program)
    for one, other in found.values():
        assert 0.3 < one.mean() < 0.7
        assert (one == other).mean() > 0.8, "readouts and decay within them take some 10 %"
    assert np.mean(cut["b_outcome"].values) < 0.2, "nothing arrives, and nobody waits for it"


@pytest.mark.slow
async def test_a_half_of_a_pair_flips_the_other_on_another_cluster(tmp_path: Path) -> None:
    """Both runs go on piece by piece: photons, a result, a flip that depends on it, in turns."""
    async with linked_lab(WIRED, 3, tmp_path) as linked:
        found = []
        for flips in (True, False):
            program = pair_flip(linked.made, linked.levels, 780 * NS, PAIRS, flips=flips)
            data = await linked.lab.run(program)
            found.append([data[f"{end}_outcome"].values.astype(bool) for end in "ab"])
    for one, _ in found:
        assert 0.3 < one.mean() < 0.7
    (with_flip, flipped), (one, other) = found
    # photons that are lost leave b in 0, here a third of them or more: starts are not corrected
    assert other[one].mean() < 0.2, "a kept its excitation: no photon came"
    assert flipped[with_flip].mean() > 0.6, "its result flips b"
