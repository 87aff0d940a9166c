"""The page's part when a facility file has grown: it shows what is new."""

import asyncio
from collections.abc import Callable

from podium.control.bus.bus import Bus
from podium.control.bus.growth import GrowTo, grown_key
from podium.control.bus.log import event_log
from podium.control.bus.wire import BadMessage, decode
from podium.control.facility.facility import Facility
from podium.control.facility.growth import NotGrown, grown
from podium.control.web.picture import Picture

log = event_log("page")


async def growing(picture: Picture, bus: Bus, read: Callable[[], Facility]) -> None:
    """Take over what ``read`` returns each time that the coordinator has, until cancelled.

    ``read`` raises OSError or FacilityError; then the page goes on with what it has.
    """
    async with bus.subscribe(grown_key(picture.facility.name)) as told:
        async for _, payload in told:
            try:
                wanted = decode(payload, GrowTo).facility_hash
                picture.facility = await asyncio.to_thread(grown, picture.facility, wanted, read)
            except (BadMessage, NotGrown) as error:
                log.warning("facility not taken over", reason=str(error))
                continue
            picture.changed.set()
