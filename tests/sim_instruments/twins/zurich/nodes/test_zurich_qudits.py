"""Multi-state discrimination on the data server: who has which integrators, what is logged."""

import numpy as np
import pytest
from tests.benches.zurich.device_bench import QA, READOUT, US, Bench

from podium.firmware_interfaces.zurich.refusals import Refused
from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of

MULTISTATE = f"{READOUT}/multistate"
ASSIGNMENT = {2: [0, 1], 3: [0, 1, 0, 1, 0, 0, 2, 2]}
"""What zhinst-utils 0.7.2 works out for so many states."""


@pytest.fixture
def bench():
    return Bench()


def set_qudit(bench, index, states, weights, thresholds=()):
    start = f"{MULTISTATE}/qudits/{index}"
    bench.set(f"{start}/numstates", states)
    bench.set(f"{start}/enable", 1)
    bench.set(f"{start}/assignmentvec", vector_of(np.array(ASSIGNMENT[states], np.uint32)))
    for k, weight in enumerate(weights):
        bench.set(f"{start}/weights/{k}/wave", vector_of(np.full(256, weight + 0j)))
    for k, threshold in enumerate(thresholds):
        bench.set(f"{start}/thresholds/{k}/value", threshold)


def index_of(bench, qudit):
    return bench.get(f"{MULTISTATE}/qudits/{qudit}/integrator/indexvec").numbers().tolist()


def test_integrators_follow_the_qudits_that_are_on(bench):
    set_qudit(bench, 1, 3, ())
    set_qudit(bench, 4, 2, ())
    assert (index_of(bench, 1), index_of(bench, 4), index_of(bench, 0)) == ([0, 1], [2], [])
    assert bench.get(f"{MULTISTATE}/qudits/4/integrator/startindex") == 2
    assert bench.get(f"{MULTISTATE}/integratorcount") == 3
    assert bench.get(f"{MULTISTATE}/integratorusage") == pytest.approx(100 * 3 / 16)
    bench.set(f"{MULTISTATE}/qudits/1/enable", 0)
    assert index_of(bench, 4) == [0]
    bench.set(f"{MULTISTATE}/clear", 1)
    assert bench.get(f"{MULTISTATE}/integratorcount") == bench.get(f"{MULTISTATE}/clear") == 0


def test_too_many_are_told_and_do_not_run(bench):
    bench.set("qachannels/0/mode", 1)
    bench.set(f"{MULTISTATE}/enable", 1)
    for index in range(6):
        bench.set(f"{MULTISTATE}/qudits/{index}/numstates", 4)
    assert bench.get(f"{MULTISTATE}/valid") == 1
    for index in range(6):
        bench.set(f"{MULTISTATE}/qudits/{index}/enable", 1)
        bench.set(f"{MULTISTATE}/qudits/{index}/assignmentvec", vector_of(np.zeros(64, np.uint32)))
    assert bench.get(f"{MULTISTATE}/valid") == 0
    assert bench.get(f"{MULTISTATE}/qudits/6/available") == 0
    bench.upload(QA, "startQA(QA_GEN_0, QA_INT_0);")
    with pytest.raises(Refused, match="qudit 5 needs integrator 17, there are 16"):
        bench.set(f"{QA}/enable", 1)


@pytest.mark.parametrize("source", [1, 3])
def test_sums_are_logged_by_integrator_and_states_by_qudit(bench, source):
    bench.set("qachannels/0/mode", 1)
    bench.set("qachannels/0/generator/waveforms/0/wave", vector_of(np.full(256, 0.5 + 0j)))
    bench.set(f"{READOUT}/integration/length", 256)
    bench.set(f"{MULTISTATE}/enable", 1)
    set_qudit(bench, 0, 3, (0.25, 0.5), (1.0, 1.0, 1.0))
    set_qudit(bench, 2, 2, (1.0,), (100.0,))
    bench.set(f"{READOUT}/result/source", source)
    bench.upload(QA, "startQA(QA_GEN_0, QA_INT_0 | QA_INT_2);")
    bench.set(f"{READOUT}/result/enable", 1)
    bench.set(f"{QA}/enable", 1)
    bench.wait(100 * US)
    found = [numbers_of(bench.get(f"{READOUT}/result/data/{k}/wave"))[0] for k in range(4)]
    if source == 1:
        assert found[:3] == pytest.approx([32, 64, 128])
        assert np.isnan(found[3])
    else:
        # State 2 lies above both others, by more than the thresholds; 128 is above 100.
        assert (found[0], found[2]) == (2, 1)
        assert np.isnan(found[1])
