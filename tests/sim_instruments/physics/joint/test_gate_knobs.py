"""Knobs of a gate buy what the formula of what they turn says, and a calibrated gate is played."""

import json
from argparse import ArgumentParser
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.command_line import draw_world
from tests.benches.docs.pages import ROOT

from podium.sim_instruments.budget_command import add_budget, run_budget
from podium.sim_instruments.physics.joint.gate_knobs import (
    GateKnobs,
    GivenGate,
    NetZeroPulse,
    NoSuchEdge,
    ShapedPulse,
    best_height,
    gate_knobs,
)
from podium.sim_instruments.physics.joint.gate_truth import CoherentGate, edge_point, judged
from podium.sim_instruments.physics.world_file import WorldFile, read_world

EDGE = "node_a.q0_q1"


@pytest.fixture(scope="module")
def twin(tmp_path_factory: pytest.TempPathFactory) -> Path:
    file = tmp_path_factory.mktemp("world") / "twin.yaml"
    draw_world(ROOT / "examples" / "two_qubit" / "facility.yaml", file, "--seed", 11)
    return file


@pytest.fixture(scope="module")
def world(twin: Path) -> WorldFile:
    return read_world(twin)


@pytest.fixture(scope="module")
def best(world: WorldFile) -> GateKnobs:
    """Knobs of the best pulse there is."""
    return gate_knobs(world, EDGE, None)


def test_what_relaxes_half_as_fast_buys_half_of_what_relaxation_costs(
    world: WorldFile, best: GateKnobs
) -> None:
    """2/5 t / T1 of each end; of 11, which is in 20 meanwhile, more."""
    found = best
    buys = {one.name: one.buys for one in found.knobs}
    chip = world.chip()
    edge = chip.edges[0]
    point = edge_point(chip, edge, chip.sweet_spots_v())
    for qubit in point.qubits:
        rate = float(qubit.rates_1_s[0, 1] + qubit.rates_1_s[1, 0])
        costs = 0.4 * found.duration_ns * 1e-9 * rate
        bought = buys[f"{qubit.name.partition('.')[2]}: relaxation halved"]
        assert 0.35 * costs < bought < 0.75 * costs
    assert [one.buys for one in found.knobs] == sorted(buys.values(), reverse=True)
    assert found.coherent < found.infidelity
    assert found.infidelity - found.coherent > sum(
        by for name, by in buys.items() if name.endswith("relaxation halved")
    )


def test_a_net_zero_pulse_without_noise_errs_as_its_levels_say(world: WorldFile) -> None:
    """The density matrix of the pulse, noise and losses taken away, against its unitary."""
    still = json.loads(world.model_dump_json())
    for qubit in still["nodes"]["node_a"]["qubits"].values():
        qubit["quality_factor"]["value"] *= 1e6
        for name in ("white_dephasing", "flux_noise", "frequency_noise"):
            qubit[name]["value"] = 0.0
        for name in ("kappa_coupling", "kappa_internal"):
            qubit[name]["value"] *= 1e-6
    chip = WorldFile.model_validate(still).chip()
    edge = chip.edges[0]
    point = edge_point(chip, edge, chip.sweet_spots_v())
    pulse = best_height(point, edge, NetZeroPulse(top_ns=29, rise_ns=2, gap_ns=4))
    assert pulse is not None
    samples = pulse.samples()
    assert samples.size == pulse.duration_ns == 2 * 29 + 4 * 2 + 4
    assert abs(samples.sum()) < 1e-9
    alone = CoherentGate(point, edge, 1.2 * float(np.abs(samples).max())).error(samples)
    infidelity, leakage = judged(point, edge, pulse)
    assert infidelity == pytest.approx(alone, abs=2e-6)
    assert leakage < 1.01 * alone + 1e-6


def test_a_pulse_by_its_samples_is_played_at_its_best_height(world: WorldFile) -> None:
    """The same pulse by its samples, of another height over most of it, errs as much."""
    chip = world.chip()
    edge = chip.edges[0]
    point = edge_point(chip, edge, chip.sweet_spots_v())
    halves = best_height(point, edge, NetZeroPulse(top_ns=34, rise_ns=0, gap_ns=6))
    assert halves is not None
    samples = halves.samples()[:37] / halves.quanta
    pulse = best_height(point, edge, ShapedPulse(tuple((samples / 1.07).tolist())))
    assert pulse is not None
    alone = CoherentGate(point, edge, 0.4)
    assert alone.error(pulse.samples()) == pytest.approx(alone.error(halves.samples()), abs=2e-4)


def test_a_budget_takes_the_samples_that_are_stored(
    best: GateKnobs,
    twin: Path,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Which gate is played is looked at; what comes of a gate by its samples, above."""
    asked_for: list[GivenGate | None] = []

    def knobs(world: WorldFile, edge: str, given: GivenGate | None) -> GateKnobs:
        asked_for.append(given)
        assert given is not None
        assert edge == EDGE
        return replace(best, duration_ns=given.shape.samples().size)

    monkeypatch.setattr("podium.sim_instruments.physics.joint.gate_knobs.gate_knobs", knobs)
    parser = ArgumentParser()
    add_budget(parser)
    file = tmp_path / "gate.json"
    known = {"gate_duration": 7.4e-8, "gate_samples": 37.0}
    known |= {f"gate_sample{k}": 1.0 for k in range(1, 36)}
    asked = parser.parse_args([str(twin), "--edge", EDGE, "--gate", str(file), "--json"])

    def budget() -> int:
        told = {f"{EDGE}.{k}": {"value": v, "sigma": 1e-4} for k, v in known.items()}
        file.write_text(json.dumps(told), encoding="utf-8")
        return run_budget(asked)

    assert budget() == 2
    assert "gate_sample36" in capsys.readouterr().err
    known |= {"gate_sample36": 0.3, "gate_sample37": 0.3}
    assert budget() == 0
    assert json.loads(capsys.readouterr().out)["duration_ns"] == 74
    half = (1.0,) * 35 + (0.3, 0.3)
    assert asked_for == [GivenGate(ShapedPulse(half))]
    known["gate_samples"] = 1e6
    assert budget() == 2


def test_a_shape_that_is_too_short_is_worse_and_the_best_pulse_buys_it_back(
    world: WorldFile, best: GateKnobs
) -> None:
    short = gate_knobs(world, EDGE, GivenGate(NetZeroPulse(top_ns=20, rise_ns=0)))
    pulse = next(one for one in short.knobs if one.name.startswith("pulse: "))
    assert short.infidelity > 3 * best.infidelity
    assert pulse.infidelity == pytest.approx(best.infidelity, rel=1e-6)
    assert pulse.buys == pytest.approx(short.infidelity - best.infidelity, rel=1e-6)


def test_what_is_no_edge_is_named(world: WorldFile) -> None:
    with pytest.raises(NoSuchEdge, match=r"no edge 'node_a\.q0_q2'; the world's edges: node_a.q0_"):
        gate_knobs(world, "node_a.q0_q2", None)


def told(file: Path, capsys: pytest.CaptureFixture[str], *words: str) -> tuple[int, str, str]:
    parser = ArgumentParser()
    add_budget(parser)
    code = run_budget(parser.parse_args([str(file), *words]))
    out, err = capsys.readouterr()
    return code, out, err


@pytest.mark.parametrize(
    ("gate", "said"),
    [
        ("[]", "holds no parameters as podium params get"),
        ("{", "holds no parameters as podium params get"),
        ('{"node_a.q1_q2.gate_duration": {"value": 6e-8, "sigma": 1e-9}}', "no parameter of"),
        (f'{{"{EDGE}.gate_rise": {{"value": 0, "sigma": 0}}}}', "is not calibrated"),
        (
            f'{{"{EDGE}.gate_duration": {{"value": 6e-8, "sigma": 0}},'
            f'"{EDGE}.gate_rise": {{"value": 2e-8, "sigma": 0}}}}',
            "four edges at least",
        ),
        (f'{{"{EDGE}.gate_duration": {{"value": 6.0, "sigma": 0}}}}', "1000 ns at most"),
    ],
)
def test_a_file_without_a_gate_is_refused(
    gate: str, said: str, twin: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = tmp_path / "gate.json"
    file.write_text(gate, encoding="utf-8")
    code, _, err = told(twin, capsys, "--edge", EDGE, "--gate", str(file))
    assert code == 2
    assert said in err


def test_a_gate_goes_with_an_edge(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    code, _, err = told(tmp_path / "none.yaml", capsys, "--gate", "gate.json")
    assert code == 2
    assert "--gate and --endpoints go with --edge" in err
    code, _, err = told(tmp_path / "none.yaml", capsys, "--edge", EDGE)
    assert code == 2
    assert "none.yaml" in err
