"""A scan with active reset, as Podium compiles it: walked on a tree, it is what it was before."""

from dataclasses import replace

import numpy as np
import pytest
from benches.active_scan import scans

from podium.sim_instruments.twins.qblox_cluster.runs.execution import FOR_EVER, Execution
from podium.sim_instruments.twins.qblox_cluster.runs.sequencer_run import RunOutcome
from podium.sim_instruments.twins.zurich.runs.feedback_run import FeedbackRun
from podium.sim_instruments.twins.zurich.runs.precomputed_run import PrecomputedRun

QUBITS, SHOTS = 3, 2
RACK_SHOTS = 12
"""A scan comes again often enough for a readout to stand for another one."""


@pytest.mark.parametrize("imperfect", [(), ("lo_q2.iq",)], ids=["perfect", "leaking modulator"])
async def test_a_compiled_scan_that_is_walked_is_equal_to_the_bit(
    tmp_path, monkeypatch, imperfect
) -> None:
    """Each run is played as it comes, at the same instant and with the same number, and walked."""
    played: list[tuple[RunOutcome | None, ...]] = []
    walk = Execution._walk

    def both(self, play, *, final: bool) -> RunOutcome | None:
        other = Execution(self._runs, self._number, self._start_tick, self._clock, self._routes)
        as_it_comes = other._advance(other._feedback_of(()), FOR_EVER, FOR_EVER, play)
        assert isinstance(as_it_comes, RunOutcome)
        played.append((walk(self, play, final=final), as_it_comes))
        return played[-1][0]

    monkeypatch.setattr(Execution, "_walk", both)
    (scan,) = (await scans(tmp_path, {QUBITS: SHOTS}, imperfect=imperfect)).values()
    assert scan.walked == len(played) == 1
    walked, other = played[0]
    assert walked is not None
    assert other is not None
    assert walked.triggers.size
    assert np.array_equal(walked.triggers, other.triggers)
    for one, same in zip(walked.sequencers, other.sequencers, strict=True):
        assert (one.end_ns, one.flags, one.log) == (same.end_ns, same.flags, same.log)
        assert one.registers == same.registers
        assert one.bins.keys() == same.bins.keys()
        for index, bins in one.bins.items():
            assert bins.tobytes() == same.bins[index].tobytes()
            assert (bins["average_count"] == SHOTS).all()


@pytest.mark.slow
async def test_a_scan_whose_results_a_pqsc_forwards_is_equal_to_the_bit(
    tmp_path, monkeypatch
) -> None:
    """An SHFQA measures, an SHFSG flips: the same as of a cluster."""
    played: list[tuple[PrecomputedRun | None, PrecomputedRun]] = []
    walked = FeedbackRun._walked

    def both(self) -> PrecomputedRun | None:
        found = walked(self)
        again = [replace(one, run=one.run.again()) for one in self._participants]
        forwarding = self._routes.forwarding
        other = FeedbackRun(again, self._number, self._origin_fs, self._time, forwarding)
        with monkeypatch.context() as alone:
            alone.setattr(FeedbackRun, "_walked", lambda _: None)
            as_it_comes = other.go_on(0, self._play)
        assert isinstance(as_it_comes, PrecomputedRun)
        played.append((found, as_it_comes))
        return found

    monkeypatch.setattr(FeedbackRun, "_walked", both)
    (scan,) = (await scans(tmp_path, {1: RACK_SHOTS}, example="zi_rack")).values()
    assert scan.walked == len(played) == 1
    found, other = played[0]
    assert found is not None
    assert found.bank == other.bank
    assert found.ends_fs == other.ends_fs
    assert found.results.keys() == other.results.keys()
    for key, sums in found.results.items():
        assert sums.of_unit.keys() == other.results[key].of_unit.keys()
        for unit, values in sums.of_unit.items():
            assert np.ptp(values.real) > 0
            assert values.tobytes() == other.results[key].of_unit[unit].tobytes()
