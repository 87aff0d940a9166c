"""Sets the precompensation of an HDAWG's outputs so that it undoes what flux lines do to pulses.

An output has eight exponentials, an inverse high-pass, a bounce and an FIR filter (option PC).
Long stages of the inverse go to exponentials. These correct eight samples alike, so that short ones
would leave steps: the FIR takes them, and what exponentials leave of its 36 ns. Both outputs of a
core have one sequencer: filters without effect make them equally late. It begins earlier by what
the latest of its lines delays; the other output's own delay (``sigouts/N/delay``) makes up for the
difference.
"""

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from podium.control.compilers.errors import DoesNotFit
from podium.control.compilers.line_inverse import (
    JUDGED_NS,
    InverseStage,
    behind_line,
    describe_delay,
    describe_reflection,
    inverse_stages,
)
from podium.control.compilers.placing import PlacedFrame
from podium.control.compilers.zurich.target import FluxChannel, ZurichTarget
from podium.control.facility.line_response import LineResponse
from podium.control.program.envelopes import sample_envelope
from podium.control.program.waveforms import Waveform
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S
from podium.firmware_interfaces.zurich.limits import OUTPUT_DELAY_MAX_S
from podium.firmware_interfaces.zurich.precompensation import (
    BLOCK,
    COEFFICIENT_MAX,
    COEFFICIENTS,
    EXPONENTIALS,
    HIGH_PASS_MAX,
    SINGLE_TAPS,
    ExponentialFilter,
    exponential_filter,
    latency_samples,
    rounded_taps,
)
from podium.firmware_interfaces.zurich.program import Setting, Start

STEP_FS = 40_000_000
"""All that begins together is held back in steps of this: whole turns of synthesizers, and whole
cycles of analysers."""
IDLE = (10e-9, 0.0)
"""An exponential without effect (as LabOne Q pads with)."""

Reals = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class OutputFilters:
    """The filters of one output, and what they leave."""

    exponentials: tuple[tuple[float, float], ...]
    """Time constant, s, and amplitude of each."""
    high_pass_s: float | None
    coefficients: tuple[float, ...] | None
    """Of the FIR filter."""
    residual: float
    """Largest deviation of a step at the chip from 1, between 5 ns and 20 us after it."""
    parts: tuple[str, ...]
    """What each filter undoes, for the resource report."""

    @property
    def latency(self) -> int:
        """By so many samples later the output's signal leaves."""
        return latency_samples(
            len(self.exponentials),
            high_pass=self.high_pass_s is not None,
            bounce=False,
            fir=self.coefficients is not None,
        )


NOTHING = OutputFilters((), None, None, 0.0, ())


def filters_of_core(target: ZurichTarget, index: int) -> dict[int, OutputFilters]:
    """Return the filters of a core's outputs by channel; empty: no line is corrected there.

    All outputs that the wiring names are in it, equally late. Raises :class:`DoesNotFit` for what
    is beyond the filters, with by how much and what would be left.
    """
    responses: dict[int, tuple[str, LineResponse | None]] = {}
    for name, port in target.ports.items():
        if not isinstance(port, FluxChannel) or port.channel // 2 != index:
            continue
        line = port.response if port.response is not None and port.response.distorts else None
        if line is not None or port.channel not in responses:
            responses[port.channel] = name, line
    if not target.precompensates or all(one is None for _, one in responses.values()):
        return {}
    found = {
        channel: NOTHING if line is None else precompensation_of(name, line, target.flux_rate_hz)
        for channel, (name, line) in responses.items()
    }
    most = max(len(one.exponentials) for one in found.values())
    fir = any(one.coefficients is not None for one in found.values())
    if len({one.high_pass_s is None for one in found.values()}) > 1:
        names = ", ".join(name for name, _ in responses.values())
        raise DoesNotFit(
            f"{names}: one of them is to have a high-pass undone, and not the other; both outputs "
            "of a core have one sequencer and have to be equally late: undo both, or neither"
        )
    return {
        channel: replace(
            one,
            exponentials=(*one.exponentials, *[IDLE] * (most - len(one.exponentials))),
            coefficients=(1.0,) if fir and one.coefficients is None else one.coefficients,
        )
        for channel, one in found.items()
    }


def delay_samples(target: ZurichTarget, index: int) -> int:
    """Return by how much later the signals of a core arrive than without filters and delays.

    Below 0: lines bring all of them earlier than drives.
    """
    latest = max((one.latency for one in filters_of_core(target, index).values()), default=0)
    return latest + max(_line_samples(target, index).values(), default=0)


def output_delays(target: ZurichTarget, index: int) -> dict[int, int]:
    """Return by how many samples each output of a core is to be late by itself, by channel.

    As its line brings signals so much earlier than that of the other output. Raises
    :class:`DoesNotFit` for more than the instrument takes.
    """
    on_lines = _line_samples(target, index)
    found = {channel: max(on_lines.values()) - own for channel, own in on_lines.items()}
    for channel, samples in found.items():
        if samples > OUTPUT_DELAY_MAX_S * (rate_hz := target.flux_rate_hz):
            raise DoesNotFit(
                f"sigouts/{channel} of {target.instrument}: flux arrives "
                f"{samples * 1e9 / rate_hz:g} ns earlier than by the other output of its core; an "
                f"output makes up for {OUTPUT_DELAY_MAX_S * 1e9:g} ns: connect these "
                "lines to outputs of different cores, or make cables alike"
            )
    return found


def describe_line_delay(port: FluxChannel, rate_hz: int) -> tuple[str, ...]:
    """Return in words how the delay of an output's line is undone; empty: it has none."""
    if port.response is None or not port.response.delay_s:
        return ()
    delay_s = port.response.delay_s
    return (describe_delay(delay_s, delay_s - round(delay_s * rate_hz) / rate_hz),)


def _line_samples(target: ZurichTarget, index: int) -> dict[int, int]:
    """Return the delays of the lines at a core's outputs, by channel, in samples."""
    found: dict[int, int] = {}
    for port in target.ports.values():
        if isinstance(port, FluxChannel) and port.channel // 2 == index:
            delay_s = 0.0 if port.response is None else port.response.delay_s
            found[port.channel] = round(delay_s * target.flux_rate_hz)
    return found


def latest_fs(targets: Sequence[ZurichTarget], ports: Collection[str]) -> int:
    """Return by how much later the latest signal at ``ports`` arrives than without, or 0."""
    late = (
        round(delay_samples(target, index) * FS_PER_S / target.flux_rate_hz)
        for target in targets
        for index in {
            port.channel // 2
            for name, port in target.ports.items()
            if isinstance(port, FluxChannel) and name in ports
        }
    )
    return max([0, *late])


def held_for_filters_fs(
    targets: Sequence[ZurichTarget], ports: Collection[str], start: Start | None
) -> int:
    """Return by how much all that begins together is held back for the slowest of the filters.

    It plays at ``ports``.
    Raises :class:`DoesNotFit` for filters here that take longer than what begins on one edge from
    outside has agreed on.
    """
    late_fs = latest_fs(targets, ports)
    if start is None or not start.external:
        return -(-late_fs // STEP_FS) * STEP_FS
    if late_fs > start.filters_fs:
        names = ", ".join(one.instrument for one in targets)
        raise DoesNotFit(
            f"{names}: filters of flux lines make pulses {late_fs / FS_PER_NS:g} ns late, and what "
            f"begins with them is held back by {start.filters_fs / FS_PER_NS:g} ns: hold all of it "
            f"back by {late_fs / FS_PER_NS:g} ns, or run without corrections of lines"
        )
    return start.filters_fs


def filter_settings(channel: int, filters: OutputFilters | None) -> list[Setting]:
    """Return the nodes of an output's filters; None: they are bypassed."""
    at = f"sigouts/{channel}/precompensation"
    if filters is None:
        return [(f"{at}/enable", 0)]
    settings: list[Setting] = []
    for number in range(EXPONENTIALS):
        node = f"{at}/exponentials/{number}"
        if number < len(filters.exponentials):
            tau_s, amplitude = filters.exponentials[number]
            # Each is rounded together with the other as it is then: first one that bounds nothing.
            settings += [(f"{node}/amplitude", 0.0), (f"{node}/timeconstant", tau_s)]
            if amplitude:
                settings.append((f"{node}/amplitude", amplitude))
        settings.append((f"{node}/enable", int(number < len(filters.exponentials))))
    if filters.high_pass_s is not None:
        settings.append((f"{at}/highpass/0/timeconstant", filters.high_pass_s))
    if filters.coefficients is not None:
        rest = (0.0,) * (COEFFICIENTS - len(filters.coefficients))
        settings.append((f"{at}/fir/coefficients", (*filters.coefficients, *rest)))
    return [
        *settings,
        (f"{at}/highpass/0/enable", int(filters.high_pass_s is not None)),
        (f"{at}/bounces/0/enable", 0),
        (f"{at}/fir/enable", int(filters.coefficients is not None)),
        (f"{at}/enable", 1),
    ]


@lru_cache(maxsize=256)
def precompensation_of(port: str, response: LineResponse, rate_hz: int) -> OutputFilters:
    """Return the filters of an output that undo a line best.

    Raises :class:`DoesNotFit` for what is beyond them, with by how much and what would be left.
    """
    stages = inverse_stages(port, response)
    high_pass_s, parts = _high_pass(port, response, rate_hz)
    best: OutputFilters | None = None
    refused: DoesNotFit | None = None
    for count in range(min(len(stages), EXPONENTIALS), -1, -1):
        try:
            found = _with_exponentials(port, response, rate_hz, stages, count)
        except DoesNotFit as error:
            refused = refused or error
            continue
        if best is None or found.residual < best.residual:
            best = found
    if best is None:
        assert refused is not None
        raise refused
    return replace(best, high_pass_s=high_pass_s, parts=(*best.parts, *parts))


def check_heights(frame: PlacedFrame, filters: OutputFilters, rate_hz: int) -> None:
    """Raise :class:`DoesNotFit` for a pulse that filters make higher than full scale, from rest.

    What pulses with a carrier or a phase become is not looked at.
    """
    for one in frame.pulses:
        if one.carrier.frequency_hz.any() or one.carrier.turns.any() or one.turned:
            continue
        height = _height(one.waveform, filters.exponentials, filters.coefficients, rate_hz)
        highest = float(np.abs(one.amplitude).max()) * height
        if highest > 1:
            raise DoesNotFit(
                f"{frame.frame.name}: statement {one.statement}: its output's filters make it "
                f"{highest:.4g} of full scale, at most 1: lower its amplitude to {1 / height:.4g}, "
                "or the line's attenuation"
            )


@lru_cache(maxsize=1024)
def _height(
    waveform: Waveform,
    exponentials: tuple[tuple[float, float], ...],
    coefficients: tuple[float, ...] | None,
    rate_hz: int,
) -> float:
    samples = np.repeat(sample_envelope(waveform).real, round(rate_hz * 1e-9))
    padded = np.concatenate([samples, np.zeros(8 * BLOCK - len(samples) % BLOCK)])
    for tau_s, amplitude in exponentials:
        padded = _filtered(padded, exponential_filter(tau_s, amplitude, rate_hz))
    if coefficients is not None:
        padded = np.convolve(padded, rounded_taps(coefficients))
    return float(np.abs(padded).max())


def _with_exponentials(
    port: str,
    response: LineResponse,
    rate_hz: int,
    stages: tuple[InverseStage, ...],
    count: int,
) -> OutputFilters:
    """Return filters of which the longest ``count`` stages are exponentials, the rest FIR."""
    long, short = stages[:count], stages[count:]
    exponentials = tuple((one.line_ns * 1e-9, one.tau_ns / one.line_ns - 1) for one in long)
    used = [exponential_filter(tau_s, amplitude, rate_hz) for tau_s, amplitude in exponentials]
    arriving = _arriving(response, used, rate_hz)
    if not stages and response.reflection is None:
        return NOTHING
    coefficients = _coefficients(port, arriving.mean(axis=0))
    taps = np.array(rounded_taps(coefficients))
    after = [np.convolve(one, taps)[: arriving.shape[1]] for one in arriving]
    first = round(JUDGED_NS[0] * rate_hz * 1e-9)
    residual = float(max(np.abs(one[first:] - 1).max() for one in after))
    parts = (
        *(f"{one.line_ns:.4g} ns by exponential filter {k}" for k, one in enumerate(long)),
        *(f"{one.line_ns:.4g} ns by the FIR filter" for one in short),
    )
    if response.reflection is not None:
        parts = (*parts, f"{describe_reflection(response.reflection)} by the FIR filter")
    return OutputFilters(exponentials, None, coefficients, residual, parts)


def _arriving(response: LineResponse, filters: list[ExponentialFilter], rate_hz: int) -> Reals:
    """Return what arrives of a step through exponentials and line, shape (phases, samples).

    Phases: samples after the beginning of a block.
    """
    count = round(JUDGED_NS[1] * rate_hz * 1e-9) // BLOCK * BLOCK
    found = np.empty((BLOCK, count))
    for phase in range(BLOCK):
        samples = np.zeros(count + BLOCK)
        samples[phase:] = 1.0
        for one in filters:
            samples = _filtered(samples, one)
        found[phase] = behind_line(response, samples[phase : phase + count], rate_hz)
    return found


def _filtered(samples: Reals, one: ExponentialFilter) -> Reals:
    """Return what an exponential makes of whole blocks, as the hardware does."""
    from scipy.signal import lfilter  # heavy

    blocks = samples.reshape(-1, BLOCK)
    means = blocks.mean(axis=1)
    before = np.concatenate([[0.0], means[:-1]])
    earlier = np.concatenate([[0.0], before[:-1]])
    follows = lfilter([one.follows], [1.0, 0.0, one.follows - 1], (before + earlier) / 2)
    return np.asarray((blocks + one.gain * (follows[:, None] - blocks)).reshape(-1))


def _coefficients(port: str, arriving: Reals) -> tuple[float, ...]:
    """Return FIR coefficients with which the filter's length of a step is 1."""
    if arriving[0] <= 0:
        raise DoesNotFit(f"{port}: nothing arrives at first of a step; no filter makes up for it")
    taps = np.zeros(SINGLE_TAPS + 2 * (COEFFICIENTS - SINGLE_TAPS))
    found = []
    for number in range(COEFFICIENTS):
        pair = number >= SINGLE_TAPS
        at = SINGLE_TAPS + 2 * (number - SINGLE_TAPS) if pair else number
        lacks = [1.0 - np.dot(taps[: k + 1], arriving[k::-1]) for k in range(at, at + 1 + pair)]
        weights = np.cumsum(arriving[: 1 + pair])
        found.append(float(np.dot(weights, lacks) / np.dot(weights, weights)))
        taps[at : at + 1 + pair] = found[-1]
    over = max(abs(one) for one in found) - COEFFICIENT_MAX
    if over > 0:
        raise DoesNotFit(
            f"{port}: an FIR coefficient is {over:.3g} beyond the {COEFFICIENT_MAX:g} of an HDAWG; "
            f"without it {np.abs(arriving[round(len(arriving) / 4000) :] - 1).max():.2g} of a step "
            "would be left"
        )
    return tuple(found)


def _high_pass(
    port: str, response: LineResponse, rate_hz: int
) -> tuple[float | None, tuple[str, ...]]:
    """Return the inverse high-pass's time constant, and what the resource report says of it."""
    tau_s = response.high_pass_s
    if tau_s is None:
        return None, ()
    most_s = HIGH_PASS_MAX / (2 * rate_hz)
    if tau_s > most_s:
        return None, (f"a high-pass of {tau_s:.3g} s is left: it is longer than a filter's",)
    if tau_s * rate_hz < BLOCK:
        raise DoesNotFit(
            f"{port}: a high-pass of {tau_s * 1e9:.4g} ns; an HDAWG's filter takes "
            f"{BLOCK * 1e9 / rate_hz:g} ns at once; without it nothing is left of a pulse"
        )
    return tau_s, (f"the high-pass of {tau_s * 1e6:.4g} us by the high-pass filter",)
