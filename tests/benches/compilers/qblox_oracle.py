"""The oracle: program, compiled, emulated, as samples, against the reference renderer.

Timing to the sample; amplitude within 1 LSB of the ideal rendering of the quantised parameters
that the artifact lists; each of those within half of its step of what was asked.
"""

import itertools
import math
from collections import Counter, defaultdict
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from tests.benches.compilers.qblox_playback import emulate, shot

from podium.control.compilers.qblox.compile import compile_program
from podium.control.compilers.qblox.rounding import FULL_SCALE_WORD
from podium.control.compilers.qblox.target import QbloxTarget
from podium.control.program.envelopes import sample_envelope
from podium.control.program.program import Program
from podium.control.program.render import Outcomes, Rounded, render
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.qblox_cluster.limits import (
    SYNC_NS,
    THRESHOLD_TRIGGER_NS,
    TRIGGER_DEAD_NS,
)
from podium.firmware_interfaces.qblox_cluster.program import ClusterProgram
from podium.sim_instruments.twins.qblox_cluster.processor.q1_processor import Trigger

LSB = 1.0
PHASE_SLACK_TURNS = 3e-9
"""The NCO's own resolution, and the emulator's last digit."""


Dice = Callable[[int, int], Outcomes]
"""Results of all captures in a shot, by repetition and number of the point."""


def nothing(repetition: int, point: int) -> Outcomes:
    return {}


def hold_against_reference(
    program: Program, target: QbloxTarget, dice: Dice = nothing, told: Dice | None = None
) -> ClusterProgram:
    """Compile, emulate and compare every shot of ``program``; return what was compiled.

    ``dice``: what is measured; ``told``: what sequencers are told instead.
    """
    compiled = compile_program(program, target)
    check_quantised(compiled)
    listens = any(sequencer.listens_to for sequencer in compiled.sequencers)
    traces = emulate(compiled, triggers(program, compiled, told or dice) if listens else None)
    shape = tuple(axis.count for axis in program.axes)
    points = list(itertools.product(*map(range, shape)))
    ports = {frame.name: frame.port for frame in program.frames}
    lo_hz = {port: target.ports[port].lo_hz for port in ports.values()}
    early_ns = [earlier_ns(target, ports[one.frame]) for one in compiled.sequencers]
    starts = {int(t.time_ns[1]) + early for t, early in zip(traces, early_ns, strict=True)}
    assert len(starts) == 1, "all sequencers start their first shot together, at the chip"
    (first_ns,) = starts
    start_ns = first_ns
    for repetition in range(program.shots):
        for number, point in enumerate(points):
            reference = render(
                program,
                point,
                lo_hz,
                rounded_at(compiled, program, point),
                stored_envelope,
                outcomes=dice(repetition, number),
            )
            windows = defaultdict(list)
            for sequencer, trace, early in zip(compiled.sequencers, traces, early_ns, strict=True):
                played = shot(sequencer, trace, start_ns - early, reference.duration_ns)
                compare_samples(played.words, played.nco_turns, reference.samples[sequencer.frame])
                names = {a.index: a.name for a in sequencer.acquisitions}
                for window in played.windows:
                    windows[names[window.acquisition]].append((window, sequencer))
            assert Counter({name: len(some) for name, some in windows.items()}) == Counter(
                capture.name for capture in reference.captures
            )
            for capture in sorted(reference.captures, key=lambda capture: capture.start_ns):
                window, sequencer = windows[capture.name].pop(0)
                assert window.start_ns == capture.start_ns
                assert sequencer.integration_ns == capture.duration_ns
                assert window.frequency_hz + lo_hz[ports[capture.frame]] == capture.frequency_hz
                off = (window.phase_turns - capture.phase_turns + 0.5) % 1 - 0.5
                assert abs(off) < PHASE_SLACK_TURNS
                kept = repetition * len(points) if program.keep_shots else 0
                assert window.bin == kept + number
            start_ns += reference.duration_ns
    for trace, early in zip(traces, early_ns, strict=True):
        last_ns = int(trace.time_ns[-1]) + early
        assert last_ns == start_ns, "the last row follows the last shot at once"
    lasts_ns = compiled.first_shot_ns + start_ns - first_ns + max(0, *(-one for one in early_ns))
    assert compiled.duration_fs == lasts_ns * 1_000_000
    return compiled


def earlier_ns(target: QbloxTarget, port: str) -> int:
    """By how much a port plays earlier, as its line brings it later; none of its filters is on."""
    response = target.ports[port].response
    return 0 if response is None else round(response.delay_s * 1e9)


def triggers(program: Program, compiled: ClusterProgram, dice: Dice) -> list[Trigger]:
    """What the trigger network carries, by the reference renderer alone."""
    addresses = {one.frame: (one.sends_to, one.sends_at) for one in compiled.sequencers}
    points = list(itertools.product(*(range(axis.count) for axis in program.axes)))
    start_ns = compiled.first_shot_ns + SYNC_NS
    sent = []
    for repetition in range(program.shots):
        for number, point in enumerate(points):
            outcomes = dice(repetition, number)
            reference = render(program, point, outcomes=outcomes)
            taken: Counter[str] = Counter()
            for capture in sorted(reference.captures, key=lambda capture: capture.start_ns):
                results = outcomes.get(capture.name, ())
                address, sends_at = addresses[capture.frame]
                if address and results[taken[capture.name]] == sends_at:
                    end_ns = start_ns + capture.start_ns + capture.duration_ns
                    sent.append(Trigger(end_ns + THRESHOLD_TRIGGER_NS, address))
                taken[capture.name] += 1
            start_ns += reference.duration_ns
    sent.sort(key=lambda trigger: trigger.time_ns)
    for one, other in itertools.pairwise(sent):
        assert other.time_ns - one.time_ns >= TRIGGER_DEAD_NS, "the network would lose one"
    return sent


def compare_samples(
    words: NDArray[np.complex128],
    nco_turns: NDArray[np.float64],
    reference: NDArray[np.complex128],
) -> None:
    """Compare before the NCO, where an LSB is an LSB on each path."""
    heard = (words != 0) | (reference != 0)
    carrier = np.exp(2j * np.pi * nco_turns[heard])
    off = words[heard] - reference[heard] * FULL_SCALE_WORD * carrier.conj()
    slack = LSB + 2 * np.pi * PHASE_SLACK_TURNS * FULL_SCALE_WORD
    assert np.abs(off.real).max(initial=0) <= slack
    assert np.abs(off.imag).max(initial=0) <= slack


def stored_envelope(waveform: Waveform, late_fs: int = 0) -> NDArray[np.complex128]:
    """The envelope as waveform memory holds it: each sample within half of 1/32767."""
    ideal = sample_envelope(waveform, late_fs) * 32767
    return (np.floor(ideal.real + 0.5) + 1j * np.floor(ideal.imag + 0.5)) / 32767


def check_quantised(compiled: ClusterProgram) -> None:
    for entry in compiled.quantised:
        asked, got = np.array(entry.asked), np.array(entry.got)
        assert len(asked) == len(got) == math.prod(entry.shape)
        off = got - asked
        if entry.unit == "turn":
            off = (off + 0.5) % 1 - 0.5
        rounding = 8 * np.finfo(float).eps * np.abs(asked).max(initial=1.0)
        assert np.abs(off).max() <= entry.step / 2 + rounding, entry.what


def rounded_at(compiled: ClusterProgram, program: Program, point: tuple[int, ...]) -> Rounded:
    """What the artifact says the hardware holds at ``point``, for the renderer."""
    index = {axis.name: i for axis, i in zip(program.axes, point, strict=True)}
    rounded: dict[tuple[int | str, str], float] = {}
    for entry in compiled.quantised:
        where = tuple(index[name] for name in entry.axes)
        flat = int(np.ravel_multi_index(where, entry.shape)) if where else 0
        key: int | str = entry.statement if entry.statement >= 0 else entry.frame
        rounded[key, entry.quantity] = entry.got[flat]
    return rounded
