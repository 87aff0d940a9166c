"""``podium doctor`` on twins: it reads, it compares, it writes nothing."""

import asyncio
import json

import pytest
from tests.benches.nodes.twins_on_sockets import EXAMPLE, twins_on_sockets

from podium.control.bus.manual_access import Examined
from podium.control.cli import main
from podium.control.commands.doctor_findings import Finding, findings
from podium.control.facility.load import load_facility
from podium.firmware_interfaces.ieee4882.queries import only_asks


@pytest.fixture
async def twins(tmp_path):
    async with twins_on_sockets(tmp_path) as twins:
        yield twins


async def doctor(twins, capsys, *words: str) -> tuple[int, str]:
    status = await asyncio.to_thread(main, ["doctor", str(EXAMPLE), *twins.words, *words])
    return status, capsys.readouterr().out


async def test_all_is_as_the_file_says_and_not_one_message_sets_anything(twins, capsys) -> None:
    status, told = await doctor(twins, capsys)
    assert status == 0, told
    assert "0 problems; nothing was set anywhere" in told
    for words in ("QRM-RF, firmware 2.1.0", "GS210", "internal: source of house", "mixing_chamber"):
        assert words in told
    assert {name for name, _ in twins.heard} == set(twins.twins)
    writing = [entry for entry in twins.messages() if not only_asks(entry[1].encode())]
    assert writing == []


async def test_the_ear_hears_what_sets_something(twins, capsys) -> None:
    await doctor(twins, capsys)
    twins.twins["bias_q0"].open("scpi").feed(b":OUTP 1\n", 0)
    writing = [entry for entry in twins.messages() if not only_asks(entry[1].encode())]
    assert writing == [("bias_q0", ":OUTP 1")]


async def test_what_differs_is_named_side_by_side(twins, capsys) -> None:
    source = twins.twins["bias_q0"].open("scpi")
    source.feed(b":SOUR:RANG 10;:SOUR:LEV 5;:OUTP 1\n", 0)
    cluster = twins.twins["cluster_a"].open("scpi")
    cluster.feed(b"STATus:QUEStionable:FREQuency:REFerence:SRC 0\n", 0)
    laboratory = twins.serving.laboratory
    laboratory.fridges["fridge_a"].fail(laboratory.clock.now_fs() - 10**15 * 36000)
    status, told = await doctor(twins, capsys, "--json")
    found = json.loads(told)
    assert (status, found["well"]) == (1, False)
    wrong = {
        (f["instrument"], f["what"]): f for f in found["findings"] if f["verdict"] == "differs"
    }
    assert wrong[("bias_q0", "level of node_a.q0.flux")]["instrument_says"] == "5 V"
    assert wrong[("bias_q0", "level of node_a.q0.flux")]["file_says"] == "within -1.2 to 1.2 V"
    assert wrong[("cluster_a", "reference")]["instrument_says"] == "external"
    assert ("thermometry_a", "mixing_chamber") in wrong


async def test_an_instrument_that_is_away_is_one_problem_and_the_others_are_examined(
    twins, capsys
) -> None:
    await twins.serving.served["lo_q2"].close()
    status, told = await doctor(twins, capsys, "--json")
    found = json.loads(told)["findings"]
    away = [f for f in found if f["instrument"] == "lo_q2"]
    assert status == 1
    assert [(f["what"], f["verdict"]) for f in away] == [("answers", "differs")]
    assert "refused" in away[0]["instrument_says"].lower()
    assert {f["instrument"] for f in found if f["what"] == "firmware"} == {
        "cluster_a",
        "thermometry_a",
        "bias_q0",
    }


def test_no_file_is_wrong_use(tmp_path, capsys) -> None:
    assert main(["doctor", str(tmp_path / "none.yaml")]) == 2


def test_another_box_in_the_place_of_one_is_seen() -> None:
    facility = load_facility(EXAMPLE)
    told = {
        "lo_q2": Examined("Agilent", "E8257D", "1", "2"),
        "cluster_a": Examined("qblox", "cluster_mm", "1", "2", modules={2: "QRM-RF", 6: "QRM"}),
    }
    wrong = [one for one in findings(facility, told) if one.verdict == "differs"]
    assert Finding("cluster_a", "slot 4", "QCM-RF", "nothing", "differs") in wrong
    assert Finding("cluster_a", "slot 6", "QCM", "QRM", "differs") in wrong
    identity = next(one for one in wrong if (one.instrument, one.what) == ("lo_q2", "identity"))
    assert (identity.file_says, identity.instrument_says) == (
        "Rohde & Schwarz SGS100A",
        "Agilent E8257D 1",
    )
    assert Finding("bias_q0", "answers", "at TCPIP::192.168.0.4::7655::SOCKET",
                   "nobody asked it", "differs") in wrong  # fmt: skip


@pytest.mark.parametrize(("said", "verdict"), [("external", "same"), ("internal", "differs")])
def test_a_controller_that_should_follow_the_timing_plane_is_seen_to(said, verdict) -> None:
    facility = load_facility(EXAMPLE.parents[1] / "two_nodes" / "facility.yaml")
    told = {"cluster_b": Examined("qblox", "cluster_mm", "1", "2", reference=said)}
    (found,) = (
        one
        for one in findings(facility, told)
        if (one.instrument, one.what) == ("cluster_b", "reference")
    )
    assert (found.file_says, found.verdict) == ("external: locked to plane_b", verdict)
