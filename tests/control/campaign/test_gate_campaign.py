"""A campaign of gates keeps what demos have found, and complains of what is broken."""

import json
import sys
from argparse import Namespace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from tests.benches.docs.pages import ROOT

from podium.control.campaign.campaign import SEEDS, CampaignPlan, run_campaign
from podium.control.campaign.gate_report import gate_report
from podium.control.campaign.gate_world import record_of, residual_flux, step_left, varying_flux
from podium.control.commands import campaign as command
from podium.control.facility.line_response import LineResponse
from podium.control.facility.load import load_facility

EXAMPLE = ROOT / "examples" / "two_qubit" / "facility.yaml"
FACILITY = load_facility(EXAMPLE)
LINE = ((0.017, 58e-9), (-0.018, 1.4e-6))


def told(value: float, sigma: float = 0.001) -> dict[str, float]:
    return {"value": value, "sigma": sigma}


def report(**edge: dict[str, float]) -> tuple[Any, Any, Any]:
    """Return what a demo leaves: summary, truth, fits."""
    gate = {"gate_amplitude": told(0.55), "gate_duration": told(7e-8)}
    gate |= {"phase_first": told(0.1), "phase_second": told(0.0), **edge}
    summary = {
        "edges": {"node_a.q0_q1": {name: one for name, one in gate.items() if one}},
        "failures": [], "lab_s": 1.0, "cpu_s": 2.0, "wall_s": 3.0,
    }  # fmt: skip
    values = {f"flux_amplitude{k}": told(a) for k, (a, _) in enumerate(LINE, 1)}
    values |= {f"flux_tau{k}": told(tau) for k, (_, tau) in enumerate(LINE, 1)}
    line = {f"node_a.q0.{name}": one for name, one in values.items()}
    truth = line | {"node_a.q0_q1.cz_infidelity": told(0.003)}
    return summary, truth, [{"measured": line}]


def world(seed: int, **edge: dict[str, float]) -> dict[str, Any]:
    return {"seed": seed, **record_of(*report(**edge))}


def test_a_line_that_is_known_is_undone_and_a_wrong_one_is_not() -> None:
    true = LineResponse(LINE)
    assert residual_flux(step_left(true, true)) == pytest.approx(0, abs=1e-6)
    after = np.arange(5, 20_000) + 0.5
    missing = sum(a * np.exp(-after / (tau * 1e9)) for a, tau in LINE)
    assert residual_flux(step_left(LineResponse(), true)) == pytest.approx(
        np.abs(missing).max(), rel=1e-3
    )
    half = LineResponse(((0.017, 58e-9), (-0.009, 1.4e-6)))
    assert residual_flux(step_left(half, true)) == pytest.approx(0.009, abs=1e-3)
    assert varying_flux(0.99 * step_left(true, true)) == pytest.approx(0, abs=1e-6)
    assert varying_flux(step_left(half, true)) == pytest.approx(0.0045, abs=5e-4)


def test_a_reflection_that_is_known_is_undone() -> None:
    true = LineResponse(LINE, reflection=(-0.007, 10.3e-9))
    assert residual_flux(step_left(true, true)) == pytest.approx(0, abs=1e-6)
    assert residual_flux(step_left(LineResponse(LINE), true)) == pytest.approx(0.007, abs=5e-4)
    short = LineResponse(((-0.06, 4.5e-9), (0.006, 30e-6)), reflection=(0.004, 7.3e-9))
    assert residual_flux(step_left(short, short)) == pytest.approx(0, abs=1e-6)
    later = LineResponse(LINE, reflection=(-0.007, 12.3e-9))
    assert residual_flux(step_left(later, true)) == pytest.approx(0.007, abs=5e-4)


def test_good_worlds_are_not_complained_of() -> None:
    worlds = [world(k, bell_fidelity=told(0.96), gate_error=told(0.004)) for k in range(3)]
    report = gate_report(worlds, FACILITY)
    assert report.complaints == ()
    assert report.content["gates_found"] == report.content["edges"] == 3
    assert report.content["bell_fidelity"] == 0.96


def test_the_pull_is_of_the_benchmarked_error_against_the_gate_as_played() -> None:
    worlds = []
    for seed, error in enumerate((0.004, 0.002, 0.005)):
        summary, truth, fits = report(gate_error=told(error), bell_fidelity=told(0.96))
        truth |= {"node_a.q0_q1.cz_played_infidelity": told(0.003)}
        worlds.append({"seed": seed, **record_of(summary, truth, fits)})
    unknown = world(4, gate_error=told(0.004), bell_fidelity=told(0.96))
    found = gate_report([*worlds, unknown], FACILITY).content
    assert found["pull_mean"] == pytest.approx(2 / 3)
    assert found["pull_rms"] == pytest.approx(np.sqrt(2))
    assert gate_report([unknown], FACILITY).content["pull_rms"] is None


def played(seed: int, error: float, allowed: float, **edge: dict[str, float]) -> dict[str, Any]:
    summary, truth, fits = report(**edge)
    truth |= {"node_a.q0_q1.cz_infidelity": told(allowed)}
    truth |= {"node_a.q0_q1.cz_played_infidelity": told(error)}
    return {"seed": seed, **record_of(summary, truth, fits)}


def test_a_gate_is_judged_by_its_error_as_played_where_that_is_known() -> None:
    found = {"gate_error": told(0.02)}
    worlds = [played(1, 0.0044, 0.003, **found), played(2, 0.0046, 0.003, **found)]
    worlds += [played(3, 0.0101, 0.0099), played(4, 0.0149, 0.0101)]
    report = gate_report(worlds, FACILITY)
    said = [one for one in report.complaints if one.startswith("seed")]
    assert [one.partition(":")[0] for one in said] == ["seed 2", "seed 3"]
    assert "an error of 0.0046 as played, and the world allows 0.0030" in said[0]
    assert report.content["times_allowed_most"] == pytest.approx(0.0046 / 0.003)


def test_pulls_that_chance_does_not_explain_are_broken() -> None:
    """The limits of twelve pulls are chance's own: rms 0.43 to 1.65."""
    for share, broken in ((0.3, "too large"), (0.5, ""), (1.5, ""), (1.8, "too small")):
        errors = [0.004 + 0.001 * share * (-1) ** k for k in range(12)]
        worlds = [played(k, 0.004, 0.003, gate_error=told(e)) for k, e in enumerate(errors)]
        said = [one for one in gate_report(worlds, FACILITY).complaints if "benchmarked" in one]
        assert len(said) == bool(broken)
        assert all(broken in one for one in said)


def test_a_gate_that_is_not_found_and_an_error_that_is_too_large_are_broken() -> None:
    large = {"budget_error": told(0.03)}  # which benchmarking outweighs
    worlds = [world(1, phase_first={}), world(2, gate_error=told(0.02), **large), world(3, **large)]
    complaints = " ".join(gate_report(worlds, FACILITY).complaints)
    assert "2 of 3 gates found" in complaints
    assert "seed 3: node_a.q0_q1: an error of 0.0300" in complaints
    assert "an error of 0.0200" in complaints
    assert gate_report((), FACILITY).complaints


def test_lines_that_nothing_was_found_of_are_broken() -> None:
    summary, truth, _ = report()
    unknown = {"seed": 7, **record_of(summary, truth, [{"measured": {}}])}
    assert unknown["residual_flux"] == {}
    assert gate_report([unknown], FACILITY).complaints == ("seed 7: no flux line was found",)


STAND_IN = """
import pathlib, sys
folder = pathlib.Path(sys.argv[sys.argv.index("--report") + 1])
for name, content in zip(("summary", "truth", "fits"), sys.argv[1:4]):
    (folder / f"{name}.json").write_text(content)
"""
"""Leaves what it is given, as a demo would have left it."""


async def test_a_campaign_of_gates_leaves_a_record_of_each_world(tmp_path: Path) -> None:
    contents = [json.dumps(one) for one in report(bell_fidelity=told(0.95))]
    wanted = command._plan(
        Namespace(
            name="two-qubit",
            options=["--ideal-lines"],
            seeds=range(3, 5),
            out=tmp_path / "gates",
            reports=None,
            jobs=1,
            dask=None,
        )
    )
    assert wanted.facility.name == "two_qubit"
    program = (sys.executable, "-c", STAND_IN, *contents)
    plan = CampaignPlan(
        wanted.name, wanted.seeds, wanted.options, wanted.facility, wanted.facility_text,
        wanted.folder, program=program,
    )  # fmt: skip
    end = await run_campaign(plan, lambda text: None)
    assert (end.lost, end.report.complaints) == ({}, ())
    kept = json.loads((tmp_path / "gates" / SEEDS).read_text())
    assert [one["edges"]["node_a.q0_q1"]["found"] for one in kept["worlds"]] == [True, True]
    assert kept["bell_fidelity"] == 0.95
    assert kept["residual_flux_most"] < 1e-3
