"""The signal at a 33512B's connector: its lines in a spectrum, and the heat that it makes.

Of a periodic wave of V volts from peak to peak the amplitude of the n-th harmonic is (Fourier):
square with the share d above, ``2 V |sin(pi n d)| / (pi n)``; ramp that rises for the share s,
``V |sin(pi n s)| / (pi^2 n^2 s (1 - s))``, and ``V / (pi n)`` where s is 0 or 1. A wave that is
on for the share q of the time, in bursts, has its lines at the wave's own frequencies with the
amplitude times q, and the mean of its square times q.

ASSUMED: filters that do not see the sidebands of bursts; edges without length; nothing comes of
noise, PRBS and arbitrary waveforms, of gated bursts, nor of bursts that wait for another trigger
than the bus's.
"""

from collections.abc import Iterator
from math import log10, pi, sin

from podium.firmware_interfaces import keysight_33512b as box
from podium.sim_instruments.twins.continuous_tone import ContinuousTone
from podium.sim_instruments.twins.waveform_channel import WaveformChannel

LOAD_OHM = 50.0
"""Of an analyzer."""
HEATER_OHM = 120.0
"""ASSUMED, of each heater in a fridge, with its wires; Lake Shore's and Bluefors' loads are so."""
HARMONICS = 49  # ASSUMED: those above are not there
LEAST_V = 1e-9
"""A weaker line is none."""
_MILLIWATT = 1e-3


def tones(channel: WaveformChannel, now_fs: int) -> tuple[ContinuousTone, ...]:
    """Return the lines that an analyzer of 50 Ohm sees; what does not alternate makes none."""
    share = _share(channel, now_fs)
    loaded = LOAD_OHM / (LOAD_OHM + float(box.SOURCE_OHM))
    peak_v = share * loaded * float(channel.emf_vpp)
    frequency_hz = float(channel.frequency_hz)
    found = []
    for number, of_vpp in _harmonics(channel):
        amplitude_v = of_vpp * peak_v
        if amplitude_v > LEAST_V:
            watts = amplitude_v**2 / 2 / LOAD_OHM
            found.append(ContinuousTone(number * frequency_hz, 10 * log10(watts / _MILLIWATT)))
    return tuple(found)


def heat_w(channel: WaveformChannel, now_fs: int, load_ohm: float = HEATER_OHM) -> float:
    """Return the mean power in a resistor at the connector, W, from the square of its voltage."""
    share = _share(channel, now_fs)
    volts = load_ohm / (load_ohm + float(box.SOURCE_OHM))
    return share * volts**2 * _mean_square(channel) / load_ohm


def edges_fs(channel: WaveformChannel) -> tuple[int, ...]:
    """Return when a burst that the bus has triggered begins and ends."""
    ends = () if channel.busy_until_fs < 0 else (channel.busy_until_fs,)
    return (channel.burst_from_fs, *ends)


def _share(channel: WaveformChannel, now_fs: int) -> float:
    """Return the part of the time for which the wave is there; 0: there is none."""
    words = channel.words
    if not words[box.OUTPUT]:
        return 0.0
    if not words[box.BURST]:
        return 1.0
    if words[box.BURST_MODE] != "TRIG":
        return 0.0
    match words[box.TRIGGER_SOURCE]:
        case "BUS":
            return float(channel.is_busy(now_fs) and now_fs >= channel.burst_from_fs)
        case "IMM":
            cycles = float(channel.number(box.BURST_CYCLES))
            period_s = float(channel.number(box.BURST_PERIOD))
            return min(1.0, cycles / float(channel.frequency_hz) / period_s)
    return 0.0


def _above(channel: WaveformChannel) -> float:
    """Return the share of a period for which a square wave or pulse is high."""
    asked = box.PULSE_DUTY if channel.function == "PULS" else box.DUTY
    share = float(channel.number(asked)) / 100
    return 1 - share if channel.words[box.POLARITY] == "INV" else share


def _harmonics(channel: WaveformChannel) -> Iterator[tuple[int, float]]:
    """Yield numbers and amplitudes of harmonics, of one volt from peak to peak."""
    match channel.function:
        case "SIN":
            yield 1, 0.5
        case "SQU" | "PULS":
            above = _above(channel)
            for n in range(1, HARMONICS + 1):
                yield n, 2 * abs(sin(pi * n * above)) / (pi * n)
        case "TRI" | "RAMP":
            rises = float(channel.number(box.SYMMETRY)) / 100 if channel.function == "RAMP" else 0.5
            for n in range(1, HARMONICS + 1):
                if rises in (0.0, 1.0):
                    yield n, 1 / (pi * n)
                else:
                    yield n, abs(sin(pi * n * rises)) / (pi * n) ** 2 / rises / (1 - rises)


def _mean_square(channel: WaveformChannel) -> float:
    """Return the mean square of the voltage into an open circuit, V²."""
    vpp, offset_v = float(channel.emf_vpp), float(channel.emf_offset_v)
    sign = -1.0 if channel.words[box.POLARITY] == "INV" else 1.0
    match channel.function:
        case "DC":
            return offset_v**2
        case "SIN":
            return offset_v**2 + vpp**2 / 8
        case "TRI" | "RAMP":
            return offset_v**2 + vpp**2 / 12
        case "SQU" | "PULS":
            above = _above(channel)
            high_v, low_v = sign * offset_v + vpp / 2, sign * offset_v - vpp / 2
            return above * high_v**2 + (1 - above) * low_v**2
    return 0.0
