"""From what a core of an HDAWG put out to signals on flux lines: volts at its outputs.

As with RF signals the world counts nanoseconds: two samples of 2 GSa/s are averaged. An HDAWG
beside SHF instruments runs at that rate (zhinst-toolkit 1.4.0, ``enable_qccs_mode``, second
generation); at another one, and with sines, it is not played on the world.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import sqrt
from typing import Final

import numpy as np

from podium.firmware_interfaces.qblox_cluster.limits import IMPEDANCE_OHM
from podium.sim_instruments.physics.signals import Piece, PulseTrain
from podium.sim_instruments.twins.zurich.nodes.node_settings import number
from podium.sim_instruments.twins.zurich.runs.program_run import ProgramRun
from podium.sim_instruments.twins.zurich.sequencer.image import Image, Integers
from podium.sim_instruments.twins.zurich.sequencer.processor import Trace
from podium.sim_instruments.twins.zurich.sequencer.render import waveform_of
from podium.sim_instruments.twins.zurich.sequencer.sequencer_state import AMPLITUDE_ONE, Kind, Row
from podium.sim_instruments.twins.zurich.signals.nanoseconds import in_nanoseconds
from podium.sim_instruments.twins.zurich.signals.sequencer_signals import RATE_HZ, played_rows
from podium.sim_instruments.twins.zurich.signals.signal_pieces import held_piece

PER_CORE: Final = 2
"""Outputs of one core."""
ROOT_W: Final = 1 / sqrt(2 * IMPEDANCE_OHM)
"""Square roots of a watt, as the world has them, for one volt."""
_LEFT_OUT: Final = ("offset", "direct", "delay", "precompensation/enable")
"""Settings of an output that change what it sends."""
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
    volts = number(setting, f"{out}/range") / 2 * number(setting, f"{at}/amplitude")
    on = bool(number(setting, f"{out}/on"))
    return FluxOutput(f"{run.device}.sigout{channel}", on, volts, trouble)


def flux_trains(
    outputs: Sequence[FluxOutput],
    sender: str,
    trace: Trace,
    image: Image,
    begin_ns: int,
    late: int,
    since: int = 0,
) -> Iterator[PulseTrain]:
    """Yield what a core's outputs send; ``begin_ns``: its sample 0, ``late``: to the connector,
    ``since``: rows that begin earlier have been sent.

    Levels are real, square roots of watts at 0 Hz. Raises :class:`NoFlux`.
    """
    rows, before, longer = played_rows(trace, since)
    if not len(rows) or not any(one.on for one in outputs):
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


def _piece(
    row: Integers, before: int, longer: int, late: int, image: Image, output: int, scale: float
) -> Piece:
    """Return one play on one output."""
    played = row.copy()
    is_held = row[Row.KIND] == Kind.HOLD
    if is_held:
        played[Row.A] = before
    packed = np.ascontiguousarray(row[[Row.AMPLITUDES_01]])
    amplitude = packed.view("<i4")[output] / AMPLITUDE_ONE * scale
    signal = waveform_of(played.tolist(), image)[output].sum(axis=0) * amplitude
    if is_held:
        return held_piece(0.0, complex(signal[-1]), int(row[Row.A]), late)
    samples = in_nanoseconds(signal.astype(np.complex128), late)
    return Piece(0.0, samples, complex(signal[-1]), len(samples) + longer // 2)
