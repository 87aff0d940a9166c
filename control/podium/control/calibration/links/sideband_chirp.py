"""Finds by how much strong sideband drives miss the resonances that they move.

A shaped photon is driven hard, where a resonance moves by 20 MHz and more: what its shift is known
to, some per cent, is the larger part of what such a photon lacks. It is caught less where either
drive misses; so much less, as the drive's frequency and the shift that it follows are swept at
each end, tells both.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.link_loop import STEP_S, STEP_TERMS
from podium.control.calibration.links.pair_model import CAUGHT, MET, SENT, SIZE, F, PairModel
from podium.control.calibration.links.photon_design import pair_model, shaped_for
from podium.control.calibration.links.photon_pulses import PhotonPulses
from podium.control.calibration.links.photon_transfer import SIGNIFICANT, transfer_body
from podium.control.calibration.links.shaped_photon import ShapedPhoton
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import linear_frequencies
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Program, SetFrequency

Array = NDArray[np.float64]
ComplexArray = NDArray[np.complex128]

FOLLOWED_HZ = (-5e6, 0.0, 5e6)
"""By how much more than is known of a line's shift at full scale a drive follows."""
SPAN_HZ, POINTS, SHOTS = 8e6, 9, 1500
ALL_OFF = 0.05
"""How well it is known that nothing is read where nothing is caught."""


@dataclass(frozen=True, slots=True, eq=False)
class ChirpScan:
    """Holds what was caught while one end's drive was swept, n points."""

    end: int
    followed_hz: float
    """By how much more it followed the shift at full scale than is known of it."""
    aside_hz: Array
    """Shape (n,): of the drive's frequency from where it is played."""
    caught: Array
    sigma: Array


def chirp_program(
    bench: LinkBench, photon: PhotonPulses, end: EndPulses, centre_hz: float, shots: int
) -> Program:
    """Return a transfer by ``photon`` over the frequency of an end's drive."""
    swept = linear_frequencies("sideband_frequency", centre_hz, SPAN_HZ, POINTS)
    body = (
        SetFrequency(end.sideband, Affine("sideband_frequency")),
        *transfer_body(bench, bench.catch_after_fs(), reset=bench.passive_reset(), photon=photon),
    )
    axis = Axis("frequency", (swept,))
    return Program("sideband chirp", bench.frames(), body, (axis,), shots=shots)


def followed(bench: LinkBench, shape: ShapedPhoton, number: int, more_hz: float) -> PhotonPulses:
    """Return a photon's pulses, one of which follows so much more shift. Raises FitFailed."""
    photon, end = replace(bench, chosen=shape).photon(), bench.ends[number]
    drive = end.drive()
    other = replace(drive, stark_hz=drive.stark_hz + more_hz)
    pulse = other.samples(shape.rates_hz()[number])
    return replace(photon, sent=pulse) if number == 0 else replace(photon, caught=pulse)


def caught_off(
    model: PairModel, rates_hz: tuple[ComplexArray, ComplexArray], off_hz: Array
) -> Array:
    """Return the part of f that is caught, without loss, (m,), by drives off their resonances.

    ``rates_hz``: complex g / 2 pi, (n,) each; ``off_hz``, (2, n, m): of each drive's frequency from
    the resonance that it moves, at each of the samples; of the catch from where the photon would
    have it. What dephases counts as gone: a factor that a fit of the height takes.
    """
    fixed = replace(model, off_hz=model.loop.apart_hz).amplitudes()
    fixed = fixed - np.diag(model.fades_1_s())
    state = np.zeros((SIZE, off_hz.shape[-1]), np.complex128)
    state[F] = 1.0
    for k, (sent, caught) in enumerate(zip(*rates_hz, strict=True)):
        step = fixed.copy()
        step[F, SENT], step[SENT, F] = -2j * np.pi * np.conj(sent), -2j * np.pi * sent
        step[CAUGHT, MET], step[MET, CAUGHT] = -2j * np.pi * np.conj(caught), -2j * np.pi * caught
        term = state
        for n in range(1, STEP_TERMS + 1):
            slope = step @ term
            slope[F] += 2j * np.pi * off_hz[0, k] * term[F]
            slope[CAUGHT] += 2j * np.pi * off_hz[1, k] * term[CAUGHT]
            term = slope * (STEP_S / n)
            state = state + term
    return np.asarray(np.abs(state[CAUGHT]) ** 2)


def expected_caught(
    scans: Sequence[ChirpScan],
    model: PairModel,
    shape: ShapedPhoton,
    tops_hz: tuple[float, float],
    values: Mapping[str, float],
) -> Array:
    """Return what the fit's ``values`` let be caught, all scans in a row.

    ``tops_hz``: g / 2 pi at full scale of each end.
    """
    rates = shape.rates_hz()
    powers = [np.abs(rate / top) ** 2 for rate, top in zip(rates, tops_hz, strict=True)]
    count = sum(one.aside_hz.size for one in scans)
    off = np.zeros((2, shape.duration_ns, count))
    for k, power in enumerate(powers):
        off[k] = (values[f"line_{k}"] + values[f"stark_{k}"] * power)[:, None]
    begin = 0
    for one in scans:
        here = slice(begin, begin + one.aside_hz.size)
        off[one.end, :, here] += one.followed_hz * powers[one.end][:, None] + one.aside_hz
        begin = here.stop
    return np.asarray(values["offset"] + values["height"] * caught_off(model, rates, off))


def fit_chirps(
    scans: Sequence[ChirpScan],
    model: PairModel,
    shape: ShapedPhoton,
    tops_hz: tuple[float, float],
    known_hz: Mapping[str, float],
    share: float,
) -> Fit:
    """Fit all scans at once. Raises FitFailed.

    Finds by end (0, 1) ``line`` and ``stark`` (Hz): by how much the line, and its shift at full
    scale, were taken too high; of the second end's line against the photon. ``known_hz``: how well
    each is known before; and ``height``, ``offset``. ``share``: of the shift at full scale that was
    there when the second end's line was scanned: it is known with so much of the shift's error.
    """

    def expected(values: Mapping[str, float]) -> Array:
        seen = expected_caught(scans, model, shape, tops_hz, values)
        before = {**values, "line_1": values["line_1"] + share * values["stark_1"]}
        return np.concatenate([seen, [before[name] for name in known_hz], [values["offset"]]])

    caught = np.concatenate([one.caught for one in scans])
    sigma = np.concatenate([one.sigma for one in scans])
    start = {**dict.fromkeys(known_hz, 0.0), "height": float(np.max(caught)), "offset": 0.0}
    fit = fit_least_squares(
        expected,
        np.concatenate([caught, np.zeros(len(known_hz) + 1)]),
        np.concatenate([sigma, list(known_hz.values()), [ALL_OFF]]),
        [start],
    )
    if fit.values["height"] < SIGNIFICANT * fit.sigmas["height"]:
        raise FitFailed("no shaped photon arrives: calibrate sidebands, delay and detuning")
    return fit


async def _scan(
    bench: LinkBench, outcome: Outcome, shape: ShapedPhoton, number: int, more_hz: float
) -> ChirpScan:
    """Run one scan; ``bench``: with that shape."""
    end, shots = bench.ends[number], bench.shots(SHOTS)
    centre_hz = next(one.frequency_hz for one in bench.frames() if one.name == end.sideband)
    photon = followed(bench, shape, number, more_hz)
    data = await bench.run(outcome, chirp_program(bench, photon, end, centre_hz, shots))
    caught = bench.second.fraction(data)
    return ChirpScan(
        number,
        more_hz,
        values_of(data, "sideband_frequency") - centre_hz,
        caught,
        bench.second.fraction_sigma(caught, shots),
    )


async def sideband_chirp(bench: LinkBench) -> Outcome:
    """Catch a shaped photon while each drive's frequency, and the shift it follows, are swept.

    Needs :func:`.photon_detuning` before. Stores ``sideband_frequency`` of the first end,
    ``stark_shift`` of both, and ``detuning``, more finely than they were known (Hz).
    """
    outcome = Outcome("sideband_chirp", "Shift of strong sidebands")
    aside = bench.first.bench.known(bench.link, "detuning")
    bench.first.bench.known(bench.link, "delay")
    model = pair_model(bench)
    shape = (await asyncio.to_thread(shaped_for, bench, model)).shape
    tops = (bench.first.drive().rate_hz, bench.second.drive().rate_hz)
    taken = [(end.sideband_hz(), end.drive().stark_hz) for end in bench.ends]
    doubts = [end.stark_sigma_hz() for end in bench.ends]
    known = {
        "line_0": bench.first.resonance_hz()[1],
        "stark_0": doubts[0],
        "line_1": aside.sigma,
        "stark_1": doubts[1],
    }
    plain, played = bench.sech().photon(), replace(bench, chosen=shape)
    share = float(np.abs(plain.caught[plain.duration_ns // 2]) ** 2)
    scans = [
        await _scan(played, outcome, shape, number, more_hz)
        for number in (0, 1)
        for more_hz in FOLLOWED_HZ
    ]

    def raw(_: Link) -> Panel:
        labels = [f"{bench.ends[one.end].end.name}, {1e-6 * one.followed_hz:+.0f}" for one in scans]
        series = tuple(
            Series(label, one.aside_hz / 1e6, one.caught)
            for label, one in zip(labels, scans, strict=True)
        )
        return Panel(bench.link.name, "drive off its resonance (MHz)", "caught", series)

    def fit(_: Link, panel: Panel) -> Found:
        found = fit_chirps(scans, model, shape, tops, known, share)
        v, s = found.values, found.sigmas
        drawn = expected_caught(scans, model, shape, tops, v)
        parts = np.split(drawn, np.cumsum([one.aside_hz.size for one in scans])[:-1])
        lines = tuple(
            Series("fit", one.aside_hz / 1e6, part, line=True)
            for one, part in zip(scans, parts, strict=True)
        )
        names = [end.end.name.removeprefix(f"{bench.link.name}.") for end in bench.ends]
        better = {
            f"{names[0]}.sideband_frequency": (taken[0][0], "line_0"),
            f"{names[0]}.stark_shift": (taken[0][1], "stark_0"),
            f"{names[1]}.stark_shift": (taken[1][1], "stark_1"),
            "detuning": (aside.value, "line_1"),
        }
        return {
            name: Measured(before - v[error], s[error], "Hz")
            for name, (before, error) in better.items()
        }, panel.fitted(*lines, text="lines and shifts of strong drives")

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
