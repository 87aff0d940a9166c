"""Describes links with a herald station to the layer, by what was measured of their pairs.

Each scheme of heralds is a link of the network by itself, ``link_ab.one_click`` beside
``link_ab.two_clicks``: the layer takes the faster one that is good enough, and the other one where
that is down. Of parameters count ``LINK.SCHEME_fidelity``, ``_chance`` (of an attempt) and
``_rate`` (1/s); ``podium link one-click`` and ``two-clicks`` measure them.

Of one click ``LINK.alpha_efficiency``, ``alpha_dark`` and ``alpha_contrast`` (``podium link
alphas``) foretell chance and fidelity at any alpha: a request then plays the one that heralds most
often among those whose fidelity is enough. Without them it plays the one that was measured.

A fidelity is worth its value less three sigmas, and a sigma grows with age: its square doubles by
the end of what the parameter is valid for, as that of something that wanders at random.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, replace

from podium.control.facility.connector_ref import ConnectorRef
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.links.measured_network import calibration_epochs
from podium.control.links.network import SIGMAS, Link, Network, Switch, ends_of
from podium.control.parameters.entry import ParameterEntry, ParameterRecord
from podium.control.parameters.one_click_model import OneClickModel
from podium.control.parameters.validity import Validities
from podium.control.timebase.epochs import Epochs

SCHEMES: Mapping[str, str] = {"one_click": "one-click", "two_clicks": "two-clicks"}
"""First word of a scheme's parameters, and the word of ``podium link`` that measures them."""
SETTINGS_OF_A_RUN = 18
"""An attempt in each is one turn of a run; pairs of one of them are handed out."""
FULL_SHOTS: Mapping[str, int] = {"one_click": 6000, "two_clicks": 4000}
"""Attempts in each setting at which the scheme's sigma was measured."""
USUAL_ALPHA: Mapping[str, float] = {"one_click": 0.1, "two_clicks": 0.5}
"""Of figures that were measured before alpha was stored."""
LEAST_SHOTS = 1500
"""With fewer a run does not know its own pairs."""
PATTERNS: Mapping[str, int] = {"one_click": 2, "two_clicks": 4}
"""Patterns of clicks that herald, each of which a run judges by itself."""
ALPHAS = tuple(round(0.01 * k, 2) for k in range(2, 51))
"""Among which one is chosen for a request, within those that were measured."""
RUN_SIGMAS = 4.5
"""A run at full length finds its own pairs worth enough, three sigmas down, in 93 of 100 cases."""
LIKELY = 0.5
"""A request that is more likely to fail than that by its deadline is refused at once."""


@dataclass(frozen=True, slots=True)
class HeraldedFigure:
    """Figures of one scheme on one link, as they count now."""

    link: str
    """Of the facility."""
    scheme: str
    fidelity: float
    sigma: float
    """Of the fidelity, grown with age."""
    chance: float
    """Of a herald, in one attempt."""
    rate_hz: float
    """Of heralds while attempts are played."""
    alpha: float
    """Each end's chance to emit in the first window."""
    run_sigma: float
    """Of the fidelity of one pattern of clicks, as a run at full length finds it."""

    @property
    def name(self) -> str:
        """Return the name of its link in the layer's network."""
        return f"{self.link}.{self.scheme}"

    @property
    def least(self) -> float:
        """Return the fidelity that a new pair has at least."""
        return max(0.0, self.fidelity - SIGMAS * self.sigma)

    @property
    def period_s(self) -> float:
        """Return from one attempt to the next, s."""
        return self.chance / self.rate_hz

    def run_s(self, shots: int) -> float:
        """Return how long a run of so many attempts in each setting takes, s."""
        return shots * SETTINGS_OF_A_RUN * self.period_s


def known_figure(
    record: ParameterRecord,
    validities: Validities,
    link: str,
    scheme: str,
    now_tai_s: float,
    wanted: float | None = None,
) -> HeraldedFigure | str:
    """Return what is known of a scheme, or why there is nothing to count on, and what helps.

    ``wanted``: a fidelity, for which one click takes the best alpha where a scan has found it.
    """
    helps = f"podium link {SCHEMES[scheme]} {link}"
    found: dict[str, ParameterEntry] = {}
    for word in ("fidelity", "chance", "rate"):
        name = f"{link}.{scheme}_{word}"
        entry = record.get(name)
        if entry is None:
            return f"{name} is not known: {helps}"
        complaint = validities.complaint(entry, now_tai_s, None)
        if complaint is not None:
            return f"{complaint}: {helps}"
        found[word] = entry
    if not (found["chance"].value > 0.0 and found["rate"].value > 0.0):
        return f"{link} heralds nothing: {helps}"
    fidelity = found["fidelity"]
    sigma = aged_sigma(fidelity, validities.of(fidelity.name).lasts_s, now_tai_s)
    played = record.get(f"{link}.{scheme}_alpha")
    alpha = USUAL_ALPHA[scheme] if played is None else played.value
    figure = HeraldedFigure(
        *(link, scheme, fidelity.value, sigma, found["chance"].value, found["rate"].value, alpha),
        run_sigma=fidelity.sigma * math.sqrt(PATTERNS[scheme]),
    )
    if scheme != "one_click" or wanted is None:
        return figure
    model = scanned(record, validities, link, now_tai_s)
    return figure if model is None else best_alpha(figure, model, wanted)


def scanned(
    record: ParameterRecord, validities: Validities, link: str, now_tai_s: float
) -> OneClickModel | None:
    """Return what a scan of alpha has found of a link; None: nothing that is still good."""
    values, sigmas = [], []
    for word in ("efficiency", "dark", "contrast"):
        entry = record.get(f"{link}.alpha_{word}")
        if entry is None or validities.complaint(entry, now_tai_s, None) is not None:
            return None
        values.append(entry.value)
        sigmas.append(aged_sigma(entry, validities.of(entry.name).lasts_s, now_tai_s))
    eta, dark, contrast = values
    return OneClickModel(eta, dark, contrast, contrast_sigma=sigmas[2], dark_sigma=sigmas[1])


def best_alpha(figure: HeraldedFigure, model: OneClickModel, wanted: float) -> HeraldedFigure:
    """Return the alpha that heralds most often among those that are worth ``wanted``.

    A run has to find that itself, so its doubt at full length, less where it heralds more, comes
    off as well as the scan's. Where no alpha is good enough, the one that is worth most.
    """
    period_s = figure.period_s
    fits: tuple[float, HeraldedFigure] | None = None
    most: tuple[float, HeraldedFigure] | None = None
    for alpha in ALPHAS:
        chance, fidelity = model.chance(alpha), model.fidelity(alpha)
        sigma = model.sigma(alpha)
        own = figure.run_sigma * math.sqrt(figure.chance / chance)
        worth = fidelity - max(SIGMAS * sigma, RUN_SIGMAS * own)
        one = replace(
            figure,
            fidelity=fidelity,
            sigma=sigma,
            chance=chance,
            rate_hz=chance / period_s,
            alpha=alpha,
            run_sigma=own,
        )
        if most is None or worth > most[0]:
            most = worth, one
        if worth >= wanted and (fits is None or chance > fits[0]):
            fits = chance, one
    assert most is not None
    return most[1] if fits is None else fits[1]


def aged_sigma(entry: ParameterEntry, lasts_s: float, now_tai_s: float) -> float:
    """Return an entry's sigma now: its square grows evenly, to twice it after ``lasts_s``.

    ASSUMED: what was measured wanders at random, by its sigma in the time for which it is valid.
    """
    return entry.sigma * math.sqrt(1.0 + abs(now_tai_s - entry.tai_s) / lasts_s)


def with_stations(
    network: Network,
    facility: Facility,
    record: ParameterRecord,
    validities: Validities,
    now_tai_s: float,
    wanted: float | None = None,
    number: int = 1,
) -> tuple[Network, Mapping[str, HeraldedFigure]]:
    """Return a network whose links with a station are one for each scheme, and their figures.

    By the names of the network's links. A scheme that was never measured, or too long ago, is down
    with the reason. ``wanted`` and ``number``: what a request is about, by which alpha is chosen;
    a link's rate is how often such a request is answered. Links that share a station by a switch
    go over that switch.
    """
    links, down = dict(network.links), dict(network.down)
    figures: dict[str, HeraldedFigure] = {}
    switches = switches_of(facility)
    for name, link in facility.links.items():
        if link.station is None:
            continue
        links.pop(name, None)
        down.pop(name, None)
        switch = next(iter(link.station.routes()), "")
        for scheme in SCHEMES:
            figure = known_figure(record, validities, name, scheme, now_tai_s, wanted)
            own = f"{name}.{scheme}"
            if isinstance(figure, str):
                down[own] = figure
                links[own] = Link(own, ends_of(*link.ends), 0.0, 1.0, Epochs.of({}), switch)
                continue
            figures[own] = figure
            entry = record.get(f"{own}_fidelity")
            assert entry is not None
            links[own] = Link(
                own,
                ends_of(*link.ends),
                figure.least,
                1.0 / answer_s(figure, wanted or 0.0, number),
                calibration_epochs(link.name, entry),
                switch,
            )
    both = {**network.switches, **switches}
    return replace(network, links=links, down=down, switches=both), figures


def switches_of(facility: Facility) -> dict[str, Switch]:
    """Return the optical switches in arms of links: how many stations stand behind each."""
    heard: dict[str, set[tuple[ConnectorRef, ...]]] = {}
    for station in (one.station for one in facility.links.values() if one.station is not None):
        for switch in station.routes():
            heard.setdefault(switch, set()).add(tuple(one.input for one in station.detectors))
    return {
        name: Switch(name, len(stations), model_of(facility.instruments[name]).settle_s)
        for name, stations in heard.items()
    }


def shots_for(figure: HeraldedFigure, wanted: float, number: int) -> int:
    """Return how many attempts in each setting a run plays for ``number`` pairs.

    As many as it takes for the run's own doubt about each pattern of clicks, three sigmas of it, to
    be half of what lies between the fidelity and ``wanted``; or for the pairs, if that takes more.
    At most what calibration played: more pairs come from another run.
    """
    full = FULL_SHOTS[figure.scheme]
    allowed = max(1e-6, (figure.fidelity - wanted) / 2.0 / SIGMAS)
    witness = full * (figure.run_sigma / allowed) ** 2
    asked = (number + 2.0 * math.sqrt(number)) / figure.chance
    return min(full, max(LEAST_SHOTS, math.ceil(witness), math.ceil(asked)))


def answer_s(figure: HeraldedFigure, wanted: float, number: int) -> float:
    """Return how long runs for ``number`` pairs are expected to take, s."""
    shots = shots_for(figure, wanted, number)
    return max(1, math.ceil(number / (shots * figure.chance))) * figure.run_s(shots)


def unlikely(figure: HeraldedFigure, shots: int, number: int, left_s: float) -> str | None:
    """Return why ``number`` heralds are not to be expected within ``left_s``, or None.

    Runs of ``shots`` attempts in each setting; heralds are counted by a binomial distribution.
    """
    run_s = figure.run_s(shots)
    runs = math.floor(left_s / run_s)
    whole = shots * SETTINGS_OF_A_RUN
    needed = max(shots, math.ceil(number / figure.chance))
    if runs < 1:
        return (
            f"a run that judges its own pairs takes {whole} attempts, {run_s:.3g} s of them, and "
            f"{max(0, math.floor(left_s / figure.period_s))} fit into the {max(left_s, 0):.3g} s "
            "that are left"
        )
    fit = runs * shots
    if _at_least(number, fit, figure.chance) < LIKELY:
        return (
            f"{number} heralds need some {needed} attempts of those that are handed out, at "
            f"{figure.chance:.3g} each, and {fit} fit into the {left_s:.3g} s that are left"
        )
    return None


def _at_least(number: int, attempts: int, chance: float) -> float:
    """Return the chance of ``number`` heralds or more in so many attempts."""
    from scipy.special import bdtrc  # heavy

    return float(bdtrc(number - 1, attempts, min(1.0, chance))) if attempts >= number else 0.0
