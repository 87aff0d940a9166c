"""By hand through the owner: asking, setting, letting go, taking back."""

import asyncio
import json
import logging

import pytest
import pytest_asyncio
from tests.benches.nodes.twins_on_sockets import EXAMPLE, twins_on_sockets

from podium.control.bus.manual_access import Ask
from podium.control.cli import main
from podium.control.client.facility_access import open_facility
from podium.control.commands.ask import in_unit, value_of
from podium.control.runs.errors import RunFailed, RunRefused
from podium.firmware_interfaces.quantity import QuantityError


@pytest.fixture
async def twins(tmp_path):
    async with twins_on_sockets(tmp_path) as twins:
        yield twins


@pytest.fixture
async def lab(twins):
    async with open_facility(EXAMPLE, twins.endpoints) as lab:
        await lab.ready(30)
        yield lab


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def unchanged(tmp_path_factory):
    """A lab for all tests that set nothing and do not look at what twins hear."""
    async with (
        twins_on_sockets(tmp_path_factory.mktemp("twins")) as twins,
        open_facility(EXAMPLE, twins.endpoints) as lab,
    ):
        await lab.ready(30)
        yield lab


of_all = pytest.mark.asyncio(loop_scope="module")


@of_all
async def test_asking_in_parameters_and_in_words(unchanged) -> None:
    lab = unchanged
    assert (await lab.answer("lo_q2", "power")).unit == "dBm"
    assert await lab.ask("lo_q2", "power") == -30.0
    assert str(await lab.ask("bias_q0", "*IDN?")).startswith("YOKOGAWA,GS210")
    assert str(await lab.ask("thermometry_a", "KRDG? 6")).startswith("+")
    assert await lab.ask("cluster_a", "module2.out0_att") == 0
    assert await lab.ask("cluster_a", "reference_source") == "internal"
    assert "Cluster QRM" in str(await lab.ask("cluster_a", "SLOT2:IDN?"))
    assert "gain_path" in str(await lab.ask("cluster_a", "SLOT2:SEQuencer0:CONFiguration?"))


@of_all
async def test_what_is_not_there_is_named_with_the_nearest_that_is(unchanged) -> None:
    lab = unchanged
    with pytest.raises(RunRefused, match="lo_q2 has no parameter 'powr': did you mean power"):
        await lab.ask("lo_q2", "powr")
    with pytest.raises(RunRefused, match=r"has no .modul2.out0_att.: did you mean module2"):
        await lab.ask("cluster_a", "modul2.out0_att")
    with pytest.raises(RunRefused, match="no instrument 'lo_q3'"):
        await lab.ask("lo_q3", "power")


async def test_nothing_is_set_without_write(lab, twins) -> None:
    texts = (":SOUR:POW -3", ":SOUR:POW -3;:SOUR:POW?", "*RST")
    for what, value in (("power", -12.5), *((text, None) for text in texts)):
        twins.heard.clear()
        with pytest.raises(RunRefused, match="would set something: ask again with --write"):
            await lab.ask("lo_q2", what, value)
        assert twins.heard == []


async def test_what_is_set_is_set_logged_and_everything_is_read_again(lab, twins, caplog) -> None:
    caplog.set_level(logging.INFO, "podium.agent")
    assert await lab.ask("lo_q2", "power", -12.5, write=True) == -12.5
    await lab.ask("lo_q2", ":SOUR:FREQ", 4.5e9, write=True)
    assert await lab.ask("lo_q2", "frequency") == 4.5e9
    await lab.ask("cluster_a", "module4.out1_att", 6, write=True)
    assert await lab.ask("cluster_a", "module4.out1_att") == 6
    written = [r.getMessage() for r in caplog.records if "asked by hand" in r.getMessage()]
    assert "instrument='lo_q2' what='power' value=-12.5 by=" in written[0]
    status = await lab.status()
    connections = {i.name: i.connections for a in status.agents for i in a.instruments}
    assert connections["lo_q2"] == 3
    assert connections["cluster_a"] == 2


@of_all
async def test_what_the_instrument_refuses_is_told_in_its_words(unchanged) -> None:
    lab = unchanged
    with pytest.raises(RunRefused, match="power cannot be 'high'"):
        await lab.ask("lo_q2", "power", "high", write=True)
    with pytest.raises(RunRefused, match="-222"):
        await lab.ask("lo_q2", ":SOUR:POW 500", write=True)


async def test_a_wired_bias_is_never_set_by_hand(lab, twins) -> None:
    twins.heard.clear()
    for instrument, what, value in (
        ("bias_q0", "voltage", 1.0),
        ("bias_q0", ":SOUR:LEV 1", None),
        ("cluster_a", "module6.out2_offset", 0.5),
        ("cluster_a", "SLOT6:AFE:OFFSet:DAC2 1000", None),
        ("cluster_a", "*RST", None),
    ):
        with pytest.raises(RunRefused, match="moves in ramps only, within the limits"):
            await lab.ask(instrument, what, value, write=True)
    assert twins.heard == []


async def test_two_messages_in_one_are_refused(lab, twins) -> None:
    twins.heard.clear()
    with pytest.raises(RunRefused, match="one message at a time"):
        await lab.ask("lo_q2", "*IDN?\n:SOUR:POW 5")
    assert twins.heard == []


async def test_a_released_instrument_is_left_alone_until_it_is_taken_back(lab, twins) -> None:
    await lab.bias({"node_a.q0.flux": 0.1})
    await lab.release("bias_q0")
    async with asyncio.timeout(10):  # until the twin has seen that it was hung up
        while twins.serving.served["bias_q0"].faults.open:  # noqa: ASYNC110
            await asyncio.sleep(0)
    twins.heard.clear()
    for asked in (
        lab.bias({"node_a.q0.flux": 0.2}),
        lab.read("bias_q0", ""),
        lab.ask("bias_q0", "*IDN?"),
        lab.examine("bias_q0"),
    ):
        with pytest.raises(RunRefused, match=r"bias_q0: it was released to .*--back"):
            await asked
    await lab.bias({"node_a.q1.flux": 0.01})  # what does not need it goes on
    status = await lab.ready(5)
    states = {i.name: i.state for a in status.agents for i in a.instruments}
    assert states["bias_q0"] == "released"
    assert "bias_q0" not in {name for name, _ in twins.heard}
    twins.twins["bias_q0"].open("scpi").feed(
        b":SOUR:LEV 0.3\n", twins.serving.laboratory.clock.now_fs()
    )
    await lab.take_back("bias_q0")
    assert await lab.read("bias_q0", "") == pytest.approx(0.3)
    await lab.bias({"node_a.q0.flux": 0.1})  # it does not believe that it is there still
    assert await lab.read("bias_q0", "") == pytest.approx(0.1)
    await lab.bias({"node_a.q0.flux": 0.0, "node_a.q1.flux": 0.0})


async def test_taking_back_what_does_not_answer_says_so(lab, twins, monkeypatch) -> None:
    monkeypatch.setattr("podium.control.agent.manual_access.BACK_S", 1.0)
    await lab.release("lo_q2")
    twins.serving.served["lo_q2"].faults.refused = True
    with pytest.raises(RunFailed, match="lo_q2: it does not answer yet"):
        await lab.take_back("lo_q2")
    twins.serving.served["lo_q2"].faults.refused = False
    await lab.ready(30)  # what still opens it would be waited for at the end


async def test_the_command_line_asks_and_sets(twins, capsys) -> None:
    def ask(*words: str) -> tuple[int, str, str]:
        status = main(["ask", *words, "--facility", str(EXAMPLE), *twins.words])
        return status, *capsys.readouterr()

    assert await asyncio.to_thread(ask, "lo_q2", "power") == (0, "-30.0 dBm\n", "")
    status, _, told = await asyncio.to_thread(ask, "lo_q2", "power", "-5")
    assert status == 1
    assert "'power -5' would set something: ask again with --write" in told
    status, said, _ = await asyncio.to_thread(ask, "lo_q2", "power", "-5", "--write", "--json")
    assert (status, json.loads(said)) == (0, {"value": -5.0, "unit": "dBm"})


def test_what_is_not_clear_is_wrong_use(tmp_path, monkeypatch, capsys) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    monkeypatch.delenv("PODIUM_FACILITY", raising=False)
    monkeypatch.chdir(tmp_path)
    assert main(["ask", "lo_q2", "power"]) == 2
    assert "no facility is up and there is no ./facility.yaml" in capsys.readouterr().err
    assert main(["release", "lo_q2", "--facility", str(EXAMPLE)]) == 1
    assert "nobody holds lo_q2" in capsys.readouterr().err


def test_a_value_is_a_number_where_it_looks_like_one() -> None:
    assert [value_of(text) for text in ("5", "1e9", "true", "False", "INT", '"x"', "[1]")] == [
        *(5, 1e9, True, False),
        *("INT", '"x"', "[1]"),
    ]


@of_all
async def test_a_value_with_a_unit_is_set_in_the_unit_of_the_parameter(unchanged) -> None:
    lab = unchanged
    here = await lab.answer("lo_q2", "frequency")
    asked = Ask("lo_q2", "frequency", "5.9 GHz", True, "ada")
    assert in_unit(asked, here.unit) == 5.9e9
    with pytest.raises(QuantityError, match="is a voltage; a frequency is wanted"):
        in_unit(Ask("lo_q2", "frequency", "3 V", True, "ada"), here.unit)
    assert in_unit(Ask("cluster_a", "reference_source", "5 x", True, "ada"), "") == "5 x"
