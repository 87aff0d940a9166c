"""Finds the readout's best frequency, amplitude and length.

What counts is how far apart both states are read, in units of a shot's noise, and how much decays
meanwhile. Distances are means over shots: they are known from a few dozen shots of each setting,
where the errors themselves would take thousands. The noise is that of the line, the same at all
settings (it is measured); the length weighs it against the decay. The errors of the setting that
is chosen are counted by :mod:`.single_shot`.
"""

import asyncio
from contextlib import suppress
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, Declaration
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.driven_resonator import KnownResonator
from podium.control.calibration.fits.least_squares import STILL, FitFailed
from podium.control.calibration.fits.readout_window import ShelvedOne, Window
from podium.control.calibration.fits.separation import (
    DRAWS,
    SEARCHED,
    TOP_FORM,
    WIDE_FORM,
    BestSetting,
    Form,
    best_setting,
    told_resonator,
)
from podium.control.calibration.fits.separation_hill import Separations
from podium.control.calibration.herald import (
    began_in_0,
    can_herald,
    herald_frames,
    heralded,
)
from podium.control.calibration.known_resonator import known_resonator
from podium.control.calibration.outcome import Outcome, Panel, Picture
from podium.control.calibration.preparation_errors import (
    arrives_later_s,
    herald_timings,
    later_share,
)
from podium.control.calibration.readout_jumps import readout_jumps
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.single_shot import levels, state_axis
from podium.control.calibration.sequences import (
    GRID_NS,
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    on_grid_ns,
    power_axis,
    probe_table,
    share_of_output,
)
from podium.control.calibration.shelving import is_shelved, shelved_lifetime
from podium.control.calibration.state import told
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Barrier,
    Program,
    SetFrequency,
    Statement,
)

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
WIDE = (9, 8)
"""Frequencies and amplitudes of the first map of all ..."""
WIDE_SHOTS = 40
NARROW = (5, 5)
"""... and of those about the best setting."""
NARROW_SHOTS = 160
BELOW, ABOVE = 3.5, 1.0
"""Range of frequencies about the midpoint of both lines, in chi: strong probes pull the lines
towards the bare resonator, by up to its distance."""
PHOTONS = (0.1, 12.0)
"""Range of photon numbers on resonance, of the critical one as the design has it."""
FIRST_LENGTH = 0.6
"""Length of the first map's pulses, in ten resonator lifetimes 1 / (pi kappa). Heralded maps after
it have the length that is best so far."""
NEARER, NEAR_THE_LAST = 0.3, 0.4
"""A narrow map covers this share of each of the wide one's ranges; and one about the setting that
an earlier search has found."""
NARROW_MAPS = 8
"""So many are measured at most, each about the best setting of all before. Heralded, until that
lies inside of the last one, and of all of them where none is wide; where shots have to wait, until
it lies inside of all that was measured, the first map too. So the search goes on where the best
setting is at the edge."""
READS_WELL = 0.97
"""Expected fidelity of a setting that will do for heralds although it is at the edge, once a narrow
map has been measured about it, where a better search follows: with heralds that goes on from there
in a twentieth of the time."""
TOP = (5, 5)
"""Frequencies and amplitudes of the last map, where shots are heralded ..."""
TOP_SHOTS, TOP_RUNS = 1600, 2
"""... its shots, and how many such maps shape the hill, the last ones, and tell how much of 1
decays, and where it decays more. With half of the shots that of a few qubits in a hundred, three
spreads off their design, was taken for usual."""
TOP_REACH_KAPPA, TOP_REACH_LOG = 0.15, 0.22
"""It reaches so far to either side: in frequency, of the resonator's width, and in the logarithm of
the amplitude. There the hill is a cubic form to a part in 300."""
TOP_MAPS = 6
"""So many of them at most: the best setting should lie inside of those that shape the hill."""
AT_EDGE = 0.2
"""Share of what is expected to be read wrongly that a setting may lose, one sigma, where it still
lies at the edge of the last map: a cubic form is no hill there."""
MEDIAN = np.pi / 2
"""Variance of a median over that of a mean, of Gaussian noise."""
MAD = 1.4826
"""Standard deviation of Gaussian noise over its median absolute deviation."""
RESET_LIFETIMES = 2.0
"""Shots that are not heralded wait so long: what the shot before has left takes some of the
distance away, at all settings about alike. That is good enough for a first setting."""
HERALDED = 1.5
"""So many times the shots where each is heralded: a quarter of them or so does not begin in 0."""
FEWEST_HERALDED = 8
"""Of each state at a setting; others tell nothing."""


@dataclass(slots=True, eq=False)
class Samples:
    """Holds one qubit's readout data at many settings."""

    window: Window
    rows: list[tuple[float, ...]] = field(default_factory=list)
    """As the columns of :class:`Separations`."""
    latest: list[tuple[float, ...]] = field(default_factory=list)
    """Those of them that the last map has added."""
    earlier: list[tuple[float, ...]] = field(default_factory=list)
    """Such as do not shape the hill any longer."""
    maps: list[Picture] = field(default_factory=list)
    form: Form = WIDE_FORM
    told: tuple[int, KnownResonator] | None = None
    """By how many settings the resonator was told last, and what they have told."""

    def best(self, t1_s: float | None = None, draws: int = DRAWS) -> BestSetting:
        """Return the best setting of all so far. Raises FitFailed."""
        if not self.rows:
            raise FitFailed("no shots that began in 0 for sure: the herald does not tell 0 from 1")
        seen = Separations(*np.array(self.rows).T)
        window = replace(self.window, known=self._resonator(seen))
        if t1_s is not None:
            window = replace(window, t1_s=t1_s)
        return best_setting(seen, window, self.form, draws)

    def _resonator(self, seen: Separations) -> KnownResonator:
        """Return what all settings tell: they grow in number, and what else is known stays."""
        count = len(self.earlier) + len(self.rows)
        if self.told is None or self.told[0] != count:
            earlier = Separations(*np.array(self.earlier).T) if self.earlier else None
            near = None if self.told is None else self.told[1].resonator
            self.told = count, told_resonator(seen, self.window, earlier, near)
        return self.told[1]

    def add(self, rows: list[tuple[float, ...]]) -> None:
        """Add the settings of one map."""
        self.latest = rows
        self.rows += rows

    def at_the_top(self) -> "Samples":
        """Return samples of the same qubit whose hill is that of the maps at its top alone.

        Of those there are so far only the last one goes on to shape it: an earlier one is farther
        off.
        """
        kept = list(self.latest) if self.form is TOP_FORM else []
        earlier = [*self.earlier, *self.rows[: len(self.rows) - len(kept)]]
        return replace(self, rows=kept, earlier=earlier, form=TOP_FORM)

    def surround(self, best: BestSetting) -> bool:
        """Tell whether the setting lies inside of the maps that shape the hill.

        At the top it lies on one of them, too: both leave corners of the range that they span.
        """
        if self.form is not TOP_FORM:
            return best.inside
        return best.inside and any(one.holds(*place_of(best)) for one in self.maps[-TOP_RUNS:])

    def picture(self, best: BestSetting) -> Picture:
        """Return the last map that the setting lies in."""
        place = place_of(best)
        for one in reversed(self.maps):
            if one.holds(*place):
                return replace(one, best=place)
        return self.maps[-1]


def place_of(best: BestSetting) -> tuple[float, float]:
    """Return where a setting lies on a map: its frequency, GHz, and its amplitude, full scale."""
    return best.frequency_hz / 1e9, float(np.exp(best.log_amplitude))


def first_ranges(bench: Bench, qubit: Qubit) -> tuple[Array, Array]:
    """Return the frequencies (Hz) and amplitudes (full scale) of the first map."""
    chi = bench.best(qubit, "chi")
    middle = bench.readout_middle(qubit)
    bare_is_below = bench.best(qubit, "f01") < middle
    first = middle - (BELOW if bare_is_below else ABOVE) * abs(chi)
    frequencies = np.linspace(first, first + (BELOW + ABOVE) * abs(chi), WIDE[0])
    critical = critical_photons(bench, qubit)
    amplitudes = np.array(
        [bench.probe_amplitude(qubit, float(n) * critical) for n in np.geomspace(*PHOTONS, WIDE[1])]
    )
    return frequencies, amplitudes


def window_of(pulses: Pulses) -> Window:
    """Return what happens while a qubit is read."""
    bench, qubit = pulses.bench, pulses.qubit
    shelved, ill_prepared = None, 0.0
    if is_shelved(bench, qubit):
        thermal, t1_s = bench.measured(qubit, "thermal_population") or 0.0, bench.best(qubit, "t1")
        shelved = ShelvedOne(t1_s, thermal, 2 * bench.best(qubit, "chi"))
        with suppress(FitFailed):  # no readout is sure of 0: then nothing is heralded
            blind_s = readout_jumps(pulses).herald_is_blind_s(levels(bench, qubit))
            since_s = blind_s + herald_timings((pulses,))[qubit.name].until_read
            ill_prepared = later_share(0.0, thermal, since_s / t1_s)
    return Window(
        t1_s=shelved_lifetime(bench, qubit),
        arrives_s=0.5e-9 * pulses.pulse_ns + arrives_later_s(bench, qubit),
        opens_s=pulses.opens_ns * 1e-9,
        known=known_resonator(bench, qubit),
        shelved=shelved,
        ill_prepared=ill_prepared,
    )


def narrow_ranges(
    wide: tuple[Array, Array], frequency_hz: float, log_amplitude: float, share: float = NEARER
) -> tuple[Array, Array]:
    """Return the frequencies and amplitudes of a map about that one.

    ``wide``: those of the first map of all, of whose ranges it covers this ``share``.
    """
    frequencies, amplitudes = wide
    reach_hz = share / 2 * float(np.ptp(frequencies))
    reach_log = share / 2 * float(np.log(amplitudes[-1] / amplitudes[0]))
    steps = np.linspace(-1, 1, NARROW[0]), np.linspace(-1, 1, NARROW[1])
    return (
        frequency_hz + reach_hz * steps[0],
        np.minimum(np.exp(log_amplitude + reach_log * steps[1]), 1.0),
    )


def top_ranges(bench: Bench, qubit: Qubit, best: BestSetting) -> tuple[Array, Array]:
    """Return the frequencies and amplitudes of the last map, about ``best``."""
    reach_hz = TOP_REACH_KAPPA * bench.best(qubit, "kappa")
    amplitudes = np.exp(best.log_amplitude + TOP_REACH_LOG * np.linspace(-1, 1, TOP[1]))
    return (
        best.frequency_hz + reach_hz * np.linspace(-1, 1, TOP[0]),
        amplitudes / max(1.0, float(amplitudes[-1])),
    )


async def readout_optimisation(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Measure both states over frequency and amplitude, and again about the best setting.

    Stores ``probe_frequency`` (Hz), ``probe_amplitude`` (full scale), ``probe_duration`` (s), and
    ``probe_loss`` (1): what fidelity the doubt about the three costs.
    """
    outcome = Outcome("readout_optimisation", "Readout optimisation")
    samples = {p.qubit.name: Samples(window_of(p)) for p in all_pulses(bench, qubits)}
    await _search(bench, outcome, qubits, samples)

    def raw(qubit: Qubit) -> Panel:
        return Panel(
            qubit.element,
            "probe frequency (GHz)",
            "probe amplitude (full scale)",
            picture=samples[qubit.name].maps[-1],
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        kept = samples[qubit.name]
        found = kept.best(shelved_lifetime(bench, qubit))
        amplitude = float(np.exp(found.log_amplitude))
        length_s = _length_ns(bench, qubit, found.length_s * 1e9) * 1e-9
        inside = kept.surround(found)
        beyond = 0.0 if inside else AT_EDGE * (1 - found.fidelity)
        loss_sigma = float(np.hypot(found.loss_sigma, beyond))
        return {
            "probe_frequency": Measured(found.frequency_hz, found.sigmas[0], "Hz"),
            "probe_amplitude": Measured(amplitude, amplitude * found.sigmas[1], "1"),
            "probe_duration": Measured(length_s, found.sigmas[2], "s"),
            "probe_loss": Measured(found.loss, loss_sigma, "1"),
        }, replace(panel, picture=kept.picture(found), text=_in_words(found, length_s, inside))

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


@dataclass(slots=True, eq=False)
class _Maps:
    """Measures maps, and keeps what they have told."""

    bench: Bench
    outcome: Outcome
    samples: dict[str, Samples]
    """By the qubit's name, as all of these."""
    lengths_ns: dict[str, int]
    """Of the pulses of the next map."""
    best: dict[str, BestSetting] = field(default_factory=dict)
    """The best settings so far, of qubits that have one."""

    async def measure(
        self, qubits: tuple[Qubit, ...], ranges: dict[str, tuple[Array, Array]], shots: int
    ) -> None:
        """Measure one more map of each, and find the best settings anew."""
        count = self.bench.shots(shots)
        await _measure(
            self.bench, self.outcome, qubits, ranges, self.lengths_ns, self.samples, count
        )
        self.best.update(await asyncio.to_thread(_best, qubits, self.samples))

    def take_best_lengths(self, qubits: tuple[Qubit, ...]) -> None:
        """Set the lengths of the next map to the best ones so far."""
        for q in qubits:
            length_ns = self.best[q.name].length_s * 1e9
            self.lengths_ns[q.name] = _length_ns(self.bench, q, length_ns)


async def _search(
    bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], samples: dict[str, Samples]
) -> None:
    """Measure maps into ``samples``: a first one, and others about the best setting so far.

    The first one is narrow where shots are heralded and all qubits have a setting already: about
    that. Where a qubit then has no best setting, or else, it is wide.
    """
    wide = {q.name: first_ranges(bench, q) for q in qubits}
    pulses = all_pulses(bench, qubits)
    sure = can_herald(pulses)
    before = _settings_before(bench, qubits) if sure else {}
    maps = _Maps(bench, outcome, samples, {p.qubit.name: p.probe_ns for p in pulses})
    if len(before) == len(qubits):
        near = {q.name: narrow_ranges(wide[q.name], *before[q.name], NEAR_THE_LAST) for q in qubits}
        await maps.measure(qubits, near, NARROW_SHOTS)
    wide_maps = 0
    if len(maps.best) < len(qubits):
        for q in qubits:
            lifetimes_ns = 10e9 / (np.pi * bench.best(q, "kappa"))
            maps.lengths_ns[q.name] = _length_ns(bench, q, FIRST_LENGTH * lifetimes_ns)
        await maps.measure(qubits, wide, WIDE_SHOTS)
        wide_maps = max(len(one.maps) for one in samples.values())
    rough = bench.thoroughness < 1 and not sure

    def goes_on(qubit: Qubit) -> bool:
        kept, found = samples[qubit.name], maps.best[qubit.name]
        narrow = len(kept.maps) > wide_maps
        if sure:  # beyond the edge of narrow maps nothing was seen, of a wide one it was
            inside = found.inside or wide_maps > 0
            return not (narrow and inside and kept.maps[-1].holds(*place_of(found)))
        return not (rough and narrow and found.fidelity > READS_WELL) and not found.inside

    for _ in range(NARROW_MAPS):
        moving = tuple(q for q in qubits if q.name in maps.best and goes_on(q))
        if not moving:
            break
        found = {q.name: maps.best[q.name] for q in moving}
        near = {
            name: narrow_ranges(wide[name], one.frequency_hz, one.log_amplitude)
            for name, one in found.items()
        }
        if sure:  # what the length does to distance and decay is then measured, not reckoned
            maps.take_best_lengths(moving)
        await maps.measure(moving, near, NARROW_SHOTS)
    if sure:
        await _search_the_top(maps, tuple(q for q in qubits if q.name in maps.best))


async def _search_the_top(maps: _Maps, qubits: tuple[Qubit, ...]) -> None:
    """Measure maps about the best settings until these lie inside of the last ones.

    Of all qubits together or of none: it takes no longer, and neighbours' tones are as in use.
    """
    near: dict[str, tuple[Array, Array]] = {}
    for number in range(TOP_MAPS if qubits else 0):
        inside = number > 0 and all(
            maps.samples[q.name].surround(maps.best[q.name]) for q in qubits
        )
        if inside and number >= TOP_RUNS:
            break
        if not inside:
            near = {q.name: top_ranges(maps.bench, q, maps.best[q.name]) for q in qubits}
            maps.samples.update({q.name: maps.samples[q.name].at_the_top() for q in qubits})
            maps.take_best_lengths(qubits)
        await maps.measure(qubits, near, TOP_SHOTS)


def _in_words(found: BestSetting, length_s: float, inside: bool) -> str:
    at_the_edge = "" if inside else "; the best setting is at the edge of what was tried"
    return (
        f"{found.frequency_hz / 1e9:.6f} GHz, amplitude {float(np.exp(found.log_amplitude)):.4f}, "
        f"{length_s * 1e9:.0f} ns: 0 and 1 are {found.distance:.2f} sigma apart, expected "
        f"fidelity {found.fidelity * 100:.2f} %{at_the_edge}"
    )


def _best(qubits: tuple[Qubit, ...], samples: dict[str, Samples]) -> dict[str, BestSetting]:
    found: dict[str, BestSetting] = {}
    for q in qubits:
        try:
            found[q.name] = samples[q.name].best(draws=SEARCHED)
        except FitFailed:
            continue
    return found


def _settings_before(bench: Bench, qubits: tuple[Qubit, ...]) -> dict[str, tuple[float, float]]:
    """Return what an earlier search has found, of qubits that have it.

    The frequency, Hz, and the logarithm of the amplitude.
    """
    found: dict[str, tuple[float, float]] = {}
    for q in qubits:
        frequency_hz = bench.measured(q, "probe_frequency")
        amplitude = bench.measured(q, "probe_amplitude")
        if frequency_hz is not None and amplitude is not None and amplitude > 0:
            found[q.name] = frequency_hz, float(np.log(amplitude))
    return found


def _length_ns(bench: Bench, qubit: Qubit, length: float) -> int:
    return bench.readout_ns(qubit, on_grid_ns(length * 1e-9, 20 * GRID_NS))


def _program(
    bench: Bench,
    qubits: tuple[Qubit, ...],
    ranges: dict[str, tuple[Array, Array]],
    lengths_ns: dict[str, int],
    shots: int,
) -> Program:
    """Return a program that reads both states over frequencies and amplitudes."""
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    with_heralds = can_herald(pulses)
    share = share_of_output(float(ranges[q.name][1].max()) for q in qubits)
    frequencies = {q.element: np.round(ranges[q.name][0] / 250.0) * 250.0 for q in qubits}
    amplitudes = {q.element: ranges[q.name][1] * share for q in qubits}
    set_probes: list[Statement] = [
        SetFrequency(p.readout, Affine(f"{p.qubit.element}_probe_frequency")) for p in pulses
    ]
    prepare = [p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses]
    read: list[Statement] = []
    for p in pulses:
        amplitude = Affine(f"{p.qubit.element}_probe_amplitude")
        read += p.measure(amplitude, lengths_ns[p.qubit.name])
    if with_heralds:
        body = [*set_probes, *heralded(pulses, frames, prepare, read)]
    else:
        wait = passive_reset(pulses, frames, RESET_LIFETIMES)
        body = [*set_probes, *wait, *prepare, Barrier(frames), *read]
    return Program(
        "readout optimisation",
        (*frames_of(pulses), *(herald_frames(pulses) if with_heralds else ())),
        tuple(body),
        (power_axis(amplitudes), probe_table(frequencies), state_axis(pulses)),
        shots=round(shots * HERALDED) if with_heralds else shots,
        keep_shots=True,
    )


@dataclass(frozen=True, slots=True, eq=False)
class StateDistance:
    """Holds the distance of 0 and 1 at each setting; arrays of one shape."""

    distance: Array
    """In units of a shot's noise."""
    sigma: Array
    lost: Array
    """How many shots of 1 look like 0 ..."""
    shots: Array
    """... of how many."""


def apart(iq: NDArray[np.complex128], sure: NDArray[np.bool_] | None = None) -> StateDistance:
    """Return the distance of 0 and 1 at each setting.

    ``iq`` (shots, ..., 2); ``sure``: which of them count, default all. The clouds' middles are
    medians: the few shots that were not prepared well, or decayed, do not move them. In units of a
    shot's noise, of which the median over all settings is taken; what noise adds to the mean square
    is taken off. Data without any noise, or that are no numbers, have a distance of 0 or NaN, which
    every fit refuses. Settings with fewer than :data:`FEWEST_HERALDED` shots that count have an
    infinite sigma.
    """
    if sure is None:
        sure = np.ones(iq.shape, dtype=bool)
    shots = np.sum(sure, axis=0).astype(np.float64)
    enough = np.all(shots >= min(FEWEST_HERALDED, iq.shape[0]), axis=-1)
    kept = np.where(sure | ~enough[..., None], iq, np.nan)
    if not np.all(np.isfinite(iq)):
        nothing = np.full(enough.shape, np.nan)
        return StateDistance(nothing, np.ones(enough.shape), np.zeros(enough.shape), shots[..., 1])
    means = np.nanmean(kept, axis=0)
    variance = np.where(enough, MEDIAN * np.sum(1 / np.maximum(shots, 1), axis=-1), np.inf)
    axis = means[..., 1] - means[..., 0]
    if not np.nanmax(np.abs(kept - means)) > STILL * np.max(np.abs(iq)):
        return StateDistance(np.abs(axis), np.sqrt(variance), np.zeros(axis.shape), shots[..., 1])
    axis = axis / np.maximum(np.abs(axis), 1e-300)
    along = np.real((kept - means.mean(axis=-1, keepdims=True)) * np.conj(axis)[..., None])
    centre = np.nanmedian(along, axis=0)
    each = np.nanmedian(np.abs(along[..., 0] - centre[..., 0]), axis=0)
    noise = MAD * float(np.median(each))
    distance = (centre[..., 1] - centre[..., 0]) / noise
    square = np.where(enough, distance**2 - 2 * np.where(enough, variance, 0.0), 0.0)
    lost = np.sum(along[..., 1] < centre.mean(axis=-1), axis=0)
    return StateDistance(
        np.sqrt(np.maximum(square, 0.0)),
        np.sqrt(variance),
        np.asarray(lost, dtype=np.float64),
        shots[..., 1],
    )


async def _measure(
    bench: Bench,
    outcome: Outcome,
    qubits: tuple[Qubit, ...],
    ranges: dict[str, tuple[Array, Array]],
    lengths_ns: dict[str, int],
    samples: dict[str, Samples],
    shots: int,
) -> None:
    """Measure each qubit over its frequencies and amplitudes; add to ``samples``."""
    program = _program(bench, qubits, ranges, lengths_ns, shots)
    data = await bench.run(outcome, program, {"length_ns": lengths_ns})
    played_ns = told(data, "length_ns")
    for q in qubits:
        frequency = values_of(data, f"{q.element}_probe_frequency")
        powers = values_of(data, f"{q.element}_probe_amplitude")
        seen = apart(iq_of(data, q.element), _sure(bench, data, q))
        kept = samples[q.name]
        if seen.distance.size > 1:
            name = f"0 and 1 apart (sigma of a shot of {played_ns[q.name]:.0f} ns)"
            kept.maps.append(Picture(frequency / 1e9, powers, seen.distance, name, True))
        kept.add(
            [
                (
                    float(hertz),
                    float(np.log(power)),
                    played_ns[q.name] * 1e-9,
                    float(seen.distance[a, f]),
                    float(seen.sigma[a, f]),
                    float(seen.shots[a, f]),
                    float(seen.lost[a, f]),
                )
                for a, power in enumerate(powers)
                for f, hertz in enumerate(frequency)
                if np.isfinite(seen.sigma[a, f])
            ]
        )


def _sure(bench: Bench, data: "xarray.Dataset", qubit: Qubit) -> NDArray[np.bool_] | None:
    """Return which shots were heralded in 0; None: they waited instead, or nothing can be told."""
    numbers = np.all(np.isfinite(iq_of(data, qubit.element)))
    if not numbers or bench.measured(qubit, "readout_threshold") is None:
        return None
    try:
        return began_in_0(data, qubit.element, levels(bench, qubit))
    except FitFailed:
        return None


READOUT_OPTIMISATION = Declaration(
    readout_optimisation,
    targets="qubits",
    needs=("sweet_spot", *DRIVE),
    gives={
        "probe_frequency": Lifetime(7 * DAY_S),
        "probe_amplitude": Lifetime(7 * DAY_S),
        "probe_duration": Lifetime(7 * DAY_S),
        "probe_loss": Lifetime(7 * DAY_S),
    },
    places=(90, 160),
    cost_s=1.5,
)
