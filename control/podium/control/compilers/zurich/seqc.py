"""Writes the text of one core's program."""

from collections.abc import Sequence

from podium.control.compilers.zurich.loops import Code
from podium.control.compilers.zurich.shots import Shots
from podium.firmware_interfaces.zurich.awg_limits import PLAY_MAX, WAVE_MIN
from podium.firmware_interfaces.zurich.program import Core, Start, Waveform


def declarations(kind: Core, waveforms: Sequence[Waveform], channels: tuple[int, ...]) -> list[str]:
    """Return the waves as placeholders with their indices; ``channels`` of an HDAWG core."""
    lines = []
    for wave in waveforms:
        name, length = f"w{wave.index}", len(wave.i)
        if kind == "sg":
            lines.append(f"wave {name}i = placeholder({length});")
            lines.append(f"wave {name}q = placeholder({length});")
            lines.append(f"assignWaveIndex(1, 2, {name}i, 1, 2, {name}q, {wave.index});")
            continue
        parts = []
        for channel in channels:
            lines.append(f"wave {name}c{channel} = placeholder({length});")
            parts.append(f"{channel + 1}, {name}c{channel}")
        lines.append(f"assignWaveIndex({', '.join(parts)}, {wave.index});")
    return lines


def text_of(
    head: Sequence[str],
    begin: int,
    round_code: Code,
    rest_code: Code | None,
    shots: Shots,
    start: Start,
) -> str:
    """Return the whole program; ``begin``: samples from the start to the first code."""
    counters = max(round_code.counters, rest_code.counters if rest_code else 0)
    lines = [f"var v{number} = 0;" for number in range(counters)]
    lines += [*head, waiting_for(start)]
    # The same instruction comes first after the trigger in all cores: they begin together.
    lines += [f"playZero({WAVE_MIN});", *silence(begin - WAVE_MIN)]
    times = shots.shots // shots.round
    if times > 1:
        lines += [f"repeat ({times}) {{", *(f"  {line}" for line in round_code.lines), "}"]
    else:
        lines += round_code.lines
    if rest_code is not None:
        lines += rest_code.lines
    return "\n".join(lines) + "\n"


def waiting_for(start: Start) -> str:
    """Return the statement that waits for a start."""
    return "waitZSyncTrigger();" if start.zsync else "waitDigTrigger(1);"


def silence(samples: int) -> list[str]:
    """Return what plays nothing for so many samples, however many."""
    times = max(0, samples - WAVE_MIN) // PLAY_MAX
    lines = [f"repeat ({times}) {{ playZero({PLAY_MAX}); }}"] if times else []
    return [*lines, f"playZero({samples - times * PLAY_MAX});"]
