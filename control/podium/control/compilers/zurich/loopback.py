"""Programs that measure a skew by loopback: a node's marker pulses, as Qblox clusters raise them.

Pulse k rises FIRST_MARKER_FS + k * PERIOD_NS after the start. Markers are bits of waveforms, so
they come with them; waveforms begin on a grid of 16 samples, and after eight pulses all is as
before.
"""

from collections.abc import Sequence

from podium.control.compilers.qblox.loopback import PERIOD_NS, PULSE_NS, PULSES_MAX
from podium.control.compilers.zurich.external_start import FIRST_MARKER_FS
from podium.control.compilers.zurich.latencies import at_connectors_fs, held_back_fs
from podium.control.compilers.zurich.layout import ceil, floor
from podium.control.compilers.zurich.seqc import waiting_for
from podium.control.compilers.zurich.starts import split_offset
from podium.control.compilers.zurich.target import Model
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.awg_limits import GRANULARITY, SHF_RATE_HZ, WAVE_MIN
from podium.firmware_interfaces.zurich.program import CoreProgram, Setting, Start, ZurichProgram

ROUND = 8
"""Pulses after which they lie on the grid as they did at first."""
FIRST_MARKER_OF_I = 4
"""``marker/source`` (node documentation)."""


def marker_program(
    instrument: str, model: Model, channels: Sequence[int], pulses: int, start: Start
) -> ZurichProgram:
    """Return a program that raises markers ``pulses`` times after the trigger; nothing else.

    ``channels``: of signal generators. Raises ``ValueError`` for an offset that cannot be waited,
    or a number of pulses that is none.
    """
    if not 1 <= pulses <= PULSES_MAX:
        raise ValueError(f"a loopback takes 1 to {PULSES_MAX} pulses a start, not {pulses}")
    cores, settings = [], []
    text = _text(pulses, start)
    for channel in channels:
        node = f"sgchannels/{channel}"
        cores.append(CoreProgram("sg", channel, ("marker",), text))
        chosen: list[Setting] = [
            (f"{node}/marker/source", FIRST_MARKER_OF_I),
            (f"{node}/awg/auxtriggers/0/channel", start.source),
            (f"{node}/awg/single", 1),
            *([(f"{node}/awg/diozsyncswitch", 1)] if start.zsync else []),
        ]
        settings += chosen
    first_fs = FIRST_MARKER_FS + start.offset_fs + at_connectors_fs(start)
    return ZurichProgram(
        name="loopback markers",
        instrument=instrument,
        model=model,
        cores=tuple(cores),
        settings=tuple(settings),
        duration_fs=first_fs + pulses * PERIOD_NS * FS_PER_NS,
        first_shot_fs=first_fs,
        results=(),
        resources=(),
        quantised=(),
        start=start,
        make_listing=lambda: text,
    )


def _text(pulses: int, start: Start) -> str:
    offset, _ = split_offset(start.offset_fs + held_back_fs("sg", start), SHF_RATE_HZ)
    first = FIRST_MARKER_FS * SHF_RATE_HZ // FS_PER_S + offset
    period, high = (ns * SHF_RATE_HZ // 10**9 for ns in (PERIOD_NS, PULSE_NS))
    length = ceil(GRANULARITY + high)
    rises = [first + number * period for number in range(ROUND + 1)]
    plays = []
    head = []
    for number in range(min(ROUND, pulses)):
        before = rises[number] - floor(rises[number])
        zeros = [f"marker({before}, 0), "] if before else []
        parts = f"{''.join(zeros)}marker({high}, 1), marker({length - before - high}, 0)"
        head.append(f"wave w{number} = join({parts});")
        rest = floor(rises[number + 1]) - floor(rises[number]) - length
        plays.append(f"playWave(1, w{number}); playZero({rest});")
    rounds, left = divmod(pulses, ROUND)
    lines = [*head, waiting_for(start), f"playZero({WAVE_MIN});"]
    lines.append(f"playZero({floor(first) - WAVE_MIN});")
    if rounds:
        lines += [f"repeat ({rounds}) {{", *(f"  {one}" for one in plays), "}"]
    return "\n".join([*lines, *plays[:left]]) + "\n"
