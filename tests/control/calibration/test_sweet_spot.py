"""Sweet spots beside neighbours whose flux lines move a qubit as well."""

from collections.abc import Mapping

import numpy as np
import pytest
from tests.benches.calibration.qubits_on_a_bench import FACILITY, QUBITS, SPOTS, lines, qubit_hz
from tests.benches.calibration.synthetic_data import NODE, NOW_S, MadeRunner, known

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import ParameterEntry

SHARE = 0.004
"""What a neighbour's volt does, of what an own one does."""
KNOWN_V, F01_HZ = 2e-3, 10e3
"""How well sweet spots, and the lines there, are known before."""


async def worked(off_v: Mapping[str, float]) -> Outcome:
    """Let the routine work on these qubits, whose sweet spots were found so far beside.

    Other qubits' sources are at 0 V, and nothing is known of their sweet spots.
    """
    runner = MadeRunner(lambda *_: np.zeros(1), 1, facility=FACILITY)

    def place_hz(element: str, bias_v: float) -> float:
        others = (
            runner.biases.get(f"{NODE}.{other}.flux", 0.0) - spot
            for other, spot in SPOTS.items()
            if other != element
        )
        return qubit_hz(element, bias_v + SHARE * sum(others))

    runner.make = lines(place_hz)(runner)
    record = known(FACILITY)
    entries = record.all().values()
    record.replace([one for one in entries if not one.name.endswith(".sweet_spot")])
    qubits = tuple(q for q in QUBITS if q.element in off_v)
    expected = {q.element: SPOTS[q.element] + off_v[q.element] for q in qubits}
    runner.biases.update({f"{NODE}.{element}.flux": volts for element, volts in expected.items()})
    for element, volts in expected.items():
        for name, value, sigma in (
            ("sweet_spot", volts, max(KNOWN_V, abs(off_v[element]) / 3)),
            ("f01", place_hz(element, volts), F01_HZ),
            ("pi_amplitude", 0.385, 4e-4),
        ):
            full = f"{NODE}.{element}.{name}"
            record.put([ParameterEntry(full, value, sigma, "1", "", "before", float(NOW_S), 1)])
    bench = Bench(runner, NODE, qubits, record, keep=lambda _: None)
    (outcome,) = [one async for one in bring_up(bench, ("sweet_spot",))]
    assert outcome.failures == {}
    return outcome


async def test_neighbours_move_along_while_flanks_are_measured_anew() -> None:
    """q1 is 30 mV off where it was expected: its flanks are measured once more."""
    outcome = await worked({"q0": 0.0, "q1": -0.03, "q2": 0.0})
    found = outcome.measured[f"{NODE}.q1.sweet_spot"]
    assert found.value == pytest.approx(SPOTS["q1"], abs=5 * found.sigma)
    assert found.sigma < 0.1e-3


async def test_flanks_that_count_lie_evenly_about_the_sweet_spot() -> None:
    """All were expected some mV beside, and the file's asymmetry is 0.2 off."""
    outcome = await worked({"q0": -0.008, "q1": 0.008, "q2": 0.012})
    for element, spot in SPOTS.items():
        found = outcome.measured[f"{NODE}.{element}.sweet_spot"]
        assert found.value == pytest.approx(spot, abs=5 * found.sigma)
        assert found.sigma < 30e-6


async def test_a_neighbour_that_was_not_found_gets_into_the_sigma() -> None:
    """q2 stays at 0 V, 0.42 V from its sweet spot, which nobody knows."""
    outcome = await worked({"q0": 0.0, "q1": 0.0})
    for element in ("q0", "q1"):
        found = outcome.measured[f"{NODE}.{element}.sweet_spot"]
        assert found.value == pytest.approx(SPOTS[element], abs=4 * found.sigma)


async def test_neighbours_that_were_off_otherwise_get_into_the_sigma() -> None:
    """All move by equal shares, and their sweet spots were off by others; nothing is repeated.

    In the middle of its flanks q0 sees its neighbours 4 mV beside where they will be, and more.
    """
    off = {"q0": 0.004, "q1": -0.003, "q2": 0.0}
    outcome = await worked(off)
    for element, spot in SPOTS.items():
        found = outcome.measured[f"{NODE}.{element}.sweet_spot"]
        shaken = SHARE * np.hypot(*(v - off[element] for name, v in off.items() if name != element))
        assert found.value == pytest.approx(spot, abs=2 * found.sigma)
        assert shaken < found.sigma < 2 * shaken + 10e-6
