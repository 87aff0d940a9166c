"""Connects twins' outputs to lines of the world, as the facility file wires them.

Control has its own, stricter reader (``podium check``); here the file is read only for what the
world needs: instruments, their options, and the cables between connectors and lines.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

from podium.firmware_interfaces.quantity import QuantityError, parse_quantity
from podium.firmware_interfaces.yaml_text import NotYaml, parse_yaml
from podium.sim_instruments.physics.thermometer_channels import NoSuchChannel, stages_by_channel
from podium.sim_instruments.physics.timing_design import (
    TimingDesign,
    TimingDesignError,
    timing_of,
)

PLASMON = ".plasmon"
"""How lines end that drive a fluxonium's plasmon."""
LINE_DB = 60.0
"""Of a drive or readout line of which the file tells none: S. Krinner et al., EPJ Quantum
Technology 6, 2 (2019)."""


@dataclass(frozen=True, slots=True)
class Cable:
    """One wired output."""

    line: str
    """Line of the world at its far end."""
    modulator: str | None
    """The microwave source in between, whose IQ modulator it feeds."""
    factor: float = 1.0
    """Of volts, on the way to a flux line, which takes volts; what becomes of signals on other
    lines the world knows."""


@dataclass(frozen=True, slots=True)
class AnalyzedLine:
    """A feedline between two ports of a network analyzer."""

    line: str
    factor: float
    """Of amplitudes, in attenuators at the driving port."""


@dataclass(frozen=True, slots=True)
class Thermometry:
    """The places of a thermometer's sensors."""

    fridge: str
    stages: Mapping[int, str]
    """By channel."""


@dataclass(frozen=True, slots=True)
class SwitchedArm:
    """A way through an optical switch."""

    switch: str
    """The instrument."""
    input: int
    output: int
    """Both count from 1."""


@dataclass(frozen=True, slots=True)
class Plan:
    """The facility file, as far as the simulation needs it."""

    name: str
    instruments: Mapping[str, Mapping[str, Any]]
    """By name: the entry as written, ``model`` and options."""
    outputs: Mapping[str, Mapping[str, Cable]]
    """By instrument and connector (``slot4.out0``)."""
    inputs: Mapping[str, Mapping[str, str]]
    """By instrument and connector (``slot2.in0``): the line that comes back there."""
    biases: Mapping[str, tuple[str, str]]
    """By flux line: the instrument and its connector ("" where it has one)."""
    thermometers: Mapping[str, Thermometry]
    """By instrument."""
    timing: TimingDesign = field(default_factory=TimingDesign)
    without_twin: Mapping[str, str] = field(default_factory=dict)
    """Instruments that nothing here is wired to and that have no twin: the driver of each."""
    fridge_of: Mapping[str, str] = field(default_factory=dict)
    """By instrument that measures or operates a fridge: that fridge."""
    fridge_of_node: Mapping[str, str] = field(default_factory=dict)
    """By node that is cooled."""
    attenuation_db: Mapping[str, float] = field(default_factory=dict)
    """Of each line that takes drive or readout: between its connector and the chip."""
    analyzed: Mapping[str, Mapping[tuple[str, str], AnalyzedLine]] = field(default_factory=dict)
    """By network analyzer: what is between two of its ports, driving and receiving."""
    detectors: Mapping[tuple[str, str], tuple[str, str]] = field(default_factory=dict)
    """By link and detector of its herald station: instrument and connector that hear its clicks."""
    switched: Mapping[str, tuple[SwitchedArm | None, SwitchedArm | None]] = field(
        default_factory=dict
    )
    """By link with such arms: the ways through optical switches, in the order of its ends."""

    @property
    def lines(self) -> frozenset[str]:
        """Every line that a cable goes to."""
        driven = {cable.line for cables in self.outputs.values() for cable in cables.values()}
        heard = {line for lines in self.inputs.values() for line in lines.values()}
        analyzed = {one.line for lines in self.analyzed.values() for one in lines.values()}
        return frozenset(driven | heard | analyzed | set(self.biases))

    def driver_of(self, line: str) -> tuple[str, str] | None:
        """Return the instrument and connector that a line's cable comes from; None: there is none.

        Of a flux line its static source, of another the output that plays on it.
        """
        if line in self.biases:
            return self.biases[line]
        for instrument, cables in self.outputs.items():
            for connector, cable in cables.items():
                if cable.line == line:
                    return instrument, connector
        return None

    def exchanged(self, one: str, other: str) -> "Plan":
        """Return the plan with the cables of two lines plugged into each other's place.

        Both are drive lines, or both flux lines; ValueError if not. What comes out of them is
        no affair of the plug: they are no feedlines.
        """
        heard = {line for lines in self.inputs.values() for line in lines.values()}
        for line in (one, other):
            if line in heard or self.driver_of(line) is None:
                raise ValueError(f"{line} is no line that is only driven")
        if (one in self.biases) != (other in self.biases) or one == other:
            raise ValueError(f"{one} and {other} are not two lines of one kind")
        place = {one: other, other: one}
        biases = {place.get(line, line): source for line, source in self.biases.items()}
        outputs = {
            instrument: {
                connector: replace(cable, line=place.get(cable.line, cable.line))
                for connector, cable in cables.items()
            }
            for instrument, cables in self.outputs.items()
        }
        return replace(self, outputs=outputs, biases=biases)


class PlanError(ValueError):
    """The simulation cannot be wired as the file says; ``podium check`` says more."""


def read_plan(path: Path) -> Plan:
    """Read the facility file ``path``; raises :class:`PlanError`, or OSError if it cannot."""
    try:
        return plan_of(parse_yaml(path.read_bytes()))
    except (NotYaml, PlanError) as error:
        raise PlanError(f"{path}: {error}") from error


def plan_of(tree: Any) -> Plan:
    """Return the plan in a facility file's content; raises :class:`PlanError`."""
    root = _mapping(tree, "the file")
    instruments = {
        name: _mapping(entry, f"instruments.{name}")
        for name, entry in _mapping(root.get("instruments"), "instruments").items()
    }
    without_twin: dict[str, str] = {}
    needed = _referred_to(root)
    for name, entry in list(instruments.items()):
        if "model" not in entry:
            model = _same_box(name, entry, needed=name in needed)
            if model is None:
                without_twin[name] = str(instruments.pop(name)["driver"])
            else:
                entry["model"] = model
    outputs: dict[str, dict[str, Cable]] = {name: {} for name in instruments}
    inputs: dict[str, dict[str, str]] = {name: {} for name in instruments}
    biases: dict[str, tuple[str, str]] = {}
    attenuation_db: dict[str, float] = {}
    analyzed: dict[str, dict[tuple[str, str], AnalyzedLine]] = {name: {} for name in instruments}
    for line, entry in _mapping(root.get("wiring", {}), "wiring").items():
        wiring, where = _mapping(entry, f"wiring.{line}"), f"wiring.{line}"
        if "source" in wiring:
            biases[line] = _connector(wiring["source"], instruments, where)
        if "output" in wiring:
            modulator = None
            if "modulator" in wiring:
                modulator, _ = _connector(wiring["modulator"], instruments, where)
            instrument, connector = _connector(wiring["output"], instruments, where)
            cold, factor = _far_end(line, wiring, root, where)
            outputs[instrument][connector] = Cable(cold, modulator, factor)
            if "source" not in wiring:
                attenuation_db[line] = _decibel(wiring, "line_attenuation", where, LINE_DB)
        if "input" in wiring:
            instrument, connector = _connector(wiring["input"], instruments, where)
            inputs[instrument][connector] = line
        if "analyzer" in wiring:
            analyzer = _mapping(wiring["analyzer"], f"{where}.analyzer")
            instrument, driving = _connector(analyzer.get("output"), instruments, where)
            other, receiving = _connector(analyzer.get("input"), instruments, where)
            if other != instrument:
                raise PlanError(f"{where}.analyzer: {instrument} and {other} are two boxes")
            factor = _factor(analyzer, "attenuation", f"{where}.analyzer")
            analyzed[instrument][driving, receiving] = AnalyzedLine(line, factor)
    fridges = _mapping(root.get("fridges", {}), "fridges")
    thermometers = _thermometers(fridges, instruments)
    fridge_of = _fridge_of(fridges, instruments)
    fridge_of |= {one: thermometer.fridge for one, thermometer in thermometers.items()}
    try:
        timing = timing_of(root)
    except TimingDesignError as error:
        raise PlanError(str(error)) from error
    name = str(root.get("facility", ""))
    return Plan(
        name,
        instruments,
        outputs,
        inputs,
        biases,
        thermometers,
        timing,
        without_twin,
        fridge_of,
        _fridge_of_node(_mapping(root.get("nodes", {}), "nodes")),
        attenuation_db,
        analyzed,
        _detectors(_mapping(root.get("links", {}), "links"), instruments),
        _switched(_mapping(root.get("links", {}), "links"), instruments),
    )


def _detectors(
    links: Mapping[str, Any], instruments: Mapping[str, Any]
) -> dict[tuple[str, str], tuple[str, str]]:
    """Return where the clicks of herald stations are heard."""
    found: dict[tuple[str, str], tuple[str, str]] = {}
    for link, entry in links.items():
        where = f"links.{link}"
        station = _mapping(entry, where).get("station")
        if station is None:
            continue
        where = f"{where}.station"
        listed = _mapping(_mapping(station, where).get("detectors", {}), f"{where}.detectors")
        for name, detector in listed.items():
            own = f"{where}.detectors.{name}"
            input_ = _mapping(detector, own).get("input")
            found[str(link), str(name)] = _connector(input_, instruments, own)
    return found


def _switched(
    links: Mapping[str, Any], instruments: Mapping[str, Any]
) -> dict[str, tuple[SwitchedArm | None, SwitchedArm | None]]:
    """Return the ways through optical switches of the arms of links that have one."""
    found: dict[str, tuple[SwitchedArm | None, SwitchedArm | None]] = {}
    for link, entry in links.items():
        station = _mapping(entry, f"links.{link}").get("station")
        if station is None:
            continue
        where = f"links.{link}.station.arms"
        arms = _mapping(_mapping(station, where).get("arms", {}), where)
        first, second = (
            _switched_arm(arms.get(node, {}), instruments, f"{where}.{node}")
            for node in entry["ends"]
        )
        if first is not None or second is not None:
            found[str(link)] = first, second
    return found


def _switched_arm(
    arm: Mapping[str, Any], instruments: Mapping[str, Any], where: str
) -> SwitchedArm | None:
    if "switch" not in _mapping(arm, where):
        return None
    ports = _mapping(arm["switch"], f"{where}.switch")
    (name, entry), (same, exit_) = (
        _connector(ports.get(key), instruments, f"{where}.switch.{key}")
        for key in ("input", "output")
    )
    numbers = entry.removeprefix("in"), exit_.removeprefix("out")
    if name != same or not all(number.isdecimal() for number in numbers):
        raise PlanError(f"{where}.switch: no way from {name}.{entry} to {same}.{exit_}")
    return SwitchedArm(name, int(numbers[0]), int(numbers[1]))


def _referred_to(root: Mapping[str, Any]) -> frozenset[str]:
    """Return the instruments that another section of the file names."""
    found: set[str] = set()

    def look(part: Any) -> None:
        if isinstance(part, Mapping):
            for key, value in part.items():
                found.add(str(key))
                look(value)
        elif isinstance(part, list):
            for value in part:
                look(value)
        else:
            found.add(str(part).partition(".")[0])

    look({key: part for key, part in root.items() if key not in ("instruments", "validity")})
    return frozenset(found)


def _far_end(
    port: str, wiring: Mapping[str, Any], root: Mapping[Any, Any], where: str
) -> tuple[str, float]:
    """Return the line of the world that an output goes to, and what comes there of its amplitude.

    ASSUMED: of a volt of pulses on a flux line there comes just what the file says; and a combiner
    at room temperature adds the drive of a plasmon to the drive of its qubit, whose cold line it
    goes down: what its attenuation is more than that of the drive it loses before.
    """
    if "source" in wiring:
        return port, _factor(wiring, "line_attenuation", where)
    if not port.endswith(PLASMON):
        return port, 1.0
    wired = _mapping(root["wiring"], "wiring")
    line = port.removesuffix(PLASMON) + ".drive"
    if line not in wired:
        raise PlanError(f"{where}: {line} is not wired, and a plasmon is driven over its cold line")
    own_db = _decibel(wiring, "line_attenuation", where, LINE_DB)
    drive = _mapping(wired[line], f"wiring.{line}")
    drive_db = _decibel(drive, "line_attenuation", f"wiring.{line}", LINE_DB)
    return line, float(10 ** ((drive_db - own_db) / 20))


def _factor(wiring: Mapping[str, Any], attenuation: str, where: str) -> float:
    """Return what an attenuation leaves of an amplitude; one that is not given leaves all."""
    return float(10 ** (-_decibel(wiring, attenuation, where, 0.0) / 20))


def _decibel(wiring: Mapping[str, Any], attenuation: str, where: str, otherwise: float) -> float:
    """Return an attenuation, dB; ``otherwise``: of one that is not given."""
    given = wiring.get(attenuation)
    try:
        return otherwise if given is None else float(parse_quantity(str(given), "dB"))
    except QuantityError as error:
        raise PlanError(f"{where}.{attenuation}: {error}") from None


def _thermometers(
    fridges: Mapping[str, Any], instruments: Mapping[str, dict[Any, Any]]
) -> dict[str, Thermometry]:
    """Return the thermometers; their entries then name their channels as those of a model do."""
    found: dict[str, Thermometry] = {}
    for fridge, entry in fridges.items():
        thermometer = _mapping(entry, f"fridges.{fridge}").get("thermometer")
        if thermometer is None:
            continue
        instrument, _ = _connector(thermometer, instruments, f"fridges.{fridge}")
        try:
            stages = stages_by_channel(instruments[instrument])
        except NoSuchChannel as error:
            raise PlanError(f"{instrument}.{error}") from error
        instruments[instrument]["channels"] = stages
        found[instrument] = Thermometry(fridge, stages)
    return found


def _fridge_of_node(nodes: Mapping[str, Any]) -> dict[str, str]:
    entries = {str(node): _mapping(entry, f"nodes.{node}") for node, entry in nodes.items()}
    return {node: str(entry["fridge"]) for node, entry in entries.items() if entry.get("fridge")}


def _fridge_of(
    fridges: Mapping[str, Any], instruments: Mapping[str, dict[Any, Any]]
) -> dict[str, str]:
    """Return whose fridge each instrument is of that a fridge names."""
    found: dict[str, str] = {}
    for fridge, entry in fridges.items():
        named = _mapping(entry, f"fridges.{fridge}").get("instruments") or []
        if not isinstance(named, list):
            raise PlanError(f"fridges.{fridge}.instruments: a list of names is wanted")
        for one in map(str, named):
            if one not in instruments:
                raise PlanError(f"fridges.{fridge}.instruments names {one}, which there is not")
            found[one] = str(fridge)
    return found


def _same_box(name: str, entry: Mapping[str, Any], *, needed: bool) -> str | None:
    """Return the model of the box that the entry's QCoDeS driver reaches.

    None: there is no twin of it, and nothing ``needed`` it.
    """
    if "driver" not in entry:
        raise PlanError(f"instruments.{name} names no model")
    from podium.firmware_interfaces.qcodes_any import model_with_driver

    model = model_with_driver(str(entry["driver"]))
    if model is not None:
        return model.name
    if needed:
        raise PlanError(
            f"instruments.{name}: there is no twin of what {entry['driver']} reaches; leave it, "
            "and what is wired to it, out of the facility file that is simulated"
        )
    return None


def _mapping(given: Any, where: str) -> dict[Any, Any]:
    if not isinstance(given, Mapping):
        raise PlanError(f"{where}: a mapping is wanted, not {given!r}")
    return dict(given)


def _connector(given: Any, instruments: Mapping[str, Any], where: str) -> tuple[str, str]:
    instrument, _, connector = str(given).partition(".")
    if instrument not in instruments:
        raise PlanError(
            f"{where} names {given}, but the file has no instrument {instrument!r}; "
            f"it has {', '.join(instruments)}"
        )
    return instrument, connector


@dataclass(frozen=True, slots=True)
class Carrier:
    """The tone of a microwave source that mixes a baseband signal up."""

    frequency_hz: float
    power_dbm: float
    lock: str = field(default="", compare=False)
    """Name of the present lock of its synthesiser."""
