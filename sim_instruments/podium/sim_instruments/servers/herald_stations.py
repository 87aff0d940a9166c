"""Herald stations of a laboratory: clicks of meetings become edges at the inputs of time taggers.

A detector's cable ends at an input of a time tagger, which hears it as any other digital line. What
photons make it click is known once all instruments that drive the link's emitters have been
answered: until then the station promises that something comes.
"""

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from threading import Lock
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.digital_lines import DigitalLines, EdgeTrain, Promise
from podium.sim_instruments.wiring import Plan, PlanError, SwitchedArm

if TYPE_CHECKING:
    from podium.sim_instruments.physics.links.click_detector import SwitchedNoise
    from podium.sim_instruments.physics.links.link_point import Link
    from podium.sim_instruments.physics.links.link_world import LinkWorld
    from podium.sim_instruments.physics.meeting.herald_clicks import HeraldClicks
    from podium.sim_instruments.physics.meeting.meeting_run import MeetingRun

Light = Callable[[SwitchedArm | None, int], float]
"""Returns what part of an arm's light gets through at an instant of world time (fs)."""
REMEMBERED = 64
"""Meetings whose clicks may be replaced, as one of their runs was stopped."""


class HeraldStations:
    """All stations and their cables; :meth:`take` is thread-safe."""

    def __init__(
        self,
        links: "Sequence[Link]",
        lines: DigitalLines,
        driver_of: Callable[[], Mapping[str, str]],
        busy: Callable[[str, int], bool],
    ) -> None:
        """``driver_of``: who drives each line now; ``busy``: whether an instrument computes."""
        self._links = {link.name: link for link in links if link.station is not None}
        self._source: dict[str, str] = {}
        """By link: whose detectors hear it, the first of those that a switch leads there."""
        self._lines = lines
        self._driver_of = driver_of
        self._busy = busy
        self._detectors: dict[str, list[str]] = {}
        self._awaited: dict[str, Promise] = {}
        self._taken: dict[tuple[tuple[int, int], ...], dict[str, Promise]] = {}
        self._lock = Lock()

    def lay(
        self,
        plan: Plan,
        worlds: "Mapping[str, LinkWorld]",
        seed: int,
        light: "Light" = lambda way, at_fs: 1.0,
    ) -> dict[str, tuple[str, str]]:
        """Lay the cables from detectors to time taggers.

        ``light``: what part gets through a switch at an instant. Return where each ends, by what
        faults call it (``link_ab.d0``); raises :class:`.wiring.PlanError`.
        """
        first: dict[tuple[tuple[str, str], ...], str] = {}
        for name in self._links:
            heard = tuple(sink for (link, _), sink in plan.detectors.items() if link == name)
            self._source[name] = first.setdefault(heard, name) if heard else name
        laid: dict[str, tuple[str, str]] = {}
        for name, link in self._links.items():
            from podium.sim_instruments.physics.links.click_detector import ClickDetector

            station, world = link.station, worlds[name].station
            assert station is not None
            assert world is not None
            self._detectors[name] = list(world.detectors)
            for number, (detector, known) in enumerate(world.detectors.items()):
                sink = plan.detectors.get((name, detector))
                if sink is None and plan.timing.elsewhere:
                    continue  # another process simulates this link
                if sink is None:
                    raise PlanError(
                        f"the world's station of {name} has a detector {detector}, which the file "
                        "connects to nothing; `podium twin sample` draws one that fits"
                    )
                laid[f"{name}.{detector}"] = sink
                if self._source[name] != name:
                    continue
                noise = self._switched_noise(name, number, plan, light)
                clicks = ClickDetector(name, detector, number, station, seed, noise)
                delay_fs = round(known.delay.value * FS_PER_S)
                try:
                    self._lines.connect(sink, (name, detector), delay_fs, None, clicks)
                except ValueError as error:
                    raise PlanError(str(error)) from error
            if self._source[name] == name:
                self._lines.watch(name, partial(self.settle, name))
        return laid

    def _switched_noise(
        self, name: str, number: int, plan: Plan, light: "Light"
    ) -> "list[SwitchedNoise] | None":
        """Return what comes to a detector of what transducers add behind a switch, one an arm."""
        from podium.sim_instruments.physics.links.click_detector import SwitchedNoise

        if name not in plan.switched:
            return None
        found: dict[tuple[str, SwitchedArm | None], SwitchedNoise] = {}
        for other in (one for one in self._links if self._source[one] == name):
            link = self._links[other]
            assert link.station is not None
            seen = link.station.detectors[number].efficiency / 2
            ways = plan.switched[other]
            for end, arm, way in zip(link.ends, link.station.arms, ways, strict=True):
                node = end.qubit.partition(".")[0]
                noise = SwitchedNoise(node, seen * arm.noise_hz, partial(light, way))
                found.setdefault((node, way), noise)  # of its ways one has light at a time
        return list(found.values())

    def settle(self, name: str, now_fs: int) -> None:
        """Promise clicks of a station while anybody who may cause them is not answered yet."""
        drivers = self._driver_of()
        heard = [link for other, link in self._links.items() if self._source[other] == name]
        lines = [end.sideband for link in heard for end in link.ends]
        busy = any(self._busy(one, now_fs) for one in {drivers[x] for x in lines if x in drivers})
        if busy and name not in self._awaited:
            self._awaited[name] = self._lines.promise(name, 0)
        if not busy and name in self._awaited:
            self._lines.keep(self._awaited.pop(name))

    def take(self, runs: "Sequence[MeetingRun]", clicks: "Sequence[HeraldClicks]") -> None:
        """Send the clicks of a meeting, in place of those that the same runs had before."""
        which = tuple(sorted((run.signals.run, run.signals.start_tai_fs) for run in runs))
        with self._lock:
            sent = self._taken.setdefault(which, {})
            for name in {one.link for one in clicks} | sent.keys():
                promise = sent.setdefault(name, Promise(self._source[name], None))
                mine = [one for one in clicks if one.link == name]
                self._lines.keep(promise, self._trains(name, mine))
            while len(self._taken) > REMEMBERED:
                del self._taken[next(iter(self._taken))]

    def _trains(self, name: str, clicks: "Sequence[HeraldClicks]") -> list[EdgeTrain]:
        """Return each detector's photons as rising edges."""
        trains = []
        for number, detector in enumerate(self._detectors[name]):
            at_fs = sorted(
                one.origin_fs + at
                for one in clicks
                for at in one.at_fs[one.detector == number].tolist()
            )
            trains.append(EdgeTrain(detector, tuple(at_fs), (True,) * len(at_fs)))
        return trains
