"""``podium twin cable``: figures with the values that were taken for them."""

import json
from argparse import ArgumentParser

import pytest

from podium.sim_instruments.cable_command import add_cable, run_cable


def test_a_dark_mode_s_figures_follow_from_one_another(
    capsys: pytest.CaptureFixture[str],
) -> None:
    parser = ArgumentParser()
    add_cable(parser)
    assert run_cable(parser.parse_args(["leung2019", "--json"])) == 0
    rows = json.loads(capsys.readouterr().out)
    sent = {row["taken"]: row["value"] for row in rows if row["quantity"] != "bell_fidelity"}
    assert len(rows) == 8
    assert len(sent) == 4
    lossless = [value for taken, value in sent.items() if "do not decay" in taken]
    assert lossless == [pytest.approx(0.540, abs=2e-3), pytest.approx(0.757, abs=2e-3)]
    assert run_cable(parser.parse_args(["leung2019"])) == 0
    assert "transfer_probability 0.5404: two swaps" in capsys.readouterr().out


@pytest.mark.slow
def test_remote_gates_are_those_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_cable(parser)
    assert run_cable(parser.parse_args(["remote_gates", "--json"])) == 0
    rows = json.loads(capsys.readouterr().out)
    found: dict[str, list[float]] = {}
    for row in rows:
        found.setdefault(row["quantity"], []).append(row["value"])
    assert found["cnot_fidelity"] == pytest.approx([0.9906, 0.9852, 0.9933], abs=1e-3)
    assert found["cz_fidelity"] == pytest.approx([0.9926, 0.9878, 0.9951], abs=1e-3)
    assert found["transfer_probability"][0] == pytest.approx(0.9925, abs=5e-4)


def test_a_name_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_cable(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["nobody1999"])
    assert "remote_gates" in capsys.readouterr().err
