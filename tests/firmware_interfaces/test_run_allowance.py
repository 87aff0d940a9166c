"""How much longer than computed a program may take is said in one place."""

import os
from pathlib import Path

import pytest
from tests.benches.docs.pages import ROOT

from podium.control.cli import main
from podium.control.facility.endpoints import let_programs_last
from podium.control.facility.problems import FacilityError
from podium.control.processes.child_processes import Children
from podium.firmware_interfaces.run_allowance import (
    BEYOND_DRIVER_S,
    VARIABLE,
    beyond_driver_s,
    run_allowance_s,
)


def test_a_minute_unless_the_environment_says_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    assert run_allowance_s() == 60.0
    monkeypatch.setenv(VARIABLE, "240")
    assert run_allowance_s() == 240.0
    assert beyond_driver_s() == 240.0 + BEYOND_DRIVER_S


@pytest.mark.parametrize("said", ["", "long", "0", "-3", "nan", "inf"])
def test_what_is_no_time_is_refused_in_words(monkeypatch: pytest.MonkeyPatch, said: str) -> None:
    monkeypatch.setenv(VARIABLE, said)
    with pytest.raises(ValueError, match=f"{VARIABLE} is {said!r}; a number of seconds above 0"):
        run_allowance_s()


@pytest.mark.parametrize(("said", "found"), [(None, "600"), ("7", "7")])
def test_those_who_wait_for_simulated_instruments_wait_longer(
    monkeypatch: pytest.MonkeyPatch, tmp_path, said: str | None, found: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    children = Children()
    child = children.start("env", ["env"], tmp_path)
    assert child.process.wait(30) == 0
    children.kill()
    assert f"{VARIABLE}={found}" in child.log.read_text().splitlines()
    assert (VARIABLE in os.environ) == (said is not None)


def test_podium_up_refuses_what_is_no_time_before_it_starts_anything(
    monkeypatch: pytest.MonkeyPatch, tmp_path, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv(VARIABLE, "long")
    words = ["up", str(ROOT / "examples/first_light/facility.yaml")]
    assert main([*words, "--state", str(tmp_path / "up.json")]) == 2
    assert capsys.readouterr().err == (
        f"podium up: {VARIABLE} is 'long'; a number of seconds above 0 is expected\n"
    )
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("said", "found"), [(None, "600"), ("7", "7")])
def test_an_endpoints_file_says_how_much_its_instruments_need(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str | None, found: str
) -> None:
    monkeypatch.setenv(VARIABLE, "0")  # so that it is taken back
    monkeypatch.delenv(VARIABLE)
    if said is not None:
        monkeypatch.setenv(VARIABLE, said)
    endpoints = tmp_path / "endpoints.json"
    let_programs_last(None)
    let_programs_last(endpoints)  # who reads its addresses says that it is missing
    assert os.environ.get(VARIABLE) == said
    endpoints.write_text('{"instruments": {}, "run_allowance_s": 600.0}')
    let_programs_last(endpoints)
    assert os.environ[VARIABLE] == found


@pytest.mark.parametrize("said", ["0", "true", '"long"', "1e400"])
def test_an_endpoints_file_that_says_no_time_is_refused(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, said: str
) -> None:
    monkeypatch.delenv(VARIABLE, raising=False)
    endpoints = tmp_path / "endpoints.json"
    endpoints.write_text(f'{{"instruments": {{}}, "run_allowance_s": {said}}}')
    with pytest.raises(FacilityError, match="a number of seconds above 0 is expected"):
        let_programs_last(endpoints)
    assert VARIABLE not in os.environ
