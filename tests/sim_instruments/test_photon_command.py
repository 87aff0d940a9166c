"""``podium twin photon``: a published link's figures by both models of dephasing."""

import json
from argparse import ArgumentParser

import pytest

from podium.sim_instruments.photon_command import add_photon, run_photon


@pytest.mark.slow
def test_figures_are_those_of_the_page(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_photon(parser)
    assert run_photon(parser.parse_args(["kurpiers2018", "--json"])) == 0
    told = json.loads(capsys.readouterr().out)
    assert told["number_operator"]["bell_fidelity"] == pytest.approx(0.765, abs=2e-3)
    assert told["two_sigma_z"]["absorption"] == pytest.approx(0.989, abs=2e-3)


def test_a_link_that_is_not_there_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    parser = ArgumentParser()
    add_photon(parser)
    with pytest.raises(SystemExit):
        parser.parse_args(["storz2023"])
    assert "kurpiers2018" in capsys.readouterr().err
