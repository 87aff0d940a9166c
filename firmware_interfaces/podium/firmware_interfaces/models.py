"""The instrument models that Podium knows: one frozen entry each, and how others add theirs.

An entry says what a facility file may write about such a box (address, options,
connectors and their ranges) and names its driver and its twin as dotted paths
``package.module:Class``. The paths are strings: they are resolved by the agent and by
the twin server only, so that checking a file loads neither.

A package of someone else adds a model by an entry point of the group ``podium.models``
whose target is an :class:`InstrumentModel`.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cache
from importlib.metadata import EntryPoint, entry_points
from typing import Literal

from podium.firmware_interfaces import srs_fs725, white_rabbit_switch, wrtd, wrtd_node
from podium.firmware_interfaces.qblox_cluster import limits as qblox

ENTRY_POINT_GROUP = "podium.models"


class ModelError(ValueError):
    """A model from an entry point cannot be used. Mend or uninstall the package named."""


@dataclass(frozen=True, slots=True)
class Range:
    """Values from ``low`` to ``high``, both included, on a grid of ``step`` from ``low``."""

    low: float
    high: float
    unit: str
    """A key of :data:`podium.firmware_interfaces.quantity.UNITS`."""
    step: float | None = None
    """None: as fine as one likes."""

    def __contains__(self, value: float) -> bool:
        """Tell whether the instrument takes ``value`` as it is."""
        if not self.low <= value <= self.high:
            return False
        return self.step is None or self.nearest(value) == value

    def nearest(self, value: float) -> float:
        """Return the value nearest to ``value`` that the instrument takes."""
        inside = min(max(value, self.low), self.high)
        if self.step is None:
            return inside
        steps = round((inside - self.low) / self.step)
        at_most = int((self.high - self.low) / self.step)
        return self.low + min(steps, at_most) * self.step


@dataclass(frozen=True, slots=True)
class RfOutput:
    """An output with an IQ mixer and a local oscillator inside."""

    name: str
    lo: Range
    intermediate: Range
    """How far from the local oscillator a carrier may lie, Hz, signed."""
    attenuation: Range
    lo_name: str
    """Connectors of one module with the same ``lo_name`` share the oscillator."""
    full_scale_dbm: float
    """Power of a tone at digital full scale, without attenuation, nominally."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class RfInput:
    """An input with a mixer and a local oscillator inside."""

    name: str
    lo: Range
    intermediate: Range
    attenuation: Range
    lo_name: str

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class IqOutput:
    """Two baseband outputs, I and Q, for an IQ modulator outside."""

    name: str
    sockets: tuple[str, str]
    """The sockets on the panel that it takes, I first."""
    intermediate: Range


@dataclass(frozen=True, slots=True)
class VoltageOutput:
    """An output that can hold a static voltage."""

    name: str
    level: Range
    resolution_v: float | None = None
    """Levels that its DAC can make are multiples of this, V: of the finest range that reaches
    1 V, where there are several. None: as fine as one likes, or not known."""

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class ModulatedSource:
    """A microwave output whose tone is modulated by the instrument's I and Q inputs."""

    name: str
    carrier: Range
    power: Range

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


@dataclass(frozen=True, slots=True)
class DigitalPort:
    """A TTL input or output."""

    name: str

    @property
    def sockets(self) -> tuple[str, ...]:
        """The sockets on the panel that it takes."""
        return (self.name,)


Connector = RfOutput | RfInput | IqOutput | VoltageOutput | ModulatedSource | DigitalPort


@dataclass(frozen=True, slots=True)
class ModuleModel:
    """A plug-in module of a modular instrument."""

    name: str
    connectors: tuple[Connector, ...]


@dataclass(frozen=True, slots=True)
class MapOption:
    """A key of the facility file that maps whole numbers to words."""

    name: str
    meaning: str
    lowest: int
    highest: int
    choices: tuple[str, ...] | None = None
    """The words allowed; None: names that the file gives."""
    required: bool = True


@dataclass(frozen=True, slots=True)
class TextOption:
    """A key of the facility file that holds one word."""

    name: str
    meaning: str
    choices: tuple[str, ...] | None = None
    required: bool = True


Option = MapOption | TextOption


@dataclass(frozen=True, slots=True)
class InstrumentModel:
    """What a facility file may say about one kind of box, and who speaks to it."""

    name: str
    """The one name, the same in all four rooms, e.g. ``lakeshore_372``."""
    vendor: str
    product: str
    address: Literal["host", "visa"]
    """``host``: an IP address or host name. ``visa``: a resource string."""
    ports: Mapping[str, int]
    """The vendor's usual ports by name; the facility and endpoints files may move them."""
    roles: tuple[str, ...]
    """What it plays, of podium.drivers.roles."""
    driver: str
    twin: str
    options: tuple[Option, ...] = ()
    """Keys of the facility file beyond model and address; passed to the driver by name."""
    connectors: tuple[Connector, ...] = ()
    """Of the box itself; an only connector is named by the empty string."""
    modules: Mapping[str, ModuleModel] | None = None
    """Of a modular box: what may stand in a slot (option ``modules``)."""
    channels_option: str | None = None
    """The map option whose words name the channels that can be read."""
    answers: tuple[str, ...] = ()
    """How ``vendor,model`` of its identity begins, in any case; empty: anything will do."""
    connect: str = ""
    """A line of Python that opens it with its usual client; ``{name}``, ``{host}``, ``{ports}`` or
    ``{visa}`` stand for what an endpoints file says. People paste it."""
    qcodes: str = ""
    """Import path of the class with which QCoDeS reaches the same box; empty: there is none."""

    def is_answered_by(self, vendor: str, model: str) -> bool:
        """Tell whether a box of this kind says of itself that it is ``vendor``, ``model``."""
        said = f"{vendor},{model}".lower()
        return not self.answers or said.startswith(tuple(one.lower() for one in self.answers))

    def complaint(self, vendor: str, model: str, serial: str) -> str:
        """Return why a box that says this of itself is not the one wanted; empty: it is."""
        if self.is_answered_by(vendor, model):
            return ""
        return (
            f"it says that it is a {vendor} {model} (serial {serial}), the facility file says "
            f"a {self.vendor} {self.product}; nothing else was asked of it"
        )


# --- Qblox cluster -----------------------------------------------------------------

_QBLOX_LO = Range(qblox.LO_MIN_HZ, qblox.LO_MAX_HZ, "Hz")
_QBLOX_NCO = Range(-qblox.NCO_MAX_HZ, qblox.NCO_MAX_HZ, "Hz")
_QBLOX_OUT_ATT = Range(
    0, qblox.OUTPUT_ATTENUATION_MAX_DB, "dB", step=qblox.OUTPUT_ATTENUATION_STEP_DB
)
_QBLOX_IN_ATT = Range(0, qblox.INPUT_ATTENUATION_MAX_DB, "dB", step=qblox.INPUT_ATTENUATION_STEP_DB)
_QBLOX_OFFSET = Range(-qblox.QCM_OFFSET_MAX_V, qblox.QCM_OFFSET_MAX_V, "V")
_QBLOX_OFFSET_STEP = 2 * qblox.QCM_OUTPUT_FULL_SCALE_V / 2**qblox.OFFSET_WORD_BITS
_QBLOX_RF_DBM = qblox.RF_OUTPUT_FULL_SCALE_DBM

_QRM_RF = ModuleModel(
    "QRM-RF",
    (
        RfOutput("out0", _QBLOX_LO, _QBLOX_NCO, _QBLOX_OUT_ATT, "out0_in0", _QBLOX_RF_DBM),
        RfInput("in0", _QBLOX_LO, _QBLOX_NCO, _QBLOX_IN_ATT, lo_name="out0_in0"),
    ),
)
_QCM_RF = ModuleModel(
    "QCM-RF",
    tuple(
        RfOutput(name, _QBLOX_LO, _QBLOX_NCO, _QBLOX_OUT_ATT, name, _QBLOX_RF_DBM)
        for name in ("out0", "out1")
    ),
)
_QCM = ModuleModel(
    "QCM",
    (
        *(VoltageOutput(f"out{n}", _QBLOX_OFFSET, _QBLOX_OFFSET_STEP) for n in range(4)),
        IqOutput("out0_1", ("out0", "out1"), _QBLOX_NCO),
        IqOutput("out2_3", ("out2", "out3"), _QBLOX_NCO),
    ),
)

_QTM = ModuleModel("QTM", tuple(DigitalPort(f"io{n}") for n in range(8)))

_QBLOX_MODULES = {module.name: module for module in (_QRM_RF, _QCM_RF, _QCM, _QTM)}

QBLOX_CLUSTER = InstrumentModel(
    name="qblox_cluster",
    vendor="Qblox",
    product="Cluster",
    address="host",
    ports={"scpi": 5025, "module_scpi_base": 25000},  # qblox-instruments 1.4.1, PortsInfo
    roles=("PulseSequencer", "FluxSource", "Clock"),
    driver="podium.drivers.qblox_cluster.cluster:QbloxCluster",
    twin="podium.sim_instruments.twins.qblox_cluster.cluster:ClusterTwin",
    options=(MapOption("modules", "slot: module", 1, qblox.SLOTS, choices=tuple(_QBLOX_MODULES)),),
    modules=_QBLOX_MODULES,
    answers=("Qblox,cluster",),
    connect="from qblox_instruments import Cluster; {name} = Cluster('{name}', '{host}')",
    qcodes="qblox_instruments.Cluster",
)

# --- small instruments -------------------------------------------------------------

LAKESHORE_372 = InstrumentModel(
    name="lakeshore_372",
    vendor="Lake Shore",
    product="Model 372",
    address="visa",
    ports={"scpi": 7777},
    roles=("Thermometer",),
    driver="podium.drivers.lakeshore_372:LakeShore372",
    twin="podium.sim_instruments.twins.lakeshore_372:LakeShore372",
    options=(MapOption("channels", "measurement input: stage of the fridge", 1, 16),),
    channels_option="channels",
    answers=("LSCI,MODEL372",),
    connect="from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372; "
    "{name} = LakeshoreModel372('{name}', '{visa}', visalib='@py')",
    qcodes="qcodes.instrument_drivers.Lakeshore.LakeshoreModel372",
)

YOKOGAWA_GS200 = InstrumentModel(
    name="yokogawa_gs200",
    vendor="Yokogawa",
    product="GS200",
    address="visa",
    ports={"scpi": 7655},
    roles=("FluxSource",),
    driver="podium.drivers.yokogawa_gs200:YokogawaGS200",
    twin="podium.sim_instruments.twins.yokogawa_gs200:YokogawaGS200",
    # Manual IM GS210-01E: +-32 V in the 30 V range, steps of 10 uV in the 1 V range.
    connectors=(VoltageOutput("", Range(-32.0, 32.0, "V"), 10e-6),),
    answers=("YOKOGAWA,GS210", "YOKOGAWA,GS211"),
    connect="from qcodes.instrument_drivers.yokogawa import YokogawaGS200; "
    "{name} = YokogawaGS200('{name}', '{visa}', visalib='@py')",
    qcodes="qcodes.instrument_drivers.yokogawa.YokogawaGS200",
)

ROHDE_SCHWARZ_SGS100A = InstrumentModel(
    name="rohde_schwarz_sgs100a",
    vendor="Rohde & Schwarz",
    product="SGS100A",
    address="visa",
    ports={"scpi": 5025},
    roles=("MicrowaveSource",),
    driver="podium.drivers.rohde_schwarz_sgs100a:RohdeSchwarzSGS100A",
    twin="podium.sim_instruments.twins.rohde_schwarz_sgs100a:RohdeSchwarzSGS100A",
    connectors=(
        # ASSUMED: options B112V (I/Q modulator, 80 MHz to 12.75 GHz) fitted; power as QCoDeS takes.
        ModulatedSource("", Range(80e6, 12.75e9, "Hz"), Range(-120.0, 25.0, "dBm")),
    ),
    answers=("Rohde&Schwarz,SGS100A",),
    connect="from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzSGS100A; "
    "{name} = RohdeSchwarzSGS100A('{name}', '{visa}', visalib='@py')",
    qcodes="qcodes.instrument_drivers.rohde_schwarz.RohdeSchwarzSGS100A",
)

# --- timing plane ------------------------------------------------------------------

WRTD_NODE = InstrumentModel(
    name="wrtd_node",
    vendor="CERN",
    product="WRTD node",
    address="host",
    ports={"service": wrtd_node.TCP_PORT, "events": wrtd.UDP_PORT},
    roles=("TriggerPlane", "Clock"),
    driver="podium.drivers.wrtd_node.node:WrtdNode",
    twin="podium.sim_instruments.twins.wrtd_node.node:WrtdNode",
    options=(
        TextOption("group", "multicast group that its events are sent to", required=False),
        TextOption("domain", "LXI domain, 0 to 255", required=False),
    ),
    connect="from podium.drivers.wrtd_node.node import WrtdNode; "
    "{name} = WrtdNode('{name}', '{host}', {ports})",
)

WHITE_RABBIT_SWITCH = InstrumentModel(
    name="white_rabbit_switch",
    vendor="White Rabbit",
    product="Switch",
    address="host",
    ports={"snmp": white_rabbit_switch.SNMP_PORT},
    roles=("TimingPlane",),
    driver="podium.drivers.white_rabbit_switch:WhiteRabbitSwitch",
    twin="podium.sim_instruments.twins.white_rabbit_switch:WhiteRabbitSwitch",
    options=(
        TextOption("mode", "where its time comes from", ("grandmaster", "slave"), required=False),
        MapOption("links", "fibre: what it goes to", 1, white_rabbit_switch.PORTS, required=False),
    ),
    connect="from podium.drivers.white_rabbit_switch import WhiteRabbitSwitch; "
    "{name} = WhiteRabbitSwitch('{name}', '{host}', {ports})",
)

SRS_FS725 = InstrumentModel(
    name="srs_fs725",
    vendor="SRS",
    product="FS725",
    address="visa",
    ports={"serial": srs_fs725.TCP_PORT},
    roles=("TimingPlane",),
    driver="podium.drivers.srs_fs725:SrsFs725",
    twin="podium.sim_instruments.twins.srs_fs725:SrsFs725",
    answers=("SRS,FS725",),
    connect="from podium.drivers.srs_fs725 import SrsFs725; {name} = SrsFs725('{name}', '{visa}')",
)

BUILT_IN: tuple[InstrumentModel, ...] = (
    QBLOX_CLUSTER,
    LAKESHORE_372,
    YOKOGAWA_GS200,
    ROHDE_SCHWARZ_SGS100A,
    WRTD_NODE,
    WHITE_RABBIT_SWITCH,
    SRS_FS725,
)


@cache
def known_models() -> Mapping[str, InstrumentModel]:
    """Return all models by name: ours and those of installed packages.

    Raises :class:`ModelError` when a package's entry point cannot be loaded, is no model,
    or takes a name that is taken.
    """
    return _merged(BUILT_IN, tuple(entry_points(group=ENTRY_POINT_GROUP)))


def output_full_scale_dbm(
    model: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> float:
    """Return what a tone at digital full scale brings out of an RF output, in dBm, nominally.

    ``modules``: slot -> module of a modular instrument; ``channel``: ``slot2.out0``. Raises
    :class:`ModelError` when there is no such RF output.
    """
    connector = _connector(model, modules, channel)
    if not isinstance(connector, RfOutput):
        raise ModelError(f"{model.name} has no RF output {channel!r}")
    return connector.full_scale_dbm


def level_resolution_v(
    model: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> float | None:
    """Return the grid on which a static voltage output sets its level, V; None if not known.

    Arguments as of :func:`output_full_scale_dbm`. Raises :class:`ModelError` when there is no
    such voltage output.
    """
    connector = _connector(model, modules, channel)
    if not isinstance(connector, VoltageOutput):
        raise ModelError(f"{model.name} has no voltage output {channel!r}")
    return connector.resolution_v


def _connector(
    entry: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> Connector | None:
    slot, dot, socket = channel.rpartition(".")
    connectors = entry.connectors
    if dot and entry.modules is not None and modules is not None:
        module = modules.get(int(slot.removeprefix("slot")))
        connectors = entry.modules[module].connectors if module is not None else ()
    return next((one for one in connectors if one.name == socket), None)


def _merged(
    built_in: tuple[InstrumentModel, ...], added: tuple[EntryPoint, ...]
) -> dict[str, InstrumentModel]:
    models = {model.name: model for model in built_in}
    for point in added:
        source = f"entry point {point.name} = {point.value} of {ENTRY_POINT_GROUP}"
        try:
            model = point.load()
        except Exception as error:
            raise ModelError(f"{source} cannot be loaded: {error}") from error
        if not isinstance(model, InstrumentModel):
            raise ModelError(f"{source} is a {type(model).__name__}, not an InstrumentModel")
        if model.name in models:
            raise ModelError(f"{source} takes the name {model.name}, which is taken")
        models[model.name] = model
    return models
