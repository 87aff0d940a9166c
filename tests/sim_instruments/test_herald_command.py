"""``podium twin herald``: pairs of a herald station, counted and measured."""

import json
from argparse import ArgumentParser
from collections.abc import Callable

import pytest

from podium.sim_instruments.herald_command import add_herald, run_herald
from podium.sim_instruments.serve_command import CommandFailed

Run = Callable[..., str]


@pytest.fixture
def run(capsys: pytest.CaptureFixture[str]) -> Run:
    def typed(*words: str) -> str:
        parser = ArgumentParser()
        add_herald(parser)
        assert run_herald(parser.parse_args(words)) == 0
        return capsys.readouterr().out

    return typed


@pytest.mark.parametrize(
    "words",
    [
        ("two-clicks", "--transmission", "0.4", "--visibility", "0.86", "--dark", "1e-3"),
        ("one-click", "--alpha", "0.1", "--transmission", "0.3", "--phase-sigma", "0.2"),
    ],
)
def test_what_is_counted_and_measured_is_within_its_sigma_of_the_truth(
    run: Run, words: tuple[str, ...]
) -> None:
    told = json.loads(run(*words, "--attempts", "200000", "--seed", "4", "--json"))
    truth, attempts = told["truth"], told["attempts"]
    assert abs(told["fidelity"] - truth["fidelity"]) < 4 * told["fidelity_sigma"]
    sigma = (attempts * truth["chance"]) ** 0.5
    assert abs(told["heralds"] - attempts * truth["chance"]) < 4 * sigma


def test_a_person_reads_rate_and_fidelity(run: Run) -> None:
    told = run("two-clicks", "--transmission", "0.5", "--attempts", "1000")
    assert "pairs of 1000 attempts" in told
    assert "truth 1.0000" in told


def test_what_no_link_can_be_is_refused(run: Run) -> None:
    with pytest.raises(CommandFailed, match=r"alpha = 0\.5"):
        run("two-clicks", "--alpha", "0.2")
    with pytest.raises(CommandFailed, match="1 or more"):
        run("one-click", "--attempts", "0")
