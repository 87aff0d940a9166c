"""Calibrates a link of a lab: fridges and biases first, then its routines, with data and store."""

import asyncio
from collections.abc import Callable, Sequence

from podium.control.calibration.catalogue import VALIDITY
from podium.control.calibration.facility_copy import keep_facility
from podium.control.calibration.links.ghz_state import ghz_state, swapped_pair
from podium.control.calibration.links.link_bench import LinkBench
from podium.control.calibration.links.link_routines import LINK_VALIDITY, calibrate_link, carry_out
from podium.control.calibration.links.relay_bench import RelayBench
from podium.control.calibration.outcome import Outcome
from podium.control.calibration.readiness import check_fridges, ramp_biases
from podium.control.calibration.recorded_outcome import outcome_recorder
from podium.control.calibration.routine_result import Calibrated
from podium.control.client.lab import Lab
from podium.control.facility.atomic_files import check_writable
from podium.control.facility.facility import Facility, Link
from podium.control.facility.links import Relay, relays_of
from podium.control.facility.problems import suggest
from podium.control.parameters.store import ParameterStore
from podium.control.parameters.validity import Validities
from podium.control.records.calibration_folder import CalibrationFolder

OVER_HUB = {one.__name__: one for one in (ghz_state, swapped_pair)}
"""Routines of two links with a hub between, by name."""


class UnknownLink(LookupError):
    """No link of the facility, or more than one, is what was asked for."""

    def __str__(self) -> str:
        return str(self.args[0])


class NoHub(LookupError):
    """A node is not in the middle of two links, one to it and one from it."""

    def __str__(self) -> str:
        return str(self.args[0])


def chosen_link(facility: Facility, words: Sequence[str]) -> Link:
    """Return the link of that name, or between these two ends; without words the only one.

    Its photons go from its first end to its second, whatever the order of ``words``. Raises
    UnknownLink.
    """
    links = facility.links
    if not links:
        raise UnknownLink(f"{facility.name} has no links (links > NAME)")
    if len(words) == 1 and words[0] in links:
        return links[words[0]]
    fits = [one for one in links.values() if set(words) <= set(one.ends) or not words]
    if len(fits) == 1:
        return fits[0]
    names = ", ".join(f"{one.name} ({' to '.join(one.ends)})" for one in links.values())
    asked = " and ".join(words) or "no ends"
    if len(words) == 1:
        names = f"{suggest(words[0], [*links, *facility.nodes])}; {names}"
    which = "more than one link fits" if fits else "no link fits"
    raise UnknownLink(f"{which} {asked}; {facility.name} has {names}")


def relay_of(facility: Facility, hub: str | None) -> Relay:
    """Return the links over a hub, photons going on; None: the only one. Raises NoHub."""
    links = [one for one in facility.links.values() if len(one.transfer) == len(one.ends)]
    found = [one for one in relays_of(links) if hub in (None, one.last.ends[0])]
    if len(found) == 1:
        return found[0]
    names = ", ".join(f"{one.name} ({' to '.join(one.ends)})" for one in links) or "none"
    which = "no node is" if hub is None else f"{hub} is not"
    if found:
        which = "more than one node is, or more than one way goes by it:" if hub is None else which
    raise NoHub(
        f"{which} in the middle of one link that ends at a qubit and one that begins there; links "
        f"with ends: {names}"
    )


def link_validities(facility: Facility) -> Validities:
    """Return how long parameters of qubits and links are good for."""
    return Validities.laid_over({**VALIDITY, **LINK_VALIDITY}, facility.validity, {})


async def calibrate(
    lab: Lab,
    link: Link | Relay,
    steps: Sequence[str],
    place: CalibrationFolder,
    *,
    thoroughness: float = 1.0,
    alpha: float | None = None,
    progress: Callable[[str, str], None] = lambda routine, doing: None,
    ended: Callable[[Outcome], None] = lambda outcome: None,
) -> Calibrated:
    """Carry out ``steps`` on a link as a procedure that others see, until one fails.

    Two links with a hub between have steps of their own, :data:`OVER_HUB`. ``alpha``: each end's
    chance to emit for one click, in place of the usual one. Raises ``RunError``,
    ``NotCold``, ``NotMeasured``, ``StoreError`` and OSError; what was found before is kept.
    """
    facility = lab.facility
    validities = link_validities(facility)
    qubits = tuple(facility.qubits()[end.qubit] for end in link.transfer)
    await asyncio.to_thread(check_writable, place.folder)
    if place.facility_file is not None:
        file, digest = place.facility_file, facility.digest
        await asyncio.to_thread(keep_facility, file, digest, place.datasets)
    title = f"calibration of {link.name}"
    async with lab.procedure(title, link.ends, len(steps)) as (procedure, runner):
        keep_outcome = outcome_recorder(runner)

        async def told(outcome: Outcome) -> None:
            await keep_outcome(outcome)
            ended(outcome)

        with ParameterStore(place.store) as store:
            await check_fridges(runner, qubits)
            _, notes = await ramp_biases(runner, qubits, store, validities)
            keep = place.keep
            if isinstance(link, Relay):
                hub = RelayBench.of(
                    runner, link, store, keep, validities, thoroughness=thoroughness
                )
                over_hub = {name: OVER_HUB[name] for name in steps}
                outcomes = await carry_out(hub, over_hub, procedure.begin_step, told)
            else:
                bench = LinkBench.of(
                    *(runner, link, store, keep, validities),
                    progress=progress,
                    thoroughness=thoroughness,
                    alpha=alpha,
                )
                outcomes = await calibrate_link(bench, steps, procedure.begin_step, told)
    if outcomes:
        outcomes[0].notes[:0] = notes
    return Calibrated(outcomes)
