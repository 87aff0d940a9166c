"""What zhinst-utils prepares for the analyser is told apart as it was meant."""

import numpy as np
import pytest
from tests.benches.zurich.direct_results import integrate
from zhinst.utils.shfqa import multistate

from podium.sim_instruments.twins.zurich.quantum_analyzer.integration import (
    BadReadout,
    ReadoutSettings,
)
from podium.sim_instruments.twins.zurich.quantum_analyzer.multistate import (
    QuditSettings,
    discriminate_qudit,
)

LENGTH = 400


def prepared(states: int, seed: int):
    """Traces of each state, the vendor's settings for them, and ours of those."""
    random = np.random.Generator(np.random.Philox(seed))
    phases = np.exp(2j * np.pi * (np.arange(states) / states + random.uniform(0, 0.05, states)))
    rise = 1 - np.exp(-np.arange(LENGTH) / 80)
    sizes = 0.1 * (1 + np.arange(states))  # no threshold is zero
    traces = [size * phase * rise for size, phase in zip(sizes, phases, strict=True)]
    theirs = multistate.QuditSettings(traces)
    weights = tuple(weight.vector for weight in theirs.weights[: states - 1])
    readout = ReadoutSettings(LENGTH, weights=weights)
    qudit = QuditSettings(
        states,
        tuple(range(states - 1)),
        tuple(theirs.thresholds),
        tuple(theirs.assignment_vec.tolist()),
    )
    return random, traces, theirs, readout, qudit


def test_integration_has_the_vendors_units():
    _, traces, theirs, readout, _ = prepared(3, 1)
    found = integrate(np.array(traces), readout)
    for record, trace in enumerate(traces):
        for unit in range(2):
            vector = theirs.weights[unit].vector
            expected = multistate.weighted_integration(vector, trace)
            assert found[record, unit] == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("states", [2, 3, 4])
def test_states_are_those_of_every_pair_compared(states):
    random, traces, theirs, readout, qudit = prepared(states, states)
    assert discriminate_qudit(integrate(np.array(traces), readout), qudit).tolist() == list(
        range(states)
    )
    shots = random.integers(0, states, 300)
    noise = random.normal(size=(300, LENGTH)) + 1j * random.normal(size=(300, LENGTH))
    records = np.array(traces)[shots] + 1.5 * noise
    found = discriminate_qudit(integrate(records, readout), qudit)
    expected = []
    for record in records:
        outcome = sum(
            int(np.real(multistate.weighted_integration(weight.vector, record)) > weight.threshold)
            << bit
            for bit, weight in enumerate(theirs.weights)
        )
        expected.append(int(theirs.assignment_vec[outcome]))
    assert found.tolist() == expected
    assert np.mean(found == shots) > 0.7
    assert min(abs(threshold) for threshold in theirs.thresholds) > 1


@pytest.mark.parametrize(
    ("settings", "says"),
    [
        ((5, (0, 1, 2, 3), (0.0,) * 10, (0,) * 1024), "5 states: 2 to 4"),
        ((3, (0,), (0.0,) * 3, (0,) * 8), "1 integrators for 3 states"),
        ((3, (0, 1), (0.0,) * 2, (0,) * 8), "2 thresholds"),
        ((2, (0,), (0.0,), (0,) * 4), "4 assignments"),
    ],
)
def test_qudits_that_cannot_be_are_refused(settings, says):
    with pytest.raises(BadReadout, match=says):
        QuditSettings(*settings)
