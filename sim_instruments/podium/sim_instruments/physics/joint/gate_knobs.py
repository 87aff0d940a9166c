"""Tells what each knob of a chip and of a gate's pulse would buy of the gate's fidelity.

A knob is a world that differs in one number: an element that relaxes half as fast, an exchange that
is a tenth larger. The pulse has the same shape in all of them, its height found anew where levels
move, as a calibration would; beside them stands the best pulse of one sign.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

from podium.sim_instruments.physics.chip import Edge
from podium.sim_instruments.physics.joint.carrier_truth import is_carried
from podium.sim_instruments.physics.joint.cluster_point import ClusterPoint, cluster_point
from podium.sim_instruments.physics.joint.gate_truth import (
    REACH,
    CoherentGate,
    Pulse,
    Sampled,
    best_pulse,
    edge_point,
    judged,
    meeting_quanta,
)
from podium.sim_instruments.physics.joint.pulse_edges import rise
from podium.sim_instruments.physics.world_file import NodeWorld, WorldFile
from podium.sim_instruments.physics.world_quantities import Part

HALVED: Mapping[str, Mapping[str, float]] = {
    "relaxation": {"quality_factor": 2.0},
    "white dephasing": {"white_dephasing": 0.5},
    "slow noise": {"flux_noise": 0.5, "frequency_noise": 0.5},
}
"""What of an element is halved, and the numbers of its world that do it."""
STRONGER = 1.1
HEIGHTS, LEVELS = 61, 21
COUPLER_REACH = (0.4, 1.15)
"""Heights of a coupler's pulse, as shares of that at which it has come down to the ends."""
ZOOMS = 3
APiece = TypeVar("APiece", bound=Part)


class NoSuchEdge(LookupError):
    """A budget is asked of what is no edge, or of one without a gate by flux."""

    def __str__(self) -> str:
        return str(self.args[0])


@dataclass(frozen=True, slots=True)
class NetZeroPulse:
    """Two halves of opposite sign, with edges that are quarters of a sine, and a gap."""

    top_ns: int
    """Of each half."""
    rise_ns: int
    gap_ns: int = 0
    ratio: float = 1.0
    """Of the height of the second half over that of the first."""
    quanta: float = 0.0
    gap_level: float = 0.0
    """Height in the first half of the gap over that of the first half; the second has it with the
    sign of the second half."""

    @property
    def duration_ns(self) -> int:
        """Return how long both halves and the gap last."""
        return 2 * self.top_ns + 4 * self.rise_ns + self.gap_ns

    def samples(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns, flux quanta."""
        edge = np.sqrt(rise(self.rise_ns))
        half = np.concatenate([edge, np.ones(self.top_ns), edge[::-1]])
        first = np.full(self.gap_ns // 2, self.gap_level)
        second = np.full(self.gap_ns - first.size, self.gap_level)
        parts = [half, first, -self.ratio * second, -self.ratio * half]
        return np.asarray(self.quanta * np.concatenate(parts))

    @property
    def peak(self) -> float:
        """Return its height over that at which it is for most of its time."""
        return 1.0

    def at(self, quanta: float, gap_level: float) -> "NetZeroPulse":
        """Return it at another height, with another level in its gap."""
        return replace(self, quanta=quanta, gap_level=gap_level)


@dataclass(frozen=True, slots=True)
class ShapedPulse:
    """A pulse by its samples: its second half is the first one backwards, with the other sign."""

    half: tuple[float, ...]
    """Samples of the first half, 1 ns each, of its height."""
    quanta: float = 0.0
    gap_ns: int = 0
    """It has none: its samples say all."""
    ratio: float = 1.0

    @property
    def peak(self) -> float:
        """Return its height over that at which it is for most of its time."""
        return 1 / float(np.median(np.abs(self.half)))

    def samples(self) -> NDArray[np.float64]:
        """Return it in steps of 1 ns, flux quanta."""
        half = self.quanta * np.array(self.half)
        return np.concatenate([half, -half[::-1]])

    def at(self, quanta: float, _: float) -> "ShapedPulse":
        """Return it at another height."""
        return replace(self, quanta=quanta)


GivenShape = NetZeroPulse | ShapedPulse


@dataclass(frozen=True, slots=True)
class Knob:
    """One change, and the gate's error with it."""

    name: str
    infidelity: float
    buys: float
    """By how much smaller that is."""


@dataclass(frozen=True, slots=True)
class GateKnobs:
    """A gate's error, its parts, and what would make it smaller."""

    edge: str
    gate: str
    duration_ns: int
    infidelity: float
    """Average, decoherence and slow noise included."""
    leakage: float
    coherent: float
    """Of that infidelity, without decoherence and noise."""
    knobs: tuple[Knob, ...]
    """Those that buy most first."""


@dataclass(frozen=True, slots=True)
class GivenGate:
    """A gate as it was calibrated, so far as its budget needs it."""

    shape: GivenShape
    off_point_v: float | None = None
    """Where its coupler rests; None: where its ends shift each other least."""


def gate_knobs(world: WorldFile, edge_name: str, given: GivenGate | None) -> GateKnobs:
    """Return the knobs of an edge's gate; ``given``: None: the world's best pulse.

    Raises :class:`NoSuchEdge`.
    """
    here = _Played.of(world, edge_name, given)
    knobs = []
    for name, other in _less_noise(world, edge_name, here):
        knobs.append((name, here.with_noise_of(other)))
    for name, other in _other_exchange(world, edge_name, here):
        knobs.append((name, _Played.of(other, edge_name, given).infidelity))
    if given is not None:
        best = best_pulse(here.point, here.edge)
        if best is not None:
            knobs.append((f"pulse: {_told(best)}", judged(here.point, here.edge, best)[0]))
    samples = here.pulse.samples()
    alone = CoherentGate(here.point, here.edge, 1.2 * float(np.abs(samples).max()))
    found = [Knob(name, error, here.infidelity - error) for name, error in knobs]
    return GateKnobs(
        edge_name,
        here.edge.gate,
        samples.size,
        here.infidelity,
        here.leakage,
        alone.error(samples),
        tuple(sorted(found, key=lambda one: -one.buys)),
    )


def _told(pulse: Pulse) -> str:
    lasts = pulse.top_ns + 2 * pulse.rise_ns
    return f"one sign, {lasts} ns, edges of {pulse.rise_ns} ns"


@dataclass(frozen=True, slots=True, eq=False)
class _Played:
    """A gate in a world."""

    edge: Edge
    point: ClusterPoint
    pulse: Sampled
    infidelity: float
    leakage: float

    @property
    def members(self) -> tuple[str, ...]:
        """Names of the elements that take part, on their node."""
        return tuple(qubit.name.partition(".")[2] for qubit in self.point.qubits)

    @classmethod
    def of(cls, world: WorldFile, name: str, given: GivenGate | None) -> "_Played":
        """Play the best pulse, or the best height of a shape. Raises NoSuchEdge."""
        chip = world.chip()
        edges = {one.name: one for one in chip.edges}
        if name not in edges:
            known = ", ".join(edges) or "none"
            raise NoSuchEdge(f"there is no edge {name!r}; the world's edges: {known}")
        edge = edges[name]
        if edge.gate == "cnot":
            raise NoSuchEdge(f"the gate of {name} is a cnot by drives; a budget is of flux pulses")
        if edge.driven:
            raise NoSuchEdge(
                f"{name} drives the plasmon of {edge.pulsed}; a budget is of flux pulses"
            )
        if is_carried(edge, chip.couplers):
            raise NoSuchEdge(
                f"{name} has a carrier on the flux of {edge.pulsed}; a budget is of pulses without"
            )
        if given is not None and edge.gate != "cz":
            raise NoSuchEdge(f"the gate of {name} is an {edge.gate}; net-zero pulses make a cz")
        off_v = None if given is None else given.off_point_v
        point = edge_point(chip, edge, chip.sweet_spots_v(), off_v)
        pulse: Sampled | None = (
            best_pulse(point, edge) if given is None else best_height(point, edge, given.shape)
        )
        if pulse is None:
            raise NoSuchEdge(f"no flux pulse on {edge.pulsed} brings the levels of {name} together")
        return cls(edge, point, pulse, *judged(point, edge, pulse))

    def with_noise_of(self, world: WorldFile) -> float:
        """Return the infidelity of the same pulse in a world that differs in noise alone."""
        chip = world.chip()
        names = [qubit.name for qubit in self.point.qubits]
        members = [chip.element_at(one, self.point.biases_v) for one in names]
        point = cluster_point(members, chip, self.point.biases_v)
        return judged(point, self.edge, self.pulse)[0]


def best_height(point: ClusterPoint, edge: Edge, shape: GivenShape) -> GivenShape | None:
    """Return a pulse of that shape with the height, and the level in its gap, of least error."""
    member = [qubit.name for qubit in point.qubits].index(edge.pulsed)
    centre = meeting_quanta(point, edge, member)
    if centre is None:
        return None
    shares = COUPLER_REACH if member > 1 else (1 - REACH, 1 + REACH)
    low, high = (share * centre * shape.peak for share in shares)
    levels = np.linspace(-1.0, 1.0, LEVELS) if shape.gap_ns else np.zeros(1)
    gate = CoherentGate(point, edge, 1.2 * abs(high) * max(1.0, shape.ratio))
    best, best_level = shape, 0.0
    least = np.inf
    for _ in range(1 + ZOOMS):
        heights = np.linspace(low, high, HEIGHTS if levels.size == 1 else LEVELS)
        for quanta in heights.tolist():
            for level in levels.tolist():
                one = shape.at(quanta, level)
                error = gate.error(one.samples())
                if error < least:
                    least, best, best_level = error, one, level
        step = 2 * (heights[1] - heights[0])
        low, high = best.quanta - step, best.quanta + step
        if levels.size > 1:
            apart = 2 * (levels[1] - levels[0])
            near = np.array([best_level - apart, best_level + apart])
            first, last = np.clip(near, -1.0, 1.0).tolist()
            levels = np.linspace(first, last, LEVELS)
    return best


def _less_noise(world: WorldFile, edge_name: str, here: _Played) -> Iterator[tuple[str, WorldFile]]:
    """Return names of knobs with the worlds in which they are turned; levels stay."""
    node = edge_name.partition(".")[0]
    own = world.nodes[node]
    for name in here.members:
        for what, factors in HALVED.items():
            known = {field: by for field, by in factors.items() if field in _fields(own, name)}
            if known:
                yield f"{name}: {what} halved", _with(world, node, _element(own, name, known))


def _other_exchange(
    world: WorldFile, edge_name: str, here: _Played
) -> Iterator[tuple[str, WorldFile]]:
    """Return the same for exchanges, which move levels."""
    node = edge_name.partition(".")[0]
    own = world.nodes[node]
    for name, coupling in own.couplings.items():
        if set(coupling.ends) <= set(here.members):
            for by, said in ((STRONGER, "larger"), (1 / STRONGER, "smaller")):
                more = {**own.couplings, name: _scaled(coupling, {"strength": by})}
                changed = own.model_copy(update={"couplings": more})
                yield f"{name}: exchange a tenth {said}", _with(world, node, changed)


def _fields(node: NodeWorld, name: str) -> frozenset[str]:
    return frozenset(type(node.elements[name]).model_fields)


def _element(node: NodeWorld, name: str, factors: Mapping[str, float]) -> NodeWorld:
    where = "qubits" if name in node.qubits else "couplers"
    every = {**getattr(node, where), name: _scaled(node.elements[name], factors)}
    return node.model_copy(update={where: every})


def _with(world: WorldFile, name: str, node: NodeWorld) -> WorldFile:
    return world.model_copy(update={"nodes": {**world.nodes, name: node}})


def _scaled(part: APiece, factors: Mapping[str, float]) -> APiece:
    """Return a piece of a world some of whose numbers are larger by factors."""

    def of(field: str) -> Part:
        known = getattr(part, field)
        return known.model_copy(update={"value": known.value * factors[field]})  # type: ignore[no-any-return]

    return part.model_copy(update={field: of(field) for field in factors})
