"""The page's part when a facility file has grown: it shows what is new."""

import asyncio
from collections.abc import Callable

from podium.control.bus.bus import Bus
from podium.control.bus.facility_growth import GrowTo, grown_key
from podium.control.bus.listener import Discarded, listen
from podium.control.bus.log import event_log
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown
from podium.control.web.picture import Picture

log = event_log("page")


async def growing(picture: Picture, bus: Bus, read: Callable[[], Facility]) -> None:
    """Take over what ``read`` returns each time that the coordinator has, until cancelled.

    ``read`` raises OSError or FacilityError; then the page goes on with what it has.
    """

    async def take_over(_: str, wanted: GrowTo) -> None:
        present = picture.facility
        try:
            picture.facility = await asyncio.to_thread(grown, present, wanted.facility_hash, read)
        except NotGrown as error:
            log.warning("facility not taken over", reason=str(error))
            return
        picture.changed.set()

    async with bus.subscribe(grown_key(picture.facility.name)) as told:
        await listen(told, GrowTo, take_over, Discarded(log))
