"""The second door, the truth and the budget tell of an edge's gates as the latest run had them."""

import json
from argparse import ArgumentParser
from collections.abc import AsyncIterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from tests.benches.docs.pages import ROOT
from tests.benches.physics.small_chip import (
    capture,
    coherent_turns,
    hann,
    pi_amplitude,
    tone,
    train,
)

from podium.sim_instruments import budget_command
from podium.sim_instruments.physics.fast_flux import VOLTS
from podium.sim_instruments.physics.joint.gate_knobs import GateKnobs
from podium.sim_instruments.physics.joint.gate_truth import best_pulse, edge_point, judged
from podium.sim_instruments.physics.sampling import sample
from podium.sim_instruments.physics.signals import Piece, RunSignals
from podium.sim_instruments.physics.world_file import write_world
from podium.sim_instruments.servers import back_door_client
from podium.sim_instruments.servers.back_door import BackDoor, BadRequest
from podium.sim_instruments.servers.clock import ClockMode, WorldClock
from podium.sim_instruments.servers.laboratory import Laboratory
from podium.sim_instruments.servers.serving import open_serving

EXAMPLE = ROOT / "examples" / "two_qubit" / "facility.yaml"
EDGE = "node_a.q0_q1"
START_NS, WAIT_NS = 500, 12


@pytest.fixture(scope="module")
def twin_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A world whose flux lines pass pulses as they are."""
    path = tmp_path_factory.mktemp("world") / "twin.yaml"
    write_world(sample(EXAMPLE, 1, ideal_lines=True), path)
    return path


@dataclass(frozen=True)
class Served:
    """A laboratory and its second door."""

    laboratory: Laboratory
    door: BackDoor


@pytest.fixture
async def lab(twin_file: Path) -> AsyncIterator[Served]:
    async with open_serving(EXAMPLE, twin_file, WorldClock(ClockMode.MANUAL)) as serving:
        yield Served(serving.laboratory, BackDoor(serving))


def play_best_pulse(laboratory: Laboratory) -> tuple[float, float, int]:
    """Play the world's best pulse between drives; return its truth in that slot, and the slot."""
    chip = laboratory.chip
    (edge,) = chip.edges
    spots = chip.sweet_spots_v()
    point = edge_point(chip, edge, spots)
    pulse = best_pulse(point, edge)
    assert pulse is not None
    samples = pulse.samples()
    slot_ns = samples.size + WAIT_NS
    line = f"{edge.pulsed}.flux"
    quanta = chip.flux_shares(edge.pulsed)[line] * VOLTS
    piece = Piece(0.0, samples / quanta + 0j, 0j, samples.size)
    envelope = hann(32)
    early = {one.name: round(one.drive_delay_ns) for one in point.qubits}
    flux_ns = START_NS - early[edge.pulsed]
    drives = [train(line, [flux_ns], [piece], [0], [0.0])]
    for qubit in point.qubits:
        carrier = float(qubit.levels_hz[1])
        shape = Piece(carrier, pi_amplitude(qubit, envelope) * envelope, 0j, 32)
        at = [one - early[qubit.name] for one in (START_NS - 32, START_NS + slot_ns)]
        drives.append(
            train(f"{qubit.name}.drive", at, [shape], [0, 0], coherent_turns(carrier, at))
        )
    probe = float(np.mean(point.qubits[0].resonator_hz[:2]))
    drives.append(tone(probe, 2e-4, 1000, [3_000]))
    captures = (capture(probe, 1000, [3_150]),)
    laboratory.world.play(RunSignals(1, 0, 20_000, tuple(drives), captures, dict(spots)))

    class InSlot:
        def samples(self) -> np.ndarray:
            return np.append(samples, np.zeros(WAIT_NS))

    return *judged(point, edge, InSlot()), slot_ns


async def test_a_gate_that_was_played_is_told_by_the_door_and_in_the_truth(lab: Served) -> None:
    infidelity, leakage, slot_ns = play_best_pulse(lab.laboratory)
    found = await lab.door.do({"do": "gate", "edge": EDGE})
    assert (found["slot_ns"], found["gates"]) == (slot_ns, 1)
    assert found["infidelity"] == pytest.approx(infidelity, abs=3e-5)
    assert found["leakage"] == pytest.approx(leakage, abs=3e-5)
    off = await lab.door.do({"do": "gate", "edge": EDGE, "phases": [0.0, 0.0]})
    right = [-one for one in off["phases"][:2]]
    turned = await lab.door.do({"do": "gate", "edge": EDGE, "phases": right})
    assert turned["infidelity"] == pytest.approx(found["infidelity"], abs=1e-5)
    truth = await lab.door.do({"do": "truth"})
    assert truth[f"{EDGE}.cz_played_infidelity"]["value"] == found["infidelity"]
    assert truth[f"{EDGE}.cz_played_slot"] == {"value": 1e-9 * slot_ns, "unit": "s"}
    quick = await lab.door.do({"do": "truth", "optima": False})
    assert f"{EDGE}.cz_played_infidelity" not in quick


@pytest.mark.parametrize(
    ("request_", "said"),
    [
        ({"edge": EDGE}, "no run has pulsed node_a.q0_q1 yet"),
        ({"edge": "q0_q1"}, "there is no edge 'q0_q1'; the world's edges: node_a.q0_q1"),
        ({"edge": EDGE, "phases": [0.1]}, "phases are two finite numbers"),
        ({"edge": EDGE, "phases": [0.1, float("nan")]}, "phases are two finite numbers"),
    ],
)
async def test_what_no_gate_can_be_told_of_is_refused(
    lab: Served, request_: dict[str, object], said: str
) -> None:
    with pytest.raises(BadRequest, match=said):
        await lab.door.do({"do": "gate", **request_})


def test_the_budget_asks_with_the_phases_of_the_gate(
    twin_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    gate = tmp_path / "gate.json"
    values = {"gate_duration": 68e-9, "phase_first": 0.25, "phase_second": -0.125}
    gate.write_text(
        json.dumps({f"{EDGE}.{name}": {"value": v, "sigma": 0.0} for name, v in values.items()}),
        encoding="utf-8",
    )
    known = GateKnobs(EDGE, "cz", 68, 0.003, 0.0005, 0.001, ())  # as worked out: not asked here
    monkeypatch.setattr(
        "podium.sim_instruments.physics.joint.gate_knobs.gate_knobs", lambda *_: known
    )
    asked = []

    def answer(endpoints: Path, request: dict[str, object]) -> dict[str, object]:
        asked.append((endpoints, request))
        return {"slot_ns": 80, "infidelity": 0.003125, "leakage": 0.0005, "swapped": 0.001}

    monkeypatch.setattr(back_door_client, "ask", answer)
    parser = ArgumentParser()
    budget_command.add_budget(parser)
    words = [str(twin_file), "--edge", EDGE, "--gate", str(gate), "--endpoints", "ends.json"]
    assert budget_command.run_budget(parser.parse_args(words)) == 0
    wanted = {"do": "gate", "edge": EDGE, "phases": [0.25, -0.125]}
    assert asked == [(Path("ends.json"), wanted)]
    assert (
        "as played in the latest run, 80 ns with its wait: errs by 0.3125 %; it leaks 0.0500 %, "
        "and 0.1000 % passes between 01 and 10" in capsys.readouterr().out
    )
    assert budget_command.run_budget(parser.parse_args(["kurpiers2018", *words[-2:]])) == 2
    assert "--gate and --endpoints go with --edge" in capsys.readouterr().err
