"""``podium doctor`` on Zurich Instruments: what it reads of them, and what it says of trouble."""

import json
from collections.abc import Iterator

import pytest
from tests.benches.nodes.misbehaving_wires import EXAMPLE, Laboratory, laboratory

from podium.control.cli import main
from podium.drivers.zurich import greeting

ZI = EXAMPLE.parents[1] / "first_light_zi" / "facility.yaml"


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("wires"), ZI) as found:
        yield found


@pytest.fixture
def doctor(twins, capsys, monkeypatch):
    monkeypatch.setattr(greeting, "GREETING_S", 0.3)

    def asked() -> tuple[int, dict[tuple[str, str], dict[str, str]]]:
        status = main(["doctor", str(ZI), "--endpoints", str(twins.endpoints), "--json"])
        found = json.loads(capsys.readouterr().out)["findings"]
        return status, {(one["instrument"], one["what"]): one for one in found}

    yield asked
    for wire in twins.wires.values():
        wire.heal()


def test_all_is_as_the_file_says_and_no_setting_has_changed(twins, doctor) -> None:
    server = twins.serving.laboratory.twins["zi_a"]
    (shfqc,) = server.devices
    before = {path: shfqc.store.value(path, 0) for path in shfqc.store.paths_below_root()}
    status, told = doctor()
    assert status == 0, [one for one in told.values() if one["verdict"] == "differs"]
    assert told["zi_a", "identity"]["instrument_says"].endswith("data server dev12000")
    assert told["zi_a", "firmware"]["instrument_says"].startswith("26.07.")
    assert told["zi_a", "options"]["instrument_says"].startswith("dev12000: ")
    assert told["zi_a", "reference"]["instrument_says"] == "internal"
    after = {path: shfqc.store.value(path, 0) for path in before}
    changed = {path for path in before if before[path] != after[path]}
    assert not {path for path in changed if not path.startswith(("stats/", "status/"))}


def test_where_no_server_runs_and_where_something_else_does(twins, doctor) -> None:
    wire = twins.wires["zi_a"]
    wire.goes()
    status, told = doctor()
    assert status == 1
    assert wire.host in told["zi_a", "answers"]["instrument_says"]
    assert "refused" in told["zi_a", "answers"]["instrument_says"]
    wire.heal()
    wire.leads_to(twins.wires["thermometry_a"])
    status, told = doctor()
    assert status == 1
    assert "no data server" in told["zi_a", "answers"]["instrument_says"]


def test_an_instrument_that_another_server_has(twins, doctor) -> None:
    server = twins.serving.laboratory.twins["zi_a"]
    server.lend("dev12000", "upstairs")
    try:
        status, told = doctor()
    finally:
        server.lend("dev12000", "")
    assert status == 1
    said = told["zi_a", "answers"]["instrument_says"]
    assert "dev12000" in said
    assert "in the hands of the data server 'upstairs'" in said
