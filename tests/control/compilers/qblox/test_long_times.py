"""Long pulses and long waits: over 65 535 ns, and hours."""

import numpy as np
import pytest
from tests.benches.compilers.qblox_playback import emulate
from tests.benches.programs.example_programs import DRAG, NS, US, frames, target
from tests.benches.thoroughness import sampled

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.qblox.compile import compile_program
from podium.control.program.program import (
    Affine,
    Axis,
    Delay,
    Linear,
    Play,
    Program,
    Statement,
    Variable,
)
from podium.control.program.waveforms import FlatTop, Square
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind

HOUR_FS = 3_600 * 10**15
WAITS_FS = (65_495 * NS, 65_496 * NS, 10**6 * US + 1 * NS, HOUR_FS + 7 * NS, HOUR_FS + 1 * US)


def waiting(duration_fs: object, *, swept: bool) -> ClusterProgram:
    """Two pulses, and a wait between them; with an axis it goes through the general passes."""
    amplitude = Affine("a") if swept else 0.5
    axes = (Axis("a", (Variable("a", "1", Linear.steps(0.1, 0.1, 2)),)),) if swept else ()
    body: tuple[Statement, ...] = (
        Play("q0.drive", DRAG, amplitude),
        Delay(("q0.drive",), duration_fs),  # type: ignore[arg-type]
        Play("q0.drive", DRAG, amplitude),
        Delay(("q0.drive",), 4 * US),
    )
    return compile_program(Program("long", frames("drive"), body, axes), target())


@pytest.mark.parametrize(
    ("wait_fs", "swept"),
    sampled(
        [(wait_fs, swept) for wait_fs in WAITS_FS for swept in (False, True)],
        kept=[(WAITS_FS[0], True), (WAITS_FS[1], False), (WAITS_FS[3], True)],
    ),
)
def test_a_wait_of_an_hour_is_exact_to_the_nanosecond(wait_fs: int, swept: bool) -> None:
    made = waiting(wait_fs, swept=swept)
    shot_fs = 80 * NS + wait_fs + 4 * US
    assert made.duration_fs == made.first_shot_ns * NS + shot_fs * (2 if swept else 1)
    assert made.resources[0].instructions < 60
    (trace,) = emulate(made)
    played = trace.time_ns[trace.kind == EventKind.PLAY]
    assert int(played[1] - played[0]) * NS == 40 * NS + wait_fs


@pytest.mark.parametrize("swept", [False, True])
def test_a_shot_of_many_hours_is_refused(swept: bool) -> None:
    with pytest.raises(DoesNotFit, match=r"2\.56 h"):
        waiting(3 * HOUR_FS, swept=swept)
    with pytest.raises(DoesNotFit, match=r"2\.56 h"):
        waiting(2**63 - 1 * NS - 2**63 % NS, swept=swept)


@pytest.mark.parametrize("shape", [Square(10**6 * US), FlatTop(10**6 * US, 40 * NS)])
def test_a_pulse_of_a_second_takes_no_memory_for_its_constant_part(shape: Square) -> None:
    body = (Play("q0.drive", shape, -0.5), Delay(("q0.drive",), 4 * US))
    made = compile_program(Program("long", frames("drive"), body), target())
    (use,) = made.resources
    assert (use.samples <= 80, use.instructions < 40) == (True, True)
    (trace,) = emulate(made)
    assert np.all(np.diff(trace.time_ns) >= 0)
    assert int(trace.time_ns[-1] - trace.time_ns[1]) == 10**9 + 4000
