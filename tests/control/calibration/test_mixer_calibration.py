"""The routine that has mixers calibrated: what it asks for, and what it says of the others."""

from pathlib import Path

from tests.benches.demo.fake_runner import FakeRunner

from podium.control.calibration.bench import Bench
from podium.control.calibration.catalogue import BRING_UP
from podium.control.calibration.routines.mixer_calibration import mixer_calibration
from podium.control.facility.load import load_facility
from podium.control.parameters.memory_record import MemoryRecord

EXAMPLES = Path(__file__).parents[3] / "examples"
ZURICH = EXAMPLES / "first_light_zi" / "facility.yaml"
LINKED = EXAMPLES / "linked" / "facility_one_cluster.yaml"


class Asked(FakeRunner):
    """Notes the ports that are asked for."""

    def __init__(self) -> None:
        super().__init__()
        self.ports: list[tuple[str, ...]] = []

    async def calibrate_mixers(self, ports):
        self.ports.append(tuple(ports))
        return await super().calibrate_mixers(ports)


def bench_on(runner: FakeRunner) -> Bench:
    qubits = tuple(runner.facility.qubits().values())
    return Bench(runner, "node_a", qubits, MemoryRecord(), lambda data: None)


async def test_a_bring_up_begins_with_the_outputs_that_can_be_calibrated() -> None:
    assert BRING_UP[0] == "mixer_calibration"
    runner = Asked()
    bench = bench_on(runner)
    outcome = await mixer_calibration(bench, bench.qubits)
    assert runner.ports == [("node_a.feedline", "node_a.q0.drive", "node_a.q1.drive")]
    assert outcome.failures == {}
    assert outcome.measured == {}, "the box holds it; nothing is a parameter of the chip"
    notes = "\n".join(outcome.notes)
    assert "cluster_a.slot4.out0 (node_a.q0.drive): offsets +1.00 and -2.00 mV" in notes


async def test_a_modulator_is_left_alone_and_a_note_says_where_its_carrier_and_image_are() -> None:
    runner = Asked()
    bench = bench_on(runner)
    (q2,) = (qubit for qubit in bench.qubits if qubit.element == "q2")
    outcome = await mixer_calibration(bench, (q2,))
    assert runner.ports == [("node_a.feedline",)]
    (note,) = (note for note in outcome.notes if "modulator lo_q2" in note)
    assert "leaks at 4.96 GHz" in note
    assert "2 x 4.96 GHz - f" in note


async def test_instruments_without_mixers_are_asked_nothing() -> None:
    runner = Asked()
    runner.facility = load_facility(ZURICH)
    bench = bench_on(runner)
    outcome = await mixer_calibration(bench, bench.qubits)
    assert runner.ports == []
    assert outcome.notes == []
    assert outcome.failures == {}


async def test_what_drives_a_qubits_photons_is_calibrated_with_its_qubit() -> None:
    runner = Asked()
    runner.facility = load_facility(LINKED)
    bench = bench_on(runner)
    (qubit,) = (qubit for qubit in bench.qubits if qubit.name == "node_a.q0")
    await mixer_calibration(bench, (qubit,))
    assert runner.ports == [("node_a.feedline", "node_a.q0.drive", "node_a.q0.sideband")]
