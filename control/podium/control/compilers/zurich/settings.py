"""Nodes that are set before a run, in one transaction: outputs last."""

from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.zurich.oscillators import Oscillators
from podium.control.compilers.zurich.target import DriveChannel, FluxChannel, Model, ReadoutChannel
from podium.firmware_interfaces.zurich.awg_limits import LO_STEP_HZ
from podium.firmware_interfaces.zurich.program import SAMPLE_CLOCK, Setting, Start

SEQUENCER_MONITOR = 64
"""``scopes/0/trigger/channel``: the monitor trigger of channel 0's ``startQA`` (the same)."""
TRIGGER_LEVEL_V = 0.8
"""Half of a TTL level into 50 ohms, 1.65 V."""
CYCLIC, INTEGRATION, READOUT_MODE = 0, 1, 1
"""``readout/result/mode``, ``readout/result/source`` (the sums), ``qachannels/N/mode``: values of
the node documentation that zhinst-core 26.7.2.5 embeds."""


def check_lo(port: str, lo_hz: float) -> None:
    """Raise :class:`DoesNotFit` for a local oscillator between two steps."""
    below = lo_hz // LO_STEP_HZ
    if lo_hz != below * LO_STEP_HZ:
        raise DoesNotFit(
            f"{port}: local oscillator at {lo_hz:.12g} Hz; centre frequencies go in steps of "
            f"{LO_STEP_HZ / 1e6:g} MHz: {below * LO_STEP_HZ:.12g} Hz or "
            f"{(below + 1) * LO_STEP_HZ:.12g} Hz"
        )


def synthesizer(model: Model, channel: int) -> int:
    """Return the synthesizer of a signal-generator channel: two have one in common.

    Of an SHFQC the first belongs to the quantum analyzer.
    """
    return channel // 2 + (1 if model == "SHFQC" else 0)


def drive_settings(
    model: Model, port: DriveChannel, fixed: Sequence[tuple[int, float]], start: Start
) -> list[Setting]:
    """Return settings of a signal-generator channel; ``fixed``: its oscillators."""
    node = f"sgchannels/{port.channel}"
    return [
        (f"synthesizers/{synthesizer(model, port.channel)}/centerfreq", port.lo_hz),
        (f"{node}/output/rflfpath", 1),
        (f"{node}/output/range", port.output_range_dbm),
        (f"{node}/awg/modulation/enable", 1),
        (f"{node}/awg/outputamplitude", 1.0),
        (f"{node}/awg/outputs/0/gains/0", 1.0),
        (f"{node}/awg/outputs/0/gains/1", -1.0),
        (f"{node}/awg/outputs/1/gains/0", 1.0),
        (f"{node}/awg/outputs/1/gains/1", 1.0),
        (f"{node}/sines/0/harmonic", 1),
        (f"{node}/sines/0/phaseshift", 0.0),
        *((f"{node}/oscs/{number}/freq", hz) for number, hz in fixed),
        *([(f"{node}/awg/diozsyncswitch", 1)] if start.zsync else []),
        (f"{node}/awg/auxtriggers/0/channel", start.source),
        (f"{node}/awg/single", 1),
        (f"{node}/output/on", 1),
    ]


def level_settings(channel: int, input_channel: int) -> list[Setting]:
    """Return settings of a generator that reads the level of a trigger input."""
    return [
        (f"sgchannels/{input_channel}/trigger/level", TRIGGER_LEVEL_V),
        (f"sgchannels/{input_channel}/trigger/imp50", 1),
        (f"sgchannels/{channel}/awg/auxtriggers/1/channel", input_channel),
    ]


def readout_settings(
    port: ReadoutChannel,
    length: int,
    delay: int,
    results: int,
    averages: int,
    start: Start,
    thresholds: Iterable[tuple[int, float]] = (),
) -> list[Setting]:
    """Return settings of a quantum analyzer channel.

    ``length``, ``delay`` of the integration in samples; ``results``: of the logger, 0 where
    nothing is heard.
    """
    node = f"qachannels/{port.channel}"
    heard: list[Setting] = [
        (f"{node}/readout/integration/length", length),
        (f"{node}/readout/integration/delay", delay / 2e9),
        *((f"{node}/readout/discriminators/{k}/threshold", volts) for k, volts in thresholds),
        (f"{node}/readout/result/enable", 0),
        (f"{node}/readout/result/source", INTEGRATION),
        (f"{node}/readout/result/mode", CYCLIC),
        (f"{node}/readout/result/length", results),
        (f"{node}/readout/result/averages", averages),
        (f"{node}/readout/result/enable", 1),
    ]
    return [
        (f"{node}/mode", READOUT_MODE),
        (f"{node}/centerfreq", port.lo_hz),
        (f"{node}/output/rflfpath", 1),
        (f"{node}/input/rflfpath", 1),
        (f"{node}/output/range", port.output_range_dbm),
        (f"{node}/input/range", port.input_range_dbm),
        *(heard if results else []),
        (f"{node}/generator/auxtriggers/0/channel", analyser_source(start)),
        (f"{node}/generator/single", 1),
        (f"{node}/input/on", 1),
        (f"{node}/output/on", 1),
    ]


def analyser_source(start: Start) -> int:
    """Return by which number a quantum analyzer chooses the signal that starts it."""
    return start.source if start.analyser_source is None else start.analyser_source


def modulation_settings(
    channel: int, oscillators: Oscillators | None, fitted: bool
) -> list[Setting]:
    """Return settings of what readouts ride on; ``fitted``: whether they could (option LRT)."""
    node = f"qachannels/{channel}"
    if oscillators is None:
        return [(f"{node}/modulation/enable", 0)] if fitted else []
    return [
        (f"{node}/modulation/enable", 1),
        *((f"{node}/oscs/{number}/freq", hz) for number, hz in oscillators.settings()),
        *((f"{node}/oscs/{number}/gain", 1.0) for number in range(oscillators.count)),
    ]


def trace_settings(channel: int, samples: int) -> list[Setting]:
    """Return settings of the scope: one record of a channel's input from its first readout on."""
    node = "scopes/0"
    return [
        (f"{node}/enable", 0),
        *((f"{node}/channels/{other}/enable", 0) for other in range(4) if other != channel),
        (f"{node}/channels/{channel}/inputselect", channel),
        (f"{node}/channels/{channel}/enable", 1),
        (f"{node}/time", 0),
        (f"{node}/length", samples),
        (f"{node}/averaging/enable", 0),
        (f"{node}/segments/enable", 0),
        (f"{node}/trigger/channel", SEQUENCER_MONITOR + channel),
        (f"{node}/trigger/delay", 0.0),
        (f"{node}/trigger/enable", 1),
        (f"{node}/single", 1),
        (f"{node}/enable", 1),
    ]


QCCS: Sequence[Setting] = (("dios/0/mode", 3), ("dios/0/drive", 0))
"""An HDAWG listens to ZSync and not to its DIO (zhinst-toolkit 1.4.0, ``enable_qccs_mode``)."""


def flux_settings(
    core: int,
    ports: Sequence[FluxChannel],
    start: Start,
    rate_hz: int,
    delays: Mapping[int, int] = MappingProxyType({}),
    filters: Sequence[Setting] = (),
) -> list[Setting]:
    """Return settings of an HDAWG core and its channels.

    ``delays``: in samples, by channel; ``filters``: of their filters.
    """
    settings: list[Setting] = [(SAMPLE_CLOCK, float(rate_hz))]
    if start.zsync:
        settings += [
            *QCCS,
            (f"awgs/{core}/dio/strobe/slope", 0),
            (f"awgs/{core}/dio/valid/polarity", 0),
        ]
    for port in ports:
        settings += [
            (f"sigouts/{port.channel}/range", port.range_v),
            (f"sigouts/{port.channel}/delay", delays.get(port.channel, 0) / rate_hz),
            (f"awgs/{core}/outputs/{port.channel % 2}/amplitude", 1.0),
            (f"awgs/{core}/outputs/{port.channel % 2}/modulation/mode", 0),
        ]
    return [
        *settings,
        *filters,
        (f"awgs/{core}/auxtriggers/0/channel", start.source),
        (f"awgs/{core}/single", 1),
        *((f"sigouts/{port.channel}/on", 1) for port in ports),
    ]
