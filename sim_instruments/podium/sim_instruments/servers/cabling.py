"""The cables of a laboratory at one moment: what slow sources put on them, which are off."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, runtime_checkable

from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.twin import Twin, speaks
from podium.sim_instruments.wiring import Carrier, Plan, PlanError, SwitchedArm

if TYPE_CHECKING:
    from podium.sim_instruments.physics.bath import Bath


@runtime_checkable
class HoldsLevel(Protocol):
    """A source with one output."""

    def level_v(self, now_fs: int) -> float:
        """Return what is at the terminals, V."""
        ...


@runtime_checkable
class HoldsLevels(Protocol):
    """An instrument with several static outputs."""

    def levels_v(self) -> dict[str, float]:
        """Return the level of each, by connector, V."""
        ...


@runtime_checkable
class MovesLevels(Protocol):
    """An instrument with several static outputs whose levels move by themselves."""

    def levels_v_at(self, now_fs: int) -> dict[str, float]:
        """Return what is at the terminals of each, by connector, V."""
        ...


@runtime_checkable
class SwitchesLines(Protocol):
    """A box with relays that flux lines go through, on their way from their sources."""

    @property
    def flux_lines(self) -> frozenset[str]:
        """The lines."""
        ...

    def transmission(self, line: str) -> float:
        """Return what is left of the level of a line."""
        ...


class ToneNow(Protocol):
    """The tone that a microwave source puts out now."""

    @property
    def frequency_hz(self) -> float:
        """Of the carrier."""
        ...

    @property
    def power_dbm(self) -> float:
        """As set."""
        ...

    @property
    def iq(self) -> bool:
        """Tell whether its I and Q inputs modulate it."""
        ...

    @property
    def lock(self) -> str:
        """Name of the present lock of its synthesiser, no other's of the same source."""
        ...


@runtime_checkable
class HoldsTone(Protocol):
    """A microwave source."""

    def tone(self, now_fs: int) -> ToneNow | None:
        """Return what leaves its connector, or None."""
        ...


@runtime_checkable
class PlaysTones(Protocol):
    """A generator of waveforms."""

    def tones(self, connector: str, now_fs: int) -> Sequence[ToneNow]:
        """Return the lines in the spectrum at a connector (``ch1``), as 50 Ohm take them.

        A connector that it does not have has none.
        """
        ...


@runtime_checkable
class LeadsLight(Protocol):
    """An optical switch."""

    def through(self, input_: int, output: int) -> float:
        """Return what part of the light a path lets through while it is led there."""
        ...

    def transmission(self, input_: int, output: int, now_fs: int) -> float:
        """Return what part of the light at an input comes out of an output."""
        ...


def light_through(twins: Mapping[str, Twin], way: SwitchedArm | None, at_fs: int | None) -> float:
    """Return what part of the light of an arm gets through its switch; None: it has none.

    ``at_fs``: at an instant; None: while the switch leads it there.
    """
    switch = None if way is None else twins.get(way.switch)
    if way is None or not isinstance(switch, LeadsLight):
        return 1.0 if way is None else 0.0
    if at_fs is None:
        return switch.through(way.input, way.output)
    return switch.transmission(way.input, way.output, at_fs)


@dataclass(frozen=True, slots=True)
class Cabling:
    """Cables and slow sources at one moment: a run that begins then keeps them to its end."""

    plan: Plan
    biases_v: Mapping[str, float]
    """On each flux line; 0 where its cable is off."""
    carriers: Mapping[str, Carrier]
    """Of each microwave source that is on and modulates."""
    unplugged: frozenset[str]
    """Lines whose cable is off at the end where signals go in, and links that are cut."""
    mixers: Mapping[str, Mixer] = field(default_factory=dict)
    """In microwave sources, by name; those not named are perfect."""
    levels_v: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    """Static levels, by instrument and connector."""
    baths: "Mapping[str, Bath]" = field(default_factory=dict)
    """Mixing chambers, by node; those not named are cold."""
    light: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    """By link: what part of the light of both arms gets through optical switches."""

    @classmethod
    def at(
        cls,
        plan: Plan,
        twins: Mapping[str, Twin],
        unplugged: Iterable[str],
        now_fs: int,
        mixers: Mapping[str, Mixer] | None = None,
        baths: "Mapping[str, Bath] | None" = None,
    ) -> "Cabling":
        """Look at all sources of a checked plan (:func:`check_sources`) at ``now_fs``."""
        off = frozenset(unplugged)
        biases_v = {
            line: 0.0 if line in off else _level_v(twins[instrument], connector, now_fs)
            for line, (instrument, connector) in plan.biases.items()
        }
        for twin in twins.values():
            if speaks(twin, SwitchesLines):
                share = {line: twin.transmission(line) for line in twin.flux_lines}
                biases_v |= {line: biases_v[line] * share[line] for line in share}
        carriers: dict[str, Carrier] = {}
        for name, twin in twins.items():
            tone = twin.tone(now_fs) if speaks(twin, HoldsTone) else None
            if tone is not None and tone.iq:
                carriers[name] = Carrier(tone.frequency_hz, tone.power_dbm, tone.lock)
        levels_v = {
            name: twin.levels_v() for name, twin in twins.items() if speaks(twin, HoldsLevels)
        }
        light: dict[str, tuple[float, float]] = {}
        for link, (one, other) in plan.switched.items():
            light[link] = light_through(twins, one, now_fs), light_through(twins, other, now_fs)
        return cls(plan, biases_v, carriers, off, mixers or {}, levels_v, baths or {}, light)

    def levels_of_pair(self, instrument: str, connector: str) -> tuple[float, float]:
        """Return the static levels of a pair of outputs (``slot6.out0_1``), V."""
        slot, _, pair = connector.partition(".out")
        levels = self.levels_v.get(instrument, {})
        found = [levels.get(f"{slot}.out{n}", 0.0) for n in pair.split("_")]
        return found[0], found[1] if len(found) > 1 else 0.0


def _level_v(twin: Twin, connector: str, now_fs: int) -> float:
    if speaks(twin, HoldsLevels):
        return twin.levels_v()[connector]
    if speaks(twin, MovesLevels):
        return twin.levels_v_at(now_fs)[connector]
    if speaks(twin, HoldsLevel):
        return twin.level_v(now_fs)
    raise TypeError(f"{type(twin).__name__} holds no level")


def check_sources(plan: Plan, twins: Mapping[str, Twin]) -> None:
    """Raise :class:`PlanError` where a flux line or a modulator is no such thing."""
    for line, (instrument, connector) in plan.biases.items():
        twin = twins[instrument]
        if isinstance(twin, HoldsLevels | MovesLevels):
            at = twin.levels_v() if isinstance(twin, HoldsLevels) else twin.levels_v_at(0)
            if connector not in at:
                raise PlanError(
                    f"wiring.{line}: {instrument} holds no level at {connector!r}; "
                    f"it does at {', '.join(at)}"
                )
        elif not isinstance(twin, HoldsLevel):
            raise PlanError(f"wiring.{line}: {instrument} holds no level")
    for name, twin in twins.items():
        if isinstance(twin, SwitchesLines) and (lost := twin.flux_lines - plan.biases.keys()):
            raise PlanError(
                f"instruments.{name}.flux_lines: {min(lost)} is no flux line of the file"
            )
    for cables in plan.outputs.values():
        for cable in cables.values():
            if cable.modulator and not isinstance(twins[cable.modulator], HoldsTone):
                raise PlanError(f"wiring.{cable.line}: {cable.modulator} makes no tone")
