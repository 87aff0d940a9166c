"""A new family is one folder and an entry of a model: nothing else is edited."""

from copy import deepcopy
from dataclasses import replace

import numpy as np
import pytest
import yaml
from tests.benches.families.made_up.boxes import MODEL, MadeUpFamily
from tests.control.conftest import EXAMPLE, program

from podium.control.agent.agent import Agent
from podium.control.agent.instruments import Instruments
from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.load import load_facility
from podium.control.families.family import compiler_for
from podium.control.program.program import Parameter, ShiftPhase
from podium.control.runs.errors import RunFailed
from podium.firmware_interfaces import models


@pytest.fixture
def facility(tmp_path, monkeypatch):
    """First light, and a node whose controller is of a family that an installed package has."""
    monkeypatch.setattr(models, "BUILT_IN", (*models.BUILT_IN, MODEL))
    models.known_models.cache_clear()
    said = yaml.safe_load(EXAMPLE.read_text())
    said["instruments"]["box"] = {"model": "made_up", "address": "127.0.0.1"}
    node = deepcopy(said["nodes"]["node_a"])
    del node["fridge"]
    node["feedlines"], node["qubits"] = {"feedline": ["q0"]}, {"q0": node["qubits"]["q0"]}
    for of_flux in ("flux_period", "flux_offset", "asymmetry"):
        del node["qubits"]["q0"]["design"][of_flux]
    said["nodes"]["node_b"] = node
    wiring = said["wiring"]
    wiring["node_b.feedline"] = wiring["node_a.feedline"] | {"output": "box.out", "input": "box.in"}
    wiring["node_b.q0.drive"] = wiring["node_a.q0.drive"] | {"output": "box.drive"}
    path = tmp_path / "facility.yaml"
    path.write_text(yaml.safe_dump(said, sort_keys=False))
    yield load_facility(path)
    models.known_models.cache_clear()


@pytest.fixture
async def lab(facility):
    bus = MemoryBus()
    instruments = Instruments.of(facility, ["box"])
    agent = Agent("room", facility, instruments, compiler_for(facility), bus)
    async with Coordinator(facility, bus).running(), agent.running():
        await instruments.workers["box"].connected()
        yield Lab(facility, bus)


def on_node_b(**more):
    return program(port="node_b.q0.drive", readout="node_b.q0.readout", **more)


async def test_its_programs_are_prepared_and_fired(lab) -> None:
    one = on_node_b()
    play, *rest = one.body
    turned = replace(one, body=(ShiftPhase("d", Parameter("a", 0.0)), play, *rest))
    prepared = await lab.prepare(turned)
    for a in (0.25, 0.5):
        np.testing.assert_array_equal((await prepared.fire(a=a))["q0"].imag, np.full(3, 2.0))


async def test_its_programs_are_run_and_streamed(lab) -> None:
    data = await lab.run(on_node_b())
    np.testing.assert_array_equal(data.q0_q, np.full(3, 2.0))
    parts = [one async for one in lab.stream(on_node_b(shots=4), batch_shots=2)]
    assert [one.attrs["shots_done"] for one in parts] == [2, 4]


def test_the_other_families_compile_beside_it(facility) -> None:
    compiler = compiler_for(facility)
    assert set(compiler(on_node_b())) == {"box"}
    assert set(compiler(program())) == {"cluster_a"}


async def test_a_compiler_that_breaks_down_fails_the_run_and_not_the_agent(
    lab, monkeypatch
) -> None:
    def broken(*_: object) -> None:
        raise AttributeError("no such thing")

    as_it_is = MadeUpFamily.compile
    monkeypatch.setattr(MadeUpFamily, "compile", broken)
    with pytest.raises(RunFailed, match="AttributeError: no such thing"):
        await lab.run(on_node_b())
    monkeypatch.setattr(MadeUpFamily, "compile", as_it_is)
    await lab.run(on_node_b())
