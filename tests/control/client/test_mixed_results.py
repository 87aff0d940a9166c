"""Results of a cluster decide what an SHFQC plays in the same shot, and the other way round."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.links.linked_ends import LINKED
from tests.benches.links.linked_lab import linked_lab
from tests.benches.links.photon_readout import remote_flip
from tests.benches.servers.photon_program import NS

from podium.control.calibration.links import result_latency
from podium.control.calibration.links.link_bench import BRANCH_NS, CYCLES_NS, LinkBench
from podium.control.calibration.links.link_session import link_validities
from podium.control.calibration.sequences import on_grid_ns
from podium.control.client.result_latencies import LATE
from podium.control.coordinator.skews import Skews
from podium.control.parameters.memory_record import MemoryRecord
from podium.control.timebase import lead_time
from podium.control.timebase.start_setting import StartSetting
from podium.firmware_interfaces.exact_time import FS_PER_MS, FS_PER_S
from podium.sim_instruments.servers.clock import ClockMode
from podium.sim_instruments.servers.faults import bring_about

pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

MIXED = LINKED.parent / "facility_mixed_wired.yaml"
RACK = LINKED.parent / "facility_mixed_data_qubits.yaml"
"""A PQSC starts the SHFQC."""
WAITS_NS = {"ab": 620, "ba": 760}
"""From a window to what depends on it: by who measures and who acts."""
AHEAD_NS = {MIXED: 359, RACK: 55}
"""By so much earlier than the cluster the SHFQC begins where no skew is corrected."""
LEAD_FS = 1_000 * FS_PER_MS
"""From FIRE to the start: no busy machine is too late for it."""
SHOTS, KNOWN = 120, 400
SIGMAS = 5


def near(found: np.ndarray, whole: np.ndarray) -> None:
    """Hold a mean of shots against that of a run that is known as a whole."""
    middle = whole.mean()
    sigma = np.sqrt(max(middle * (1 - middle), 0.01) * (1 / len(found) + 1 / len(whole)))
    assert abs(found.mean() - middle) < SIGMAS * sigma, (found.mean(), middle, sigma)


def as_corrected(file: Path) -> Callable[[Skews, Sequence[str]], dict[str, StartSetting]]:
    """Return how both begin together, to a nanosecond: what measuring their skew finds."""
    ahead_ns = {"zi_b": AHEAD_NS[file]}

    def as_wired(self: Skews, controllers: Sequence[str]) -> dict[str, StartSetting]:
        return {name: StartSetting(0, ahead_ns.get(name, 0)) for name in controllers}

    return as_wired


@pytest.mark.slow
@pytest.mark.timeout(900)
@pytest.mark.parametrize(("file", "ends"), [(MIXED, "ab"), (MIXED, "ba"), (RACK, "ab")])
async def test_a_result_of_one_family_flips_the_qubit_of_the_other_in_the_same_shot(
    file: Path, ends: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Skews, "as_wired", as_corrected(file))
    monkeypatch.setattr(lead_time, "DEFAULT_FS", LEAD_FS)
    async with linked_lab(file, 3, tmp_path, ClockMode.LEAP) as linked:

        async def flipped(flips: bool | None = None) -> list[np.ndarray]:
            shots = SHOTS if flips is None else KNOWN
            wait_fs = WAITS_NS[ends] * NS
            data = await linked.lab.run(
                remote_flip(linked.made, linked.levels, wait_fs, shots, ends=ends, flips=flips)
            )
            return [data[f"{end}_outcome"].values.astype(bool) for end in ends]

        one, other = await flipped()
        _, always = await flipped(True)
        _, never = await flipped(False)
        bring_about(linked.serving, "unplug", f"{ends[0]}_to_{ends[1]}.result")
        _, cut = await flipped()
    assert 0.3 < one.mean() < 0.7
    near(other[one], always)
    near(other[~one], never)
    near(cut, never)
    assert always.mean() - never.mean() > 0.5


@pytest.mark.slow
@pytest.mark.timeout(900)
async def test_latencies_between_families_are_measured_both_ways(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Skews, "as_wired", as_corrected(MIXED))
    monkeypatch.setattr(lead_time, "DEFAULT_FS", LEAD_FS)
    monkeypatch.setattr(result_latency, "WIRED_SHOTS", 8)
    monkeypatch.setattr(result_latency, "POINTS", 80)
    async with linked_lab(MIXED, 3, tmp_path, ClockMode.LEAP) as linked:
        facility = linked.lab.facility
        link, validities = facility.links["link_ab"], link_validities(facility)
        bench = LinkBench.of(linked.lab, link, MemoryRecord(), lambda data: None, validities)
        outcome = await result_latency.result_latency(bench)
        assert not outcome.failures
        towards = outcome.measured["link_ab.result_latency"]
        latency_fs = round((towards.value + LATE * towards.sigma) * FS_PER_S)
        wait_fs = on_grid_ns(latency_fs / FS_PER_S + (CYCLES_NS + BRANCH_NS) * 1e-9) * NS
        program = remote_flip(linked.made, linked.levels, wait_fs, SHOTS)
        program = replace(program, result_latencies=(("a_to_b", latency_fs),))
        data = await linked.lab.run(program)
    # shown, 15 ns of cable, seen by the generator, which acts; starts to a nanosecond
    assert towards.value * 1e9 == pytest.approx(368 + 15 + 54 + 100, abs=8)
    back = outcome.measured["link_ab.result_latency_back"]
    # shown, 15 ns of cable, a QTM's edge to all sequencers
    assert back.value * 1e9 == pytest.approx(320 + 15 + 340, abs=8)
    one, other = (data[f"{end}_outcome"].values.astype(bool) for end in "ab")
    assert (one == other).mean() > 0.75, "readouts and decay within them take some 10 %"
