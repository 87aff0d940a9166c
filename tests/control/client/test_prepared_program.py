"""A program that is prepared once, and fired with other numbers each time."""

import asyncio
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.client.gates import Gate, raising, reached

from podium.control.bus.memory import MemoryBus
from podium.control.client.lab import Lab
from podium.control.coordinator.coordinator import Coordinator
from podium.control.program.program import (
    Capture,
    Delay,
    Parameter,
    Play,
    Program,
    ShiftPhase,
)
from podium.control.program.waveforms import Square
from podium.control.runs.errors import RunError, RunFailed, RunRefused
from podium.drivers.errors import ProtocolError

NS = 10**6
STEPS = [f"cluster_a.{step}" for step in ("load", "arm", "start", "wait", "collect")]


@pytest.fixture
def with_numbers(trial):
    """Return a program whose drive pulse has an amplitude, a phase and a wait of its own."""
    one = trial(points=1)
    return replace(
        one,
        axes=(),
        keep_shots=True,
        body=(
            Delay(("d",), Parameter("rest", 400 * NS)),
            ShiftPhase("d", Parameter("theta", 0.0)),
            Play("d", Square(100 * NS), Parameter("height", 0.25)),
            *one.body[1:],
        ),
    )


async def done(bench, step: str) -> None:
    for _ in range(1000):
        if step in bench.done:
            return
        await asyncio.sleep(0.01)
    raise AssertionError(f"{step} was never done")


async def fails(lab: Lab, program: Program, **numbers: object) -> str:
    prepared = await lab.prepare(program)
    with pytest.raises(RunRefused) as refused:
        await prepared.fire(**numbers)
    return str(refused.value)


async def test_preparing_touches_nothing(lab, bench, with_numbers) -> None:
    bench.done.clear()
    prepared = await lab.prepare(with_numbers)
    assert bench.done == []
    assert prepared.parameters == {"rest": 400 * NS, "theta": 0.0, "height": 0.25}


async def test_each_fire_is_a_run_of_its_own_whose_steps_come_in_their_order(
    lab, bench, with_numbers
) -> None:
    prepared = await lab.prepare(with_numbers)
    bench.done.clear()
    first = await prepared.fire(theta=0.25)
    second = await prepared.fire({"theta": 0.5})
    assert bench.done == STEPS * 2
    assert first.run.endswith("-00001")
    assert second.run.endswith("-00002")
    np.testing.assert_array_equal(second["q0"], [1 + 2j, 1 + 2j])
    assert second.parameters == {"rest": 400 * NS, "theta": 0.5, "height": 0.25}
    numbers = {"rest": 400.0 * NS, "theta": 0.5, "height": 0.25}
    third = await prepared.fire(numbers)
    numbers["theta"] = 0.75  # the caller's own, for the next one
    assert third.parameters["theta"] == 0.5


async def test_what_is_loaded_is_what_a_run_with_these_numbers_loads(
    lab, bench, with_numbers
) -> None:
    numbers = {"theta": 0.123456789, "height": -0.3}
    prepared = await lab.prepare(with_numbers)
    await prepared.fire(numbers)
    fired = bench.clusters[-1].program
    await lab.run(with_numbers, parameters=numbers)
    run = bench.clusters[-1].program
    assert fired == run
    assert fired.listing == run.listing


async def test_its_dataset_is_that_of_a_run_and_names_the_numbers(lab, with_numbers) -> None:
    prepared = await lab.prepare(with_numbers)
    data = (await prepared.fire(theta=0.25)).dataset()
    of_run = await lab.run(with_numbers)
    assert data.q0_i.attrs == of_run.q0_i.attrs
    assert set(of_run.attrs) <= set(data.attrs)
    assert '"theta": 0.25' in data.attrs["parameters"]
    for name in ("program_hash", "facility_hash", "epochs", "snapshot", "by", "program_json"):
        assert data.attrs[name] == of_run.attrs[name]


@pytest.mark.parametrize(
    ("numbers", "told"),
    [
        ({"tehta": 0.1}, "has no parameter 'tehta'; there are: 'rest', 'theta', 'height'"),
        ({"theta": "0.1 turn"}, "'theta' is given '0.1 turn', which is no number"),
        ({"theta": float("nan")}, "which is no number"),
        ({"theta": float("inf")}, "'theta' is given inf, which is no number"),
        ({"rest": 4e8, "theta": -float("inf"), "height": 0.25}, "is given -inf, which is no"),
        ({"rest": 4e8, "theta": float("nan"), "height": 0.25}, "which is no number"),
        ({"rest": 4e8 + 0.5, "theta": 0.5, "height": 0.25}, "'rest' = 400000000.5 is a time"),
        ({"rest": 1.2e-6}, "'rest' = 1.2e-06 is a time, in femtoseconds, and no whole number"),
        ({"height": 1.25}, r"'height' = 1.25: the amplitude of statement 2 is 1.25, from -1 to 1"),
        ({"rest": -8.0}, "the duration, in fs, of statement 0 is -8, from 0 to inf"),
    ],
)
async def test_a_wrong_name_unit_or_range_is_refused_and_nothing_played(
    lab, bench, with_numbers, numbers, told
) -> None:
    bench.done.clear()
    assert told in await fails(lab, with_numbers, **numbers)
    assert not set(STEPS) & set(bench.done)


async def test_numbers_that_ask_for_other_instructions_are_compiled(
    lab, bench, with_numbers
) -> None:
    prepared = await lab.prepare(with_numbers)
    await prepared.fire(rest=80_000 * NS)
    fired = bench.clusters[-1].program
    await lab.run(with_numbers, parameters={"rest": 80_000 * NS})
    assert fired.duration_fs == bench.clusters[-1].program.duration_fs > 80_000 * NS


async def test_a_program_on_several_controllers_or_that_does_not_fit_is_not_prepared(
    lab, with_numbers
) -> None:
    with pytest.raises(RunRefused, match="there is nothing to play"):
        await lab.prepare(replace(with_numbers, frames=(), body=()))
    late = Capture("r", "q0", 402 * NS, 100 * NS)
    with pytest.raises(RunRefused, match="a capture of 402 ns"):
        await lab.prepare(replace(with_numbers, body=(*with_numbers.body[:3], late)))


async def test_after_a_clock_was_reset_it_is_refused(lab, bench, with_numbers) -> None:
    prepared = await lab.prepare(with_numbers)
    bench.hooks["cluster_a.load"] = raising(ProtocolError("cluster_a: no answer to *IDN?"))
    with pytest.raises(RunFailed, match="no answer to"):
        await prepared.fire()  # its connection is made anew: ASSUMED to be another epoch
    bench.hooks.clear()
    await lab.ready(10)
    bench.done.clear()
    with pytest.raises(RunRefused, match="clock was reset since the program was prepared: house"):
        await prepared.fire()
    assert not set(STEPS) & set(bench.done)
    await (await lab.prepare(with_numbers)).fire()
    assert bench.done[-5:] == STEPS


async def test_into_a_warm_fridge_nothing_is_fired(example, bench, open_lab, with_numbers) -> None:
    async with open_lab(example, bench) as lab:
        prepared = await lab.prepare(with_numbers)
        await prepared.fire()
        bench.kelvin = 1.2
        told = await first_refusal(prepared)
        assert "it counts as cold below 30 mK; nothing is played" in told
        bench.done.clear()
        with pytest.raises(RunRefused, match="it counts as cold below 30 mK"):
            await prepared.fire()
        assert not set(STEPS) & set(bench.done)


async def first_refusal(prepared) -> str:
    for _ in range(500):
        try:
            await prepared.fire()
        except RunRefused as error:
            return str(error)
        await asyncio.sleep(0.02)
    return ""


async def test_what_others_play_in_between_does_not_matter(
    example, bench, open_lab, with_numbers, trial
) -> None:
    bus = MemoryBus()
    async with open_lab(example, bench, bus) as lab:
        other = Lab(example, bus, "somebody else")
        prepared = await lab.prepare(with_numbers)
        await prepared.fire(theta=0.1)
        before = bench.clusters[-1].program
        await other.run(trial(points=7))
        await prepared.fire(theta=0.1)
        assert bench.clusters[-1].program == before


async def test_it_waits_for_its_turn(lab, bench, with_numbers, trial) -> None:
    prepared = await lab.prepare(with_numbers)
    gate = Gate()
    bench.hooks["cluster_a.wait"] = gate
    async with asyncio.TaskGroup() as tasks:
        tasks.create_task(lab.run(trial()))
        await reached(gate)
        fired = tasks.create_task(prepared.fire())
        await asyncio.sleep(0.05)
        assert bench.done.count("cluster_a.load") == 1
        gate.open.set()
    assert fired.result().run.endswith("-00002")


async def test_an_agent_that_was_started_anew_holds_nothing(
    example, bench, open_agent, with_numbers
) -> None:
    bus = MemoryBus()
    async with Coordinator(example, bus).running():
        lab = Lab(example, bus)
        async with open_agent(example, bench, bus):
            await lab.ready(10)
            prepared = await lab.prepare(with_numbers)
            await prepared.fire()
        async with open_agent(example, bench, bus):
            await lab.ready(10)
            bench.done.clear()
            with pytest.raises(RunRefused, match=r"it is meant for life \d+ of the agent"):
                await prepared.fire()
            assert not set(STEPS) & set(bench.done)
            await (await lab.prepare(with_numbers)).fire()


async def test_a_coordinator_that_was_started_anew_knows_nothing_of_it(
    example, bench, open_agent, with_numbers
) -> None:
    bus = MemoryBus()
    async with open_agent(example, bench, bus):
        lab = Lab(example, bus)
        async with Coordinator(example, bus).running():
            await lab.ready(10)
            prepared = await lab.prepare(with_numbers)
        async with Coordinator(example, bus).running():
            await lab.ready(10)
            with pytest.raises(RunRefused, match="the coordinator was started anew"):
                await prepared.fire()


async def test_what_fails_is_made_safe_and_the_next_is_fired(lab, bench, with_numbers) -> None:
    prepared = await lab.prepare(with_numbers)
    bench.hooks["cluster_a.collect"] = lambda: bench.clusters[-1].until_interrupted()
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(prepared.fire())
        await done(bench, "cluster_a.collect")
        bench.done.clear()
        fired.cancel()
    assert fired.cancelled()
    assert "cluster_a.safe" in bench.done
    bench.hooks.clear()
    await prepared.fire()


async def test_somebody_may_stop_it(lab, bench, with_numbers) -> None:
    prepared = await lab.prepare(with_numbers)
    bench.hooks["cluster_a.wait"] = lambda: bench.clusters[-1].until_interrupted()
    async with asyncio.TaskGroup() as tasks:
        fired = tasks.create_task(_error_of(prepared))
        await done(bench, "cluster_a.wait")
        doing = (await lab.status()).agents[0].doing
        await lab.stop(doing.split()[1], "enough")
    assert "enough; nothing of it is kept" in fired.result()


async def _error_of(prepared) -> str:
    try:
        await prepared.fire()
    except RunError as error:
        return str(error)
    return ""


async def test_captures_are_arrays_over_shots_and_points(lab, trial) -> None:
    one = trial(points=5, shots=3, keep_shots=True)
    fired = await (await lab.prepare(one)).fire()
    assert fired["q0"].shape == (3, 5)
    assert np.all(fired["q0"] == 1 + 2j)
