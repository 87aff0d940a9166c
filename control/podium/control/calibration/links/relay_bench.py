"""Gives routines over a hub their tools: it passes on half of what it has caught.

The first end shares an excitation with the hub. Where that has caught the photon it holds it in f;
a pi pulse on 0-1 brings it to e where it has not. Then f leaves over the second link, and e stays:
``|110> + |001>`` of the first end, the hub and the last end.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from podium.control.calibration.links.link_bench import EndPulses, LinkBench
from podium.control.calibration.links.photon_shapes import emission, played
from podium.control.calibration.reset import passive_reset
from podium.control.calibration.runner import Runner
from podium.control.facility.links import Relay
from podium.control.parameters.entry import ParameterRecord
from podium.control.parameters.validity import Validities
from podium.control.program.program import (
    Barrier,
    Delay,
    Play,
    Statement,
)
from podium.firmware_interfaces.exact_time import FS_PER_NS

if TYPE_CHECKING:
    import xarray

RESET_LIFETIMES = 4.0


@dataclass(frozen=True, slots=True, eq=False)
class RelayBench:
    """Both links on the bench."""

    relay: Relay
    first: LinkBench
    last: LinkBench

    @classmethod
    def of(
        cls,
        runner: Runner,
        relay: Relay,
        record: ParameterRecord,
        keep: "Callable[[xarray.Dataset], None]",
        validities: Validities,
        *,
        thoroughness: float = 1.0,
    ) -> "RelayBench":
        """Return the bench; raises NotMeasured as :meth:`.LinkBench.of`."""
        first, last = (
            LinkBench.of(runner, link, record, keep, validities, thoroughness=thoroughness)
            for link in (relay.first, relay.last)
        )
        return cls(relay, first, last)

    @property
    def link(self) -> Relay:
        """Of what outcomes are."""
        return self.relay

    async def begin(self) -> None:
        """Read the clock: ages of parameters count from now."""
        for one in (self.first, self.last):
            await one.begin()

    @property
    def ends(self) -> tuple[EndPulses, EndPulses, EndPulses]:
        """First end, hub as it catches, last end."""
        return self.first.first, self.first.second, self.last.second

    @property
    def names(self) -> tuple[str, ...]:
        """Names of all frames."""
        return tuple(dict.fromkeys((*self.first.names, *self.last.names)))

    def reset(self) -> list[Statement]:
        """Bring all three to 0: by waiting, then each sends what is left in 1 away, in turns."""
        body = passive_reset([end.node for end in self.ends], self.names, RESET_LIFETIMES)
        emptied: list[tuple[EndPulses, LinkBench]] = [
            (self.first.first, self.first),
            (self.last.first, self.last),
            (self.last.second, self.last),
        ]
        for end, bench in emptied:
            photon = bench.sech().photon()
            pulse = emission(end.drive(), photon.bandwidth_hz, end.kappa_hz(), photon.duration_ns)
            body += [Barrier(self.names), end.node.ef_pulse(end.node.ef_pi_amplitude())]
            body += [Barrier(self.names), Play(end.sideband, played(pulse)), Barrier(self.names)]
            body += [Delay(self.names, bench.empty_ns() * FS_PER_NS), Barrier(self.names)]
        return body

    def shared(self) -> list[Statement]:
        """Return the statements after which all three share the state."""
        first, hub, last = self.ends
        photon, passed_on = self.first.photon(), self.last.photon()
        half = first.node.ef_pulse(first.node.ef_pi_amplitude() / 2)
        flight_ns = self.last.flight_ns()
        return [
            *self.reset(),
            first.node.pi(),
            Barrier(first.names),
            half,
            Barrier(first.names),
            self.first.send(photon),
            Delay((hub.sideband,), self.first.catch_after_fs()),
            self.first.catch(photon),
            Barrier(self.names),
            hub.node.pi(),
            Barrier(self.names),
            Delay((last.sideband,), max(0, flight_ns) * FS_PER_NS),
            Delay((self.last.first.sideband,), max(0, -flight_ns) * FS_PER_NS),
            self.last.send(passed_on),
            self.last.catch(passed_on),
            Barrier(self.names),
            last.node.ef_pulse(last.node.ef_pi_amplitude()),
            Barrier(self.names),
        ]
