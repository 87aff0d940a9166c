"""Makes heralded pairs over a link with a station: how often, and what state each herald leaves.

Every shot is one attempt. Its two detectors are windows of a time tagger that starts with both
nodes; which of them clicked is read shot by shot, and shots without a herald count as attempts
alone.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import product
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.bench import iq_of
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.two_qubit_state import (
    READ_TURNS,
    SETTINGS,
    effects,
    pair_counts,
    pauli_means,
    tomography,
)
from podium.control.calibration.links.entangled_pair import (
    PHASES,
    PSI_PLUS,
    fit_phase,
    ones,
    read_both,
    readout_errors,
)
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_pulses import PhotonPulses
from podium.control.calibration.links.photon_shapes import emission, played
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.routines.bell_state import ENTANGLED, rotations
from podium.control.calibration.sequences import on_grid_ns
from podium.control.compilers.placing import place_in_fs
from podium.control.facility.facility import Link
from podium.control.facility.herald_stations import HeraldStation
from podium.control.parameters.entry import Measured, NotMeasured
from podium.control.parameters.one_click_model import checked_alpha
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Play,
    Program,
    ShiftPhase,
    Statement,
    Table,
    Value,
    Variable,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS, FS_PER_S

if TYPE_CHECKING:
    import xarray

Array = NDArray[np.float64]
Shots = NDArray[np.bool_]

RESET_LIFETIMES = 6.0
"""Wait before an attempt, in lifetimes: no photon of a reset may come to the station."""
RINGS = 10.0
"""How long a window is open behind a pulse, in 1 / (2 pi kappa) of the narrower resonator."""
MARGIN_NS = 60
"""A window is open so much earlier and later than a photon may come: starts that are not corrected
differ by some ns, and by what their trigger cables do."""
GAP_NS = 20
"""Between two windows of one attempt."""
EARLY, LATE = 0.2, 0.8
"""Parts of a window between which the mean click is to be: else it is not where photons are."""


@dataclass(frozen=True, slots=True)
class Scheme:
    """Which clicks herald a pair, and how its attempts begin."""

    name: str
    """First word of its quantities: ``one_click``."""
    title: str
    alpha: float
    """Chance that an end emits in the first window."""
    windows: tuple[str, ...]
    shots: int
    """Attempts for each setting."""


DEFAULT_ALPHA = 0.1
ONE_CLICK = Scheme("one_click", "one click", DEFAULT_ALPHA, ("early",), 6000)
TWO_CLICKS = Scheme("two_clicks", "two clicks", 0.5, ("early", "late"), 4000)
SCHEMES = {one.name: one for one in (ONE_CLICK, TWO_CLICKS)}
ALPHA_DOUBT = 0.01
"""ASSUMED: of alpha, relative, by the amplitude of the pulse that makes it."""


def with_alpha(scheme: Scheme, alpha: float) -> Scheme:
    """Return one click with another chance to emit.

    Raises ``BadAlpha`` outside (0, 0.5], and NotMeasured where two clicks are wanted: they take
    1/2.
    """
    checked_alpha(alpha)
    if len(scheme.windows) > 1 and alpha != scheme.alpha:
        raise NotMeasured(f"{scheme.title} take alpha = {scheme.alpha}, not {alpha:g}", "alpha")
    return replace(scheme, alpha=alpha)


@dataclass(frozen=True, slots=True, eq=False)
class HeraldedAttempts:
    """Builds attempts of a scheme on a link with a station."""

    bench: LinkBench
    scheme: Scheme
    station: HeraldStation
    photon: PhotonPulses

    @classmethod
    def of(cls, bench: LinkBench, scheme: Scheme) -> "HeraldedAttempts":
        """Return those of a bench. Raises NotMeasured for a link without a station, FitFailed."""
        station = bench.link.station
        if station is None:
            raise NotMeasured(
                f"{bench.link.name} has no herald station: its photons go from end to end; "
                f"`podium link bell {bench.link.name}` shares a pair over it",
                f"{bench.link.name}.station",
            )
        return cls(bench, scheme, station, bench.photon())

    @property
    def detectors(self) -> tuple[str, ...]:
        """Ports of both detectors, which are the names of their frames as well."""
        return tuple(one.port for one in self.station.detectors)

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames."""
        return (*self.bench.names, *self.detectors)

    def frames(self) -> tuple[Frame, ...]:
        """Return the frames of both ends, and of both detectors, whose clicks have no carrier."""
        first, second = self.bench.ends
        aside = first.bench.measured(self.bench.link, "emitter_detuning") or 0.0
        own = (*first.frames(), *second.frames(second.sideband_hz() + aside))
        return (*own, *(Frame(port, port, 0.0) for port in self.detectors))

    def capture(self, detector: str, window: str) -> str:
        """Return the name of a detector's capture: ``link_ab.d0.early``."""
        return f"{detector}.{window}"

    def delays_ns(self) -> tuple[int, int]:
        """Return by how much each end emits later, so that both photons meet, whole ns.

        As ``arm_lag`` was measured, else by the arms' design.
        """
        apart_s = self.bench.first.bench.measured(self.bench.link, "arm_lag")
        if apart_s is None:
            way = [arm["delay"].value for arm in self.station.arms]
            apart_s = way[0] - way[1]
        apart_ns = round(apart_s * 1e9)
        return max(0, -apart_ns), max(0, apart_ns)

    def window_ns(self) -> tuple[int, int]:
        """Return when a window opens, counted from the first emission's begin, and how long it is.

        By design: of the arms, and of the cables to the time tagger.
        """
        ways = [arm["delay"].value for arm in self.station.arms]
        cables = [
            one.design["delay"].value if "delay" in one.design else 0.0
            for one in self.station.detectors
        ]
        opens_ns = on_grid_ns(max(ways) + min(cables)) - MARGIN_NS
        rings_ns = on_grid_ns(
            RINGS / (2 * np.pi * min(end.kappa_hz() for end in self.bench.ends))
            + max(cables)
            - min(cables)
        )
        return max(0, opens_ns), self.photon.duration_ns + rings_ns + 2 * MARGIN_NS

    def emissions(self, window: str) -> list[Statement]:
        """Let both ends emit what is in f, while both detectors' windows open."""
        opens_ns, lasts_ns = self.window_ns()
        body: list[Statement] = [
            Capture(port, self.capture(port, window), lasts_ns * FS_PER_NS, opens_ns * FS_PER_NS)
            for port in self.detectors
        ]
        for end, later_ns in zip(self.bench.ends, self.delays_ns(), strict=True):
            pulse = emission(
                end.drive(), self.photon.bandwidth_hz, end.kappa_hz(), self.photon.duration_ns
            )
            if later_ns:
                body.append(Delay((end.sideband,), later_ns * FS_PER_NS))
            body.append(Play(end.sideband, played(pulse)))
        return [*body, Barrier(self.bench.names)]

    def ef_amplitude(self, end: EndPulses, alpha: float) -> float:
        """Return the amplitude of the pulse that brings ``alpha`` of an end's e to f."""
        return 2 / math.pi * math.asin(math.sqrt(alpha)) * end.node.ef_pi_amplitude()

    def attempt(self, lifts: Sequence[Value] = ()) -> list[Statement]:
        """Return the statements of an attempt, from a reset to the last emission.

        Both ends go to e, and alpha of it to f, which emits and is g then. For a second window what
        is left in e goes to f and what has emitted to e: so those emit who have not. ``lifts``:
        amplitudes of both ends' pulses from e to f, in place of alpha's.
        """
        bench = self.bench
        body = [*passive_reset([end.node for end in bench.ends], self.names, RESET_LIFETIMES)]
        own = [self.ef_amplitude(end, self.scheme.alpha) for end in bench.ends]
        body += [end.node.pi() for end in bench.ends]
        body.append(Barrier(bench.names))
        body += [
            end.node.ef_pulse(lift) for end, lift in zip(bench.ends, lifts or own, strict=True)
        ]
        body.append(Barrier(self.names))
        for number, window in enumerate(self.scheme.windows):
            if number:
                body += self._swapped()
            body += self.emissions(window)
        return body

    def _swapped(self) -> list[Statement]:
        """Wait until the window has closed, then bring e to f and g to e at both ends."""
        bench, (_, lasts_ns) = self.bench, self.window_ns()
        opened_ns = self.photon.duration_ns + max(self.delays_ns())
        pulses_ns = sum(end.node.pulse_ns for end in bench.ends)
        wait_ns = max(0, lasts_ns + GAP_NS - opened_ns - pulses_ns)
        body: list[Statement] = []
        if wait_ns:
            body.append(Delay(bench.names[:1], on_grid_ns(wait_ns * 1e-9) * FS_PER_NS))
        body.append(Barrier(bench.names))
        body += [end.node.ef_pulse(end.node.ef_pi_amplitude()) for end in bench.ends]
        body.append(Barrier(bench.names))
        body += [end.node.pi() for end in bench.ends]
        return [*body, Barrier(self.names)]

    def program(self, shots: int) -> Program:
        """Return attempts in nine settings of a readout, then axes of the second's half pi pulse.

        The latter tell the phase of this very run, as each start has one of its own.
        """
        body, axis = self.attempt(), self._settings()
        for end in self.bench.ends:
            name = end.node.qubit.name
            body += [
                ShiftPhase(end.node.drive, Affine(f"{name}_turn")),
                end.node.pulse(Affine(f"{name}_height")),
            ]
        body += [*read_both(self.bench), Barrier(self.names)]
        title = f"heralded pairs, {self.scheme.title}"
        return Program(title, self.frames(), tuple(body), (axis,), shots=shots, keep_shots=True)

    def _settings(self) -> Axis:
        variables = []
        sweep = np.linspace(0.0, 1.0, PHASES)
        for k, end in enumerate(self.bench.ends):
            name, half = end.node.qubit.name, end.node.pi_amplitude() / 2
            axes = [setting[k] for setting in SETTINGS]
            heights = [*(0.0 if axis == "z" else half for axis in axes), *([half] * PHASES)]
            turns = [*(READ_TURNS[axis] for axis in axes), *(k * sweep).tolist()]
            variables.append(Variable(f"{name}_height", "1", Table(tuple(heights))))
            variables.append(Variable(f"{name}_turn", "turn", Table(tuple(turns))))
        return Axis("setting", tuple(variables))


@dataclass(frozen=True, slots=True, eq=False)
class Heralds:
    """Which attempts announce a pair, (shots, settings) each."""

    even: Shots
    """Those that announce (01 + 10) / sqrt 2, but for the phase that all of them share."""
    odd: Shots
    """Those that announce (01 - 10) / sqrt 2, the same."""

    @property
    def any(self) -> Shots:
        """Tell which announce one of both."""
        return np.asarray(self.even | self.odd)

    @property
    def signs(self) -> Array:
        """Return +1 and -1 for these, 0 for all others."""
        return np.asarray(self.even.astype(float) - self.odd)


def heralds_of(data: "xarray.Dataset", attempts: HeraldedAttempts) -> Heralds:
    """Return what the detectors announce: one of them clicked, in each window of the scheme."""
    sign = None
    for window in attempts.scheme.windows:
        first, second = (
            data[f"{attempts.capture(port, window)}_clicks"].values > 0
            for port in attempts.detectors
        )
        here = first.astype(int) - second.astype(int)
        sign = here if sign is None else sign * here
    assert sign is not None
    return Heralds(sign > 0, sign < 0)


def patterns_of(data: "xarray.Dataset", attempts: HeraldedAttempts) -> dict[tuple[str, ...], Shots]:
    """Return which attempts, (shots, settings), had exactly these clicks: one in each window.

    By the short names of the detectors that clicked, window after window: ``("d0", "d1")``.
    """
    short = [port.rpartition(".")[2] for port in attempts.detectors]
    found: dict[tuple[str, ...], Shots] = {}
    for which in product(range(len(short)), repeat=len(attempts.scheme.windows)):
        those: Shots | None = None
        for window, clicked in zip(attempts.scheme.windows, which, strict=True):
            for number, port in enumerate(attempts.detectors):
                seen = data[f"{attempts.capture(port, window)}_clicks"].values > 0
                here = seen if number == clicked else ~seen
                those = here if those is None else those & here
        assert those is not None
        found[tuple(short[one] for one in which)] = np.asarray(those)
    return found


def check_windows(data: "xarray.Dataset", attempts: HeraldedAttempts) -> None:
    """Raise FitFailed where photons do not come in the middle of the detectors' windows."""
    lasts_s = attempts.window_ns()[1] * 1e-9
    for window in attempts.scheme.windows:
        for port in attempts.detectors:
            first_s = data[f"{attempts.capture(port, window)}_first"].values
            if not np.isfinite(first_s).any():
                raise FitFailed(
                    f"{port} never clicked in {first_s.size} attempts: is its cable on, and does "
                    "the link's delay in the facility file hold?"
                )
            middle = float(np.nanmean(first_s)) / lasts_s
            if not EARLY < middle < LATE:
                raise FitFailed(
                    f"clicks of {port} come {middle * lasts_s * 1e9:.0f} ns after a window of "
                    f"{lasts_s * 1e9:.0f} ns opens: photons are cut off; the delays of the arms "
                    "in the facility file are not those of the way"
                )


def phase_of(first: Shots, second: Shots, heralds: Heralds) -> float:
    """Return the phase of a run's pairs (turns); raises FitFailed.

    Of the shots behind the settings of the tomography, odd heralds counted with their sign.
    """
    settings = len(SETTINGS)
    product = (1 - 2.0 * first) * (1 - 2.0 * second) * heralds.signs
    number = heralds.any[:, settings:].sum(axis=0)
    if number.min() < 1:
        raise FitFailed("no pair was heralded: the detectors clicked in no attempt, or both did")
    parity = np.asarray(product[:, settings:].sum(axis=0) / number)
    turn = np.linspace(0.0, 1.0, PHASES)
    return fit_phase(turn, parity, np.asarray(number, float))[0]


async def herald_one_click(bench: LinkBench) -> Outcome:
    """Herald pairs by one click of either detector, both ends emitting rarely.

    See :func:`heralded_pairs`.
    """
    return await heralded_pairs(bench, ONE_CLICK)


async def herald_two_clicks(bench: LinkBench) -> Outcome:
    """Herald pairs by one click in each of two windows, those emitting in the second who have not.

    See :func:`heralded_pairs`.
    """
    return await heralded_pairs(bench, TWO_CLICKS)


async def heralded_pairs(bench: LinkBench, scheme: Scheme) -> Outcome:
    """Play attempts and find the chance of a herald, and the state behind it by tomography.

    Needs both sidebands' rates before, and readouts whose errors have been counted: these are taken
    out. The phase of a run is taken out by other shots of it. Stores ``one_click_chance`` (of an
    attempt), ``one_click_rate`` (1/s, of attempts as they were played) and ``one_click_fidelity``
    (with what the herald announces), or the same of ``two_clicks``; of one click the alpha that was
    played as well, ``one_click_alpha`` (the bench's, or :data:`DEFAULT_ALPHA`).
    """
    if len(scheme.windows) == 1:
        bench.check_phase()
        if bench.alpha is not None:
            scheme = with_alpha(scheme, bench.alpha)
    attempts = HeraldedAttempts.of(bench, scheme)
    outcome = Outcome(f"herald_{scheme.name}", f"Pairs heralded by {scheme.title}")
    shots = bench.shots(scheme.shots)
    program = attempts.program(shots)
    data = await bench.run(outcome, program)
    check_windows(data, attempts)
    heralds = heralds_of(data, attempts)
    chance = float(heralds.any.mean())
    sigma = math.sqrt(max(chance * (1 - chance), 1 / heralds.any.size) / heralds.any.size)
    period_s = float(place_in_fs(program).shot_fs.max()) / FS_PER_S
    places = np.arange(len(SETTINGS), dtype=float)

    def raw(_: Link) -> Panel:
        shares = [one[:, : len(SETTINGS)].mean(axis=0) for one in (heralds.even, heralds.odd)]
        series = tuple(
            Series(word, places, share) for word, share in zip(("even", "odd"), shares, strict=True)
        )
        return Panel(bench.link.name, "setting", "heralded", series)

    def fit(_: Link, panel: Panel) -> Found:
        first, second = (ones(end, iq_of(data, end.capture)) for end in bench.ends)
        turns = phase_of(first, second, heralds)
        errors, settings = readout_errors(bench), len(SETTINGS)
        seen = [one[:, :settings] for one in (first, second, heralds.even, heralds.odd)]
        counts = np.concatenate([pair_counts(seen[0], seen[1], kept) for kept in seen[2:]])
        measured = effects([*rotations(turns), *rotations(turns + 0.5)], errors.matrix())
        found = tomography(counts, measured, PSI_PLUS)
        outcome.states.setdefault(bench.link.name, found.state)
        if not found.fidelity > ENTANGLED + 3 * found.fidelity_sigma:
            raise FitFailed(
                f"no entanglement is heralded: fidelity {found.fidelity:.3f} ± "
                f"{found.fidelity_sigma:.3f}; without it is {ENTANGLED} at most"
            )
        means = np.array(list(pauli_means(found.state).values()))
        ideal = pauli_means(np.outer(PSI_PLUS, PSI_PLUS.conj()))
        over = np.arange(len(ideal), dtype=float)
        name, alpha = scheme.name, scheme.alpha
        played = {"one_click_alpha": Measured(alpha, ALPHA_DOUBT * alpha, "1")}
        return {
            **(played if len(scheme.windows) == 1 else {}),
            f"{name}_fidelity": Measured(found.fidelity, found.fidelity_sigma, "1"),
            f"{name}_chance": Measured(chance, sigma, "1"),
            f"{name}_rate": Measured(chance / period_s, sigma / period_s, "Hz"),
        }, replace(
            panel,
            x_label=f"pair of Paulis: {', '.join(ideal)}",
            y_label="mean",
            series=(
                Series("found", over, means),
                Series("ideal", over, np.array(list(ideal.values())), line=True),
            ),
            text=f"fidelity {{{name}_fidelity}}, chance {{{name}_chance}}",
            judged=False,
        )

    await analyse(bench.first.bench, outcome, (bench.link,), raw, fit)
    return outcome
