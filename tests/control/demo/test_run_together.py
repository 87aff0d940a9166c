"""``podium run`` of a program on several nodes: in one piece, corrected unless told otherwise."""

from contextlib import asynccontextmanager

import pytest
import xarray
from tests.control.triggered_bench import Node, together
from tests.control.two_nodes_up import TWO_NODES

from podium.control import cli
from podium.control.calibration.runner import RunRefused
from podium.control.demo.up_state import UpState, write_state
from podium.control.program.serialise import to_json


class Lab:
    """Runs, and does not stream."""

    def __init__(self) -> None:
        self.asked: list[tuple[str, bool]] = []
        self.refusal = ""

    async def run(self, program, *, corrected) -> xarray.Dataset:
        self.asked.append((program.name, corrected))
        if self.refusal:
            raise RunRefused(self.refusal)
        return xarray.Dataset({"x": ("x", [1.0])}, attrs={"run": "7-00001"})


@pytest.fixture
def lab(tmp_path, monkeypatch) -> Lab:
    lab = Lab()

    @asynccontextmanager
    async def joined(*where: object):
        yield lab

    monkeypatch.setattr("podium.control.lab.join_facility", joined)
    write_state(tmp_path / "up.json", UpState(str(TWO_NODES), None, "tcp/127.0.0.1:1"))
    (tmp_path / "bell.json").write_text(to_json(together([Node("a"), Node("b")])))
    return lab


@pytest.mark.parametrize(("words", "corrected"), [((), True), (("--uncorrected",), False)])
def test_skews_are_taken_out_unless_told_otherwise(lab, tmp_path, words, corrected) -> None:
    program, state = tmp_path / "bell.json", tmp_path / "up.json"
    assert cli.main(["run", str(TWO_NODES), str(program), "--state", str(state), *words]) == 0
    assert lab.asked == [("together", corrected)]
    assert (tmp_path / "bell.nc").exists()


def test_a_refusal_is_one_line(lab, tmp_path, capsys) -> None:
    lab.refusal = "the skew was never measured: podium skew measure FACILITY"
    program, state = tmp_path / "bell.json", tmp_path / "up.json"
    assert cli.main(["run", str(TWO_NODES), str(program), "--state", str(state)]) == 1
    assert capsys.readouterr().err == f"podium run: {lab.refusal}\n"
    assert not (tmp_path / "bell.nc").exists()
