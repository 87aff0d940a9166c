"""Parts of a world agree on its time as one process has it, in whatever order they speak."""

import asyncio
import random

import pytest
from tests.benches.servers.parts_in_memory import Divided, Whole

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.servers.clock import ClockMode
from podium.sim_instruments.servers.parts.part_timekeeper import joint_horizon
from podium.sim_instruments.twins.twin import Horizon

NAMES = ["node_a", "node_b", "node_c"]


def commands(rng: random.Random, count: int) -> list[tuple[str, str]]:
    """Return what one client says, one after the other: each ends with a question."""
    kinds = [lambda: f"RUN {rng.randint(1, 900) / 1000}\nBUSY?\n", lambda: "BUSY?\n"]
    kinds.append(lambda: "DONE?\n")
    return [(rng.choice(NAMES), rng.choice(kinds)()) for _ in range(count)]


@pytest.mark.parametrize("seed", range(40))
async def test_on_a_manual_clock_every_answer_is_that_of_one_process(seed) -> None:
    rng = random.Random(seed)
    whole = Whole(NAMES, ClockMode.MANUAL)
    divided = Divided(NAMES, ClockMode.MANUAL, rng)
    await divided.quiet()
    for name, text in commands(rng, 25):
        whole.clients[name].send(text)
        for _ in range(3):
            whole.poll()
        divided.parts[name].client.send(text)
        await divided.quiet()
        one, other = whole.clients[name].answers, divided.parts[name].client.answers
        assert other == one, (name, text)
    for name in NAMES:
        assert divided.parts[name].box.done == [
            (word, at_fs - whole.clock.start_fs + divided.clock.start_fs)
            for word, at_fs in whole.boxes[name].done
        ]
    await divided.end()


@pytest.mark.parametrize("seed", range(30))
async def test_no_leap_passes_an_end_or_anybody_who_is_armed_or_computes(seed) -> None:
    rng = random.Random(seed)
    divided = Divided(NAMES, ClockMode.LEAP, rng)
    clock, leaps = divided.clock, []
    leap_to = clock.leap_to

    def watched(until_fs: int) -> None:
        now_fs = clock.now_fs()
        for part in divided.parts.values():
            box = part.box
            assert not box.armed
            assert not box.computing
            assert box.busy_until_fs is None or not now_fs < box.busy_until_fs < until_fs
            part_fs = part.clock.now_fs()
            assert part_fs == now_fs, "held, and at one time"
        leaps.append(until_fs)
        leap_to(until_fs)

    clock.leap_to = watched
    for _ in range(60):
        part = divided.parts[rng.choice(NAMES)]
        match rng.randrange(4):
            case 0 if not part.timekeeper.holds():
                part.client.send(f"RUN {rng.randint(1, 900) / 1000}\n")
            case 1 if not part.timekeeper.holds():
                part.box.armed = True
                part.timekeeper.wake()
            case 2:
                part.box.armed = False
                part.poll()
            case 3 if not part.timekeeper.holds():
                part.box.computing = not part.box.computing
                part.timekeeper.wake()
                part.poll()
        for _ in range(rng.randrange(6)):
            await divided.step()
    for part in divided.parts.values():
        part.box.armed = part.box.computing = False
        part.poll()
    await divided.quiet()
    times = {part.clock.now_fs() for part in divided.parts.values()}
    assert times == {clock.now_fs()}
    ends = [p.box.busy_until_fs for p in divided.parts.values() if p.box.busy_until_fs]
    assert all(end_fs <= clock.now_fs() for end_fs in ends), "nobody waits for ever"
    await divided.end()


async def test_an_answer_that_falls_due_by_what_another_part_does_is_sent() -> None:
    divided = Divided(NAMES, ClockMode.MANUAL, random.Random(5))
    await divided.quiet()
    one, other = divided.parts["node_a"], divided.parts["node_b"]
    one.client.send("BUSY?\n")
    one.box.armed = True
    await divided.quiet()
    other.client.send("RUN 1\nDONE?\n")
    await divided.quiet()
    assert other.client.answers == b"", "who is armed forbids the leap to its end"
    one.client.send("BUSY?\n")
    await divided.quiet()
    one.box.armed = False
    one.client.send("BUSY?\n")
    await divided.quiet()
    assert other.client.answers == b"DONE?\n"
    assert divided.clock.leapt_fs >= FS_PER_S
    await divided.end()


async def run_in(divided: Divided, name: str) -> None:
    divided.parts[name].client.send("RUN 1\n")
    await divided.quiet()


async def test_a_part_that_ends_holds_nobody_back() -> None:
    divided = Divided(NAMES, ClockMode.LEAP, random.Random(1))
    divided.parts["node_b"].box.armed = True
    await run_in(divided, "node_a")
    assert divided.clock.leapt_fs == 0
    divided.parts["node_b"].kill()
    divided.parts["node_b"].frozen = True
    await divided.quiet()
    assert divided.clock.leapt_fs == FS_PER_S
    assert divided.told == ["part node_b has ended, and with it node_b; the others go on"]
    await divided.end()


async def test_a_part_that_does_not_answer_holds_no_commands_and_time_does_not_leap() -> None:
    divided = Divided(NAMES, ClockMode.LEAP, random.Random(2))
    silent = divided.parts["node_c"]
    silent.frozen = True
    await run_in(divided, "node_a")
    part = divided.parts["node_a"]
    assert part.timekeeper.holds()
    divided.world._give_up(1)  # what a second of the wall does
    await divided.quiet()
    assert not part.timekeeper.holds()
    assert divided.clock.leapt_fs == 0
    assert divided.world.silent == {"node_c"}
    silent.frozen = False
    await divided.quiet()
    assert divided.world.silent == frozenset()
    assert divided.clock.leapt_fs == FS_PER_S
    await divided.end()


async def test_a_part_out_of_order_is_ended_and_the_others_go_on() -> None:
    divided = Divided(NAMES, ClockMode.LEAP, random.Random(3))
    divided.parts["node_b"].stdout.feed_data(b'{"type": "horizon", "round": "x"}\n')
    await divided.quiet()
    assert any("node_b is out of order" in line for line in divided.told)
    divided.parts["node_b"].frozen = True
    await run_in(divided, "node_a")
    assert divided.clock.leapt_fs == FS_PER_S
    await divided.end()


async def test_in_a_pause_no_command_is_carried_out_and_time_is_one() -> None:
    divided = Divided(NAMES, ClockMode.MANUAL, random.Random(4))
    await divided.quiet()
    divided.parts["node_a"].client.send("BUSY?\n")
    await divided.quiet()
    pausing = divided.world.paused()
    entering = asyncio.ensure_future(pausing.__aenter__())
    await divided.quiet()
    await entering
    for part in divided.parts.values():
        part.client.send("BUSY?\n")
    await divided.quiet()
    assert {part.clock.now_fs() for part in divided.parts.values()} == {divided.clock.now_fs()}
    assert divided.parts["node_b"].client.answers == b""
    await pausing.__aexit__(None, None, None)
    await divided.quiet()
    assert all(part.client.answers.endswith(b"0\n") for part in divided.parts.values())
    await divided.end()


def test_a_joint_horizon_allows_what_all_allow() -> None:
    seen = (Horizon(False, 5, False), Horizon(False, 20, False, 18), Horizon(False, None, False))
    assert joint_horizon(seen, 6) == Horizon(False, 20, False, 18)
    assert joint_horizon((*seen, Horizon(True, None, False)), 6).armed
