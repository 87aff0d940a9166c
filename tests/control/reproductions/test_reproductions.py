"""Reproductions: JSON as promised, agreement that can fail, and names that are not there."""

import asyncio
import json
from dataclasses import replace

import pytest

from podium.control.cli import main
from podium.control.links.pair_fidelity import teleported_gate
from podium.control.links.teleported_cnot import (
    LocalGates,
    teleported_process_fidelity,
    werner_pair,
)
from podium.control.reproductions.optical import reproduce_optical
from podium.control.reproductions.quantities import Quantity
from podium.control.reproductions.reproductions import NOT_THERE, REPRODUCTIONS

KEYS = {"quantity", "published", "published_sigma", "ours", "ours_sigma", "within", "model"}


@pytest.mark.parametrize("fidelity", [0.9689, 0.795, 0.4])
def test_a_teleported_cnot_is_worth_its_werner_pair(fidelity: float) -> None:
    pair = werner_pair(fidelity)
    assert abs(teleported_process_fidelity(pair, LocalGates()) - fidelity) < 1e-12
    wrong = LocalGates(readout_error=0.01)
    found = teleported_process_fidelity(pair, wrong)
    assert abs(found - teleported_gate(fidelity, 0.01)) < 1e-12


def test_gates_and_waiting_cost_what_they_cost() -> None:
    pair = werner_pair(1.0)
    gates = teleported_process_fidelity(pair, LocalGates(gate_error=0.02))
    assert 0.98**2 < gates < 0.98**2 + 0.005
    waiting = LocalGates(latency_s=1e-6, t1_s=30e-6, t2_s=20e-6)
    assert 0.8 < teleported_process_fidelity(pair, waiting) < 0.9


def test_the_optical_link_agrees_with_sequence() -> None:
    found = asyncio.run(reproduce_optical(3))
    assert [one.quantity for one in found.quantities] == ["rate", "bell_fidelity"] * 3
    assert found.within, found
    off = replace(found.quantities[0], ours=found.quantities[0].ours * 1.1)
    assert not off.within


def test_the_command_prints_json_with_every_key(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["reproduce", "teleported_cnot", "--json"]) == 0
    found = json.loads(capsys.readouterr().out)
    assert found["name"] == "teleported_cnot"
    assert all(set(one) == KEYS and one["within"] for one in found["quantities"])
    assert all("no machine code" in one["model"] for one in found["quantities"])
    assert main(["reproduce", "teleported_cnot"]) == 0
    assert "published 0.9689" in capsys.readouterr().out


def test_what_is_not_there_is_refused_and_nothing_is_made_up(
    capsys: pytest.CaptureFixture[str],
) -> None:
    for name in (*NOT_THERE, "nobody1999"):
        assert main(["reproduce", name, "--json"]) == 2
        said = capsys.readouterr()
        assert said.out == ""
        assert f"{name} is not reproduced" in said.err
    assert main(["reproduce"]) == 0
    listed = capsys.readouterr().out
    assert all(name in listed for name in (*REPRODUCTIONS, *NOT_THERE))


def test_agreement_is_two_sigma_of_both() -> None:
    one = Quantity("rate", 1.0, 0.03, 1.099, 0.04, "")
    assert one.within
    assert not replace(one, ours=1.101).within
