"""From what a core of an HDAWG put out to signals on flux lines: volts at its outputs.

As with RF signals the world counts nanoseconds: two samples of 2 GSa/s are averaged. An HDAWG
beside SHF instruments runs at that rate (zhinst-toolkit 1.4.0, ``enable_qccs_mode``, second
generation); at another one, and with sines, it is not played on the world. Outputs whose filters
are enabled are written out sample by sample (:mod:`.precompensation`). ASSUMED: the filters are at
rest when a run begins.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np
from numpy.typing import NDArray

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.level_pieces import train_of_words
from podium.sim_instruments.twins.zurich.nodes.node_settings import number
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import Reals, waveform_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import AMPLITUDE_ONE, Kind, Row
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds
from podium.sim_instruments.twins.zurich.signals.precompensation import (
    WORD_MAX,
    Precompensation,
    each_ns,
    filtered,
    precompensation_of,
)
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import RATE_HZ, played_rows
from podium.sim_instruments.twins.zurich.signals.signal_pieces import held_piece

PER_CORE: Final = 2
"""Outputs of one core."""
ROOT_W: Final = 1 / sqrt(2 * IMPEDANCE_OHM)
"""Square roots of a watt, as the world has them, for one volt."""
_LEFT_OUT: Final = ("offset", "direct", "delay")
"""Settings of an output that change what it sends."""
TAIL: Final = 2_000
"""Samples for which filters go on after the program: so long the world looks."""
SAMPLES_MAX: Final = 20_000_000
"""Of one output in one run that go through its filters."""
_KEY: Final = (Row.KIND, Row.A, Row.B, Row.CONFIG, Row.AMPLITUDES_01)


class NoFlux(RuntimeError):
    """An HDAWG is set to something that is not played on the world. The message says to what."""


@dataclass(frozen=True, slots=True)
class FluxOutput:
    """One output of a core, as it is set when a run begins."""

    connector: str
    """``dev8001.sigout0``."""
    on: bool
    volts: float
    """At full scale of a waveform, before the amplitude of a command table."""
    trouble: str = ""
    """Why it cannot be played; empty: it can."""
    filters: Precompensation | None = None
    """None: bypassed."""
    status: str = ""
    """The node that tells when its filters overflow."""
    full_scale_v: float = 1.0
    """Of the converter."""


def flux_outputs(run: ProgramRun) -> tuple[FluxOutput, ...]:
    """Return the outputs of the core of an HDAWG, ``awgs/1``.

    A range is what goes from peak to peak into 50 ohms (HDAWG user manual: 5 V are the largest),
    so that full scale is half of it.
    """
    core = int(run.at.partition("/")[2])
    return tuple(_output(run, core, output) for output in range(PER_CORE))


def _output(run: ProgramRun, core: int, output: int) -> FluxOutput:
    setting, channel = run.setting, core * PER_CORE + output
    at, out = f"{run.at}/outputs/{output}", f"sigouts/{channel}"
    trouble = ""
    if run.rate_hz != RATE_HZ:
        trouble = f"at {run.rate_hz / 1e9:g} GSa/s it is not played on the world, at 2 it is"
    elif number(setting, f"{at}/modulation/mode"):
        trouble = f"output {output} is modulated, which is not played on the world"
    else:
        there = [node for node in _LEFT_OUT if number(setting, f"{out}/{node}")]
        if there:
            trouble = f"{out}/{there[0]} is not 0, which is not played on the world"
    full_scale_v = number(setting, f"{out}/range") / 2
    volts = full_scale_v * number(setting, f"{at}/amplitude")
    on = bool(number(setting, f"{out}/on"))
    filters = precompensation_of(setting, out, run.rate_hz)
    connector = f"{run.device}.sigout{channel}"
    status = "" if filters is None else f"{out}/precompensation/{filters.last}/status"
    return FluxOutput(connector, on, volts, trouble, filters, status, full_scale_v)


def flux_trains(
    outputs: Sequence[FluxOutput],
    sender: str,
    trace: Trace,
    image: Image,
    begin_ns: int,
    late: int,
    since: int = 0,
    overflowed: Callable[[str], object] = str,
) -> Iterator[PulseTrain]:
    """Yield what a core's outputs send; ``begin_ns``: its sample 0, ``late``: to the connector,
    ``since``: rows that begin earlier have been sent.

    ``overflowed`` hears the status node of filters that overflow.

    Levels are real, square roots of watts at 0 Hz. Raises :class:`NoFlux`.
    """
    rows, before, longer = played_rows(trace, since)
    memory = any(one.on and one.filters is not None for one in outputs)
    if not (len(rows) or memory) or not any(one.on for one in outputs):
        return
    trouble = next((one.trouble for one in outputs if one.on and one.trouble), "")
    if trouble:
        raise NoFlux(trouble)
    time = rows[:, Row.TIME] + late
    key = np.column_stack([rows[:, list(_KEY)], before, longer, time & 1])
    _, first, piece = np.unique(key, axis=0, return_index=True, return_inverse=True)
    for output, one in enumerate(outputs):
        if not one.on:
            continue
        if one.filters is not None:
            level = _written_out(trace, image, output, one)
            shift = late + one.filters.latency
            train, cut = _filtered_train(
                one, one.filters, level, sender, int(trace.end), begin_ns, shift, since
            )
            if cut:
                overflowed(one.status)
            if train is not None:
                yield train
            continue
        pieces = tuple(
            _piece(rows[k], int(before[k]), int(longer[k]), int(time[k] & 1), image, output,
                   one.volts * ROOT_W)
            for k in first.tolist()
        )  # fmt: skip
        if all(not part.level and not np.any(part.samples) for part in pieces):
            continue
        yield PulseTrain(
            one.connector,
            begin_ns + (time >> 1),
            piece.reshape(-1).astype(np.int32),
            np.zeros(len(time)),
            pieces,
            sender,
        )


def _filtered_train(
    one: FluxOutput,
    filters: Precompensation,
    levels: tuple[Integers, Reals],
    sender: str,
    ends: int,
    begin_ns: int,
    late: int,
    since: int,
) -> tuple[PulseTrain | None, bool]:
    """Return what leaves an output behind its filters, from a sample on, and whether it was cut."""
    time, level = levels
    end = max(ends, int(time[-1]) + 1 if len(time) else 0) + TAIL
    changes, words, cut = filtered(filters, time, level, end)
    when, doubled = each_ns(changes + late, words)
    first = since + late >> 1 if since else 0
    earlier = int(np.searchsorted(when, first, side="right"))
    if since and earlier:  # what was sent before goes on from there
        when, doubled = when[earlier - 1 :], doubled[earlier - 1 :]
        when[0] = first
    scale = one.full_scale_v * ROOT_W / WORD_MAX
    last_ns = begin_ns + (end + late + 1 >> 1)

    def signal_of(words: Integers) -> NDArray[np.complex128]:
        return (words[:, 0] / 2).astype(np.complex128) * scale

    levels_of = doubled.reshape(-1, 1), signal_of
    train = train_of_words(one.connector, sender, when + begin_ns, levels_of, last_ns)
    return train, cut


def _written_out(
    trace: Trace, image: Image, output: int, one: FluxOutput
) -> tuple[Integers, Reals]:
    """Return samples at which a level begins, and the levels: full scale of the converter is 1."""
    rows, before, longer = played_rows(trace, 0)
    key = np.column_stack([rows[:, list(_KEY)], before, longer])
    _, first, piece = np.unique(key, axis=0, return_index=True, return_inverse=True)
    piece = piece.reshape(-1)
    levels, steps, lasts = [], [], []
    for k in first.tolist():
        signal = _signal(rows[k], int(before[k]), image, output, one.volts / one.full_scale_v)
        held = rows[k, Row.KIND] == Kind.HOLD
        levels.append(signal[-1:] if held else signal)
        steps.append(np.arange(len(levels[-1])))
        lasts.append(int(rows[k, Row.A]) if held else len(signal) + int(longer[k]))
    total = sum(len(levels[k]) for k in piece.tolist())
    if total > SAMPLES_MAX:
        raise NoFlux(
            f"{total} samples go through the filters of {one.connector}; this twin filters up to "
            f"{SAMPLES_MAX} in one run"
        )
    times: list[Integers] = []
    values: list[Reals] = []
    starts = rows[:, Row.TIME].tolist()
    for number_, (begin, kind) in enumerate(zip(starts, piece.tolist(), strict=True)):
        times.append(steps[kind] + begin)
        values.append(levels[kind])
        over = begin + lasts[kind]
        if number_ + 1 == len(starts) or starts[number_ + 1] > over:
            times.append(np.array([over]))
            values.append(np.zeros(1))
    if not times:
        return np.zeros(0, np.int64), np.zeros(0)
    return np.concatenate(times).astype(np.int64), np.clip(np.concatenate(values), -1.0, 1.0)


def _signal(row: Integers, before: int, image: Image, output: int, scale: float) -> Reals:
    """Return the samples of one play on one output; a hold's are those of the play before it."""
    played = row.copy()
    if row[Row.KIND] == Kind.HOLD:
        played[Row.A] = before
    packed = np.ascontiguousarray(row[[Row.AMPLITUDES_01]])
    amplitude = packed.view("<i4")[output] / AMPLITUDE_ONE * scale
    return np.asarray(waveform_of(played.tolist(), image)[output].sum(axis=0) * amplitude)


def _piece(
    row: Integers, before: int, longer: int, late: int, image: Image, output: int, scale: float
) -> Piece:
    """Return one play on one output."""
    signal = _signal(row, before, image, output, scale)
    if row[Row.KIND] == Kind.HOLD:
        return held_piece(0.0, complex(signal[-1]), int(row[Row.A]), late)
    samples = in_nanoseconds(signal.astype(np.complex128), late)
    return Piece(0.0, samples, complex(signal[-1]), len(samples) + longer // 2)
