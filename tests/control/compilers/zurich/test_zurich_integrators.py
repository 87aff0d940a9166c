"""Which integrators windows take: those that tell results, and those that do not."""

import numpy as np
import pytest
from tests.benches.calibration.reset_listing import ON_AN_SHFQC
from tests.benches.facility.loaded_examples import loaded

from podium.control.families.family import compiler_for
from podium.control.program.conditions import Discriminator
from podium.control.program.program import Capture, Delay, Frame, Play, Program
from podium.control.program.waveforms import Square
from podium.firmware_interfaces.zurich.program import CoreProgram, ZurichProgram

READS = Discriminator(0.1, 1e-4)


def compiled(*told: Discriminator | None) -> tuple[ZurichProgram, CoreProgram]:
    """Return windows of one frame one after another, with these discriminators."""
    body = [Delay(("read",), ns=1_600)]
    for number, one in enumerate(told):
        body += [
            Capture("read", f"m{number}", ns=800, discriminator=one),
            Play("read", Square(ns=800), 0.1),
            Delay(("read",), ns=1_600),
        ]
    frame = Frame("read", "node_a.q0.readout", 7.26e9)
    made = compiler_for(loaded(ON_AN_SHFQC))(Program("windows", (frame,), tuple(body), shots=3))
    (program,) = made.values()
    assert isinstance(program, ZurichProgram)
    (core,) = (one for one in program.cores if one.weights)
    return program, core


def samples(core: CoreProgram) -> list[np.ndarray]:
    return [np.array(one.i) + 1j * np.array(one.q) for one in core.weights]


def test_a_window_that_tells_and_one_that_does_not_take_one_integrator() -> None:
    program, core = compiled(READS, None)
    told, plain = program.results
    assert len(core.weights) == 1
    assert told.slots == plain.slots
    assert (told.threshold_v, plain.threshold_v) == (READS.threshold_v, None)
    assert told.rotation_turns == plain.rotation_turns == READS.rotation_turns
    _, without = compiled(None, None)
    (turned,), (straight,) = samples(core), samples(without)
    np.testing.assert_allclose(turned, straight * np.exp(2j * np.pi * 0.1), atol=1e-12)


@pytest.mark.parametrize("order", [(READS, None, Discriminator(0.3, 1e-4))])
def test_where_results_are_told_in_two_ways_each_has_weights_of_its_own(order) -> None:
    program, core = compiled(*order)
    assert len(core.weights) == 3
    assert [one.rotation_turns for one in program.results] == [0.1, 0.0, 0.3]
    assert len({one.slots for one in program.results}) == 3
