"""A bias whose source is known by its QCoDeS driver alone: from the file to the terminals."""

import json

import pytest

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.runs.errors import RunRefused
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

KNOWN = 'bias_q0:\n    model: yokogawa_gs200\n    address: "TCPIP::192.168.0.4::7655::SOCKET"\n'
ANY = """bias_q0:
    driver: qcodes.instrument_drivers.yokogawa.YokogawaGS200
    address: "TCPIP::192.168.0.4::7655::SOCKET"
    roles:
      FluxSource: {level: voltage, limit: 1.5 V, output: output, setup: {voltage_range: 10.0}}
"""


@pytest.fixture
def twin():
    return YokogawaGS200("91T1")


@pytest.fixture
async def lab(twin, serve, tmp_path):
    from tests.control.conftest import EXAMPLE

    text = EXAMPLE.read_text()
    assert KNOWN in text
    (tmp_path / "facility.yaml").write_text(text.replace(KNOWN, ANY))
    here = {"bias_q0": {"model": "yokogawa_gs200", "visa": serve(twin).visa}}
    (tmp_path / "endpoints.json").write_text(json.dumps({"instruments": here}))
    facility = load_facility(tmp_path / "facility.yaml", tmp_path / "endpoints.json")
    instruments = Instruments.of(facility, ["bias_q0"])
    bus = MemoryBus()
    agent = Agent("room", facility, instruments, compiler_for(facility), bus)
    async with agent.running(), Coordinator(facility, bus).running():
        await instruments.workers["bias_q0"].connected()
        yield Lab(facility, bus)


async def test_its_bias_is_ramped_within_the_limits_and_read_back(lab, twin, twin_servers) -> None:
    await lab.bias({"node_a.q0.flux": 0.05})
    assert twin.level_v(twin_servers.clock.now_fs()) == 0.05
    assert await lab.read("bias_q0", "") == 0.05
    with pytest.raises(RunRefused, match="the facility file allows"):
        await lab.bias({"node_a.q0.flux": 1.3})
    assert twin.level_v(twin_servers.clock.now_fs()) == 0.05


async def test_its_status_names_the_driver_and_who_answers(lab) -> None:
    status = await lab.status()
    (one,) = [one for agent in status.agents for one in agent.instruments]
    assert one.model == "qcodes.instrument_drivers.yokogawa.YokogawaGS200"
    assert "GS210" in one.identity
