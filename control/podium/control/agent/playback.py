"""Plays a run on an agent's instruments: prepare, arm, fire, and always make safe."""

from collections.abc import Awaitable, Callable, Collection, Mapping
from functools import cache
from typing import Any

from podium.control.agent.deferred_safing import DeferredSafing
from podium.control.agent.instruments import AnyWorker, Instruments
from podium.control.agent.mixers import Mixers
from podium.control.agent.optical_switches import OpticalSwitches
from podium.control.bus.gather import gather
from podium.control.facility.facility import Facility
from podium.control.timebase.epochs import Epochs
from podium.drivers.errors import Refused
from podium.drivers.roles import Acquired, PlaysAtOnce, Tone
from podium.firmware_interfaces.compiled_program import Artifact, ExternalTone, routes_of
from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.run_allowance import beyond_driver_s
from podium.firmware_interfaces.tai import Tai

LOAD_S = 60.0
ARM_S = 15.0
CLOCK_S = 10.0
COLLECT_S = 120.0
TONE_S = 15.0
"""Deadlines of single calls of a driver."""
TOLD_APART_S = 0.1
"""More time for each shot whose results are told apart by the controller. An instrument is done
when it should be; a simulated one answers shot after shot: sixty in a second of an idle machine
where three qubits are reset, a quarter of that where four work on it. An instrument that hangs in
such a run is noticed that much later, so there is no more than :data:`TOLD_APART_AT_MOST_S`."""
TOLD_APART_AT_MOST_S = 3600.0


class Playback:
    """Plays artifacts on instruments; knows no bus and no run's state."""

    def __init__(
        self,
        facility: Facility,
        instruments: Instruments,
        allowed: Callable[[Collection[str]], Awaitable[None]],
    ) -> None:
        """``allowed`` raises ``Refused`` where these instruments must not play now."""
        self.allowed = allowed
        self._domains = {clock.source: name for name, clock in facility.clocks.items()}
        self._instruments = instruments
        self._tones: dict[str, tuple[int, ExternalTone, Tone]] = {}
        """Connection, what was asked, and what was read back of it."""
        self._beyond_driver_s = beyond_driver_s()
        self._time: Callable[[], Awaitable[Tai]] | None = None
        self._looks: Callable[[Collection[str]], Awaitable[Epochs]] | None = None
        self.mixers = Mixers(instruments)
        self._switches = OpticalSwitches(instruments, self.now)
        self.safing = DeferredSafing(
            instruments.workers[name]
            for role in ("PulseSequencer", "MicrowaveSource")
            for name in instruments.playing(role)
        )

    async def prepare(self, artifacts: Mapping[str, Artifact]) -> None:
        """Load clusters, set external tones and switches, all at once; nothing plays yet."""
        tones = await self._settled(artifacts)
        await gather(
            *(self._switches.lead(routes_of(part)) for part in artifacts.values()),
            *(self._load(name, artifact) for name, artifact in artifacts.items()),
            *(self._tune(name, tone) for name, tone in tones.items()),
        )

    async def _settled(self, artifacts: Mapping[str, Artifact]) -> Mapping[str, ExternalTone]:
        """Return external tones, once nothing is owed to the instruments that take part."""
        tones = {name: tone for part in artifacts.values() for name, tone in part.tones.items()}
        for name in artifacts:
            self._cluster(name)
        for name in tones:
            self._instruments.worker(name, "MicrowaveSource")
        for name in (*artifacts, *tones):
            await self.safing.settled(name)
        for name in artifacts:
            await self.mixers.hold(name)
        return tones

    async def play(
        self,
        name: str,
        artifact: Artifact,
        go_on: Callable[[], None],
        encoded: Callable[[Tai, Mapping[str, Acquired]], bytes],
    ) -> tuple[Tai, bytes]:
        """Load, arm, start and collect; return the clock's reading just before the start, and data.

        All of it is one call of the driver, where the controller tells the time as well. In its
        thread ``go_on`` is called between steps, which raises where the run was given up, and
        ``encoded``, with both, for the data.
        """
        tones = await self._settled({name: artifact})
        if tones or routes_of(artifact):
            await gather(
                self._switches.lead(routes_of(artifact)),
                *(self._tune(source, tone) for source, tone in tones.items()),
            )
        duration_s = self._lasts_s(artifact)
        after_s = self._given_s(duration_s)

        def load(cluster: Any) -> None:
            cluster.load(artifact)
            go_on()
            cluster.arm()

        def finish(cluster: Any, started: Tai) -> bytes:
            go_on()
            cluster.start()
            cluster.wait(duration_s)
            return encoded(started, cluster.collect())

        def play(cluster: Any) -> tuple[Tai, bytes]:
            kind: Any = type(cluster)
            if _plays_at_once(kind):
                at_once: PlaysAtOnce[Artifact] = cluster
                started, data = at_once.play_at_once(artifact, duration_s, go_on)
                return started, encoded(started, data)
            load(cluster)
            started = cluster.now()
            return started, finish(cluster, started)

        box, what = self._cluster(name), f"play {artifact.name!r}"
        if self._time is None and self._instruments.playing("Clock")[:1] == (name,):
            return await box.call(what, play, LOAD_S + ARM_S + CLOCK_S + after_s)
        await box.call(f"load {artifact.name!r}", load, LOAD_S + ARM_S)
        started = await self.now()
        return started, await box.call(
            what, lambda cluster: finish(cluster, started), ARM_S + after_s
        )

    async def arm(self, artifacts: Mapping[str, Artifact]) -> None:
        """Arm all clusters that take part."""
        await gather(
            *(
                self._cluster(name).call("arm", lambda cluster: cluster.arm(), ARM_S)
                for name in artifacts
            )
        )

    async def fire(self, artifacts: Mapping[str, Artifact]) -> Tai:
        """Start; return the clock's reading just before."""
        started = await self.now()
        await gather(
            *(
                self._cluster(name).call("start", lambda cluster: cluster.start(), ARM_S)
                for name in artifacts
            )
        )
        return started

    async def finish(
        self, artifacts: Mapping[str, Artifact], first: Callable[[], None] = lambda: None
    ) -> dict[str, Acquired]:
        """Return the data of all captures once everything has stopped.

        ``first`` is called in the thread of each driver before it is asked anything.
        """
        parts = await gather(
            *(self._finish_one(name, part, first) for name, part in artifacts.items())
        )
        return {capture: data for part in parts for capture, data in part.items()}

    def tell_by(
        self,
        now: Callable[[], Awaitable[Tai]],
        epochs: Callable[[Collection[str]], Awaitable[Epochs]],
    ) -> None:
        """Ask these from now on for the time, and for the epochs of clusters' clocks."""
        self._time = now
        self._looks = epochs

    async def now(self) -> Tai:
        """Return TAI as the owned clock tells it; raises ``Refused`` if none is owned."""
        if self._time is not None:
            return await self._time()
        clocks = self._instruments.playing("Clock")
        if not clocks:
            raise Refused(f"no clock among {', '.join(self._instruments.names)}")
        time: Tai = await self._instruments.workers[clocks[0]].call(
            "time", lambda clock: clock.now(), CLOCK_S
        )
        return time

    async def epochs(self, artifacts: Mapping[str, Artifact]) -> Epochs:
        """Return the epoch of the clock domain of each cluster that takes part.

        ASSUMED, where nobody looks at what a cluster shows of its clock: whenever it was connected
        anew that may have been reset. Raises ``InstrumentError``.
        """
        if self._looks is not None:
            return await self._looks(tuple(artifacts))
        workers = self._instruments.workers
        return Epochs.of(
            {self._domains.get(name, name): workers[name].connections for name in artifacts}
        )

    async def make_safe(self, artifacts: Mapping[str, Artifact]) -> list[str]:
        """Silence all that takes part; return what could not be made safe, with the reason."""
        names = set(artifacts) | {name for part in artifacts.values() for name in part.tones}
        self._tones = {name: held for name, held in self._tones.items() if name not in names}
        problems = await gather(*(self.safing.make_safe(name) for name in sorted(names)))
        return [problem for problem in problems if problem]

    async def _load(self, name: str, artifact: Artifact) -> None:
        await self._cluster(name).call(
            f"load {artifact.name!r}", lambda cluster: cluster.load(artifact), LOAD_S
        )

    async def _finish_one(
        self, name: str, artifact: Artifact, first: Callable[[], None]
    ) -> dict[str, Acquired]:
        duration_s = self._lasts_s(artifact)

        def wait_and_collect(cluster: Any) -> dict[str, Acquired]:
            first()
            cluster.wait(duration_s)
            data: dict[str, Acquired] = cluster.collect()
            return data

        return await self._cluster(name).call(
            f"wait for {artifact.name!r} and collect", wait_and_collect, self.collect_s(artifact)
        )

    def collect_s(self, artifact: Artifact) -> float:
        """Return how long after its start a driver has everything, or is given up."""
        return self._given_s(self._lasts_s(artifact))

    def _given_s(self, lasts_s: float) -> float:
        return lasts_s + self._beyond_driver_s + COLLECT_S

    def _lasts_s(self, artifact: Artifact) -> float:
        more_s = min(TOLD_APART_S * artifact.told_apart_shots, TOLD_APART_AT_MOST_S)
        return artifact.duration_fs / FS_PER_S + more_s

    async def _tune(self, name: str, tone: ExternalTone) -> None:
        worker = self._instruments.worker(name, "MicrowaveSource")
        set_before = self._tones.pop(name, None)
        held = (worker.health.connections, tone)
        if (
            set_before is not None
            and set_before[:2] == held
            # It may be away since, or have been turned at its front panel.
            and set_before[2] == await self._tone_of(worker)
        ):
            self._tones[name] = set_before
            return
        what = f"tone {tone.frequency_hz} Hz at {tone.power_dbm} dBm"
        await worker.call(
            what,
            lambda source: source.set_tone(tone.frequency_hz, tone.power_dbm, modulated=True),
            TONE_S,
        )
        await worker.call("output on", lambda source: source.output(True), TONE_S)
        there = await self._tone_of(worker)
        self._tones[name] = (worker.health.connections, tone, there)

    async def _tone_of(self, worker: AnyWorker) -> Tone:
        there: Tone = await worker.call("tone", lambda source: source.tone(), TONE_S)
        return there

    def _cluster(self, name: str) -> AnyWorker:
        return self._instruments.worker(name, "PulseSequencer")


@cache
def _plays_at_once(kind: type) -> bool:
    """Tell whether drivers of a class play in one call: asking each of them takes 0.02 ms."""
    return issubclass(kind, PlaysAtOnce)
