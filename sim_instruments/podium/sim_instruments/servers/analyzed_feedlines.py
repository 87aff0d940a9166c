"""The feedlines of the world between the ports of a network analyzer."""

from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from podium.sim_instruments.twins.network_ports import (
    PortResponse,
    PortTone,
    open_response,
)

if TYPE_CHECKING:
    from concurrent.futures import Future

    from podium.sim_instruments.physics.operating_point import FeedlinePoint
    from podium.sim_instruments.servers.cabling import Cabling
    from podium.sim_instruments.servers.laboratory import Laboratory

MATCH = 0.1
"""Reflection at a port with a cable. ASSUMED: -20 dB, of attenuators and amplifiers, no ripple."""
ISOLATION = 0.0
"""What passes a chain of amplifiers backwards. ASSUMED: nothing."""


@dataclass(frozen=True, slots=True)
class AnalyzedFeedlines:
    """Answers for the cables at the ports of one network analyzer.

    ASSUMED: couplers of no loss at both ends of a feedline, so that the controller there and the
    analyzer reach it over the same cables; neither notices what the other plays.
    """

    laboratory: "Laboratory"
    instrument: str

    def respond(self, tone: PortTone, receivers: tuple[str, ...]) -> "Future[list[PortResponse]]":
        """Find what comes back, with cables and biases as they are when this is called."""
        return self.laboratory.workers.compute(
            partial(self._responses, self.laboratory.cabling(), tone, receivers)
        )

    def _responses(
        self, cabling: "Cabling", tone: PortTone, receivers: tuple[str, ...]
    ) -> list[PortResponse]:
        return [self._response(cabling, tone, receiver) for receiver in receivers]

    def _response(self, cabling: "Cabling", tone: PortTone, receiver: str) -> PortResponse:
        import numpy as np

        lines = self.laboratory.plan.analyzed[self.instrument]
        plugged = {
            port
            for (driving, receiving), wired in lines.items()
            for port in (driving, receiving)
            if not (port == driving and wired.line in cabling.unplugged)
        }
        noise = 0.0
        for (driving, receiving), wired in lines.items():
            if receiving != receiver:
                continue
            point = self._point(cabling, wired.line, tone)
            noise = point.noise_w_per_hz
            if driving == tone.port and driving in plugged:
                from podium.sim_instruments.physics.feedline_transmission import transmission

                arriving_w = tone.power_w * wired.factor**2
                ratio = wired.factor * transmission(point, tone.frequency_hz, arriving_w)
                return PortResponse(ratio, noise)
        if tone.port == receiver and receiver not in plugged:
            return open_response(tone, receiver)
        back = MATCH if tone.port == receiver else ISOLATION
        return PortResponse(np.full(tone.frequency_hz.size, complex(back)), noise)

    def _point(self, cabling: "Cabling", line: str, tone: PortTone) -> "FeedlinePoint":
        """Return the mean operating point of a feedline over a sweep."""
        return self.laboratory.world.point_of(
            line, cabling.biases_v, cabling.baths, 1e-15 * tone.start_fs, 1e-15 * tone.duration_fs
        )
