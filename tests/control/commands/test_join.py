"""``podium join`` says who has joined, as a line for a person or as JSON."""

import json

import pytest
from tests.benches.nodes.podium_up import EXAMPLE

from podium.control.bus.messages import AgentStatus, FacilityStatus, InstrumentStatus
from podium.control.commands import join
from podium.control.facility.load import load_facility
from podium.control.runs.errors import RunFailed


def agent(name: str, **states: str) -> AgentStatus:
    boxes = tuple(
        InstrumentStatus(box, "box", state, "", 1, 1, "" if state == "connected" else "no route")
        for box, state in states.items()
    )
    return AgentStatus(name, "idle", boxes)


class Answering:
    """A lab whose status is one after the other of those that it was given."""

    def __init__(self, *statuses: FacilityStatus | RunFailed) -> None:
        self.facility = load_facility(EXAMPLE)
        self.statuses = list(statuses)

    async def ready(self, within_s: float) -> FacilityStatus:
        status = self.statuses.pop(0)
        if isinstance(status, RunFailed):
            raise status
        return status


def status(*agents: AgentStatus) -> FacilityStatus:
    return FacilityStatus("first_light", agents, (), 0, 0)


OLD, NEW = agent("node_a", cluster_a="connected"), agent("node_b", b="connected", c="connected")


@pytest.fixture
def at_once(monkeypatch) -> None:
    monkeypatch.setattr(join, "LOOK_S", 0.0)


@pytest.mark.parametrize(
    ("as_json", "line"),
    [
        (True, json.dumps({"joined": ["node_b"], "facility": "first_light", "instruments": 2})),
        (False, "node_b joined first_light: 2 instruments"),
    ],
)
async def test_who_has_joined_is_one_line(capsys, as_json: bool, line: str) -> None:
    lab = Answering(status(OLD, NEW))
    await join._tell_when_ready(lab, frozenset({"node_b"}), as_json=as_json)
    assert capsys.readouterr() == (f"{line}\n", "")


async def test_what_is_waited_for_is_told_on_standard_error(capsys, at_once) -> None:
    lost = agent("node_b", b="lost", c="connected")
    lab = Answering(RunFailed("nobody answers"), status(OLD), status(OLD, lost), status(OLD, NEW))
    await join._tell_when_ready(lab, frozenset({"node_b"}), as_json=True)
    out, err = capsys.readouterr()
    assert json.loads(out)["joined"] == ["node_b"]
    assert err.splitlines() == [
        "podium join: not ready: nobody answers",
        "podium join: b: no route",
    ]
