"""The cables and clocks of a laboratory's timing plane, laid as its file and its world say."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from typing import Protocol, runtime_checkable

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.sim_instruments.physics.clock_makes import SOURCE, Cable
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.digital_lines import DigitalLines
from podium.sim_instruments.physics.output_log import ConnectorOutput, OutputLog
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.timing_design import TimingCable, TimingDesign
from podium.sim_instruments.twins.trigger_line import TakesEdges, TriggerLine, TriggerSink
from podium.sim_instruments.twins.twin import Twin
from podium.sim_instruments.wiring import PlanError


@runtime_checkable
class RaisesTriggers(Protocol):
    """An instrument with trigger outputs."""

    def connect(self, output: str, sink: TakesEdges) -> None:
        """Plug a cable into an output; KeyError names those that there are."""
        ...


@runtime_checkable
class TakesTriggers(Protocol):
    """An instrument with trigger inputs."""

    def input(self, connector: str) -> TriggerSink:
        """Return a trigger input; KeyError where there is none of that name."""
        ...


@dataclass(frozen=True, slots=True)
class NotedTrigger:
    """Notes what a trigger output raises."""

    played: OutputLog
    source: tuple[str, str]

    def edge(self, at_fs: int) -> None:
        """Note a rising edge."""
        self.played.note(ConnectorOutput(*self.source, (at_fs,), int))


def lay_triggers(
    design: TimingDesign,
    delays_s: Mapping[str, float],
    twins: Mapping[str, Twin],
    room: Room,
    played: OutputLog,
) -> dict[str, TriggerLine]:
    """Lay all trigger cables and return them by what faults call them (``cluster_a.trigger``).

    One from an instrument elsewhere has its sink's end only; one to elsewhere is not laid. Raises
    :class:`.wiring.PlanError` for one that cannot be plugged in.
    """
    laid: dict[str, TriggerLine] = {}
    for cable in design.triggers:
        (source, output), (sink, connector) = cable.source, cable.sink
        if sink in design.elsewhere:
            continue
        if source in design.elsewhere:
            taking = _twin(twins, sink, cable)
            if not isinstance(taking, TakesTriggers):
                raise PlanError(f"{cable.name}: {sink} takes no trigger")
            copper = Cable(length_m=1.0, per_m_fs=_delay_s(delays_s, cable) * FS_PER_S)
            laid[cable.label] = TriggerLine(taking.input(connector), copper, room)
            continue
        raising, taking = _twin(twins, source, cable), _twin(twins, sink, cable)
        if not isinstance(raising, RaisesTriggers) or not isinstance(taking, TakesTriggers):
            raise PlanError(
                f"{cable.name}: no trigger goes from {source}.{output} to {sink}.{connector}"
            )
        copper = Cable(length_m=1.0, per_m_fs=_delay_s(delays_s, cable) * FS_PER_S)
        try:
            line = TriggerLine(taking.input(connector), copper, room)
            raising.connect(output, NotedTrigger(played, cable.source))
            raising.connect(output, line)
        except KeyError as error:
            raise PlanError(f"{cable.name}: {error.args[0]}") from error
        laid[cable.label] = line
    return laid


def lay_markers(
    design: TimingDesign, delays_s: Mapping[str, float], lines: DigitalLines, room: Room
) -> dict[str, tuple[str, str]]:
    """Lay the cables from markers to the time tagger, and to who acts on their results.

    Return where each ends that ends here, by what faults call it (``node_a.marker``); raises
    :class:`.wiring.PlanError`.
    """
    laid: dict[str, tuple[str, str]] = {}
    for cable in design.markers:
        delay_s = _delay_s(delays_s, cable)
        copper = Cable(length_m=1.0, per_m_fs=delay_s * FS_PER_S)
        try:
            lines.connect(
                cable.sink, cable.source, round(delay_s * FS_PER_S), partial(copper.delay_fs, room)
            )
        except ValueError as error:
            raise PlanError(str(error)) from error
        if cable.sink[0] not in design.elsewhere:
            laid[cable.label] = cable.sink
    return laid


def lock_clocks(design: TimingDesign, clocks: Mapping[str, Clock], start_fs: int) -> None:
    """Let each clock follow its reference; who has none there runs by itself from ``start_fs``.

    Raises :class:`.wiring.PlanError` for a chain that bites its tail.
    """
    for name, clock in clocks.items():
        reference = design.references.get(name)
        if reference is not None and reference in clocks:
            try:
                clock.follow(clocks[reference])
            except ValueError as error:
                raise PlanError(str(error)) from error
    alone = {cable.sink[0] for cable in design.triggers}
    alone |= {name for name, make in design.clocks.items() if make is SOURCE}
    for name in alone - design.references.keys():
        if name in clocks:
            clocks[name].lose(start_fs)


def _twin(twins: Mapping[str, Twin], name: str, cable: TimingCable) -> Twin:
    if name not in twins:
        raise PlanError(f"{cable.name}: the file has no instrument {name!r}")
    return twins[name]


def _delay_s(delays_s: Mapping[str, float], cable: TimingCable) -> float:
    if cable.name not in delays_s:
        raise PlanError(
            f"the world has no cable {cable.name}; `podium twin sample` draws one that has"
        )
    return delays_s[cable.name]
