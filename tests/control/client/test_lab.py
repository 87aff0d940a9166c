"""Everything above the drivers, in one process: lab, coordinator, agent."""

import asyncio
import json
from contextlib import suppress
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.client.gates import Gate, raising, reached

from podium.control.bus import messages
from podium.control.bus.memory import MemoryBus
from podium.control.calibration import one_routine
from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.coordinator import agent_directory
from podium.control.coordinator.coordinator import Coordinator
from podium.control.facility.frozen_map import FrozenMap
from podium.control.parameters.validity import NoQuantity, Validities
from podium.control.program.serialise import digest
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.firmware_interfaces.quantity import QuantityError


def made_safe(bench) -> bool:
    return "cluster_a.safe" in bench.done


async def test_a_calibration_takes_the_validities_of_the_file_and_those_that_it_is_given(
    lab, monkeypatch, tmp_path
) -> None:
    taken: list[Validities] = []

    async def calibrated(*words: object) -> None:
        taken.append(words[-1])

    monkeypatch.setattr(one_routine, "calibrated", calibrated)
    of_file = FrozenMap({"t1": 3600.0, "node_a.q0.f01": 60.0})
    monkeypatch.setattr(lab, "_facility", replace(lab.facility, validity=of_file))
    await lab.calibrate("rabi", "q1", out=tmp_path, validity={"t1": "2 h", "chi": "10 s"})
    asked = [taken[0].of(f"node_a.{name}").lasts_s for name in ("q0.f01", "q1.t1", "q1.chi")]
    assert asked == [60.0, 7200.0, 10.0]
    with pytest.raises(NoQuantity, match="no quantity 'f10'; did you mean 'f01'"):
        await lab.calibrate("rabi", "q1", out=tmp_path, validity={"f10": "6 h"})
    with pytest.raises(QuantityError, match="6 parsec"):
        await lab.calibrate("rabi", "q1", out=tmp_path, validity={"f01": "6 parsec"})
    of_file = FrozenMap({"tea": 1.0})
    monkeypatch.setattr(lab, "_facility", replace(lab.facility, validity=of_file))
    with pytest.raises(NoQuantity, match="in the facility file's validity: no quantity 'tea'"):
        await lab.calibrate("rabi", "q1", out=tmp_path)
    assert len(taken) == 1


async def test_a_calibration_begins_when_all_instruments_are_connected(
    lab, bench, monkeypatch, tmp_path
) -> None:
    monkeypatch.setattr("podium.control.client.lab.READY_S", 0.2)
    monkeypatch.setattr("podium.control.agent.manual_access.BACK_S", 0.2)
    bench.hooks["lo_q2.connect"] = raising(Unreachable("lo_q2: no route"))
    await lab.release("lo_q2")
    with suppress(RunFailed):  # it does not answer yet
        await lab.take_back("lo_q2")
    bench.done.clear()
    with pytest.raises(RunFailed, match=r"lo_q2 is (lost|connecting): lo_q2.* no route"):
        await lab.calibrate("rabi", "q1", out=tmp_path)
    assert not [step for step in bench.done if step.startswith("cluster_a.")]


async def test_a_run_gives_a_dataset_with_names_units_and_provenance(lab, trial, example) -> None:
    program = trial(points=5, shots=3)
    data = await lab.run(program)
    assert dict(data.sizes) == {"point": 5}
    np.testing.assert_array_equal(data.q0_i, np.ones(5))
    np.testing.assert_array_equal(data.q0_q, np.full(5, 2.0))
    assert data.q0_i.attrs["units"] == "V"
    np.testing.assert_allclose(data.amplitude, [0, 0.1, 0.2, 0.3, 0.4])
    assert data.amplitude.attrs["units"] == "1"
    assert data.attrs["program_hash"] == digest(program)
    assert data.attrs["facility_hash"] == example.digest
    assert data.attrs["epoch"] == 1
    assert json.loads(data.attrs["epochs"]) == {"house": 1}
    assert data.attrs["run"].endswith("-00001")
    assert abs(data.attrs["started_tai_s"] - 1_800_000_000) < 2


async def test_a_dataset_survives_netcdf_without_us(lab, trial, tmp_path) -> None:
    import xarray

    data = await lab.run(trial(keep_shots=True))
    data.to_netcdf(tmp_path / "run.nc", engine="h5netcdf")
    with xarray.open_dataset(tmp_path / "run.nc", engine="h5netcdf") as back:
        xarray.testing.assert_identical(back.load(), data)
    assert data.q0_i.dims == ("shot", "point")


async def test_the_steps_of_a_run_come_in_their_order(lab, bench, trial) -> None:
    bench.done.clear()
    await lab.run(trial())
    assert bench.done == [f"cluster_a.{s}" for s in ("load", "arm", "start", "wait", "collect")]


async def test_runs_asked_for_at_once_come_one_after_the_other(lab, bench, trial) -> None:
    data = await asyncio.gather(*(lab.run(trial(shots=n)) for n in range(1, 6)))
    assert len({one.attrs["run"] for one in data}) == 5
    steps = [step for step in bench.done if step.split(".")[1] in ("start", "collect")]
    assert steps == ["cluster_a.start", "cluster_a.collect"] * 5


async def test_an_external_tone_is_set_once_and_switched_off_by_an_abort(lab, bench, trial) -> None:
    program = trial(port="node_a.q2.drive")
    await lab.run(program)
    await lab.run(program)
    assert sum(step.startswith("lo_q2.tone") for step in bench.done) == 1
    bench.hooks["cluster_a.start"] = raising(Refused("cluster_a: start: no"))
    with pytest.raises(RunRefused, match="cluster_a: start: no"):
        await lab.run(program)
    assert "lo_q2.safe" in bench.done
    bench.hooks.clear()
    await lab.run(program)
    assert sum(step.startswith("lo_q2.tone") for step in bench.done) == 2


@pytest.mark.parametrize(
    ("change", "complaint"),
    [
        ({"port": "node_a.q9.drive"}, "no port node_a.q9.drive"),
        ({"port": "node_a.q0.flux"}, "node_a.q0.flux is a static bias"),
        ({"shots": 2**40}, "shots, at most"),
    ],
)
async def test_a_program_that_cannot_be_played_is_refused_and_touches_nothing(
    lab, bench, trial, change, complaint
) -> None:
    bench.done.clear()
    with pytest.raises(RunRefused, match=complaint):
        await lab.run(trial(**change))
    assert bench.done == []
    await lab.run(trial())


@pytest.mark.parametrize("step", ["load", "arm", "start", "wait", "collect"])
@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Refused("cluster_a: it said no"), RunRefused),
        (ProtocolError("cluster_a: it said no"), RunFailed),
        (Unreachable("cluster_a: it said no"), RunFailed),
        (ValueError("it said no"), RunFailed),
    ],
)
async def test_whatever_fails_outputs_are_made_safe_and_the_next_run_goes(
    lab, bench, trial, step, error, kind
) -> None:
    bench.hooks[f"cluster_a.{step}"] = raising(error)
    kind = kind if step in ("load", "arm", "start") else RunFailed  # then it has played
    with pytest.raises(kind, match=r"cluster_a.*it said no"):
        await lab.run(trial())
    assert made_safe(bench)
    assert not bench.playing
    bench.hooks.clear()
    await lab.run(trial())


async def test_what_cannot_be_made_safe_is_told(lab, bench, trial, caplog) -> None:
    bench.hooks["cluster_a.wait"] = raising(ProtocolError("cluster_a: underflow"))
    bench.hooks["cluster_a.safe"] = raising(Refused("cluster_a: cannot stop"))
    with pytest.raises(RunFailed, match="underflow"):
        await lab.run(trial())
    assert "cannot stop" in caplog.text


@pytest.mark.parametrize("step", ["load", "arm", "wait"])
async def test_a_cancelled_run_is_safe_by_the_time_it_returns(lab, bench, trial, step) -> None:
    gate = Gate()
    bench.hooks[f"cluster_a.{step}"] = gate
    running = asyncio.ensure_future(lab.run(trial()))
    await reached(gate)
    running.cancel()
    bench.hooks.clear()
    gate.open.set()
    with pytest.raises(asyncio.CancelledError):
        await running
    came_to_its_end = step == "wait" and "cluster_a.collect" in bench.done
    assert made_safe(bench) or came_to_its_end
    assert not bench.playing
    await lab.run(trial())


async def test_a_cancelled_run_whose_driver_hangs_is_made_safe_over_a_new_connection(
    lab, bench, trial
) -> None:
    gate = Gate()
    bench.hooks["cluster_a.wait"] = gate
    running = asyncio.ensure_future(lab.run(trial()))
    await reached(gate)
    running.cancel()
    with pytest.raises(asyncio.CancelledError):
        await running
    tail = bench.done[bench.done.index("cluster_a.wait") :]
    assert tail.index("cluster_a.close") < tail.index("cluster_a.connect")
    assert tail.index("cluster_a.connect") < tail.index("cluster_a.safe")
    gate.open.set()
    bench.hooks.clear()
    data = await lab.run(trial())
    assert data.attrs["epoch"] == 2


async def test_leaving_while_a_run_plays_makes_safe(example, bench, trial, open_lab) -> None:
    gate = Gate()
    async with open_lab(example, bench) as lab:
        bench.hooks["cluster_a.wait"] = gate
        running = asyncio.ensure_future(lab.run(trial()))
        await reached(gate)
        bench.hooks.clear()
        gate.open.set()
        running.cancel()
        await asyncio.wait({running})
    assert not bench.playing
    assert made_safe(bench) or "cluster_a.collect" in bench.done


async def test_the_loop_turns_while_drivers_block(lab, bench, trial) -> None:
    gate = Gate()
    bench.hooks["cluster_a.load"] = gate
    running = asyncio.ensure_future(lab.run(trial()))
    await reached(gate)
    async with asyncio.timeout(5):
        status = await lab.status()
        assert await lab.read("thermometry_a", "mixing_chamber") == 0.011
    assert status.agents[0].doing.endswith("is preparing")
    gate.open.set()
    await running


async def test_biases_move_in_ramps_within_limits_once(lab, bench) -> None:
    bench.done.clear()
    await lab.bias({"node_a.q0.flux": 0.3, "node_a.q1.flux": -0.2})
    await lab.bias({"node_a.q0.flux": 0.3, "node_a.q1.flux": -0.1})
    assert sorted(bench.done) == [
        "bias_q0.ramp  0.3 0.5",
        "cluster_a.ramp slot6.out2 -0.1 0.5",
        "cluster_a.ramp slot6.out2 -0.2 0.5",
    ]
    assert await lab.read("cluster_a", "slot6.out2") == -0.1


@pytest.mark.parametrize(
    ("port", "level_v", "complaint"),
    [
        ("node_a.q0.flux", 1.3, r"1\.3 V asked of bias_q0, the facility file allows -1\.2"),
        ("node_a.q0.flux", float("nan"), "nan V asked of bias_q0"),
        ("node_a.q0.drive", 0.1, "not a flux bias"),
        ("node_a.q7.flux", 0.1, "no port node_a.q7.flux"),
    ],
)
async def test_a_bias_that_may_not_be_is_refused_and_none_moves(
    lab, bench, port, level_v, complaint
) -> None:
    bench.done.clear()
    with pytest.raises(RunRefused, match=complaint):
        await lab.bias({"node_a.q1.flux": 0.1, port: level_v})
    assert bench.done == []


async def test_a_cancelled_ramp_is_held_where_it_is(lab, bench) -> None:
    gate = Gate()
    bench.hooks["bias_q0.ramp  0.9 0.5"] = gate
    moving = asyncio.ensure_future(lab.bias({"node_a.q0.flux": 0.9}))
    await reached(gate)
    moving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await moving
    assert "bias_q0.safe" in bench.done
    gate.open.set()
    bench.hooks.clear()
    await lab.bias({"node_a.q0.flux": 0.9})
    assert bench.levels["bias_q0."] == 0.9


async def test_a_bias_waits_for_the_run_that_is_on(lab, bench, trial) -> None:
    gate = Gate()
    bench.hooks["cluster_a.wait"] = gate
    running = asyncio.ensure_future(lab.run(trial()))
    await reached(gate)
    moving = asyncio.ensure_future(lab.bias({"node_a.q0.flux": 0.1}))
    await asyncio.sleep(0.05)
    assert not any("ramp" in step for step in bench.done)
    gate.open.set()
    await asyncio.gather(running, moving)
    assert bench.done.index("cluster_a.collect") < bench.done.index("bias_q0.ramp  0.1 0.5")


async def test_what_cannot_be_read_is_refused_with_what_can(lab) -> None:
    with pytest.raises(RunRefused, match="no channel 'attic'; it has mixing_chamber"):
        await lab.read("thermometry_a", "attic")
    with pytest.raises(RunRefused, match="no instrument 'thermometer_z'"):
        await lab.read("thermometer_z", "")
    with pytest.raises(RunRefused, match="lo_q2: a rohde_schwarz_sgs100a is no FluxSource"):
        await lab.read("lo_q2", "")


async def test_time_is_the_facilitys_clocks(lab) -> None:
    assert (await lab.now()).seconds == 1_800_000_000


async def test_the_status_tells_all_instruments(lab, example) -> None:
    status = await lab.status()
    assert {one.name for one in status.agents[0].instruments} == set(example.instruments)
    assert status.missing == ()


async def test_an_instrument_that_cannot_be_reached_fails_runs_by_name(
    example, bench, trial, open_agent
) -> None:
    bus = MemoryBus()
    async with Coordinator(example, bus).running(), open_agent(example, bench, bus):
        lab = Lab(example, bus)
        await lab.ready(10)
        bench.hooks["cluster_a.connect"] = raising(ConnectionRefusedError("nobody listens"))
        bench.hooks["cluster_a.load"] = raising(Unreachable("cluster_a: connection reset"))
        with pytest.raises(RunFailed, match="cluster_a: connection reset"):
            await lab.run(trial())
        with pytest.raises(RunFailed, match=r"could not be made safe after.*nobody listens"):
            await lab.run(trial())
        assert not made_safe(bench)
        assert (await lab.status()).agents[0].instruments[0].state == "lost"
        bench.hooks.clear()
        await lab.ready(10)
        await lab.run(trial())
        tail = bench.done[len(bench.done) - bench.done[::-1].index("cluster_a.safe") :]
        assert tail == [f"cluster_a.{s}" for s in ("load", "arm", "start", "wait", "collect")]


async def test_without_an_agent_a_run_fails_by_name(example, trial, monkeypatch) -> None:
    monkeypatch.setattr(agent_directory, "APPEAR_S", 0.05)
    bus = MemoryBus()
    async with Coordinator(example, bus).running():
        with pytest.raises(RunFailed, match=r"cluster_a: no agent that is here owns it"):
            await Lab(example, bus).run(trial())


async def test_an_agent_that_leaves_during_a_run_fails_it_and_may_come_back(
    example, bench, trial, open_agent, monkeypatch
) -> None:
    monkeypatch.setattr(agent_directory, "GONE_S", 0.05)
    bus = MemoryBus()
    gate = Gate()
    async with Coordinator(example, bus).running():
        lab = Lab(example, bus)
        async with open_agent(example, bench, bus):
            bench.hooks["cluster_a.wait"] = gate
            running = asyncio.ensure_future(lab.run(trial()))
            await reached(gate)
            bench.hooks.clear()
            gate.open.set()
        # It either left with its data not fetched, or the run was over before.
        await asyncio.wait({running})
        if running.exception() is not None:
            assert isinstance(running.exception(), RunFailed)
        async with open_agent(example, bench, bus):
            await lab.run(trial())


async def test_two_agents_share_a_facility(example, bench, trial, open_agent) -> None:
    bus = MemoryBus()
    async with (
        Coordinator(example, bus).running(),
        open_agent(example, bench, bus, "node", ["cluster_a", "bias_q0", "lo_q2"]),
        open_agent(example, bench, bus, "room", ["thermometry_a"]),
    ):
        lab = Lab(example, bus)
        status = await lab.ready(10)
        assert {agent.agent for agent in status.agents} == {"node", "room"}
        assert await lab.read("thermometry_a", "mixing_chamber") == 0.011
        await lab.run(trial())


async def test_a_coordinator_that_leaves_fails_what_is_asked(example, trial, monkeypatch) -> None:
    monkeypatch.setattr("podium.control.client.coordinator_client.LOST_S", 0.05)
    with pytest.raises(RunError, match="the coordinator of first_light is gone"):
        await Lab(example, MemoryBus()).run(trial())


async def test_garbage_is_answered_with_a_refusal(lab, example) -> None:
    bus = lab._bus
    for key in (messages.coordinator_key(example.name), messages.agent_key(example.name, "room")):
        answer = await bus.request(key, b"\x00garbage", 5.0)
        assert b"refused" in answer


async def test_an_error_of_the_body_comes_out_as_it_is(example, trial, tmp_path) -> None:
    reason = ValueError("the reason")
    with pytest.raises(KeyError, match="mine") as caught:
        async with open_facility("examples/first_light/facility.yaml"):
            raise KeyError("mine") from reason
    assert caught.value.__cause__ is reason
