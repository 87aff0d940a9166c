"""Finds when and at what frequency the photons of both ends are one at a herald station.

Both ends bring all of e to f and emit. Two photons that are alike leave the beam splitter by the
same side, and the two detectors never click together (Hong, Ou and Mandel, Phys. Rev. Lett. 59,
2044 (1987)): of photons of visibility V, ``(1 - V)/2`` of the pairs that are seen are coincidences.
Of two sech photons of bandwidth Gamma

    V = (x/sinh x)^2,   x = Gamma lag/2,      V = (y/sinh y)^2,   y = 2 pi^2 detuning/Gamma,

the squared overlap of their amplitudes (facts of the link: the same forms as of a catch that is
late, or off). The dip's middle is where both should be; its width tells the photon's own.
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import (
    Bound,
    Fit,
    FitFailed,
    fit_least_squares,
)
from podium.control.calibration.links.entangled_pair import read_both
from podium.control.calibration.links.heralded_pair import (
    ONE_CLICK,
    RESET_LIFETIMES,
    HeraldedAttempts,
)
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.photon_shapes import emission, played
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import linear_frequencies
from podium.control.facility.facility import Link
from podium.control.parameters.entry import Measured
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Linear,
    Play,
    Program,
    SetFrequency,
    Statement,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

REACH_NS, STEP_NS = 60, 5
"""Lags that are scanned to both sides, and their step: photons are some 40 ns long."""
SPAN_HZ, FREQUENCIES = 16e6, 25
"""Of the second's sideband about its resonance."""
SHOTS = 1500
LEAST_BOTH = 30
"""Attempts in which both photons were seen: with fewer nothing is known of their overlap."""
SIGNIFICANT = 5.0
WIDTHS = (0.4, 2.5)
"""A dip is so many times as wide as that of the photons that were asked for, or it is none."""


@dataclass(frozen=True, slots=True)
class Dip:
    """Where coincidences are fewest."""

    middle: float
    middle_sigma: float
    depth: float
    """Visibility in the middle."""
    depth_sigma: float
    curve: Array
    """Fitted part of coincidences, in the shape of the scan."""


def meeting_body(
    attempts: HeraldedAttempts, first_fs: int, second_fs: int | Affine, longest_fs: int
) -> list[Statement]:
    """Return a shot: both ends to f, both emit after so many fs, clicks counted, both read.

    ``longest_fs``: the largest of both delays; windows stay open for so much longer.
    """
    bench = attempts.bench
    body = [*passive_reset([end.node for end in bench.ends], attempts.names, RESET_LIFETIMES)]
    body += [end.node.pi() for end in bench.ends]
    body.append(Barrier(bench.names))
    body += [end.node.ef_pulse(end.node.ef_pi_amplitude()) for end in bench.ends]
    body.append(Barrier(attempts.names))
    opens_ns, lasts_ns = attempts.window_ns()
    body += [
        Capture(
            *(port, attempts.capture(port, "early")),
            lasts_ns * FS_PER_NS + longest_fs,
            opens_ns * FS_PER_NS,
        )
        for port in attempts.detectors
    ]
    photon = attempts.photon
    for end, later_fs in zip(bench.ends, (first_fs, second_fs), strict=True):
        pulse = emission(end.drive(), photon.bandwidth_hz, end.kappa_hz(), photon.duration_ns)
        body += [Delay((end.sideband,), later_fs), Play(end.sideband, played(pulse))]
    if isinstance(second_fs, Affine):  # where clicks are counted all shots last equally long
        rest = replace(second_fs, scale=-second_fs.scale, offset=longest_fs - second_fs.offset)
        body.append(Delay((bench.second.sideband,), rest))
    return [*body, Barrier(bench.names), *read_both(bench), Barrier(attempts.names)]


def lag_program(attempts: HeraldedAttempts, shots: int) -> Program:
    """Return a scan over the lag of the second's emission, ``lag`` (fs, from the earliest on)."""
    points = 2 * REACH_NS // STEP_NS + 1
    swept = Variable("lag", "fs", Linear.steps(0, STEP_NS * FS_PER_NS, points))
    reach_fs = REACH_NS * FS_PER_NS
    body = meeting_body(attempts, reach_fs, Affine("lag"), 2 * reach_fs)
    return Program(
        "photons that meet, by lag",
        attempts.frames(),
        tuple(body),
        (Axis("lag", (swept,)),),
        shots=shots,
        keep_shots=True,
    )


def detuning_program(attempts: HeraldedAttempts, shots: int) -> Program:
    """Return a scan over the second's sideband, ``emission_frequency`` (Hz)."""
    second = attempts.bench.second
    swept = linear_frequencies("emission_frequency", second.sideband_hz(), SPAN_HZ, FREQUENCIES)
    first_ns, second_ns = attempts.delays_ns()
    body = [
        SetFrequency(second.sideband, Affine("emission_frequency")),
        *meeting_body(
            attempts,
            first_ns * FS_PER_NS,
            second_ns * FS_PER_NS,
            max(first_ns, second_ns) * FS_PER_NS,
        ),
    ]
    return Program(
        "photons that meet, by frequency",
        attempts.frames(),
        tuple(body),
        (Axis("frequency", (swept,)),),
        shots=shots,
        keep_shots=True,
    )


def coincidences(data: "xarray.Dataset", attempts: HeraldedAttempts) -> tuple[Array, Array]:
    """Return twice the part of coincidences among pairs that could be seen, (points,), and sigma.

    That is ``1 - V``. With the chance T that nothing clicks, ``(1 - sqrt T)^2`` of the attempts
    have both photons at detectors: of arms that are alike, at every point for itself, so that an
    emission that is weaker off its resonance makes no dip. Raises FitFailed.
    """
    first, second = (
        data[f"{attempts.capture(port, 'early')}_clicks"].values > 0 for port in attempts.detectors
    )
    shots = len(first)
    together = (first & second).sum(axis=0)
    dark = (~first & ~second).mean(axis=0)
    both = (1 - np.sqrt(dark)) ** 2
    if float((both * shots).min()) < LEAST_BOTH:
        raise FitFailed(
            f"both photons come to the detectors in {float(both.min()) * shots:.0f} of {shots} "
            "attempts: too few to say whether they are alike"
        )
    seen = 2 * together / shots / both
    chance = np.maximum(together / shots, 1 / shots)
    return seen, 2 * np.sqrt(chance * (1 - chance) / shots) / both


def fit_dip(at: Array, seen: Array, sigma: Array, scale: float, start: float) -> Dip:
    """Fit ``floor (1 - depth (x/sinh x)^2)``, ``x = (at - middle)/width``; raises FitFailed.

    ``scale``: the width that the photons should have, in the unit of ``at``.
    """

    def model(values: Mapping[str, float]) -> Array:
        x = np.abs((at - start - values["middle"] * scale) / (values["width"] * scale)) + 1e-9
        overlap = (x / np.sinh(np.minimum(x, 50.0))) ** 2
        return np.asarray(values["floor"] * (1 - values["depth"] * overlap))

    begin = {"middle": 0.0, "width": 1.0, "floor": float(np.max(seen)), "depth": 0.9}
    bounds = {"width": Bound(*WIDTHS), "depth": Bound(-0.5, 1.5), "floor": Bound(0.0, 4.0)}
    found: Fit = fit_least_squares(model, seen, sigma, [begin], bounds)
    v, s = found.values, found.sigmas
    if v["depth"] < SIGNIFICANT * s["depth"]:
        raise FitFailed(
            f"coincidences do not dip: {v['depth']:.2f} ± {s['depth']:.2f} of them are missing; "
            "photons of both ends never look alike in this scan"
        )
    middle = start + v["middle"] * scale
    if not at.min() < middle < at.max():
        raise FitFailed("the dip of coincidences lies outside of what was scanned")
    return Dip(middle, s["middle"] * scale, v["depth"], s["depth"], model(v))


async def arm_lag(bench: LinkBench) -> Outcome:
    """Scan the lag of the second's emission, and find where both photons meet as one.

    Needs both sidebands' rates before. Stores ``arm_lag`` (s: by how much later the second is to
    emit, arms and starts of both nodes in it) and ``photon_visibility`` (1, at the best lag).
    Later attempts begin so, in whole ns.
    """
    attempts = HeraldedAttempts.of(bench, ONE_CLICK)
    outcome = Outcome("arm_lag", "Lag of the emitters")
    data = await bench.run(outcome, lag_program(attempts, bench.shots(SHOTS)))
    lag_s = values_of(data, "lag") - REACH_NS * 1e-9
    seen, sigma = coincidences(data, attempts)

    def raw(_: Link) -> Panel:
        points = Series("detectors", lag_s * 1e9, seen)
        return Panel(
            bench.link.name, "second emits later by (ns)", "coincidences", (points,), judged=False
        )

    def fit(_: Link, panel: Panel) -> Found:
        scale = 2 / (2 * np.pi * attempts.photon.bandwidth_hz)
        dip = fit_dip(lag_s, seen, sigma, scale, float(lag_s[int(np.argmin(seen))]))
        return {
            "arm_lag": Measured(dip.middle, dip.middle_sigma, "s"),
            "photon_visibility": Measured(dip.depth, dip.depth_sigma, "1"),
        }, panel.fitted(
            Series("fit", lag_s * 1e9, dip.curve, line=True),
            text="best lag {arm_lag}, visibility {photon_visibility}",
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome


async def emitter_detuning(bench: LinkBench) -> Outcome:
    """Scan the frequency of the second's emission, and find where both photons are alike.

    Needs :func:`arm_lag` before. Stores ``emitter_detuning`` (Hz): by how much the second's
    sideband is to be off its own resonance, at which later attempts emit.
    """
    attempts = HeraldedAttempts.of(bench, ONE_CLICK)
    outcome = Outcome("emitter_detuning", "Detuning of the emitters")
    rest_hz = bench.second.sideband_hz()
    data = await bench.run(outcome, detuning_program(attempts, bench.shots(SHOTS)))
    off_hz = values_of(data, "emission_frequency") - rest_hz
    seen, sigma = coincidences(data, attempts)

    def raw(_: Link) -> Panel:
        points = Series("detectors", off_hz / 1e6, seen)
        return Panel(
            bench.link.name, "second off its resonance (MHz)", "coincidences", (points,),
            judged=False,
        )  # fmt: skip

    def fit(_: Link, panel: Panel) -> Found:
        scale = attempts.photon.bandwidth_hz / np.pi
        dip = fit_dip(off_hz, seen, sigma, scale, float(off_hz[int(np.argmin(seen))]))
        return {"emitter_detuning": Measured(dip.middle, dip.middle_sigma, "Hz")}, panel.fitted(
            Series("fit", off_hz / 1e6, dip.curve, line=True),
            text=f"best {{emitter_detuning}}, visibility {dip.depth:.3f}",
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
