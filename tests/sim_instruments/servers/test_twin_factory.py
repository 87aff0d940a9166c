import sys
from collections.abc import Mapping
from types import ModuleType

import pytest

from podium.firmware_interfaces import models
from podium.firmware_interfaces.models import InstrumentModel, MapOption, TextOption
from podium.sim_instruments.physics.digital_lines import DigitalLines, LinesEnd
from podium.sim_instruments.servers import twin_factory
from podium.sim_instruments.servers.twin_factory import Supplies, TwinError, build_twin
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin


class NoPlayback:
    def submit(self, work):
        raise AssertionError("nothing is played here")


SUPPLIES = Supplies("00000042", NoPlayback(), None)
IN_A_FRIDGE = Supplies("00000042", NoPlayback(), lambda channel, now_fs: 0.01)


class Plain:
    def __init__(self, serial: str) -> None:
        self.given = {"serial": serial}


class Wanting:
    def __init__(self, serial: str, playback: object, reading: object, gain: str = "low") -> None:
        self.given = {"serial": serial, "gain": gain}


class Particular:
    def __init__(self, sensors: Mapping[int, str], gain: str) -> None:
        if 7 in sensors:
            raise ValueError("sensor 7: there are 1 to 6")
        self.given = {"sensors": sensors, "gain": gain}


OPTIONS = (MapOption("sensors", "sensor: stage", 1, 9), TextOption("gain", "its gain"))


@pytest.fixture
def known(monkeypatch):
    """Make models ``plain``, ``wanting`` and ``particular`` known, their twins in a module."""
    module = ModuleType("made_up_twins")
    found = dict(models.known_models())
    for twin in (Plain, Wanting, Particular):
        name = twin.__name__.lower()
        setattr(module, twin.__name__, twin)
        found[name] = InstrumentModel(
            name, "ACME", name, "visa", {}, (), "", f"made_up_twins:{twin.__name__}", OPTIONS
        )
    monkeypatch.setitem(sys.modules, "made_up_twins", module)
    monkeypatch.setattr(models, "known_models", lambda: found)
    monkeypatch.setattr(twin_factory, "known_models", lambda: found)
    return found


def test_the_twins_of_the_house_are_built_from_entries_of_a_facility_file() -> None:
    cluster = build_twin(
        "cluster_a", {"model": "qblox_cluster", "modules": {2: "QRM-RF"}}, SUPPLIES
    )
    assert isinstance(cluster, ClusterTwin)
    assert list(cluster.modules) == [2]
    thermometer = build_twin(
        "t", {"model": "lakeshore_372", "address": "x", "channels": {6: "still"}}, IN_A_FRIDGE
    )
    assert isinstance(thermometer, LakeShore372)


def test_a_twin_gets_what_its_constructor_names_and_nothing_else(known) -> None:
    assert build_twin("a", {"model": "plain", "gain": "high"}, SUPPLIES).given == {
        "serial": "00000042"
    }
    assert build_twin("a", {"model": "wanting"}, IN_A_FRIDGE).given["gain"] == "low"
    assert build_twin("a", {"model": "wanting", "gain": "high"}, IN_A_FRIDGE).given == {
        "serial": "00000042",
        "gain": "high",
    }


def test_keys_of_the_file_that_the_model_does_not_declare_reach_no_twin(known) -> None:
    entry = {"model": "wanting", "serial": "0", "playback": "nonsense", "address": "x"}
    assert build_twin("a", entry, IN_A_FRIDGE).given["serial"] == "00000042"


def test_numbers_that_the_file_has_in_quotes_are_numbers(known) -> None:
    entry = {"model": "particular", "sensors": {"1": "still"}, "gain": 3}
    assert build_twin("a", entry, SUPPLIES).given == {"sensors": {1: "still"}, "gain": "3"}


@pytest.mark.parametrize(
    ("entry", "complaint"),
    [
        ({"model": "oven"}, "a: no model 'oven' is known; there are qblox_cluster, "),
        ({"model": "particular", "gain": "low"}, "a: made_up_twins:Particular wants sensors; its"),
        ({"model": "wanting"}, "wants reading; .* give lines, mixers, playback, room, serial"),
        (
            {"model": "particular", "sensors": ["still"], "gain": "low"},
            r"a: sensors maps sensor: stage, but the file says \['still'\]",
        ),
        (
            {"model": "particular", "sensors": {"one": "still"}, "gain": "low"},
            "a: sensors maps sensor: stage",
        ),
        (
            {"model": "particular", "sensors": {7: "still"}, "gain": "low"},
            "^a: sensor 7: there are 1 to 6",
        ),
    ],
)
def test_what_is_wrong_is_said_with_the_instruments_name(known, entry, complaint) -> None:
    with pytest.raises(TwinError, match=complaint):
        build_twin("a", entry, SUPPLIES)


@pytest.mark.parametrize("twin", ["no.such.module:Twin", "made_up_twins:Missing"])
def test_a_twin_that_cannot_be_loaded_is_told_with_its_path(known, twin) -> None:
    known["gone"] = InstrumentModel("gone", "ACME", "gone", "visa", {}, (), "", twin)
    with pytest.raises(TwinError, match=f"a: its twin {twin} cannot be loaded"):
        build_twin("a", {"model": "gone"}, SUPPLIES)


def test_a_cluster_is_on_the_cables_of_its_laboratory() -> None:
    lines = LinesEnd(DigitalLines(), "a")
    supplies = Supplies("00000042", NoPlayback(), None, lines=lines)
    cluster = build_twin("a", {"model": "qblox_cluster", "modules": {10: "QTM"}}, supplies)
    cluster.input("slot10.io3").edge(5)
    assert lines.heard("slot10.io3", 0, 6) == [(5, True)]
