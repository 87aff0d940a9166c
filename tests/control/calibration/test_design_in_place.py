"""A routine that takes a design value in place of a measurement that is missing says so."""

from pathlib import Path

from tests.benches.facility.loaded_examples import loaded

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.outcome import Outcome
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.store import ParameterStore
from podium.firmware_interfaces.tai import Tai

EXAMPLE = Path(__file__).parents[3] / "examples" / "first_light" / "facility.yaml"
NOW = Tai(1_800_000_000, 0)


class Clock:
    """A runner of which the time is asked, and nothing else."""

    def __init__(self) -> None:
        self.facility = loaded(EXAMPLE)

    async def now(self) -> Tai:
        return NOW


async def outcome_of(store: ParameterStore, *quantities: str) -> Outcome:
    """Return the outcome of a routine that takes the best of ``quantities`` of all qubits."""
    runner = Clock()
    qubits = tuple(runner.facility.qubits().values())

    async def take(bench: Bench, qubits: tuple) -> Outcome:
        for qubit in qubits:
            for quantity in quantities:
                bench.best(qubit, quantity)
        return Outcome("take", "Take")

    bench = Bench(runner, "node_a", qubits, store, keep=lambda _: None)
    (outcome,) = [one async for one in bring_up(bench, ("take",), {"take": take})]
    return outcome


async def test_what_was_not_measured_is_said_with_its_elements() -> None:
    with ParameterStore(":memory:") as store:
        store.put(
            [ParameterEntry("node_a.q1.t1", 3e-5, 1e-6, "s", "r", "relaxation", NOW.seconds, 1)]
        )
        outcome = await outcome_of(store, "t1", "kappa", "t1")
    assert outcome.assumed == [
        "t1 of q0, q2 is not measured: taken from the design",
        "kappa of q0, q1, q2 is not measured: taken from the design",
    ]
    assert outcome.notes == []


async def test_where_all_is_measured_nothing_is_said() -> None:
    with ParameterStore(":memory:") as store:
        store.put(
            ParameterEntry(f"node_a.q{n}.t1", 3e-5, 1e-6, "s", "r", "relaxation", NOW.seconds, 1)
            for n in range(3)
        )
        assert (await outcome_of(store, "t1")).assumed == []
