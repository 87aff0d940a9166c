"""What the sampler reads of a facility file: design values, lines and fridges.

Control has its own, stricter reader with positions in its errors (``podium check``); this one
reads only what a world is drawn from, so that the two sides meet in the file and nowhere else.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from podium.firmware_interfaces.models import ModelError, known_models, output_full_scale_dbm
from podium.firmware_interfaces.qblox_cluster.limits import tone_amplitude
from podium.firmware_interfaces.quantity import QuantityError, parse_quantity
from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.physics.draw import Spread
from podium.sim_instruments.physics.timing_design import (
    TimingDesign,
    TimingDesignError,
    timing_of,
)

OF_ANY = {
    "readout_frequency": "Hz",
    "kappa": "Hz",
    "chi": "Hz",
    "t1": "s",
    "t2_echo": "s",
    "t2_ramsey": "s",
    "rabi_frequency": "Hz",
    "flux_period": "V",
    "flux_offset": "V",
}
"""What any qubit's design must say, and the unit that code holds it in."""
DESIGN_UNITS = {
    "transmon": {"f01": "Hz", "anharmonicity": "Hz", **OF_ANY, "asymmetry": "1"},
    "fluxonium": {
        **{f"{name}_energy": "Hz" for name in ("charging", "josephson", "inductive")},
        **OF_ANY,
    },
}
"""The same by the kind of qubit, with what that kind says besides."""
DEFAULT_SPREADS = {"asymmetry": 0.05}
"""Of quantities that no design knows exactly: where the file gives no spread.
ASSUMED: 5 % of EJ1 + EJ2, as areas of small junctions on one chip scatter by some per cent."""


class DesignError(ValueError):
    """A facility file does not say enough to draw a world from; `podium check` says more."""


@dataclass(frozen=True, slots=True)
class QubitDesign:
    """The numbers of one qubit that its world is drawn from."""

    name: str
    kind: str
    """A key of :data:`DESIGN_UNITS`."""
    values: Mapping[str, Spread]
    """By quantity of :data:`DESIGN_UNITS`."""
    origin: Mapping[str, str | None]
    """By quantity: the source that the file names; None where it says ``assumed``."""
    drive_full_scale: float | None
    """Amplitude of a full-scale tone at the connector that drives it, sqrt(W); None: no line
    drives it."""


@dataclass(frozen=True, slots=True)
class FeedlineDesign:
    """A feedline, as wired."""

    name: str
    qubits: tuple[str, ...]
    line_attenuation_db: float
    line_gain_db: float
    noise_temperature_k: float
    delay: Spread


@dataclass(frozen=True, slots=True)
class CouplingDesign:
    """A fixed coupling between two qubits of a chip."""

    name: str
    ends: tuple[str, str]
    exchange: Spread
    """Rate of exchange with both at their sweet spots, over 2 pi, Hz, signed."""
    origin: str | None
    """As of a qubit's values."""


@dataclass(frozen=True, slots=True)
class NodeDesign:
    """One chip, as designed."""

    name: str
    device: str
    source: str
    qubits: tuple[QubitDesign, ...]
    feedlines: tuple[FeedlineDesign, ...]
    couplings: tuple[CouplingDesign, ...] = ()


@dataclass(frozen=True, slots=True)
class Design:
    """All that a world of a facility is drawn from."""

    facility: str
    nodes: tuple[NodeDesign, ...]
    stages: Mapping[str, tuple[str, ...]]
    """By fridge: the stages that its thermometer reads."""
    timing: TimingDesign = field(default_factory=TimingDesign)
    mixers: tuple[str, ...] = ()
    """Outputs with an I/Q mixer of their own, and sources with one: ``cluster_a.slot4.out0``,
    ``lo_q2.iq``."""


def read_design(path: Path) -> Design:
    """Read a facility file; raises :class:`DesignError` naming the file and the place."""
    try:
        tree = parse_yaml(path.read_bytes())
    except NotYaml as error:
        raise DesignError(f"{path} is not YAML: {error}") from error
    return design_of(tree, str(path))


def design_of(tree: Any, where: str) -> Design:
    """Return what a facility file's content says; raises :class:`DesignError` naming ``where``."""
    root = _Place(tree, where)
    nodes = root.sub("nodes")
    try:
        timing = timing_of(tree)
    except TimingDesignError as error:
        raise DesignError(f"{where}: {error}") from error
    return Design(
        facility=root.text("facility"),
        nodes=tuple(_node(name, node, root) for name, node in nodes.subs()),
        stages={
            name: _stages(fridge, root)
            for name, fridge in (root.sub("fridges").subs() if "fridges" in root else ())
        },
        timing=timing,
        mixers=_mixers(root),
    )


def _mixers(root: "_Place") -> tuple[str, ...]:
    """Return the outputs that go to the chip themselves, and the modulators of the others."""
    wiring = root.sub("wiring").subs() if "wiring" in root else []
    found: dict[str, None] = {}
    for _, entry in wiring:
        if "modulator" in entry:
            found[f"{entry.text('modulator').partition('.')[0]}.iq"] = None
        elif "output" in entry:
            found[entry.text("output")] = None
    return tuple(found)


class _Place:
    """A mapping of the file that knows where it stands."""

    def __init__(self, tree: Any, where: str) -> None:
        if not isinstance(tree, Mapping):
            raise DesignError(f"{where}: a mapping is wanted, not {tree!r}")
        self._tree, self.where = tree, where

    def __contains__(self, key: str) -> bool:
        return key in self._tree

    def __getitem__(self, key: str) -> Any:
        if key not in self._tree:
            there = ", ".join(self.names())
            raise DesignError(f"{self.where}: {key} is missing; there are {there}")
        return self._tree[key]

    def sub(self, key: str) -> "_Place":
        return _Place(self[key], f"{self.where}{'.' if ': ' in self.where else ': '}{key}")

    def names(self) -> list[str]:
        return [str(key) for key in self._tree]

    def subs(self) -> "list[tuple[str, _Place]]":
        return [(key, self.sub(key)) for key in self.names()]

    def text(self, key: str) -> str:
        return str(self[key])

    def quantity(self, key: str, unit: str) -> float:
        return self._parsed(self[key], key, unit)

    def spread(self, key: str, unit: str, default: float = 0.0) -> Spread:
        """Read ``{value, spread}`` or a bare quantity; without a spread it has the default."""
        given = self[key]
        if not isinstance(given, Mapping):
            return Spread(self._parsed(given, key, unit), default, unit)
        place = self.sub(key)
        spread = place.quantity("spread", unit) if "spread" in place else default
        return Spread(place.quantity("value", unit), spread, unit)

    def origin(self, key: str, fallback: str) -> str | None:
        given = self[key]
        if isinstance(given, Mapping):
            if given.get("assumed"):
                return None
            return str(given.get("source", fallback))
        return fallback

    def _parsed(self, given: Any, key: str, unit: str) -> float:
        try:
            return parse_quantity(given, unit=unit)
        except QuantityError as error:
            raise DesignError(f"{self.where}.{key}: {error}") from error


def _node(name: str, node: _Place, root: _Place) -> NodeDesign:
    chip = node.sub("chip")
    lines = node.sub("feedlines")
    return NodeDesign(
        name=name,
        device=chip.text("device"),
        source=chip.text("source") if "source" in chip else "the facility file",
        qubits=tuple(_qubit(name, each, place, root) for each, place in node.sub("qubits").subs()),
        feedlines=tuple(_feedline(name, line, lines[line], root) for line in lines.names()),
        couplings=tuple(
            _coupling(each, place)
            for each, place in (node.sub("couplings").subs() if "couplings" in node else ())
        ),
    )


def _coupling(name: str, coupling: _Place) -> CouplingDesign:
    ends = coupling["ends"]
    if not isinstance(ends, list) or len(ends) != 2:
        raise DesignError(f"{coupling.where}.ends: two qubits are wanted, not {ends!r}")
    return CouplingDesign(
        name=name,
        ends=(str(ends[0]), str(ends[1])),
        exchange=coupling.spread("exchange", "Hz"),
        origin=coupling.origin("exchange", "the facility file's design"),
    )


def _qubit(node: str, name: str, qubit: _Place, root: _Place) -> QubitDesign:
    kind = qubit.text("kind")
    if kind not in DESIGN_UNITS:
        known = " and ".join(map(repr, DESIGN_UNITS))
        raise DesignError(f"{qubit.where}.kind: {kind!r} cannot be drawn; only {known} can")
    design, units = qubit.sub("design"), DESIGN_UNITS[kind]
    return QubitDesign(
        name=name,
        kind=kind,
        values={
            key: design.spread(key, unit, DEFAULT_SPREADS.get(key, 0.0))
            for key, unit in units.items()
        },
        origin={key: design.origin(key, "the facility file's design") for key in units},
        drive_full_scale=_drive_full_scale(f"{node}.{name}.drive", root),
    )


def _drive_full_scale(port: str, root: _Place) -> float | None:
    """Amplitude of digital full scale where the line begins, sqrt(W).

    With a modulator the line begins at the modulator's output, and full scale of the baseband
    outputs is full scale of its I and Q inputs. ASSUMED: pads between them see to that.
    """
    wiring = root.sub("wiring")
    if port not in wiring:
        return None
    drive = wiring.sub(port)
    if "modulator" in drive:
        return tone_amplitude(drive.quantity("power", "dBm"))
    attenuation = (
        drive.quantity("output_attenuation", "dB") if "output_attenuation" in drive else 0.0
    )
    return tone_amplitude(_full_scale_dbm(port, drive.text("output"), root) - attenuation)


def _full_scale_dbm(port: str, output: str, root: _Place) -> float:
    """Return what full scale brings out of an output without attenuation."""
    name, _, channel = output.partition(".")
    entry = root.sub("instruments").sub(name)
    model = known_models()[entry.text("model")]
    modules = entry[model.modules_option]
    places = {int(key): str(word) for key, word in modules.items()}
    try:
        return output_full_scale_dbm(model, places, channel)
    except ModelError as error:
        raise DesignError(f"wiring.{port}: {error}") from error


def _feedline(node: str, name: str, qubits: Any, root: _Place) -> FeedlineDesign:
    port = f"{node}.{name}"
    wiring = root.sub("wiring").sub(port)
    return FeedlineDesign(
        name=name,
        qubits=tuple(str(qubit) for qubit in qubits),
        line_attenuation_db=wiring.quantity("line_attenuation", "dB"),
        line_gain_db=wiring.quantity("line_gain", "dB"),
        noise_temperature_k=wiring.quantity("noise_temperature", "K"),
        delay=wiring.spread("delay", "s"),
    )


def _stages(fridge: _Place, root: _Place) -> tuple[str, ...]:
    thermometer = fridge.text("thermometer").partition(".")[0]
    channels = root.sub("instruments").sub(thermometer)["channels"]
    return tuple(dict.fromkeys(str(stage) for stage in channels.values()))
