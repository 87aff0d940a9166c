"""An agent's part of programs, of the two-node example."""

import asyncio
import json
import threading
from collections.abc import Mapping
from dataclasses import replace

import pytest
from tests.benches.nodes.several_nodes import EXAMPLE
from tests.benches.nodes.triggered import Node, together

from podium.control.agent.compiled_programs import CompiledPart, CompiledPrograms
from podium.control.compilers.errors import DoesNotFit
from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.frozen_map import FrozenMap
from podium.control.facility.load import load_facility
from podium.control.facility.timing import MarkerWiring
from podium.control.families.family import compiler_for, wirings_of
from podium.control.program.batches import Batch, part_of
from podium.control.program.loopback import Loopback
from podium.control.program.program import Program
from podium.control.program.serialise import digest, to_json
from podium.control.timebase.epochs import Epochs
from podium.control.timebase.start_setting import StartSetting
from podium.control.timebase.timed_program import TimedProgram, digest_of, timed_to_json
from podium.drivers.errors import Refused
from podium.firmware_interfaces.compiled_program import Artifact

BOTH = together([Node("a"), Node("b")])
ROOM = ("tagger", "wrtd_room")
A = ("cluster_a", "wrtd_a")


@pytest.fixture(scope="module")
def two() -> Facility:
    return load_facility(EXAMPLE.parents[1] / "two_nodes" / "facility.yaml")


class Timed(CompiledPrograms):
    """Compiles what starts at a time, unless told otherwise."""

    async def compile(self, text: str, *, timed: bool = True) -> CompiledPart:
        return await super().compile(text, timed=timed)


def compiling(facility: Facility, *names: str) -> Timed:
    return Timed(compiler_for(facility), facility, wirings_of(facility, names))


def loopback(*nodes: str, **starts: StartSetting) -> str:
    return timed_to_json(TimedProgram(Loopback(nodes or ("node_a", "node_b")), starts))


def marked(facility: Facility, **markers: MarkerWiring) -> Facility:
    """Return the facility with other ways to the tagger."""
    changed = FrozenMap({**facility.timing.markers, **markers})
    return replace(facility, timing=replace(facility.timing, markers=changed))


async def test_an_agent_plays_its_own_part_of_a_program(two) -> None:
    part = await compiling(two, *A).compile(to_json(BOTH))
    assert list(part.artifacts) == ["cluster_a"]
    assert part.program_hash == digest(BOTH)
    assert part.wirings == wirings_of(two, A)
    assert (await compiling(two, *ROOM).compile(to_json(BOTH))).artifacts == {}


async def test_a_setting_is_in_the_program_and_in_the_wiring(two) -> None:
    setting = StartSetting(3, 17, 250_000, 440_000_000, 2_000_000, Epochs.of({"ticks_a": 4}))
    others = StartSetting(1)
    text = timed_to_json(TimedProgram(BOTH, {"cluster_a": setting, "cluster_b": others}))
    part = await compiling(two, *A).compile(text)
    start = part.artifacts["cluster_a"].start
    assert (start.offset_ns, start.late_fs) == (17, 250_000)
    (one,) = part.wirings
    assert (one.delay_ns, one.start_after_fs, one.resolution_fs) == (3, 440_000_000, 2_000_000)
    assert part.settings == {"cluster_a": setting}
    assert (part.text_hash, part.program_hash) == (digest_of(text), digest(BOTH))


async def test_a_delay_alone_compiles_nothing_anew(two) -> None:
    own = compiling(two, *A)
    first = await own.compile(loopback())
    second = await own.compile(loopback(cluster_a=StartSetting(2)))
    held = await own.compile(loopback(cluster_a=StartSetting(2, 5)))
    assert second.artifacts is first.artifacts
    assert second.wirings[0].delay_ns == 2
    assert held.artifacts is not first.artifacts


async def test_a_loopback_is_markers_of_controllers_and_channels_of_the_tagger(two) -> None:
    sent = await compiling(two, *A).compile(loopback())
    assert (list(sent.artifacts), sent.tags) == (["cluster_a"], {})
    (entry,) = sent.artifacts["cluster_a"].sequencers
    assert "set_mrk 4" in entry.text
    heard = await compiling(two, *ROOM).compile(loopback())
    assert heard.tags == {
        "node_a": ("tagger", "slot10.io0.loopback"),
        "node_b": ("tagger", "slot10.io1.loopback"),
    }
    one = await compiling(two, *ROOM).compile(loopback("node_b"))
    assert [entry.sequencer for entry in one.artifacts["tagger"].sequencers] == [1]
    assert (await compiling(two, *A).compile(loopback("node_b"))).artifacts == {}


async def test_a_tagger_may_have_several_modules_and_a_controller_several_markers(two) -> None:
    tagger = two.instruments["tagger"]
    modules = FrozenMap({**tagger.options, "modules": FrozenMap({10: "QTM", 12: "QTM"})})
    instruments = FrozenMap({**two.instruments, "tagger": replace(tagger, options=modules)})
    b = two.timing.markers["node_b"]
    both = replace(
        marked(
            two,
            node_b=replace(
                b,
                output=ConnectorRef("cluster_a", "slot4.marker3"),
                input=ConnectorRef("tagger", "slot12.io5"),
            ),
        ),
        instruments=instruments,
    )
    sent = (await compiling(both, *A).compile(loopback())).artifacts["cluster_a"]
    assert ["set_mrk 12" in entry.text for entry in sent.sequencers] == [True]
    heard = await compiling(both, *ROOM).compile(loopback())
    places = [(one.slot, one.sequencer) for one in heard.artifacts["tagger"].sequencers]
    assert places == [(10, 0), (12, 5)]
    assert [one.slot for one in heard.artifacts["tagger"].modules] == [10, 12]
    assert heard.tags["node_b"] == ("tagger", "slot12.io5.loopback")


async def test_what_no_program_can_raise_or_tag_is_refused_in_words(two) -> None:
    a = two.timing.markers["node_a"]
    with pytest.raises(Refused, match=r"'loopback': node_c: no marker goes to a time tagger"):
        await compiling(two, *A).compile(loopback("node_a", "node_c"))
    channel = ConnectorRef("tagger", "slot10.io7")
    own = marked(two, node_a=replace(a, output=channel))
    with pytest.raises(
        Refused, match=r"tagger would have to send the marker tagger.slot10.io7 and"
    ):
        await compiling(own, *ROOM).compile(loopback())
    others = marked(
        two, node_a=replace(a, output=channel, input=ConnectorRef("cluster_a", "slot10.io0"))
    )
    with pytest.raises(Refused, match=r"tagger.slot10.io7 is a channel of a QTM"):
        await compiling(others, *ROOM).compile(loopback("node_a"))
    with pytest.raises(Refused, match="the program cannot be read"):
        await compiling(two, *A).compile("{}")
    with pytest.raises(Refused, match="a program can be held back by 0 to"):
        await compiling(two, *A).compile(loopback(cluster_a=StartSetting(0, 2 * 10**9)))


async def test_what_starts_at_once_is_compiled_once_and_named_with_its_lines(two) -> None:
    made: list[Program] = []
    usual = compiler_for(two)

    def counted(program: Program) -> Mapping[str, Artifact]:
        made.append(program)
        return usual(program)

    program = together([Node("a")])
    own = CompiledPrograms(counted, two)
    first = await own.compile(to_json(program))
    again = await own.compile(json.dumps(json.loads(to_json(program)), indent=1))
    assert (first.text_hash, first.program_hash) == (digest(program), digest(program))
    assert again.artifacts is first.artifacts
    assert made == [program]
    assert (first.wirings, first.tags) == ((), {})
    with pytest.raises(Refused, match="holds a Loopback, not a Program"):
        await own.compile(loopback())


async def test_who_asks_for_what_is_being_compiled_waits_for_that(two) -> None:
    made: list[Program] = []
    usual, go_on, begun = compiler_for(two), threading.Event(), threading.Event()

    def slow(program: Program) -> Mapping[str, Artifact]:
        made.append(program)
        begun.set()
        assert go_on.wait(30)
        if len(made) > 1:
            raise DoesNotFit("too long")
        return usual(program)

    program = together([Node("a")])
    own, text = CompiledPrograms(slow, two), to_json(program)
    async with asyncio.timeout(60):
        gone = asyncio.ensure_future(own.compile(text))
        duration = asyncio.ensure_future(own.how_long(text))
        await asyncio.to_thread(begun.wait, 30)
        gone.cancel()  # whoever gives up leaves it to the others
        await asyncio.sleep(0)
        go_on.set()
        part = await own.compile(text)
        assert (await duration).duration_fs > 0
    assert made == [program]
    assert part.program_hash == digest(program)
    other = to_json(replace(program, name="other"))
    for _ in range(2):  # what does not fit is not kept
        with pytest.raises(Refused, match="too long"):
            await own.compile(other)
    assert len(made) == 3


async def test_parts_of_what_starts_at_once_are_kept_compiled(two) -> None:
    usual = compiler_for(two)
    made: list[Program] = []
    halves = [Batch(0, 2, (slice(0, 2),)), Batch(0, 2, (slice(2, 3),))]

    class Cut:
        """Cuts every program behind its second point."""

        def __call__(self, program: Program) -> Mapping[str, Artifact]:
            made.append(program)
            return usual(program)

        def batches(self, program: Program) -> tuple[tuple[Batch, Mapping[str, Artifact]], ...]:
            return tuple((one, usual(part_of(program, one))) for one in halves)

    program = together([Node("a")])
    own = CompiledPrograms(Cut(), two)
    parts = (await own.in_parts(to_json(program))).parts
    assert [(one.first, one.end) for one in parts] == [((0,), (2,)), ((2,), (3,))]
    for one in halves:
        await own.compile(to_json(part_of(program, one)))
    assert made == []
