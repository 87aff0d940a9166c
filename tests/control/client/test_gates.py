"""Calibrated two-qubit gates as parts of programs: taken from the store, or refused."""

from dataclasses import replace
from pathlib import Path

import pytest

from podium.control.client.carrier_pulse import carrier_samples
from podium.control.client.gates import GateConflict, NoGate, edge_between, gate_of, together
from podium.control.facility.facility import Facility
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import NotMeasured, ParameterEntry
from podium.control.parameters.known_values import StaleParameter
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.validity import Validities, Validity
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    Play,
    Program,
    ShiftPhase,
    SwapPhases,
    walk,
)
from podium.control.program.validate import validate
from podium.control.program.waveforms import FlatTop, NetZero, Sampled, Square

EXAMPLE = Path(__file__).parents[3] / "examples" / "two_qubit" / "facility.yaml"
NS = 10**6
NOW_S = 1.8e9
HOUR_S = 3600.0
VALUES = {
    "gate_amplitude": (0.54, "1"),
    "gate_duration": (64e-9, "s"),
    "phase_first": (0.31, "1"),
    "phase_second": (-0.02, "1"),
}
VALIDITIES = Validities({name: Validity(6 * HOUR_S, "chevron") for name in VALUES})


@pytest.fixture(scope="module")
def facility() -> Facility:
    return load_facility(EXAMPLE)


@pytest.fixture
def store(tmp_path: Path) -> ParameterStore:
    made = ParameterStore(tmp_path / "p.sqlite")
    made.put(entries())
    return made


def entries(age_s: float = HOUR_S, **values: float) -> list[ParameterEntry]:
    return [
        ParameterEntry(
            f"node_a.q0_q1.{name}", values.get(name, value), 0.01, unit, "r", "chevron",
            NOW_S - age_s, 0,
        )
        for name, (value, unit) in VALUES.items()
    ]  # fmt: skip


def test_an_iswap_by_flux_is_a_step_and_frames_that_swap(
    facility: Facility, store: ParameterStore
) -> None:
    edge = replace(edge_between(facility, "cz", ("q0", "q1")), gate="iswap")
    assert edge.played == "iswap"
    with pytest.raises(NotMeasured, match=r"iswap of node_a\.q0_q1 .* no .*swap_phase_first"):
        gate_of(edge, store, VALIDITIES, NOW_S)
    phases = {"swap_phase_first": 0.1, "swap_phase_second": -0.2}
    store.put(
        ParameterEntry(f"node_a.q0_q1.{k}", v, 0.01, "1", "r", "exchange_phase", NOW_S, 0)
        for k, v in phases.items()
    )
    gate = gate_of(edge, store, VALIDITIES, NOW_S)
    names = ("q0.drive", "q1.drive", "q0_q1.flux")
    assert gate.statements == (
        Barrier(names),
        Play("q0_q1.flux", Square(64 * NS), 0.54),
        Delay(("q0_q1.flux",), 4 * NS),
        Barrier(names),
        SwapPhases("q0.drive", "q1.drive"),
        ShiftPhase("q0.drive", 0.1),
        ShiftPhase("q1.drive", -0.2),
    )


def test_a_cz_by_a_plasmon_is_a_drive_with_edges_on_a_frame_of_its_own(
    facility: Facility, store: ParameterStore
) -> None:
    edge = replace(edge_between(facility, "cz", ("q0", "q1")), driven="q0")
    with pytest.raises(NotMeasured, match=r"cz of node_a\.q0_q1 .* no .*gate_frequency"):
        gate_of(edge, store, VALIDITIES, NOW_S)
    more = {"gate_frequency": (3.05e9, "Hz"), "gate_rise": (6e-9, "s")}
    store.put(
        ParameterEntry(f"node_a.q0_q1.{k}", v, 0.01, unit, "r", "plasmon_turn", NOW_S, 0)
        for k, (v, unit) in more.items()
    )
    gate = gate_of(edge, store, VALIDITIES, NOW_S)
    assert gate.frames == (Frame("q0_q1.plasmon", "node_a.q0.plasmon", 3.05e9),)
    assert gate.pulse == Play("q0_q1.plasmon", FlatTop(64 * NS, 6 * NS), 0.54)


def test_a_cz_by_a_carrier_has_it_in_samples_that_begin_anew(
    facility: Facility, store: ParameterStore
) -> None:
    plain = edge_between(facility, "cz", ("q0", "q1"))
    edge = replace(plain, coupler="c01", pulsed="c01", carrier=True)
    with pytest.raises(NotMeasured, match=r"cz of node_a\.q0_q1 .* no .*carrier_amplitude"):
        gate_of(edge, store, VALIDITIES, NOW_S)
    more = {
        "carrier_amplitude": (0.21, "1"),
        "carrier_frequency": (241.3e6, "Hz"),
        "carrier_duration": (262e-9, "s"),
    }
    store.put(
        ParameterEntry(f"node_a.q0_q1.{k}", v, 0.01, unit, "r", "carrier_phase", NOW_S, 0)
        for k, (v, unit) in more.items()
    )
    gate = gate_of(edge, store, VALIDITIES, NOW_S)
    assert gate.frames == (Frame("q0_q1.carrier", "node_a.c01.flux", 0.0),)
    names = ("q0.drive", "q1.drive", "q0_q1.carrier")
    assert gate.statements == (
        Barrier(names),
        Play("q0_q1.carrier", Sampled(carrier_samples(241.3e6, 262)), 0.21),
        Delay(("q0_q1.carrier",), 6 * NS),
        Barrier(names),
        ShiftPhase("q0.drive", 0.31),
        ShiftPhase("q1.drive", -0.02),
    )
    other = replace(gate, edge=replace(edge, ends=("q2", "q3"), element="q2_q3"))
    with pytest.raises(GateConflict, match=r"share the flux line node_a\.c01\.flux"):
        together(gate, other)


def test_a_gate_is_its_pulse_its_wait_and_the_phases_of_both_frames(
    facility: Facility, store: ParameterStore
) -> None:
    edge = edge_between(facility, "cz", ("q1", "node_a.q0"))
    gate = gate_of(edge, store, VALIDITIES, NOW_S)
    names = ("q0.drive", "q1.drive", "q0_q1.flux")
    assert gate.frames == (Frame("q0_q1.flux", "node_a.q0.flux", 0.0),)
    assert gate.statements == (
        Barrier(names),
        Play("q0_q1.flux", NetZero(64 * NS), 0.54),
        Delay(("q0_q1.flux",), 4 * NS),
        Barrier(names),
        ShiftPhase("q0.drive", 0.31),
        ShiftPhase("q1.drive", -0.02),
    )
    drives = [Frame(f"q{k}.drive", f"node_a.q{k}.drive", 6e9 - k * 5e8) for k in range(2)]
    readout = Frame("r", "node_a.q0.readout", 7e9)
    body = (*gate.statements, *gate.statements, Capture("r", "q0", ns=400), Delay(("r",), ns=400))
    validate(Program("two", (*drives, readout, *gate.frames), body))


def test_frames_may_have_other_names_and_edges_may_rise(
    facility: Facility, store: ParameterStore
) -> None:
    rise, gap = (
        replace(entries()[1], name=f"node_a.q0_q1.gate_{what}", value=value)
        for what, value in (("rise", 4e-9), ("gap", 3e-9))
    )
    store.put([rise, gap])
    names = {"q0": "d0", "q1": "d1", "q0_q1": "f"}
    gate = gate_of(facility.edges()["node_a.q0_q1"], store, VALIDITIES, NOW_S, names)
    assert gate.pulse == Play("f", NetZero(67 * NS, 4 * NS, 3 * NS), 0.54)
    assert {s.frame for _, s in walk(gate.statements) if isinstance(s, ShiftPhase)} == {"d0", "d1"}


def test_a_pulse_that_was_shaped_is_its_samples(facility: Facility, store: ParameterStore) -> None:
    edge = facility.edges()["node_a.q0_q1"]
    known = {"gate_samples": 2.0, "gate_sample1": 0.8, "gate_sample2": 1.0, "gate_sample3": 0.3}
    some = entries()[1]
    store.put(
        [replace(some, name=f"node_a.q0_q1.{name}", value=value) for name, value in known.items()]
    )
    gate = gate_of(edge, store, VALIDITIES, NOW_S)
    assert gate.pulse == Play("q0_q1.flux", Sampled((0.8, 1.0, -1.0, -0.8)), 0.54)
    store.put([replace(some, name="node_a.q0_q1.gate_samples", value=4.0)])
    with pytest.raises(NotMeasured, match="gate_sample4"):
        gate_of(edge, store, VALIDITIES, NOW_S)
    store.put([replace(some, name="node_a.q0_q1.gate_samples", value=0.0)])
    assert isinstance(gate_of(edge, store, VALIDITIES, NOW_S).waveform, NetZero)


@pytest.mark.parametrize("missing", list(VALUES))
def test_a_gate_that_is_not_calibrated_is_refused(
    facility: Facility, tmp_path: Path, missing: str
) -> None:
    with ParameterStore(tmp_path / "other.sqlite") as store:
        store.put(one for one in entries() if not one.name.endswith(missing))
        said = f"cz of node_a.q0_q1 is not calibrated: there is no node_a.q0_q1.{missing}; run"
        with pytest.raises(NotMeasured, match=said):
            gate_of(facility.edges()["node_a.q0_q1"], store, VALIDITIES, NOW_S)


def test_a_gate_older_than_its_validity_is_refused(
    facility: Facility, store: ParameterStore
) -> None:
    edge = facility.edges()["node_a.q0_q1"]
    gate_of(edge, store, VALIDITIES, NOW_S + 4.9 * HOUR_S)
    said = "gate_amplitude is 6.1 h old, and valid for 6 h; run chevron first"
    with pytest.raises(StaleParameter, match=said):
        gate_of(edge, store, VALIDITIES, NOW_S + 5.1 * HOUR_S)


@pytest.mark.parametrize(
    ("gate", "qubits", "said"),
    [
        ("cz", ("q0", "q2"), "two_qubit has no edge between q0 and q2; it has node_a.q0_q1"),
        ("iswap", ("q0", "q1"), "node_a.q0_q1 has no gate 'iswap'"),
        ("cz", ("q0",), "no edge between q0"),
    ],
)
def test_what_the_facility_does_not_have_is_refused(
    facility: Facility, gate: str, qubits: tuple[str, ...], said: str
) -> None:
    with pytest.raises(NoGate, match=said):
        edge_between(facility, gate, qubits)


def test_gates_that_share_a_coupler_or_a_qubit_are_not_played_at_once(
    facility: Facility, store: ParameterStore
) -> None:
    gate = gate_of(facility.edges()["node_a.q0_q1"], store, VALIDITIES, NOW_S)
    coupled = replace(gate, edge=replace(gate.edge, coupler="c", pulsed="c"))
    elsewhere = replace(gate.edge, element="q2_q3", ends=("q2", "q3"), coupler="c", pulsed="q2")
    other = replace(coupled, edge=elsewhere, drives=("q2.drive", "q3.drive"), flux="q2_q3.flux")
    with pytest.raises(
        GateConflict, match=r"cz of node_a.q2_q3 and cz of node_a.q0_q1 at once share the coupler"
    ):
        together(coupled, other)
    beside = replace(other, edge=replace(elsewhere, ends=("q1", "q2")))
    with pytest.raises(GateConflict, match=r"share the qubit node_a\.q1"):
        together(gate, beside)
    free = replace(other, edge=replace(elsewhere, coupler=None))
    both = together(gate, free)
    assert [type(one).__name__ for one in both] == [
        *("Barrier", "Play", "Delay", "Play", "Delay", "Barrier"),
        *["ShiftPhase"] * 4,
    ]
