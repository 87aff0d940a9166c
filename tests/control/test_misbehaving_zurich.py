"""What goes wrong with a data server: one agent and one coordinator live through all of it.

The real driver with the vendor's client in its process, the real twin on sockets, and between them
a wire that misbehaves. Nothing is started anew between the cases.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from tests.benches.nodes.misbehaving_wires import EXAMPLE, Laboratory, Wire, laboratory
from tests.benches.thoroughness import cases, sampled

from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.parameters import with_parameters
from podium.control.program.program import Affine, Capture, Delay, Frame, Parameter, Play, Program
from podium.control.program.waveforms import Gaussian, Square
from podium.control.runs.errors import RunError

pytestmark = pytest.mark.asyncio(loop_scope="module")

ZI = EXAMPLE.parents[1] / "first_light_zi" / "facility.yaml"
NS = 10**6
WITHIN_S = 60.0
GREETING_S, PATIENCE_S, STEP_S, CONNECT_S = 0.7, 2.0, 0.5, 12.0
"""How long a greeting, an answer, each further one and a connection may take here; otherwise 3, 25,
2 and 15 s."""
NAME = "zi_a"


class Use:
    """A run that is never the same twice: it has to be compiled and uploaded."""

    def __init__(self) -> None:
        self.count = 0

    def program(self) -> Program:
        self.count += 1
        return Program(
            name="a tone",
            frames=(Frame("r", "node_a.q0.readout", 7.2e9), Frame("d", "node_a.q0.drive", 6.0e9)),
            body=(
                Delay(("r", "d"), (400 + 8 * self.count) * NS),
                Play("d", Square(104 * NS), 0.1),
                Capture("r", "q0", 1000 * NS, 104 * NS),
                Play("r", Gaussian(1200 * NS, 200 * NS), 0.1),
                Delay(("r", "d"), 4000 * NS),
            ),
            shots=10,
        )

    async def __call__(self, lab: Lab) -> None:
        data = await lab.run(self.program())
        assert abs(complex(data.q0_i, data.q0_q)) > 0


use = Use()


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("wires"), ZI) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(twins) -> AsyncIterator[Lab]:
    from podium.drivers.zurich import client_process, greeting

    async with open_facility(twins.facility, twins.endpoints) as lab:
        await lab.ready(WITHIN_S)
        await use(lab)  # the first run of all may take long: kernels are loaded, or compiled
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(client_process, "ANSWER_S", PATIENCE_S)
            patch.setattr(client_process, "STEP_S", STEP_S)
            patch.setattr(greeting, "GREETING_S", GREETING_S)
            patch.setattr(client_process, "CONNECT_S", CONNECT_S)
            yield lab


@pytest_asyncio.fixture(loop_scope="module")
async def lab(opened, twins) -> AsyncIterator[Lab]:
    """The one facility of all tests here; all is well when a test begins."""
    try:
        async with asyncio.timeout(WITHIN_S):
            yield opened
    finally:
        for wire in twins.wires.values():
            wire.heal()


async def others_work(lab: Lab) -> None:
    status = await lab.status()
    assert NAME in {one.name for agent in status.agents for one in agent.instruments}
    assert 0.005 < await lab.read("thermometry_a", "mixing_chamber") < 0.03
    level_v = round(0.001 * (use.count % 100), 3)
    await lab.bias({"node_a.q0.flux": level_v})
    assert await lab.read("bias_q0", "") == pytest.approx(level_v)


MISBEHAVIOURS: dict[str, Callable[[Wire], None]] = {
    "is not up": Wire.goes,
    "dies in the middle of an upload": lambda wire: wire.dies_at(b"\x7fELF"),
    "answers garbage": lambda wire: wire.answers(b"\x07\xfe?!"),
    "answers nonsense": lambda wire: wire.answers(b"about one volt"),
    "answers by half": Wire.answers_half,
    "answers late": Wire.answers_late,
    "answers never": Wire.answers_never,
}


QUICK = ("is not up", "dies in the middle of an upload")
"""The others are waiting, and ``test_others_work_while_it_does_not_answer`` has one of them."""


@pytest.mark.parametrize("how", sampled(MISBEHAVIOURS, kept=QUICK))
async def test_it_is_named_others_go_on_and_it_works_again_once_it_is_well(lab, twins, how) -> None:
    await use(lab)
    wire = twins.wires[NAME]
    MISBEHAVIOURS[how](wire)
    with pytest.raises(RunError) as failed:
        await use(lab)
    said = str(failed.value)
    assert NAME in said
    assert wire.host in said
    assert re.search("asked|load 'a tone'", said), said
    await others_work(lab)
    wire.heal()
    await use(lab)
    assert (await lab.ready(WITHIN_S)).missing == ()


async def test_others_work_while_it_does_not_answer(lab, twins) -> None:
    await use(lab)
    twins.wires[NAME].answers_never()
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(fails(use(lab)))
        beats = 0
        while not running.done():
            assert 0.005 < await lab.read("thermometry_a", "mixing_chamber") < 0.03
            beats += not running.done()
            await asyncio.wait({running}, timeout=0.1)
    assert beats > 3  # of what would stand still with a client that holds the interpreter's lock
    twins.wires[NAME].heal()
    await use(lab)


async def fails(run) -> None:
    with pytest.raises(RunError, match=NAME):
        await run


async def test_two_servers_that_are_changed_over_are_not_used(lab, twins) -> None:
    wire = twins.wires[NAME]
    wire.leads_to(twins.wires["thermometry_a"])
    for _ in range(cases(1, 2)):
        with pytest.raises(RunError, match=f"{NAME} at .*{wire.host}"):
            await use(lab)
    wire.heal()
    await use(lab)


async def test_a_parameter_is_set_anew_between_runs(lab) -> None:
    """With nothing compiled: the command table alone goes over the wire."""
    loud = Program(
        name="a pulse",
        frames=(Frame("r", "node_a.q0.readout", 7.26e9),),
        body=(
            Delay(("r",), 400 * NS),
            Capture("r", "q0", 1000 * NS, 200 * NS),
            Play("r", Square(1000 * NS), Affine(Parameter("loud", 0.2), 0.5)),
            Delay(("r",), 4000 * NS),
        ),
        shots=2000,
    )
    heard = []
    for value in (0.2, 0.4, 0.2):
        data = await lab.run(with_parameters(loud, {"loud": value}))
        heard.append(abs(complex(data.q0_i, data.q0_q)))
    assert heard[1] / heard[0] == pytest.approx(2, rel=0.2)
    assert heard[2] / heard[0] == pytest.approx(1, rel=0.2)
