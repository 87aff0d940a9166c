"""Sends photons from one end of a link to the other: when they arrive, and how many."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import values_of
from podium.control.calibration.fits.least_squares import Bound, Fit, FitFailed, fit_least_squares
from podium.control.calibration.links.link_bench import (
    FORGOTTEN_LIFETIMES,
    EndPulses,
    LinkBench,
)
from podium.control.calibration.links.link_loop import Delivered, delivered
from podium.control.calibration.links.photon_pulses import PhotonPulses, of_resonance
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
    Delay,
    Play,
    Program,
    SetFrequency,
    Statement,
    Table,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]

EARLIEST_NS = 40
"""The catch of a scan begins so much before the emission at most: both pulses that prepare f take
longer than that at any end (:data:`.sequences.SHORTEST_PULSE_NS`)."""
STEP_NS, POINTS, SHOTS = 8, 13, 1500
FAR = (1.0, 1.25)
"""Two more lags, in lengths of a pulse: the photon has passed by then, and what is read is the
offset, which ends of the scan, where a third is caught, hardly tell from the height."""
SPAN_HZ, FREQUENCIES = 14e6, 15
IN_F_TWICE = 0.42
"""Mean square of what a pulse on 1-2 has brought to f, over its length: a Gaussian of a quarter of
it, cut at two sigmas. Where f falls at the angle t of the pulse, what is left of it turns e to
cos(t/2)**2 of f."""
SIGNIFICANT = 5.0
LEAST_READY = 0.5
"""Of f that is prepared and brought back to 1; below it pulses on the qubit are wrong."""
FINE_S = 0.05e-9
GRID_NS = 4
"""Lags for which a photon is computed; its shape between them is smooth (30 ns and more)."""


def transfer_body(
    bench: LinkBench,
    later_fs: int | Affine,
    prepare: list[Statement] | None = None,
    before_readout: Sequence[Statement] = (),
    reset: list[Statement] | None = None,
    photon: PhotonPulses | None = None,
    catch: Play | None = None,
) -> list[Statement]:
    """Return f at the first end, its emission at once, the catch, and both read.

    ``later_fs``: from the begin of ``prepare`` (to f) to that of the catch. ``reset``: what begins
    a shot; without it :meth:`.LinkBench.reset`. ``photon``: other pulses than the link's own;
    ``catch``: in place of its catch.
    """
    first, second = bench.first, bench.second
    photon = photon or bench.photon()
    ef = second.node.ef_pulse(second.node.ef_pi_amplitude())
    return [
        *(bench.reset() if reset is None else reset),
        *(first.prepare_f() if prepare is None else prepare),
        bench.send(photon),
        Delay((second.sideband,), later_fs),
        bench.catch(photon) if catch is None else catch,
        Barrier(bench.names),
        ef,
        Barrier(bench.names),
        *before_readout,
        *first.node.measured(),
        *second.node.measured(),
    ]


def lags_of(data: "xarray.Dataset") -> Array:
    """Return by how much later than the emission the catch begins at each point of a scan, s."""
    return values_of(data, "lag") - EARLIEST_NS * 1e-9


def lag_program(bench: LinkBench, shots: int) -> Program:
    """Return a scan over the lag of the catch, ``lag`` (fs, from :data:`EARLIEST_NS` early).

    And two lags at which nothing is caught (:data:`FAR`). Raises FitFailed as ``bench.photon``.
    Shots begin by waiting alone, until the shot before, which is one of another lag, is forgotten:
    what is thermal stays below the sigma of what a scan finds, and photons of a reset would make a
    world's work on each of its points three times as long.
    """
    lasts_ns, near_ns = bench.photon().duration_ns, range(0, STEP_NS * POINTS, STEP_NS)
    far_ns = (STEP_NS * round((near_ns[-1] + far * lasts_ns) / STEP_NS) for far in FAR)
    at_ns = (*near_ns, *far_ns)
    swept = Variable("lag", "fs", Table(tuple(ns * FS_PER_NS for ns in at_ns)))
    begin_fs = (bench.prepared_ns() - EARLIEST_NS) * FS_PER_NS
    body = transfer_body(bench, Affine("lag", 1, begin_fs), reset=bench.passive_reset())
    return Program(
        "photon transfer", bench.frames(), tuple(body), (Axis("lag", (swept,)),), shots=shots
    )


def reference_program(end: EndPulses, shots: int, link: LinkBench | None = None) -> Program:
    """Return what an end reads of f, ready to be sent, and of 0.

    What f leaves in 1 turns 0, which is read next, to 1: shots wait until it is forgotten.

    ``link``: shots begin and end as those of transfers over it, with both ends brought to 0 and
    both read; else by waiting, with what is thermal still there.
    """
    heights = Variable("height", "1", Table((0.0, end.node.pi_amplitude())))
    ef_heights = Variable("ef_height", "1", Table((0.0, end.node.ef_pi_amplitude())))
    if link is None:
        reset, read = passive_reset([end.node], end.names, FORGOTTEN_LIFETIMES), [end.node]
        names, frames = end.names, end.frames()
    else:
        reset, read = link.reset(), [one.node for one in link.ends]
        names, frames = link.names, link.frames()
    body = (
        *reset,
        end.node.pulse(Affine("height")),
        Barrier(end.names),
        end.node.ef_pulse(Affine("ef_height")),
        Barrier(end.names),
        end.node.ef_pulse(Affine("ef_height")),
        Barrier(names),
        *(one for node in read for one in node.measured()),
    )
    axis = Axis("state", (heights, ef_heights))
    return Program("f before it is sent", frames, body, (axis,), shots=shots)


def ready_for_f(
    bench: LinkBench, references: Sequence["xarray.Dataset"], shots: int
) -> tuple[float, float]:
    """Return what two pulses on 1-2, one at each end, leave of f, and its sigma; raises FitFailed.

    ``references``: data of :func:`reference_program` of each end, which has two of them: the root
    of the product of both is that of a transfer.
    """
    left: list[float] = []
    doubt: list[float] = []
    for end, data in zip(bench.ends, references, strict=True):
        zero, full = end.fraction(data)
        if full - zero < LEAST_READY:
            raise FitFailed(
                f"only {full - zero:.2f} of {end.capture} comes to f and back: look at its 1-2 "
                "pulses"
            )
        left.append(float(full - zero))
        doubt.append(float(np.hypot(*end.fraction_sigma(np.array([zero, full]), shots))))
    ready = float(np.sqrt(left[0] * left[1]))
    return ready, ready * 0.5 * float(np.hypot(doubt[0] / left[0], doubt[1] / left[1]))


def kept_in_pulses(bench: LinkBench) -> float:
    """Return what a transfer keeps in the pulses on 1-2 about it, over what references keep.

    f falls while they play, too. What falls at the sender is lost to a transfer; what falls in a
    reference, or behind the catch, is read as 2.
    """
    sent, caught = (
        IN_F_TWICE * 1e-9 * end.node.pulse_ns * end.loss_of_f()[0] for end in bench.ends
    )
    above = [end.second_level() - 1 for end in bench.ends]
    references = (1 + 2 * above[0] * sent) * (1 + 2 * above[1] * caught)
    return float((1 - sent) * (1 + above[1] * caught) / np.sqrt(references))


@dataclass(frozen=True, slots=True)
class PhotonWay:
    """Pulses as they are played, and where the catch is against its resonance."""

    photon: PhotonPulses
    apart_hz: tuple[float, float]
    """Second resonance less the first, and one standard deviation."""
    aside_hz: float = 0.0
    """The catch off its own resonance."""

    @classmethod
    def of(cls, bench: LinkBench) -> "PhotonWay":
        """Return what is played by what is known now; raises FitFailed as ``bench.photon``."""
        aside = bench.first.bench.measured(bench.link, "detuning") or 0.0
        return cls(bench.photon(), bench.apart_hz(), aside)


def lossless(bench: LinkBench, way: PhotonWay, lags_s: Array) -> Array:
    """Return what the second end reads of f that comes without loss or skew, shape (lags,).

    By what is known of rates, widths, echo and atoms, each of which the fit takes.
    """
    from scipy.interpolate import CubicSpline  # heavy

    low, high = float(np.min(lags_s)), float(np.max(lags_s))
    grid_ns = np.arange(np.floor(low * 1e9), np.ceil(high * 1e9) + GRID_NS, GRID_NS)
    at = seen_without_loss(bench, way, grid_ns.astype(np.int64))
    return np.asarray(CubicSpline(grid_ns * 1e-9, at)(lags_s), np.float64)


def seen_without_loss(bench: LinkBench, way: PhotonWay, lags_ns: NDArray[np.int64]) -> Array:
    """Return f of the second end and what has fallen from it, as both are read, shape (lags,).

    A pi pulse on 1-2 goes before the readout: f is read as 1, and 1 as 2.
    """
    found = _delivered(bench, way, lags_ns)
    return np.asarray(found.f + bench.second.second_level() * found.fallen)


def _delivered(bench: LinkBench, way: PhotonWay, lags_ns: NDArray[np.int64]) -> Delivered:
    sent = of_resonance(way.photon.sent, bench.first.drive())
    caught = of_resonance(way.photon.caught, bench.second.drive())
    models = (bench.first.model(), bench.second.model())
    apart = bench.first.bench.inputs.take(f"{bench.link.name} > resonances apart", *way.apart_hz)
    return delivered(sent, caught, models, bench.loop(apart), lags_ns, way.aside_hz)


def share_of_f(bench: LinkBench, way: PhotonWay, lag_s: float) -> float:
    """Return the part in f of what the second end reads, at a lag from the photon's arrival."""
    found = _delivered(bench, way, np.array([round(lag_s * 1e9)]))
    return float(found.f[0] / (found.f[0] + bench.second.second_level() * found.fallen[0]))


def fit_lag(lag_s: Array, arrived: Array, sigma: Array, grid_s: Array, shape: Array) -> Fit:
    """Fit ``delay`` (s), ``height`` and ``offset`` of a scan; raises FitFailed.

    ``shape``: what arrives, by lag on ``grid_s``, without any delay.
    """

    def model(values: Mapping[str, float]) -> Array:
        at = np.interp(lag_s - values["delay"], grid_s, shape)
        return np.asarray(values["offset"] + values["height"] * at)

    top, peak = float(lag_s[int(np.argmax(arrived))]), float(grid_s[int(np.argmax(shape))])
    start = {
        "delay": top - peak,
        "height": float(np.ptp(arrived)) / float(np.max(shape)),
        "offset": float(np.min(arrived)),
    }
    span = float(np.ptp(lag_s))
    bounds = {"delay": Bound(float(lag_s[0]) - span / 2, float(lag_s[-1]) + span / 2)}
    fit = fit_least_squares(model, arrived, sigma, [start], bounds)
    if fit.values["height"] < SIGNIFICANT * fit.sigmas["height"]:
        raise FitFailed(
            "no photon arrives at any lag: look at the sidebands of both ends, and whether the "
            "delay of the facility file is right"
        )
    return fit


@dataclass(frozen=True, slots=True, eq=False)
class FoundLag:
    """A scan over the lag of the catch has found this."""

    fit: Fit
    own_lag_s: float
    """Of pulses that are cut off: by how much later than the photon the catch begins best. Of what
    is caught: a readout that tells 2 from 1 shows most of it later, as more has fallen."""
    curve: Array
    """What the fit draws, in the shape of the scan."""

    @property
    def best_lag_s(self) -> float:
        """When most is caught, s."""
        return self.fit.values["delay"] + self.own_lag_s


def found_lag(
    bench: LinkBench, way: PhotonWay, lag_s: Array, arrived: Array, shots: int
) -> FoundLag:
    """Fit a scan by what is known of both ends; raises FitFailed.

    ``way``: as it was played; where a sideband's rate is not what was known, its pulse was too
    strong or too weak, which moves the delay by 0.4 ns for each per cent. ``arrived``: what the
    second end reads of f (0: 0, 1: 1), means of ``shots``, shape (lags,).
    """
    from scipy.interpolate import CubicSpline  # heavy

    near_s = 1e-9 * STEP_NS * POINTS
    grid = np.arange(-1.5 * near_s, float(np.max(lag_s)) + near_s, FINE_S * 10)
    shape = lossless(bench, way, grid)
    found = fit_lag(lag_s, arrived, bench.second.fraction_sigma(arrived, shots), grid, shape)
    v = found.values
    around_ns = np.arange(-20, 21)
    at = _delivered(bench, way, around_ns)
    fine = np.arange(-20e-9, 20e-9, FINE_S)
    caught = np.asarray(CubicSpline(around_ns * 1e-9, at.f + at.fallen)(fine))
    curve = v["offset"] + v["height"] * np.interp(lag_s - v["delay"], grid, shape)
    return FoundLag(found, float(fine[int(np.argmax(caught))]), np.asarray(curve))


async def photon_transfer(bench: LinkBench) -> Outcome:
    """Scan the lag of the catch behind the emission, and compare with what was sent.

    Needs :func:`.sideband_rate` before: what comes back to the sender from a catch that is too
    early or too late bends the scan, and the delay's sigma has what is not known of it. Stores
    ``delay`` (s: the flight, and by how much the second node starts late: a truncated pulse's own
    lag is not in it), ``best_lag`` (s, where most is caught) and ``transmission`` (1, of power).
    """
    bench = bench.sech()
    outcome = Outcome("photon_transfer", "Photon transfer")
    shots = bench.shots(SHOTS)
    references = [await bench.run(outcome, reference_program(one, shots)) for one in bench.ends]
    data = await bench.run(outcome, lag_program(bench, shots))
    lag_s, way = lags_of(data), PhotonWay.of(bench)
    end = bench.second

    def raw(_: Link) -> Panel:
        points = Series("second end", lag_s * 1e9, end.fraction(data))
        return Panel(bench.link.name, "lag of the catch (ns)", "caught", (points,), judged=False)

    def fit(_: Link, panel: Panel) -> Found:
        arrived = end.fraction(data)
        found = found_lag(bench, way, lag_s, arrived, shots)
        v, s = found.fit.values, found.fit.sigmas
        ready, ready_sigma = ready_for_f(bench, references, shots)
        passed = v["height"] / ready / kept_in_pulses(bench)
        passed_sigma = passed * float(np.hypot(s["height"] / v["height"], ready_sigma / ready))
        text = "delay {delay}, best lag {best_lag}, transmission {transmission}"
        return {
            "delay": Measured(v["delay"], s["delay"], "s"),
            "best_lag": Measured(found.best_lag_s, s["delay"], "s"),
            "transmission": Measured(passed, passed_sigma, "1"),
        }, panel.fitted(Series("fit", lag_s * 1e9, found.curve, line=True), text=text)

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome


def detuning_program(bench: LinkBench, shots: int) -> Program:
    """Return a scan over the frequency of the catch, ``catch_frequency`` (Hz), at the best lag."""
    second = bench.second
    swept = linear_frequencies("catch_frequency", second.sideband_hz(), SPAN_HZ, FREQUENCIES)
    body: list[Statement] = [
        SetFrequency(second.sideband, Affine("catch_frequency")),
        *transfer_body(bench, bench.catch_after_fs(), reset=bench.passive_reset()),
    ]
    axis = Axis("frequency", (swept,))
    return Program("photon detuning", bench.frames(), tuple(body), (axis,), shots=shots)


def caught_off(bench: LinkBench, photon: PhotonPulses, detunings_hz: Array) -> Delivered:
    """Return what is caught, at the best lag, by a catch so far off its resonance, (detunings,).

    Both resonances are one: where they are not, the scan's middle is elsewhere.
    """
    sent = of_resonance(photon.sent, bench.first.drive())
    caught = of_resonance(photon.caught, bench.second.drive())
    models = (bench.first.model(), bench.second.model())
    lags = np.zeros(len(detunings_hz), np.int64)
    return delivered(sent, caught, models, bench.loop(0.0), lags, detunings_hz)


async def photon_detuning(bench: LinkBench) -> Outcome:
    """Scan the frequency of the catch: where most of the photon is caught.

    Needs :func:`photon_transfer` before. Stores ``detuning`` (Hz): by how much the second end's
    sideband is to be off its own resonance.
    """
    bench = bench.sech()
    outcome = Outcome("photon_detuning", "Photon detuning")
    shots = bench.shots(SHOTS)
    data = await bench.run(outcome, detuning_program(bench, shots))
    rest_hz = bench.second.sideband_hz()
    off_hz, end = values_of(data, "catch_frequency") - rest_hz, bench.second
    photon = bench.photon()

    def raw(_: Link) -> Panel:
        points = Series("second end", off_hz / 1e6, end.fraction(data))
        return Panel(
            bench.link.name, "catch off its resonance (MHz)", "caught", (points,), judged=False
        )

    def fit(_: Link, panel: Panel) -> Found:
        caught = end.fraction(data)
        grid = np.linspace(-1.5 * SPAN_HZ, 1.5 * SPAN_HZ, 61)
        shape = caught_off(bench, photon, grid).f

        def model(values: Mapping[str, float]) -> Array:
            at = np.interp(off_hz - values["detuning"], grid, shape)
            return np.asarray(values["offset"] + values["height"] * at)

        start = {
            "detuning": float(off_hz[int(np.argmax(caught))]),
            "height": float(np.ptp(caught)),
            "offset": float(np.min(caught)),
        }
        found = fit_least_squares(model, caught, end.fraction_sigma(caught, shots), [start])
        v, s = found.values, found.sigmas
        if v["height"] < SIGNIFICANT * s["height"]:
            raise FitFailed("no photon is caught at any frequency of the catch")
        curve = Series("fit", off_hz / 1e6, model(v), line=True)
        return {"detuning": Measured(v["detuning"], s["detuning"], "Hz")}, panel.fitted(
            curve, text="best {detuning} off its resonance"
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
