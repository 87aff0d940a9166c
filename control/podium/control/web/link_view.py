"""Shows quantum links as they live: fidelity, rate, last calibration, the photon at both ends."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from podium.control.calibration.links.photon_envelope import PhotonEnvelope, photon_envelope
from podium.control.facility.facility import Link
from podium.control.parameters.entry import ParameterEntry
from podium.control.parameters.quantities import alone
from podium.control.web.chip_view import Figure, figure
from podium.control.web.picture import FacilityPicture
from podium.control.web.run_view import cards

WIDTH, HEIGHT, GAP = 600, 104, 16
"""Of the drawing of one end, and between both."""
POINTS = 25
PAIRS = ("link Bell state", "carrier phase")
"""Programs of which each shot makes a pair."""
FIGURES = (
    ("bell_concurrence", "concurrence", False),
    ("transfer", "photons caught", True),
    ("transmission", "transmission", True),
    ("absorption", "absorbed of what arrives", True),
    ("carrier_residual", "phase, start to start", False),
    ("delay", "delay", False),
    ("photon_bandwidth", "bandwidth", False),
    ("carrier_phase", "phase of the way", False),
)
"""Shown of a link beside its fidelity: quantity, words, whether in percent."""

HERALDED_FIGURES = (
    ("photon_visibility", "visibility", True),
    ("arm_lag", "lag of the second", False),
    ("emitter_detuning", "detuning of the second", False),
    ("alpha_efficiency", "efficiency of an arm", True),
    ("alpha_dark", "dark counts in a window", False),
)
"""The same of a link with a herald station."""
SCHEMES = (("one_click", "one click"), ("two_clicks", "two clicks"))
"""First word of parameters, and words. Programs of attempts are called by the latter."""

Array = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class EnvelopeDrawing:
    """A photon at both ends over one time, as paths of an SVG."""

    width: int
    height: int
    ends: tuple[tuple[str, str, str], ...]
    """Of each end: its node, the path of the photon, the path of the pulse."""
    apart: int
    """From the upper end's drawing to the lower one's."""
    lasts: str
    words: str


@dataclass(frozen=True, slots=True)
class HeraldScheme:
    """Figures of one scheme of heralds on a link with a station."""

    title: str
    """``one click, alpha 0.1``."""
    fidelity: Figure
    rate: Figure | None
    chance: Figure | None


@dataclass(frozen=True, slots=True)
class LinkRow:
    """One quantum link."""

    name: str
    ends: tuple[str, str]
    kind: str
    mark: str
    doing: str
    """What plays on it now; empty: nothing."""
    fidelity: Figure | None
    rate: str
    """Pairs a second in the latest run that made pairs, by the wall's time; empty: there was none
    lately."""
    figures: tuple[Figure, ...]
    old: int
    """How many of its parameters are no longer good."""
    calibrated_tai_s: float | None
    """When anything of it was measured last."""
    routine: str
    run: str
    envelope: EnvelopeDrawing | None
    problem: str
    """Why there is no envelope."""
    station: str = ""
    """Where its photons meet, in words; empty: they go from end to end."""
    heralds: tuple[HeraldScheme, ...] = ()
    """Of a station: what has been measured."""


@dataclass(slots=True)
class Links:
    """Shows the links of a picture; an envelope is computed once for each change of parameters."""

    picture: FacilityPicture
    _drawn: dict[str, tuple[Sequence[ParameterEntry], EnvelopeDrawing | None, str]] = field(
        default_factory=dict
    )

    def rows(self) -> tuple[LinkRow, ...]:
        """Return all links, in the order of the facility file."""
        return tuple(self._row(one) for one in self.picture.facility.links.values())

    def _row(self, link: Link) -> LinkRow:
        picture, name = self.picture, link.name
        mine = self._own(link)
        heralds = _heralds(picture, link)
        fidelity = figure(picture, f"{name}.bell_fidelity", "Bell fidelity", percent=True)
        if link.station is not None:
            fidelity = _better(picture, heralds)
        found = [
            figure(picture, f"{name}.{quantity}", title, percent=percent)
            for quantity, title, percent in (FIGURES if link.station is None else HERALDED_FIGURES)
        ]
        figures = tuple(one for one in found if one is not None)
        judged = [fidelity] if link.station is None else [one.fidelity for one in heralds]
        old = sum(bool(one.complaint) for one in (*figures, *judged) if one is not None)
        latest = max(mine, key=lambda one: one.tai_s, default=None)
        doing = _doing(picture, link)
        mark = "unknown" if fidelity is None else "warn" if old else "good"
        envelope, problem = self._envelope(link, mine) if link.station is None else (None, "")
        return LinkRow(
            name,
            link.ends,
            _kind(link),
            "busy" if doing else mark,
            doing,
            fidelity,
            _rate(picture, link),
            figures,
            old,
            None if latest is None else latest.tai_s,
            "" if latest is None else latest.routine.replace("_", " "),
            "" if latest is None else latest.run,
            envelope,
            problem,
            _station(link),
            heralds,
        )

    def _own(self, link: Link) -> tuple[ParameterEntry, ...]:
        return tuple(
            one for key, one in self.picture.parameters.items() if key.startswith(f"{link.name}.")
        )

    def _envelope(
        self, link: Link, mine: Sequence[ParameterEntry]
    ) -> tuple[EnvelopeDrawing | None, str]:
        qubits = [self.picture.parameters.get(f"{end.qubit}.t1") for end in link.transfer]
        of = (*mine, *(one for one in qubits if one is not None))
        known = self._drawn.get(link.name)
        if known is None or known[0] != of:
            by_name: Mapping[str, ParameterEntry] = {one.name: one for one in of}
            try:
                found = photon_envelope(self.picture.facility, link, by_name)
                known = (of, envelope_drawing(link, found), "")
            except ValueError as error:
                known = (of, None, str(error))
            self._drawn[link.name] = known
        return known[1], known[2]


def envelope_drawing(link: Link, found: PhotonEnvelope) -> EnvelopeDrawing:
    """Return the photon's flux and the pulse's amplitude at both ends over one time.

    Fluxes of both ends have one scale, so that what is lost on the way is seen.
    """
    start_s = min(0.0, found.delay_s, found.lag_s)
    stop_s = float(found.time_s[-1]) + max(0.0, found.delay_s, found.lag_s)
    time_s = np.linspace(start_s, stop_s, POINTS)
    most = float(np.max(found.sent_1_s)) or 1.0
    strongest = float(max(np.max(found.pulse), np.max(found.catch))) or 1.0

    def path(delay_s: float, values: Array, scale: float, top: int) -> str:
        at = np.interp(time_s - delay_s, found.time_s, values, 0.0, 0.0) / scale
        y = np.rint(top + HEIGHT - 4 - at * (HEIGHT - 12)).astype(int)
        steps = " ".join(f"{WIDTH // (POINTS - 1)} {step}" for step in np.diff(y))
        return f"M0 {y[0]}l{steps}"

    lower = HEIGHT + GAP
    ends = (
        (
            link.ends[0],
            path(0.0, found.sent_1_s, most, 0),
            path(0.0, found.pulse, strongest, 0),
        ),
        (
            link.ends[1],
            path(found.delay_s, found.sent_1_s * found.transmission, most, lower),
            path(found.lag_s, found.catch, strongest, lower),
        ),
    )
    passed = alone(found.transmission, "1", like=0.01, percent=True)
    delay = alone(found.delay_s, "s")
    words = (
        f"photon of {link.name}: leaves {link.ends[0]}, is at {link.ends[1]} {delay} later, "
        f"{passed} of it"
    )
    lasts = alone(stop_s - start_s, "s")
    return EnvelopeDrawing(WIDTH, 2 * HEIGHT + GAP, ends, HEIGHT + GAP, lasts, words)


def _heralds(picture: FacilityPicture, link: Link) -> tuple[HeraldScheme, ...]:
    """Return the schemes whose pairs were measured, none of a link without a station."""
    found = []
    for scheme, words in SCHEMES if link.station is not None else ():
        own = f"{link.name}.{scheme}"
        fidelity = figure(picture, f"{own}_fidelity", words, percent=True)
        if fidelity is None:
            continue
        alpha = picture.parameters.get(f"{own}_alpha")
        title = words if alpha is None else f"{words}, alpha {alpha.value:.2g}"
        found.append(
            HeraldScheme(
                title,
                fidelity,
                figure(picture, f"{own}_rate", "heralds"),
                figure(picture, f"{own}_chance", "chance", percent=True),
            )
        )
    return tuple(found)


def _better(picture: FacilityPicture, heralds: Sequence[HeraldScheme]) -> Figure | None:
    """Return the best fidelity that a station gives and that is still good, else the best."""
    return max(
        (one.fidelity for one in heralds),
        key=lambda one: (not one.complaint, picture.parameters[one.name].value),
        default=None,
    )


def _station(link: Link) -> str:
    if link.station is None:
        return ""
    detectors = " and ".join(
        f"{one.port.rpartition('.')[2]} at {one.input.instrument}.{one.input.channel}"
        for one in link.station.detectors
    )
    return f"photons meet at a herald station, detectors {detectors}"


def _kind(link: Link) -> str:
    if link.frequency_hz is not None:
        return f"microwave, {alone(link.frequency_hz, 'Hz')}"
    return ""


def _doing(picture: FacilityPicture, link: Link) -> str:
    """Return what plays on both ends at once; empty: nothing does."""
    for card in cards(picture):
        if set(link.ends) <= set(card.nodes):
            step = f", step {card.step} of {card.steps}" if card.step else ""
            return f"{card.title}: {card.doing}{step}" if card.procedure else card.title
    return ""


def _rate(picture: FacilityPicture, link: Link) -> str:
    """Return pairs a second of the latest run of pairs between both ends, by the wall's time."""
    chances = dict.fromkeys(PAIRS, 1.0)
    for scheme, words in SCHEMES if link.station is not None else ():
        chance = picture.parameters.get(f"{link.name}.{scheme}_chance")
        if chance is not None:
            chances[f"heralded pairs, {words}"] = chance.value
    for run in reversed(picture.runs.values()):
        if (
            run.program in chances
            and run.state == "done"
            and run.took_s > 0
            and set(link.ends) <= set(run.nodes)
        ):
            pairs = run.points * run.shots * chances[run.program]
            return f"{pairs / run.took_s:.3g} pairs a second in run {run.run}"
    return ""
