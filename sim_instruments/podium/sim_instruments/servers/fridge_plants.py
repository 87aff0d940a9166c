"""Fridges of a laboratory that are integrated in world time, in step with their instruments."""

from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, TypedDict

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.fridge_signals import dissipation_of, temperature_of
from podium.firmware_interfaces.fridge_stages import MIXING_CHAMBER, stage_of
from podium.sim_instruments.servers.clock import WorldClock
from podium.sim_instruments.servers.incident_recording import IncidentRecording, NoIncident
from podium.sim_instruments.servers.playback_heat import PlaybackHeat, Played
from podium.sim_instruments.twins.heater_loop import STEP_FS
from podium.sim_instruments.twins.twin import ActsByItself, Twin

if TYPE_CHECKING:
    from podium.sim_instruments.physics.bath import Bath
    from podium.sim_instruments.physics.bench_world import BenchWorld
    from podium.sim_instruments.physics.cryostat.plant import Cryostat
    from podium.sim_instruments.physics.world_file import WorldFile

ReadSignal = Callable[[str, int], float]
WriteSignal = Callable[[str, float, int], None]


class PlantEnds(TypedDict, total=False):
    """Connects an instrument of a fridge to its plant; to nothing where there is none."""

    read: ReadSignal
    write: WriteSignal


def plants_of(world_file: "WorldFile | BenchWorld", start_fs: int) -> "dict[str, Cryostat]":
    """Return the plants of a world, which begin at ``start_fs``, by the fridges' names."""
    if not world_file.plants:
        return {}
    from podium.sim_instruments.physics.cryostat.parameters import MODELS
    from podium.sim_instruments.physics.cryostat.plant import Cryostat
    from podium.sim_instruments.physics.cryostat.variation import varied

    return {
        name: Cryostat(
            varied(MODELS[world.model], world.vary, world_file.seed),
            start_fs,
            start=world.start,
            seed=world_file.seed,
            magnet=world.magnet,
        )
        for name, world in world_file.plants.items()
    }


BEHIND_S = 2.0
"""Wall time by which plants are integrated behind the clock: who has looked at the clock and is
about to read or write finds the plant at no later time."""


class CoupledPlant:
    """One plant and the twins of its fridge that act by themselves: neither passes the other.

    Whoever reads or writes at a time first lets all twins act up to it, at every whole second.
    So what a loop does depends neither on who looks nor on how time was cut into spans. It
    belongs to one thread, that of the twins; :meth:`integrate` may be called from any.
    """

    def __init__(self, plant: "Cryostat", start_fs: int) -> None:
        self.plant = plant
        self._start_fs = self._at_fs = start_fs
        self._twins: list[ActsByItself] = []
        self.played = PlaybackHeat(start_fs)
        """What the nodes that it cools dissipate in it."""
        self._recorded: Callable[[str, int], float | None] = lambda name, elapsed_fs: None

    def play(self, recorded: Callable[[str, int], float | None]) -> None:
        """Have outputs read what was recorded: a function of name and time since the start, fs.

        Where it returns None the plant is read.
        """
        self._recorded = recorded

    def attach(self, twin: Twin) -> None:
        """Let a twin act from now on, if it does anything by itself."""
        if isinstance(twin, ActsByItself):
            self._twins.append(twin)

    @property
    def acts(self) -> bool:
        """Tell whether a twin may do something before somebody speaks to it."""
        return any(twin.acts for twin in self._twins)

    def advance(self, to_fs: int) -> None:
        """Let all twins act up to a time, and what was played heat the plant."""
        for at_fs, watts in self.played.take(to_fs):
            for stage, power in watts.items():
                self.plant.write(dissipation_of(stage), power, at_fs)
        while self._at_fs < to_fs:
            step_fs = (self._at_fs // STEP_FS + 1) * STEP_FS
            self._at_fs = min(step_fs, to_fs) if self.acts else to_fs
            for twin in self._twins:
                twin.advance(self._at_fs)

    def integrate(self, to_fs: int) -> None:
        """Integrate the plant up to a time, but no further than its twins have acted."""
        self.plant.advance(min(to_fs, self._at_fs))

    def read(self, name: str, now_fs: int) -> float:
        """Return an output, see :meth:`.Cryostat.read`; before the start it was as it began."""
        self.advance(now_fs)
        value = self._recorded(name, max(0, now_fs - self._start_fs))
        return self.plant.read(name, max(now_fs, self._start_fs)) if value is None else value

    def write(self, name: str, value: float, now_fs: int) -> None:
        """Set an input, see :meth:`.Cryostat.write`."""
        self.advance(now_fs)
        self.plant.write(name, value, now_fs)

    def temperature_k(self, stage: str, now_fs: int) -> float:
        """Return the temperature of a stage, see :meth:`.Cryostat.temperature_k`."""
        return self.read(temperature_of(stage_of(stage) or MIXING_CHAMBER), now_fs)


class FridgePlants:
    """All plants of a laboratory, by their fridges' names, each coupled to its instruments."""

    def __init__(self, plants: "Mapping[str, Cryostat]", clock: WorldClock) -> None:
        self._clock = clock
        self._coupled = {name: CoupledPlant(one, clock.now_fs()) for name, one in plants.items()}

    def __bool__(self) -> bool:
        """Tell whether there is a plant."""
        return bool(self._coupled)

    def play(self, recording: IncidentRecording) -> None:
        """Have instruments read what was recorded of their fridges; NoIncident: no such plant."""
        missing = recording.fridges.keys() - self._coupled.keys()
        if missing:
            wanted, there = ", ".join(sorted(missing)), ", ".join(self._coupled) or "none"
            raise NoIncident(f"{recording.name} is of {wanted}; fridges with a plant: {there}")
        for name in recording.fridges:
            self._coupled[name].play(partial(recording.value, name))

    def attach(self, fridge: str, twin: Twin) -> None:
        """Let a twin of a fridge act from now on, if it has a plant."""
        if fridge in self._coupled:
            self._coupled[fridge].attach(twin)

    @property
    def acts(self) -> bool:
        """Tell whether a twin at any of them may do something before somebody speaks to it."""
        return any(plant.acts for plant in self._coupled.values())

    def advance(self) -> None:
        """Let all twins act up to now."""
        for plant in self._coupled.values():
            plant.advance(self._clock.now_fs())

    def integrate(self) -> None:
        """Integrate all plants up to just before now: a second for a day; any thread may call it.

        One that somebody has brought further stays.
        """
        behind_fs = round(BEHIND_S * self._clock.rate * FS_PER_S)
        for plant in self._coupled.values():
            plant.integrate(self._clock.now_fs() - behind_fs)

    def get(self, fridge: str) -> CoupledPlant | None:
        """Return the plant of a fridge; None: it has none."""
        return self._coupled.get(fridge)

    def ends(self, fridge: str) -> PlantEnds:
        """Return what reads and writes a fridge's signals, if it is a plant."""
        plant = self._coupled.get(fridge)
        return {} if plant is None else {"read": plant.read, "write": plant.write}

    def stop(self, played: Played, at_fs: int) -> None:
        """Hear that a sender of a run plays nothing from ``at_fs`` on."""
        for plant in self._coupled.values():
            plant.played.stop(played, at_fs)

    def baths(self, fridge_of_node: Mapping[str, str]) -> "dict[str, Bath]":
        """Return the mixing chambers of nodes that a plant cools, as they are now."""
        if not self._coupled:
            return {}
        from podium.sim_instruments.physics.bath import Bath

        now_fs = self._clock.now_fs()
        return {
            node: Bath(
                self._coupled[name].temperature_k(MIXING_CHAMBER, now_fs),
                self._coupled[name].plant.parameters.settled.temperatures_k[-1],
            )
            for node, name in fridge_of_node.items()
            if name in self._coupled
        }
