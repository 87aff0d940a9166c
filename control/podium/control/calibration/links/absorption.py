"""Measures absorption: how much of the photon that comes to the second end does not go on from it.

Nothing listens behind the second end, so what goes on is not counted. What is caught is, and it is
scanned over the catch's lag, its frequency and its strength. A loss of the way lowers all of that
alike; a catch that is late, aside, too weak or turned lowers each scan in a way of its own. So the
loss is left free, and what the catch lacks is not: rates, widths, Stark shifts, echo and dephasing
are fitted with it, each held by what it was measured to be, within its sigma. The absorption is
that of the pulses which transfers play, by the equation of the link with what was fitted, less what
thermal photons take of it (:mod:`.thermal_catch`).
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import (
    LinkBench,
)
from podium.control.calibration.links.link_loop import Delivered, LinkLoop, delivered
from podium.control.calibration.links.link_model import EndModel
from podium.control.calibration.links.photon_pulses import of_resonance
from podium.control.calibration.links.photon_shapes import STRONGEST, SidebandDrive, played
from podium.control.calibration.links.photon_transfer import (
    PhotonWay,
    detuning_program,
    lag_program,
    lags_of,
    transfer_body,
)
from podium.control.calibration.links.sideband_rate import CORRELATION
from podium.control.calibration.links.thermal_catch import ThermalWay, absorption_slopes
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse_verified
from podium.control.facility.facility import Link, LinkEnd
from podium.control.parameters.entry import Measured
from podium.control.program.program import Affine, Axis, Linear, Play, Program, Table, Variable
from podium.firmware_interfaces.exact_time import FS_PER_NS

Array = NDArray[np.float64]

WEAKEST, STRENGTHS = 0.5, 9
STRONGER = 1.4
"""Of the scan over the catch's strength, in what transfers play; less where full scale ends."""
SHOTS, STRENGTH_SHOTS, SHOTS_AGAIN = 1500, 6000, 4000
"""The strength tells the second end's rate, which moves an absorption most (0.0024 for 1 %)."""
AGAIN_LAG_NS, AGAIN_STRENGTH = 24, 0.7
"""Of what is measured anew: as played, earlier, later, and weaker."""
UNLIKELY = 1e-4
"""Chance that what is measured anew is said to differ from what the fit foretells."""
LAG_S, OFF_HZ = 10e-9, 1e6
"""Steps in which the catch's lag and frequency are fitted."""
UNEXPLAINED = 3.0
"""Chi-square for each of some 30 degrees from which on scans are not what is fitted."""
LEAST_SHARE = 1e-3
"""Sigma of rates and widths, relative, at least."""
MOVED = ("rate", "kappa", "stark", "dephasing")
"""What moves pulses and ends, of each end; what is fitted besides moves lag, line and reading."""
KEPT = 16
"""Of what comes of a photon: more than a fit has parameters."""
LEAST_CAUGHT = 5.0
"""Sigmas by which what is caught is above nothing, at least."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Holds how the catch was set, m settings, from what transfers play."""

    lag_s: Array
    off_hz: Array
    strength: Array

    def __len__(self) -> int:
        return int(self.lag_s.size)

    @classmethod
    def joined(cls, parts: Sequence["Settings"]) -> "Settings":
        """Return several one behind the other."""
        return cls(
            *(
                np.concatenate([getattr(one, name) for one in parts])
                for name in ("lag_s", "off_hz", "strength")
            )
        )


@dataclass(frozen=True, slots=True, eq=False)
class PlayedTransfer:
    """The pulses of a transfer and both ends as they are known, which a fit's values change."""

    way: PhotonWay
    drives: tuple[SidebandDrive, SidebandDrive]
    kappas_hz: tuple[float, float]
    decays_1_s: tuple[float, float]
    second: float
    """Where 2 is read at the second end, between 0 (0) and 1 (1)."""
    lag_s: float
    """Of the catch behind the photon's arrival, by what is known of the delay."""
    loop: LinkLoop
    kept: dict[tuple[float | bytes, ...], Delivered] = field(default_factory=dict, repr=False)
    """What was worked out last, :data:`KEPT` at most."""

    def moved(
        self, values: Mapping[str, float]
    ) -> tuple[tuple[SidebandDrive, SidebandDrive], tuple[EndModel, EndModel]]:
        """Return drives and ends as a fit's values say."""
        one, other = (
            SidebandDrive(
                drive.rate_hz * values[f"rate_{k}"], drive.stark_hz + values[f"stark_{k}"]
            )
            for k, drive in enumerate(self.drives)
        )
        first, second = (
            EndModel(kappa * values[f"kappa_{k}"], decay, max(values[f"dephasing_{k}"], 0.0))
            for k, (kappa, decay) in enumerate(zip(self.kappas_hz, self.decays_1_s, strict=True))
        )
        return (one, other), (first, second)

    def thermal_way(self, values: Mapping[str, float], transmission: float) -> ThermalWay:
        """Return the transfer as it is played, by a fit's values."""
        drives, ends = self.moved(values)
        photon = self.way.photon
        sent, caught = (
            of_resonance(one, drive)
            for one, drive in zip((photon.sent, photon.caught), drives, strict=True)
        )
        lag_ns = round(1e9 * (self.lag_s + values["lag"]))
        apart_hz = self.loop.apart_hz
        return ThermalWay(sent, caught, ends, apart_hz, values["off"], lag_ns, transmission)

    def delivered(self, values: Mapping[str, float], settings: Settings) -> Delivered:
        """Return what comes of a photon, by a fit's values, (m,) each."""
        lags_ns = 1e9 * (settings.lag_s + self.lag_s + values["lag"])
        low = np.floor(lags_ns)
        found = self._at_whole_ns(values, settings, low)
        later = lags_ns - low
        return Delivered(
            *(
                np.asarray((1 - later) * before + later * after)
                for before, after in (
                    np.split(getattr(found, name), 2)
                    for name in ("f", "fallen", "arrived", "passed")
                )
            )
        )

    def _at_whole_ns(
        self, values: Mapping[str, float], settings: Settings, low: Array
    ) -> Delivered:
        """Return what comes at lags of ``low``, (m,), and of one ns more, (2 m,).

        It is kept: slopes of a fit ask for it again by what is read of it, and by a part of a ns.
        """
        off_hz = settings.off_hz + values["off"]
        key: tuple[float | bytes, ...] = (
            *(values[f"{name}_{k}"] for name in MOVED for k in (0, 1)),
            *(one.tobytes() for one in (low, off_hz, settings.strength)),
        )
        if key not in self.kept:
            drives, ends = self.moved(values)
            sent = of_resonance(self.way.photon.sent, drives[0])
            # a catch that is stronger than what was meant moves its line by more than it follows
            each, which = np.unique(settings.strength, return_inverse=True)
            caught = np.stack(
                [of_resonance(one * self.way.photon.caught, drives[1]) for one in each], 1
            )
            lags_ns = np.concatenate([low, low + 1]).astype(np.int64)
            found = delivered(
                sent, caught[:, np.tile(which, 2)], ends, self.loop, lags_ns, np.tile(off_hz, 2)
            )
            while len(self.kept) >= KEPT:
                del self.kept[next(iter(self.kept))]
            self.kept[key] = found
        return self.kept[key]

    def seen(self, values: Mapping[str, float], settings: Settings) -> Array:
        """Return what the second end reads of f, (m,)."""
        return self.read(values, self.delivered(values, settings))

    def read(self, values: Mapping[str, float], found: Delivered) -> Array:
        """Return what is read of what has come of a photon, (m,)."""
        return np.asarray(
            values["offset"] + values["height"] * (found.f + self.second * found.fallen)
        )


def strength_program(bench: LinkBench, shots: int) -> Program:
    """Return a scan over the strength of the catch, ``strength`` (of that of transfers)."""
    photon = bench.photon()
    most = min(STRONGER, STRONGEST / float(np.max(np.abs(photon.caught))))
    step = (most - WEAKEST) / (STRENGTHS - 1)
    swept = Variable("strength", "1", Linear.steps(WEAKEST, step, STRENGTHS))
    amplitude = Affine("strength", 1 / most)
    catch = Play(bench.second.sideband, played(most * photon.caught), amplitude)
    body = transfer_body(bench, bench.catch_after_fs(), reset=bench.passive_reset(), catch=catch)
    axis = Axis("strength", (swept,))
    return Program("photon absorption", bench.frames(), tuple(body), (axis,), shots=shots)


def again_program(bench: LinkBench, shots: int) -> tuple[Program, Settings]:
    """Return a few settings of the catch to be measured anew, and which they are."""
    lags = np.array([0, -AGAIN_LAG_NS, AGAIN_LAG_NS, 0])
    strength = np.array([1.0, 1.0, 1.0, AGAIN_STRENGTH])
    later = tuple((int(one) * FS_PER_NS + bench.catch_after_fs()) for one in lags)
    variables = (
        Variable("lag", "fs", Table(later)),
        Variable("strength", "1", Table(tuple(strength.tolist()))),
    )
    catch = Play(bench.second.sideband, played(bench.photon().caught), Affine("strength"))
    body = transfer_body(bench, Affine("lag"), reset=bench.passive_reset(), catch=catch)
    program = Program(
        "photon absorption, anew",
        bench.frames(),
        tuple(body),
        (Axis("set", variables),),
        shots=shots,
    )
    return program, Settings(lags * 1e-9, np.zeros(4), strength)


@dataclass(frozen=True, slots=True)
class Prior:
    """Holds what is known of a fitted value before the fit."""

    value: float
    sigma: float
    """One standard deviation; of what ``follows`` leaves open."""
    follows: tuple[str, float] | None = None
    """Another value, and by how much this one is off for each that that one is off."""


def off_priors(priors: Mapping[str, Prior], values: Mapping[str, float]) -> Array:
    """Return by how many sigmas a fit's values are off what is known of them, (n,)."""
    off = {name: values[name] - one.value for name, one in priors.items()}
    apart = [
        off[name] - (0.0 if one.follows is None else one.follows[1] * off[one.follows[0]])
        for name, one in priors.items()
    ]
    return np.asarray(np.array(apart) / np.array([one.sigma for one in priors.values()]))


def priors_of(bench: LinkBench) -> dict[str, Prior]:
    """Return what was measured of both ends, by the names of the fit's values.

    Neither the echo nor how far apart both resonances are is fitted: one sigma of these moves an
    absorption by 1e-4 at most. A rate is known better for each width than by itself.
    """

    def sigma_of(bench_of: Bench, target: LinkEnd, quantity: str) -> float:
        entry = bench_of.record.get(f"{target.name}.{quantity}")
        return bench_of.design(target, quantity).spread if entry is None else entry.sigma

    found: dict[str, Prior] = {}
    for k, end in enumerate(bench.ends):
        drive = end.drive()
        for name, value, quantity in (
            ("rate", drive.rate_hz, "sideband_rate"),
            ("kappa", end.kappa_hz(), "kappa"),
        ):
            share = abs(sigma_of(end.bench, end.end, quantity) / value)
            found[f"{name}_{k}"] = Prior(1.0, max(share, LEAST_SHARE))
        together = end.bench.measured(end.end, CORRELATION)
        if together is not None:
            rate, kappa = found[f"rate_{k}"], found[f"kappa_{k}"]
            left = max(rate.sigma * float(np.sqrt(max(1 - together**2, 0.0))), LEAST_SHARE)
            follows = f"kappa_{k}", together * rate.sigma / kappa.sigma
            found[f"rate_{k}"] = Prior(1.0, left, follows)
        found[f"stark_{k}"] = Prior(0.0, sigma_of(end.bench, end.end, "stark_shift"))
        found[f"dephasing_{k}"] = Prior(*end.dephasing_of_f())
    return {name: one for name, one in found.items() if one.sigma > 0}


def played_transfer(bench: LinkBench) -> PlayedTransfer:
    """Return the pulses that transfers play, and both ends, by what is known now."""
    ends = bench.ends
    delay_s = bench.first.bench.measured(bench.link, "delay")
    flight_s = bench.flight_ns() * 1e-9
    return PlayedTransfer(
        PhotonWay.of(bench),
        (ends[0].drive(), ends[1].drive()),
        (ends[0].kappa_hz(), ends[1].kappa_hz()),
        (ends[0].loss_of_f()[0], ends[1].loss_of_f()[0]),
        bench.second.second_level(),
        0.0 if delay_s is None else flight_s - delay_s,
        bench.loop(bench.apart_hz()[0]),
    )


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """Holds what the second end has read of f at settings of the catch, m of them."""

    settings: Settings
    caught: Array
    sigma: Array


@dataclass(frozen=True, slots=True, eq=False)
class FittedCatch:
    """Holds what fits all scans of the catch."""

    played: PlayedTransfer
    fit: Fit
    held: Mapping[str, float]
    """Values that nothing is known to move."""

    def values(self, at: Array | None = None) -> dict[str, float]:
        """Return the fit's values, or others in its order, with those that are held."""
        names = self.fit.names
        one = self.fit.values if at is None else dict(zip(names, at.tolist(), strict=True))
        return {**self.held, **one}

    def figures(self, settings: Settings) -> tuple[Array, Array]:
        """Return absorption, and what is read, at settings, (2 m,), and their covariance.

        Their means over what the fit leaves open, by steps of one sigma along each axis of its
        covariance: to second order, since what is at its best goes with squares.
        """

        def at(values: Mapping[str, float]) -> Array:
            found = self.played.delivered(values, settings)
            return np.concatenate([found.absorption, self.played.read(values, found)])

        middle = np.array([self.fit.values[name] for name in self.fit.names])
        own = np.sqrt(np.diag(self.fit.covariance))  # units of 1e-9 stand beside such of 1e6
        sizes, axes = np.linalg.eigh(self.fit.covariance / np.outer(own, own))
        steps = (axes * np.sqrt(np.maximum(sizes, 0.0))).T * own
        found = at(self.values())
        pairs = [[at(self.values(middle + k * step)) for k in (1, -1)] for step in steps]
        slopes = np.array([(up - down) / 2 for up, down in pairs])
        bends = np.array([up + down - 2 * found for up, down in pairs])
        mean = bends.sum(axis=0) / 2
        covariance = slopes.T @ slopes + bends.T @ bends / 2
        return np.asarray(found + mean), np.asarray(covariance)


def fit_catch(played: PlayedTransfer, priors: Mapping[str, Prior], seen: Seen) -> FittedCatch:
    """Fit all scans at once: loss and offset free, all else held by what is known of it.

    Raises FitFailed.
    """
    start = {name: one.value for name, one in priors.items()}
    held = {
        **{f"{name}_{k}": 1.0 for name in ("rate", "kappa") for k in (0, 1)},
        **{f"stark_{k}": 0.0 for k in (0, 1)},
        **{f"dephasing_{k}": 0.0 for k in (0, 1)},
    }
    held = {name: value for name, value in held.items() if name not in priors}
    height = float(np.ptp(seen.caught))
    start |= {
        "lag": played.lag_s,
        "off": 0.0,
        "height": height,
        "offset": float(np.min(seen.caught)),
    }

    def model(values: Mapping[str, float]) -> Array:
        expected = played.seen({**held, **values}, seen.settings)
        return np.concatenate([expected, off_priors(priors, values)])

    fit = fit_least_squares(
        model,
        np.concatenate([seen.caught, np.zeros(len(priors))]),
        np.concatenate([seen.sigma, np.ones(len(priors))]),
        [start],
        {"lag": Bound(-4 * LAG_S, 4 * LAG_S), "off": Bound(-6 * OFF_HZ, 6 * OFF_HZ)},
    )
    if fit.values["height"] < LEAST_CAUGHT * fit.sigmas["height"]:
        raise FitFailed("no photon is caught: calibrate delay and detuning of the catch")
    return FittedCatch(played, fit, held)


NAMES = ("lag (10 ns)", "off its resonance (MHz)", "strength (10 %)")


@dataclass(frozen=True, slots=True, eq=False)
class CatchScans:
    """Three scans of the catch: over its lag, its frequency and its strength."""

    parts: tuple[Settings, ...]
    caught: tuple[Array, ...]
    places: tuple[Array, ...]
    """Where each is drawn: as :data:`NAMES` say."""

    @classmethod
    async def run(cls, bench: LinkBench, outcome: Outcome, aside_hz: float) -> "CatchScans":
        """Run them; ``aside_hz``: of the catch that transfers play from its own resonance."""
        shots, end = bench.shots(SHOTS), bench.second
        rest_hz, flight_s = end.sideband_hz(), bench.flight_ns() * 1e-9
        programs = (
            lag_program(bench, shots),
            detuning_program(bench, shots),
            strength_program(bench, bench.shots(STRENGTH_SHOTS)),
        )
        late, aside, weak = [await bench.run(outcome, program) for program in programs]
        lag_s = lags_of(late) - flight_s
        off_hz = values_of(aside, "catch_frequency") - rest_hz - aside_hz
        strength = values_of(weak, "strength")
        return cls(
            (
                Settings(lag_s, 0 * lag_s, 0 * lag_s + 1),
                Settings(0 * off_hz, off_hz, 0 * off_hz + 1),
                Settings(0 * strength, 0 * strength, strength),
            ),
            tuple(end.fraction(one) for one in (late, aside, weak)),
            (lag_s / LAG_S, off_hz / OFF_HZ, 10 * (strength - 1)),
        )

    def series(self, drawn: tuple[Array, ...], more: str = "") -> tuple[Series, ...]:
        """Return points, or with ``more`` behind their names lines, as they are drawn."""
        return tuple(
            Series(f"{name}{more}", place, one, line=bool(more))
            for name, place, one in zip(NAMES, self.places, drawn, strict=True)
        )

    def fitted(self, bench: LinkBench, played: PlayedTransfer) -> FittedCatch:
        """Fit all of them at once; raises FitFailed."""
        every = np.concatenate(self.caught)
        numbers = [bench.shots(one) for one in (SHOTS, SHOTS, STRENGTH_SHOTS)]
        sigma = np.concatenate(
            [
                bench.second.fraction_sigma(one, shots)
                for one, shots in zip(self.caught, numbers, strict=True)
            ]
        )
        seen = Seen(Settings.joined(self.parts), every, sigma)
        found = fit_catch(played, priors_of(bench), seen)
        if found.fit.chi2 > UNEXPLAINED:
            raise FitFailed(
                f"what is caught does not follow the link's equation: chi-square "
                f"{found.fit.chi2:.1f} for each degree of freedom; calibrate both sidebands anew"
            )
        return found


async def absorption(bench: LinkBench) -> Outcome:
    """Scan lag, frequency and strength of the catch, and see what it lacks.

    Needs :func:`.photon_detuning` before. Stores ``absorption`` (1): of the photon that comes to
    the second end, the part that does not go on from it, with the pulses that transfers play. What
    the fit foretells of other settings is measured anew before it is stored.
    """
    outcome, end = Outcome("absorption", "Absorption of the photon"), bench.second
    played, transmission = played_transfer(bench), bench.transmission()
    photons = [end.photons() for end in bench.ends]
    scans = await CatchScans.run(bench, outcome, played.way.aside_hz)
    program, other = again_program(bench, bench.shots(SHOTS_AGAIN))

    def raw() -> Panel:
        label = "catch off what transfers play"
        return Panel(bench.link.name, label, "caught", scans.series(scans.caught), judged=False)

    @cache
    def fitted() -> FittedCatch:
        return scans.fitted(bench, played)

    @cache
    def figures() -> tuple[Array, Array]:
        """Return absorption and what is read at the settings of what is measured anew."""
        return fitted().figures(other)

    @cache
    def thermal() -> tuple[float, float]:
        """Return what thermal photons change of the absorption, and how well that is known."""
        slopes = absorption_slopes(played.thermal_way(fitted().values(), transmission))
        each = [(by * n, by * doubt) for by, (n, doubt) in zip(slopes, photons, strict=True)]
        return sum(one for one, _ in each), float(np.linalg.norm([doubt for _, doubt in each]))

    def fit(_: Link, panel: Panel) -> Found:
        values = fitted().values()
        drawn = tuple(played.seen(values, one) for one in scans.parts)
        found, covariance = figures()
        less, doubt = thermal()
        sigma = float(np.hypot(np.sqrt(covariance[0, 0]), doubt))
        return {"absorption": Measured(float(found[0]) + less, sigma, "1")}, panel.fitted(
            *scans.series(drawn, ", fit"), text="{absorption} of what arrives is absorbed"
        )

    async def verify(_: Mapping[str, Measured]) -> Panel:
        seen = end.fraction(await bench.run(outcome, program))
        read = slice(len(other), None)
        expected, covariance = figures()[0][read], figures()[1][read, read]
        sigma = end.fraction_sigma(seen, program.shots)
        refuse_unlike(seen - expected, covariance + np.diag(sigma**2))
        number = np.arange(float(seen.size))
        series = (Series("anew", number, seen), Series("foretold", number, expected, line=True))
        text = "as played, earlier, later, weaker: as foretold"
        return Panel(bench.link.name, "setting", "caught", series, text=text, judged=False)

    await analyse_verified(bench.first.bench, outcome, bench.link, raw, fit, verify)
    return outcome


def refuse_unlike(apart: Array, covariance: Array) -> None:
    """Raise FitFailed where differences are larger than their covariance (n, n) lets happen."""
    from scipy.stats import chi2  # heavy

    size = float(apart @ np.linalg.solve(covariance, apart))
    if chi2.sf(size, apart.size) < UNLIKELY:
        told = ", ".join(f"{one:+.4f}" for one in apart)
        raise FitFailed(
            f"measured anew, what is caught differs from what the fit foretells by {told}: "
            f"chi-square {size:.0f} of {apart.size}; nothing is believed"
        )
