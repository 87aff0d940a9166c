"""The part of ``podium demo --link`` behind the bring-up, on a lab that plays nothing."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
from rich.console import Console

from podium.control import cli
from podium.control.calibration.links.end_routines import END_ROUTINES
from podium.control.calibration.outcome import Outcome
from podium.control.demo import link_pair
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import Measured
from podium.control.parameters.quantities import QUANTITIES
from podium.control.parameters.store import ParameterStore
from podium.control.report.comparison import compare
from podium.control.report.page import Drawings
from podium.control.report.progress import Display
from podium.control.report.story import Story
from podium.control.runs.errors import RunFailed, RunRefused
from podium.firmware_interfaces.tai import Tai

EXAMPLES = Path(__file__).parents[3] / "examples"
LINKED = EXAMPLES / "linked" / "facility.yaml"
ENDS = ("node_a.q0", "node_b.q0")


class Lab:
    """Knows the facility; its skews are lost as often as ``lost`` says."""

    def __init__(self, lost: list[type[Exception]]) -> None:
        self.facility = load_facility(LINKED)
        self.lost = lost
        self.calibrations = 0

    async def now(self) -> Tai:
        return Tai(1_800_000_000, 0)

    async def measure_skews(self, nodes, starts, progress):
        self.calibrations += 1
        assert tuple(nodes) == ("node_a", "node_b")
        if self.lost:
            raise self.lost.pop()("no answer to FIRE")
        one = SimpleNamespace(pair="cluster_b against cluster_a", value_fs=601_000)
        return SimpleNamespace(starts=starts, measured=SimpleNamespace(skews=(one,)))

    @asynccontextmanager
    async def procedure(self, title, nodes, steps) -> AsyncIterator[tuple]:
        async def begin_step(number: int, name: str) -> None:
            pass

        yield SimpleNamespace(begin_step=begin_step), self


async def shared(bench, steps, began, ended) -> None:
    """Calibrate a link without playing anything."""
    for number, name in enumerate(steps, 1):
        await began(number, name)
        outcome = Outcome(name, name)
        if name == "link_bell":
            outcome.states["link_ab"] = np.eye(4, dtype=np.complex128) / 4
            outcome.measured["link_ab.bell_fidelity"] = Measured(0.8, 0.01, "1")
            outcome.notes.append("mean errors of the readouts are taken out")
        await ended(outcome)


async def played(tmp_path: Path, lab: Lab, found: bool = True) -> Story:
    story = Story("linked", 3, ENDS, left_out=link_pair.LEFT_OUT)
    known = {f"{qubit}.{one.name}": Measured(1.0, 0.1, "1") for qubit in ENDS for one in QUANTITIES}
    without_line = {end: {"sweet_spot"} for end in ENDS}
    seen = known if found else {}
    story.comparisons = compare(ENDS, seen, {}, without_line, link_pair.LEFT_OUT)
    story.link = link_pair.link_story(lab.facility)
    assert story.link is not None
    display = Display(Console(quiet=True), None, None)
    with ParameterStore(tmp_path / "parameters.sqlite") as store, Drawings() as drawings:
        await link_pair.LinkDemo(
            lab,
            store,
            tmp_path,
            story,
            story.link,
            display,
            drawings,  # type: ignore[arg-type]
        ).work()
    return story


@pytest.fixture(autouse=True)
def calibrated(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(link_pair, "calibrate_link", shared)


async def test_skew_link_and_pair_stand_in_the_story(tmp_path: Path) -> None:
    story = await played(tmp_path, Lab([]))
    assert story.link is not None
    assert story.good
    assert "0.601 ns, 20 starts" in story.link.skew
    assert len(story.steps) + 1 == link_pair.STEPS
    assert story.link.state is not None
    assert story.link.corrected == "mean errors of the readouts are taken out"


async def test_a_calibration_of_skews_that_is_lost_is_begun_again(tmp_path: Path) -> None:
    lab = Lab([RunFailed, RunFailed])
    assert (await played(tmp_path, lab)).good
    assert lab.calibrations == 3


@pytest.mark.parametrize("lost", [[RunRefused], [RunFailed] * 3])
async def test_without_a_common_start_nothing_is_sent(lost: list, tmp_path: Path) -> None:
    story = await played(tmp_path, Lab(lost))
    assert [str(one) for one in story.failures()] == ["link link_ab: no answer to FIRE"]
    assert story.steps == []
    assert not story.good


async def test_an_end_that_was_not_found_is_named(tmp_path: Path) -> None:
    story = await played(tmp_path, Lab([]), found=False)
    assert [one.element for one in story.failures()] == [*ENDS]


def test_what_ends_need_is_measured_and_what_is_left_out_is_not_missed() -> None:
    measured = {"f01", "anharmonicity", "t1", "thermal_population", "assignment_fidelity"}
    assert measured.isdisjoint(link_pair.LEFT_OUT)
    # The last classification and the last T1 know what heat lifts.
    assert END_ROUTINES[-3:] == ("thermal_population", "single_shot", "relaxation")
    assert {"t2_echo", "chi"} <= link_pair.LEFT_OUT


def test_a_facility_without_ends_of_links_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    plain = str(EXAMPLES / "two_nodes" / "facility.yaml")
    asked = ["demo", "--link", "--report", str(tmp_path), "--facility", plain]
    assert cli.main(asked) == 2
    assert "has no link that says what is at its two ends" in capsys.readouterr().err
