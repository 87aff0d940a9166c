"""What goes wrong with instruments: one agent and one coordinator live through all of it.

Real drivers with the vendors' clients, real twins on sockets, and between them wires that
misbehave. Nothing is started anew between the cases.
"""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator

import pytest
import pytest_asyncio
from tests.benches.nodes.misbehaving_wires import Laboratory, Wire, laboratory
from tests.benches.thoroughness import sampled

from podium.control.client.facility_access import open_facility
from podium.control.client.lab import Lab
from podium.control.program.program import Capture, Frame, Play, Program
from podium.control.program.waveforms import Gaussian, Square
from podium.control.runs.errors import RunError

pytestmark = [
    pytest.mark.random_order(disabled=True),  # one box for all: they follow one another
    pytest.mark.asyncio(loop_scope="module"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]

NS = 10**6
WITHIN_S = 60.0
PATIENCE_S = 1.2
"""How long the vendors' clients wait for an answer here; otherwise 5 and 10 s."""
BACK_S, SETTLE_S = PATIENCE_S, 3.0
"""How long a source lost in a ramp, and its bias, are waited for here; otherwise 5 s each."""
PRODUCTS = {
    "cluster_a": "Qblox",
    "lo_q2": "SGS100A",
    "bias_q0": "GS2",
    "thermometry_a": "Model 372",
}
"""What names the kind of it, in the facility file's words and in its own."""


class Uses:
    """Work for each instrument, never the same twice: it has to be asked."""

    def __init__(self) -> None:
        self.count = 0

    def program(self, *more: Frame) -> Program:
        self.count += 1
        pulse = Gaussian(1200 * NS, (100 + self.count) * NS)
        return Program(
            name="a tone",
            frames=(Frame("r", "node_a.q0.readout", 7.2e9), *more),
            body=(
                *(Play(frame.name, Square(100 * NS), 0.1) for frame in more),
                Capture("r", "q0", 1000 * NS, 100 * NS),
                Play("r", pulse, 0.1),
            ),
            shots=10,
        )

    async def cluster_a(self, lab: Lab) -> None:
        data = await lab.run(self.program())
        assert abs(complex(data.q0_i, data.q0_q)) > 0

    async def lo_q2(self, lab: Lab) -> None:
        await lab.run(self.program(Frame("d", "node_a.q2.drive", 4.9e9)))

    async def bias_q0(self, lab: Lab) -> None:
        self.count += 1
        level_v = round(0.001 * (self.count % 100), 3)
        await lab.bias({"node_a.q0.flux": level_v})
        assert await lab.read("bias_q0", "") == pytest.approx(level_v)

    async def thermometry_a(self, lab: Lab) -> None:
        assert 0.005 < await lab.read("thermometry_a", "mixing_chamber") < 0.03

    async def __call__(self, lab: Lab, name: str) -> None:
        await getattr(self, name)(lab)


use = Uses()
NAMES = ("cluster_a", "lo_q2", "bias_q0", "thermometry_a")
REQUESTS = {
    "cluster_a": "uploading|error queues|errors that are older|collect|load 'a tone'|state of",
    "lo_q2": r":SOUR:FREQ\?|to be .* Hz|for \d+.* Hz|tone|SYST:ERR",
    "bias_q0": ":SOUR:|SYST:ERR|:STAT:EVEN|level of bias_q0",
    "thermometry_a": "temperature of mixing_chamber",
}
"""What is asked of it when it is used."""
UPLOADS = {
    "cluster_a": b"WAV",
    "lo_q2": b"SOUR:POW",
    "bias_q0": b":PROG:EDIT",
    "thermometry_a": b"KRDG?",
}
"""A word of the longest message to it."""


@pytest.fixture(scope="module")
def twins(tmp_path_factory) -> Iterator[Laboratory]:
    with laboratory(tmp_path_factory.mktemp("wires")) as found:
        yield found


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def opened(twins) -> AsyncIterator[Lab]:
    from qcodes.instrument import VisaInstrument

    from podium.control.agent import biasing
    from podium.control.agent.reading_publisher import ReadingPublisher
    from podium.drivers.qblox_cluster import connection

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(VisaInstrument, "default_timeout", PATIENCE_S)
        patch.setattr(biasing, "BACK_S", BACK_S)
        patch.setattr(biasing, "SETTLE_S", SETTLE_S)
        patch.setattr(connection, "ANSWER_S", PATIENCE_S)
        patch.setattr(connection, "CONNECT_S", PATIENCE_S)
        patch.setattr(ReadingPublisher, "fresh", lambda *_: None)  # it has to be asked
        async with open_facility(twins.facility, twins.endpoints) as lab:
            await lab.ready(WITHIN_S)
            await use(lab, "lo_q2")  # until a run sets its power it has that of its *RST
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


def gives_a_clear_error(wire: Wire, error: BaseException) -> None:
    said = str(error)
    assert wire.name in said
    assert wire.host in said
    assert re.search(REQUESTS[wire.name], said), said


async def others_work(lab: Lab, name: str, cut_off: bool = False) -> None:
    status = await lab.status()
    assert {one.name for agent in status.agents for one in agent.instruments} == set(NAMES)
    for other in sorted(set(NAMES) - {name}):
        if other == "cluster_a" and cut_off:  # no pulse beside a bias that nobody knows
            with pytest.raises(RunError, match=f"{name}: .*cut off; nothing is played before"):
                await use(lab, other)
        elif other != "lo_q2":
            await use(lab, other)
        elif name != "cluster_a":
            power_dbm = await lab.ask("lo_q2", "power")
            assert cut_off or power_dbm == 0.0  # as a run sets it
        else:
            assert "SGS100A" in str(await lab.ask("lo_q2", "*IDN?"))


MISBEHAVIOURS: dict[str, Callable[[Wire], None]] = {
    "is not up": Wire.goes,
    "dies in the middle of an upload": lambda wire: wire.dies_at(UPLOADS[wire.name]),
    "answers garbage": lambda wire: wire.answers(b"\x07\xfe?!"),
    "answers nonsense": lambda wire: wire.answers(b"about one volt"),
    "answers by half": Wire.answers_half,
    "answers late": Wire.answers_late,
    "answers never": Wire.answers_never,
}


QUICK = [
    ("cluster_a", "is not up"),
    ("cluster_a", "dies in the middle of an upload"),
    ("bias_q0", "dies in the middle of an upload"),
    ("cluster_a", "answers garbage"),
    ("bias_q0", "answers nonsense"),
    ("lo_q2", "answers nonsense"),
    ("thermometry_a", "answers by half"),
    ("bias_q0", "answers late"),
    ("thermometry_a", "answers never"),
]
"""Every misbehaviour, and of every instrument two; the others in ``make test-all``."""


@pytest.mark.parametrize(
    ("name", "how"),
    sampled([(name, how) for how in MISBEHAVIOURS for name in NAMES], kept=QUICK),
)
async def test_it_is_named_others_go_on_and_it_works_again_once_it_is_well(
    lab, twins, name, how
) -> None:
    await use(lab, name)
    wire = twins.wires[name]
    if name == "lo_q2" and how.startswith("dies"):
        twins.by_hand(name, b":OUTP 0\n")  # so that its tone has to be set again
    MISBEHAVIOURS[how](wire)
    with pytest.raises(RunError) as failed:
        await use(lab, name)
    gives_a_clear_error(wire, failed.value)
    await others_work(lab, name, cut_off=name == "bias_q0" and how.startswith("dies"))
    wire.heal()
    await use(lab, name)
    assert (await lab.ready(WITHIN_S)).missing == ()


async def once_noticed(lab: Lab, name: str) -> None:
    """Use an instrument whose connection is cut: that is how it is noticed."""
    with pytest.raises(RunError):
        await use(lab, name)


@pytest.mark.parametrize("name", sampled(NAMES, kept=["cluster_a", "bias_q0"]))
async def test_one_that_says_another_name_is_not_used(lab, twins, name) -> None:
    wire = twins.wires[name]
    wire.says_another_name()
    await once_noticed(lab, name)
    wire.heard.clear()
    with pytest.raises(RunError, match="X1000") as failed:
        await use(lab, name)
    assert name in str(failed.value)
    assert wire.host in str(failed.value)
    assert PRODUCTS[name] in str(failed.value)
    assert set(bytes(wire.heard).split()) == {b"*IDN?"}
    await others_work(lab, name)
    wire.heal()
    await use(lab, name)


@pytest.mark.parametrize(
    ("name", "instead"),
    sampled([("bias_q0", "lo_q2"), ("cluster_a", "bias_q0")], kept=[("bias_q0", "lo_q2")]),
)
async def test_two_that_are_changed_over_are_not_used(lab, twins, name, instead) -> None:
    wire = twins.wires[name]
    wire.leads_to(twins.wires[instead])
    await once_noticed(lab, name)
    wire.heard.clear()
    with pytest.raises(RunError, match=PRODUCTS[instead]) as failed:
        await use(lab, name)
    assert PRODUCTS[name] in str(failed.value)
    assert wire.host in str(failed.value)
    assert set(bytes(wire.heard).split()) == {b"*IDN?"}
    wire.heal()
    await use(lab, name)


@pytest.mark.parametrize("name", sampled(NAMES, kept=["cluster_a"]))
async def test_a_late_answer_is_never_taken_for_the_next_one(lab, twins, name) -> None:
    wire = twins.wires[name]
    right = str(await lab.ask(name, "*IDN?"))
    assert await lab.ask(name, "*OPC?") == "1"
    for late, then, answer in (("*OPC?", "*IDN?", right), ("*IDN?", "*OPC?", "1")):
        wire.answers_late()
        with pytest.raises(RunError, match=re.escape(late)) as failed:
            await lab.ask(name, late)
        assert wire.host in str(failed.value)
        wire.heal()  # and the late answer is under way
        for _ in range(3):
            assert await lab.ask(name, then) == answer


async def test_a_tone_that_was_turned_off_at_the_front_panel_is_on_in_the_next_run(
    lab, twins
) -> None:
    await use(lab, "lo_q2")
    twins.by_hand("lo_q2", b":OUTP 0;:SOUR:POW -20\n")
    assert await lab.ask("lo_q2", "status") is False
    await use(lab, "lo_q2")
    assert await lab.ask("lo_q2", "status") is True
    assert await lab.ask("lo_q2", "power") == 0.0


async def test_an_instrument_that_is_away_for_long_is_back_at_once(lab, twins) -> None:
    wire = twins.wires["thermometry_a"]
    wire.goes()
    for _ in range(4):  # pauses between attempts grow meanwhile
        with pytest.raises(RunError, match="thermometry_a"):
            await use(lab, "thermometry_a")
    wire.heal()
    await use(lab, "thermometry_a")
