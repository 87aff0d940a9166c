"""Results that a PQSC forwards: what a generator and an HDAWG play that depends on an analyser's.

What is compiled is taken by the vendor's compiler and its machine code executed; when results are
there, the vendor's timing model says.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from tests.benches.compilers.zurich_playback import TRIGGER, Executed, executed_from
from tests.benches.facility.loaded_examples import loaded
from zhinst.timing_models import (
    HDAWGChannelModel,
    PQSCMode,
    QAType,
    QCCSFeedbackModel,
    SGChannelModel,
    SGType,
    TriggerSource,
    get_feedback_system_description,
)

from podium.control.compilers.errors import DoesNotFit, TooLarge
from podium.control.families.family import compiler_for
from podium.control.program.conditions import Condition, Discriminator, is_one
from podium.control.program.program import (
    Barrier,
    Capture,
    Delay,
    Frame,
    If,
    Play,
    Program,
    Statement,
)
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram
from podium.firmware_interfaces.zurich.rack import ZurichRack
from podium.sim_instruments.twins.zurich.sequencer.processor import Input
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import Source

RACK = Path(__file__).parents[4] / "examples" / "zi_rack" / "facility.yaml"
READS = Discriminator(0.1, 1e-4)
LEAD_NS, READ_NS = 1_000, 600
SEEN = 8
"""Samples from a trigger to where sequencers count from."""
BITS = (1, 0, 1, 1, 0, 0, 1)
HEARD = {"sg": Source.ZSYNC, "hdawg": Source.DIO}
MODELS = {
    kind: QCCSFeedbackModel(
        get_feedback_system_description(
            generator_type=generator,
            analyzer_type=QAType.SHFQA,
            pqsc_mode=PQSCMode.REGISTER_FORWARD,
        )
    )
    for kind, generator in (("sg", SGType.SHFSG), ("hdawg", SGType.HDAWG))
}
TAKES = {
    "sg": SGChannelModel().get_latency(rflfpath="rf", trigger=TriggerSource.ZSYNC),
    "hdawg": HDAWGChannelModel().get_latency(),
}
HALF_FS = 500_000
"""A sample."""
ENOUGH_NS = 560
"""From a window to what depends on it."""


@pytest.fixture(scope="module")
def compiler():
    return compiler_for(loaded(RACK))


def reacting(
    wait_ns: int,
    condition: Condition,
    *,
    qubits: Sequence[int] = (0,),
    shots: int = len(BITS),
    rest_ns: int = 3_003,
) -> Program:
    """Return pulses of a drive and a flux line that depend on what is measured before."""
    frames = (
        Frame("d", "node_a.q0.drive", 5.9e9),
        Frame("f", "node_a.q0.flux", 0.0),
        *(Frame(f"r{k}", f"node_a.q{k}.readout", 7.0e9 + 1e8 * k) for k in qubits),
    )
    names = tuple(one.name for one in frames)
    reads: list[Statement] = []
    for k in qubits:
        reads.append(Capture(f"r{k}", f"m{k}", ns=READ_NS, discriminator=READS))
        reads.append(Play(f"r{k}", Square(ns=READ_NS), 0.1))
    branches = [If(condition, (Play(name, Square(ns=40), 0.4),)) for name in ("d", "f")]
    body = (
        Delay(names, ns=LEAD_NS),
        *reads,
        Barrier(names),
        Delay(names, ns=wait_ns),
        *branches,
        Barrier(names),
        Delay(names, ns=rest_ns),
    )
    return Program("reacting", frames, body, shots=shots)


def shot_ns(wait_ns: int, rest_ns: int) -> int:
    return LEAD_NS + READ_NS + wait_ns + 40 + rest_ns


def parts(compiler, program: Program) -> dict[str, tuple[ZurichProgram, CoreProgram]]:
    """Programs and cores by kind."""
    artifact = compiler(program)["zi_a"]
    assert isinstance(artifact, ZurichRack)
    return {core.kind: (part, core) for part in artifact.programs for core in part.cores}


def messages(
    made: dict[str, tuple[ZurichProgram, CoreProgram]], kind: str, words: Sequence[int]
) -> list[Input]:
    """What a PQSC sends to an instrument: a message of 16 bits for each readout."""
    part, core = made["qa"]
    program, _ = made[kind]
    settings, node = dict(part.settings), f"qachannels/{core.index}/readout/integration"
    length = round(settings[f"{node}/delay"] * 2e9) + settings[f"{node}/length"]
    layouts = {one.capture: one.slots for one in part.results}
    found = []
    starts = executed_from(part, core, Source.ZSYNC).starts()
    for shot, ((at, _, _), word) in enumerate(zip(starts, words, strict=True)):
        bank = dict.fromkeys(range(16), 1)  # what other integrators measure
        for which, slots in enumerate(layouts.values()):
            bank[slots[shot % len(slots)]] = word >> which & 1
        bits = (bank[one.index] << 2 * one.position for one in program.forwarded)
        at_samples = TRIGGER + SEEN + 8 * MODELS[kind].get_latency(at + length)
        found.append(Input(at_samples, Source.FORWARDED, sum(bits)))
    return found


def sounds(one: Executed, wait_ns: int, late: int, count: int, rest_ns: int = 3_003) -> list[bool]:
    """In which shots something is played where it should be, and nowhere else."""
    every = np.abs(one.samples(0, one.trace.end - one.origin)).max(axis=0) > 0.1
    begins = np.flatnonzero(every[1:] & ~every[:-1]) + 1
    at = late + 2 * (LEAD_NS + READ_NS + wait_ns + shot_ns(wait_ns, rest_ns) * np.arange(count))
    assert set(begins.tolist()) <= set(at.tolist())
    return [begin in begins for begin in at.tolist()]


def first_of(part: ZurichProgram, kind: str) -> int:
    """Samples from where a sequencer counts from to the first shot; the vendor's model says how
    long it is from there to the connector."""
    return part.first_shot_fs // HALF_FS - TAKES[kind]


@pytest.mark.parametrize("kind", ["sg", "hdawg"])
@pytest.mark.parametrize("wait_ns", [ENOUGH_NS, 603, 1_200])
def test_a_pulse_is_played_where_the_result_that_is_forwarded_is_1(compiler, kind, wait_ns) -> None:
    made = parts(compiler, reacting(wait_ns, is_one("m0")))
    part, core = made[kind]
    heard = messages(made, kind, BITS)
    one = executed_from(part, core, HEARD[kind], heard)
    found = sounds(one, wait_ns, first_of(part, kind), len(BITS))
    assert found == [bool(bit) for bit in BITS]
    assert "getFeedback(ZSYNC_DATA_PROCESSED_A" in core.text
    assert f"true, {part.forwarded[0].register}, 0b0)" in made["qa"][1].text


@pytest.mark.parametrize("kind", ["sg", "hdawg"])
def test_several_results_come_in_one_message(compiler, kind) -> None:
    words = (0b00, 0b01, 0b10, 0b11, 0b10, 0b00, 0b01)
    program = reacting(700, Condition(("m0", "m1"), "odd"), qubits=(0, 1), rest_ns=3_004)
    made = parts(compiler, program)
    part, core = made[kind]
    assert {(one.position, one.index) for one in part.forwarded} == {(0, 0), (1, 1)}
    one = executed_from(part, core, HEARD[kind], messages(made, kind, words))
    found = sounds(one, 700, first_of(part, kind), len(words), 3_004)
    assert found == [word in (1, 2) for word in words]


def test_what_comes_too_early_is_refused_with_the_time_that_is_missing(compiler) -> None:
    with pytest.raises(DoesNotFit, match=r"depends on m0 begins .* ns too early: .* wait as much"):
        compiler(reacting(300, is_one("m0")))
    compiler(reacting(ENOUGH_NS, is_one("m0")))


def test_a_program_without_such_results_forwards_none(compiler) -> None:
    plain = reacting(600, is_one("m0"))
    pulses = tuple(one.then[0] if isinstance(one, If) else one for one in plain.body)
    made = parts(compiler, replace(plain, body=pulses))
    assert not any(part.forwarded for part, _ in made.values())


def test_a_run_that_is_longer_than_cycles_are_counted_is_refused(compiler) -> None:
    """Much sooner than a PQSC ceases to listen, whose hold-off has 40 s."""
    with pytest.raises(TooLarge, match=r"the sequencer counts cycles from the start, at most 8.59"):
        compiler(reacting(600, is_one("m0"), shots=500_000, rest_ns=100_000))


def test_more_results_than_a_message_has_are_refused(tmp_path) -> None:
    """Each place on the grid of 16 samples has an integrator of its own, here up to 16."""
    text = RACK.read_text().replace("    zsync: {", "    options: {12001: 16W}\n    zsync: {")
    (tmp_path / "facility.yaml").write_text(text)
    more = compiler_for(loaded(tmp_path / "facility.yaml"))
    both = Condition(("m0", "m1"), "odd")
    with pytest.raises(DoesNotFit, match=r"a PQSC sends those of 8; .* multiple of 8 ns"):
        more(reacting(700, both, qubits=(0, 1), rest_ns=3_003))


def test_an_analyser_at_a_port_that_takes_no_results_is_refused(tmp_path) -> None:
    text = RACK.read_text().replace("zsync: {0: dev12001,", "zsync: {9: dev12001,")
    (tmp_path / "facility.yaml").write_text(text)
    away = compiler_for(loaded(tmp_path / "facility.yaml"))
    with pytest.raises(DoesNotFit, match=r"dev12001 .* ZSync port 9 of dev10001, .* one of 0 to 7"):
        away(reacting(700, is_one("m0")))
