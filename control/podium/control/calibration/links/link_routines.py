"""Lists the routines of links, in the order of a calibration, and carries them out."""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol, TypeVar

from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.links.absorption import absorption
from podium.control.calibration.links.alpha_scan import alpha_scan
from podium.control.calibration.links.carrier_tracking import carrier_tracking
from podium.control.calibration.links.emission import emission
from podium.control.calibration.links.entangled_pair import carrier_phase, link_bell
from podium.control.calibration.links.f_coherence import f_coherence
from podium.control.calibration.links.f_lifetime import f_lifetime
from podium.control.calibration.links.ghz_state import GHZ_STATE, SWAPPED_PAIR
from podium.control.calibration.links.grover_program import ENTRIES
from podium.control.calibration.links.grover_search import (
    grover_search,
    halves_readout,
    search_forecast,
    search_pairs,
)
from podium.control.calibration.links.heralded_pair import herald_one_click, herald_two_clicks
from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.link_benchmark import link_benchmark
from podium.control.calibration.links.link_chsh import link_chsh
from podium.control.calibration.links.photon_coincidences import arm_lag, emitter_detuning
from podium.control.calibration.links.photon_shape import photon_shape
from podium.control.calibration.links.photon_transfer import photon_detuning, photon_transfer
from podium.control.calibration.links.remote_preparation import remote_preparation
from podium.control.calibration.links.result_latency import result_latency
from podium.control.calibration.links.shaped_photon import ATOMS, DURATION, HEIGHTS
from podium.control.calibration.links.sideband_chirp import sideband_chirp
from podium.control.calibration.links.sideband_rate import CORRELATION, sideband_rate
from podium.control.calibration.links.sideband_spectroscopy import sideband_spectroscopy
from podium.control.calibration.links.teleported_cnot import fed_forward_cnot, teleported_cnot
from podium.control.calibration.links.thermal_photons import thermal_photons
from podium.control.calibration.links.transfer_efficiency import transfer_efficiency
from podium.control.calibration.links.transfer_process import link_process
from podium.control.calibration.outcome import Outcome
from podium.control.facility.links import Link, Relay
from podium.control.parameters.entry import NotMeasured
from podium.control.parameters.validity import DAY_S, HOUR_S, Lifetime, Validity

LinkFunction = Callable[[LinkBench], Awaitable[Outcome]]


@dataclass(frozen=True, slots=True)
class LinkRoutine:
    """One routine of links, what it gives, and for how long that is good."""

    function: LinkFunction
    gives: Mapping[str, Lifetime] = field(default_factory=dict)
    essential: bool = True
    """What comes behind it waits for it; else the design's values do."""

    @property
    def name(self) -> str:
        """The name under which it is called and stored."""
        return self.function.__name__


LINK_ROUTINES: tuple[LinkRoutine, ...] = (
    LinkRoutine(f_lifetime, {"t1_ef": Lifetime(1 * DAY_S)}, essential=False),
    LinkRoutine(f_coherence, {"f_coherence": Lifetime(1 * DAY_S)}),
    LinkRoutine(
        sideband_spectroscopy,
        {"sideband_frequency": Lifetime(12 * HOUR_S), "stark_shift": Lifetime(7 * DAY_S)},
    ),
    LinkRoutine(
        sideband_rate,
        {
            "sideband_rate": Lifetime(7 * DAY_S),
            CORRELATION: Lifetime(7 * DAY_S),
            "echo_i": Lifetime(7 * DAY_S),
            "echo_q": Lifetime(7 * DAY_S),
        },
    ),
    LinkRoutine(
        emission, {"photon_bandwidth": Lifetime(1 * DAY_S), "emitted": Lifetime(1 * DAY_S)}
    ),
    LinkRoutine(thermal_photons, {"mode_photons": Lifetime(7 * DAY_S)}, essential=False),
    LinkRoutine(
        arm_lag,
        {
            "arm_lag": Lifetime(1 * DAY_S, of_epoch=True),
            "photon_visibility": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(emitter_detuning, {"emitter_detuning": Lifetime(12 * HOUR_S)}),
    LinkRoutine(
        photon_transfer,
        {
            "delay": Lifetime(1 * DAY_S, of_epoch=True),
            "best_lag": Lifetime(1 * DAY_S, of_epoch=True),
            "transmission": Lifetime(7 * DAY_S),
        },
    ),
    LinkRoutine(photon_detuning, {"detuning": Lifetime(12 * HOUR_S)}),
    LinkRoutine(absorption, {"absorption": Lifetime(1 * DAY_S)}),
    LinkRoutine(transfer_efficiency, {"transfer": Lifetime(1 * DAY_S)}),
    LinkRoutine(carrier_phase, {"carrier_phase": Lifetime(1 * HOUR_S, of_epoch=True)}),
    LinkRoutine(
        carrier_tracking,
        {
            "carrier_residual": Lifetime(1 * DAY_S),
            "carrier_drift": Lifetime(1 * HOUR_S, of_epoch=True),
        },
    ),
    LinkRoutine(
        link_bell,
        {
            "bell_fidelity": Lifetime(1 * DAY_S),
            "bell_concurrence": Lifetime(1 * DAY_S),
            "chsh_s": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(
        link_process,
        {
            "process_fidelity": Lifetime(1 * DAY_S),
            "average_state_fidelity": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(sideband_chirp),
    LinkRoutine(
        photon_shape,
        {name: Lifetime(7 * DAY_S) for name in (DURATION, ATOMS, *HEIGHTS, "photon_gain")},
    ),
    LinkRoutine(link_chsh, {"chsh_counted": Lifetime(1 * DAY_S)}),
    LinkRoutine(
        link_benchmark,
        {
            "round_trip_fidelity": Lifetime(1 * DAY_S),
            "benchmarked_fidelity": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(
        result_latency,
        {
            "result_latency": Lifetime(7 * DAY_S),
            "result_latency_back": Lifetime(7 * DAY_S),
        },
    ),
    LinkRoutine(remote_preparation, {"prepared_fidelity": Lifetime(1 * DAY_S)}),
    LinkRoutine(
        teleported_cnot,
        {"cnot_fidelity": Lifetime(1 * DAY_S), "cnot_expected": Lifetime(1 * DAY_S)},
    ),
    LinkRoutine(fed_forward_cnot, {"cnot_fed_forward": Lifetime(1 * DAY_S)}),
    LinkRoutine(
        halves_readout,
        {
            "data_turn_first": Lifetime(1 * DAY_S),
            "data_turn_second": Lifetime(1 * DAY_S),
            "data_kept_first": Lifetime(1 * DAY_S),
            "data_kept_second": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(
        search_forecast,
        {"search_expected": Lifetime(1 * DAY_S), "search_expected_seen": Lifetime(1 * DAY_S)},
    ),
    LinkRoutine(
        search_pairs,
        {
            "search_phase_first": Lifetime(1 * HOUR_S, of_epoch=True),
            "search_phase_second": Lifetime(1 * HOUR_S, of_epoch=True),
        },
    ),
    LinkRoutine(
        grover_search,
        {
            "search_success": Lifetime(1 * DAY_S),
            "search_success_seen": Lifetime(1 * DAY_S),
            **{f"search_success_{entry}": Lifetime(1 * DAY_S) for entry in ENTRIES},
        },
    ),
    LinkRoutine(
        herald_one_click,
        {
            "one_click_alpha": Lifetime(1 * DAY_S),
            "one_click_fidelity": Lifetime(1 * DAY_S),
            "one_click_chance": Lifetime(1 * DAY_S),
            "one_click_rate": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(
        herald_two_clicks,
        {
            "two_clicks_fidelity": Lifetime(1 * DAY_S),
            "two_clicks_chance": Lifetime(1 * DAY_S),
            "two_clicks_rate": Lifetime(1 * DAY_S),
        },
    ),
    LinkRoutine(
        alpha_scan,
        {
            "alpha_efficiency": Lifetime(1 * DAY_S),
            "alpha_dark": Lifetime(1 * DAY_S),
            "alpha_contrast": Lifetime(1 * DAY_S),
        },
    ),
)
TRACK = (carrier_tracking.__name__,)
"""The carrier's phase from start to start."""
THERMAL = (thermal_photons.__name__,)
"""Photons that no end has sent."""
BELL = (link_bell.__name__,)
"""A pair; its phase is that of its own run."""
PROCESS = (link_process.__name__,)
"""What becomes of a qubit that is sent; its phase, too, is that of its own run."""
SHAPE = (sideband_chirp.__name__, photon_shape.__name__)
"""A photon that is shaped for the link, once strong drives are where their lines are."""
CHSH = (link_chsh.__name__,)
"""S by counts, nothing corrected."""
BENCHMARK = (link_benchmark.__name__,)
"""What a round trip keeps of a qubit, without the errors of preparation and readout."""
LATENCY = (result_latency.__name__,)
"""How long a result of one end takes to decide at the other."""
PREPARE = (remote_preparation.__name__,)
"""What is left of a pair's phase once one end's result has turned the other."""
CNOT = (teleported_cnot.__name__,)
"""A CNOT of two data qubits, the pair's results put to use when all is over."""
FED_CNOT = (fed_forward_cnot.__name__,)
"""The same with results that travel."""
BESIDE = (halves_readout.__name__,)
"""What readouts of a pair's halves do to the data qubits beside them."""
GROVER = (search_forecast.__name__, search_pairs.__name__, grover_search.__name__)
"""A search over two nodes: foretold, then played."""
ONE_CLICK = (herald_one_click.__name__,)
"""Pairs that one click at a herald station announces."""
TWO_CLICKS = (herald_two_clicks.__name__,)
"""Pairs that two clicks announce."""
ALPHAS = (alpha_scan.__name__,)
"""Rate against fidelity of one click."""
ACTIONS = {
    "thermal": THERMAL,
    "track": TRACK,
    "bell": BELL,
    "shape": SHAPE,
    "chsh": CHSH,
    "process": PROCESS,
    "benchmark": BENCHMARK,
    "latency": LATENCY,
    "prepare": PREPARE,
    "cnot": CNOT,
    "cnot-fed": FED_CNOT,
    "beside": BESIDE,
    "grover": GROVER,
    "one-click": ONE_CLICK,
    "two-clicks": TWO_CLICKS,
    "alphas": ALPHAS,
}
"""By the word of ``podium link``: routines of a link that is calibrated."""
OVER_HUB_ACTIONS = {"ghz": (GHZ_STATE.routine,), "swap": (SWAPPED_PAIR.routine,)}
"""The same of two calibrated links with a hub between."""
MEETING = (arm_lag.__name__, emitter_detuning.__name__)
"""What makes photons alike that meet at a herald station."""
CALIBRATION = tuple(
    one.name
    for one in LINK_ROUTINES
    if one.name in THERMAL or one.name not in (*sum(ACTIONS.values(), start=()), *MEETING)
)
"""All that a pair needs."""
OVER_STATION = frozenset((*ONE_CLICK, *TWO_CLICKS, *ALPHAS))
"""Routines of a link whose photons meet at a herald station."""
HERALDED_CALIBRATION = (
    sideband_spectroscopy.__name__,
    sideband_rate.__name__,
    emission.__name__,
    *MEETING,
)
"""The same of a link with a herald station, whose ends only emit."""
LINK_VALIDITY: Mapping[str, Validity] = {
    quantity: Validity(lifetime.lasts_s, one.name, lifetime.of_epoch)
    for one in LINK_ROUTINES
    for quantity, lifetime in one.gives.items()
} | {
    one.quantity: Validity(1 * DAY_S, one.routine, of_epoch=False)
    for one in (GHZ_STATE, SWAPPED_PAIR)
}
"""By quantity: how long it is good for, and the routine that gives it."""


class StepBench(Protocol):
    """The bench of a link, or of two with a hub between."""

    @property
    def link(self) -> Link | Relay:
        """Of what outcomes are."""
        ...

    @property
    def ends(self) -> Sequence[EndPulses]:
        """All ends."""
        ...

    async def begin(self) -> None:
        """Read the clock: ages of parameters count from now."""
        ...


B = TypeVar("B", bound=StepBench)
Began = Callable[[int, str], Awaitable[None]]
Ended = Callable[[Outcome], Awaitable[None]]


async def calibrate_link(
    bench: LinkBench, steps: Sequence[str], began: Began, ended: Ended
) -> tuple[Outcome, ...]:
    """Carry out routines on a link until an essential one fails; callbacks hear of each.

    A routine that lacks what it needs, or whose pulses cannot be played, fails as one whose data
    do not carry the answer. Raises ``RunError``, and ``NotMeasured`` for a routine that sends
    photons from end to end where they meet at a herald station.
    """
    if bench.link.station is not None:
        for name in steps:
            if name not in OVER_STATION | set(HERALDED_CALIBRATION):
                raise NotMeasured(
                    f"{name} sends photons from end to end, and those of {bench.link.name} meet at "
                    f"its herald station: `podium link one-click {bench.link.name}` shares pairs",
                    f"{bench.link.name}.station",
                )
    routines = {one.name: one for one in LINK_ROUTINES}
    functions = {name: routines[name].function for name in steps}
    optional = frozenset(name for name in steps if not routines[name].essential)
    return await carry_out(bench, functions, began, ended, optional)


async def carry_out(
    bench: B,
    steps: Mapping[str, Callable[[B], Awaitable[Outcome]]],
    began: Began,
    ended: Ended,
    optional: frozenset[str] = frozenset(),
) -> tuple[Outcome, ...]:
    """Carry out functions by name, as :func:`calibrate_link` does; ``optional`` ones may fail."""
    done: list[Outcome] = []
    for number, (name, function) in enumerate(steps.items(), 1):
        await began(number, name)
        await bench.begin()
        try:
            outcome = await function(bench)
        except (FitFailed, NotMeasured) as error:
            outcome = Outcome(name, name.replace("_", " "))
            outcome.failures[bench.link.name] = str(error)
        outcome.assumed = [told for end in bench.ends for told in end.bench.told_assumed()]
        done.append(outcome)
        await ended(outcome)
        if outcome.failures and name not in optional:
            break
    return tuple(done)
