"""The instrument models that Podium knows: one frozen entry each, and how others add theirs.

An entry says what a facility file may write about such a box (address, options,
connectors and their ranges) and names its driver and its twin as dotted paths
``package.module:Class``. The paths are strings: they are resolved by the agent and by
the twin server only, so that checking a file loads neither.

A package of someone else adds a model by an entry point of the group ``podium.models``
whose target is an :class:`InstrumentModel`.
"""

from collections.abc import Mapping
from functools import cache
from typing import TYPE_CHECKING

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.fridge_stages import GAUGES, HEATERS, TURBOS
from podium.firmware_interfaces.instrument_model import (
    AnalyzerPort,
    Connector,
    DigitalPort,
    InstrumentModel,
    IqOutput,
    MapOption,
    Marker,
    ModulatedSource,
    ModuleModel,
    Option,
    PulseOutput,
    Range,
    RfInput,
    RfOutput,
    TextOption,
    TriggerInput,
    TriggerOutput,
    VoltageOutput,
)
from podium.firmware_interfaces.qblox_cluster import limits as qblox
from podium.firmware_interfaces.zurich import limits as zurich

if TYPE_CHECKING:
    from importlib.metadata import EntryPoint

__all__ = [
    "BUILT_IN",
    "ENTRY_POINT_GROUP",
    "AnalyzerPort",
    "Connector",
    "DigitalPort",
    "InstrumentModel",
    "IqOutput",
    "MapOption",
    "Marker",
    "ModelError",
    "ModulatedSource",
    "ModuleModel",
    "Option",
    "PulseOutput",
    "Range",
    "RfInput",
    "RfOutput",
    "TextOption",
    "TriggerInput",
    "TriggerOutput",
    "VoltageOutput",
    "known_models",
    "level_resolution_v",
    "model_named",
    "output_full_scale_dbm",
]

ENTRY_POINT_GROUP = "podium.models"


class ModelError(ValueError):
    """A model from an entry point cannot be used. Mend or uninstall the package named."""


_SOCKET = "import socket; {{name}} = socket.create_connection(('{{host}}', {}))"
_OVER_VISA = {
    "pyvisa": "import pyvisa; {name} = pyvisa.ResourceManager('@py').open_resource('{visa}', "
    "read_termination='\\n', write_termination='\\n')",
    "a plain socket": _SOCKET.format("{ports[scpi]}"),
}
_INSTR = "import pyvisa; {{name}} = pyvisa.ResourceManager('@py').open_resource('{}::INSTR')"
_OVER_HISLIP = {"pyvisa over HiSLIP": _INSTR.format("TCPIP::{host}::hislip0,{ports[hislip]}")}
_OVER_VXI11 = {"pyvisa over VXI-11": _INSTR.format("TCPIP::{host},{ports[vxi11]}::inst0")}

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
QBLOX_RELEASES = ("0.12.0", "0.12.1", "0.13.0", "2.1.0")
"""Keys of :data:`.qblox_cluster.identity.RELEASES`."""

_QRM_RF = ModuleModel(
    "QRM-RF",
    (
        RfOutput("out0", _QBLOX_LO, _QBLOX_NCO, _QBLOX_OUT_ATT, "out0_in0", _QBLOX_RF_DBM),
        RfInput("in0", _QBLOX_LO, _QBLOX_NCO, _QBLOX_IN_ATT, lo_name="out0_in0"),
        *(Marker(f"marker{bit}", bit) for bit in (2, 3)),
    ),
)
_QCM_RF = ModuleModel(
    "QCM-RF",
    (
        *(
            RfOutput(name, _QBLOX_LO, _QBLOX_NCO, _QBLOX_OUT_ATT, name, _QBLOX_RF_DBM)
            for name in ("out0", "out1")
        ),
        *(Marker(f"marker{bit}", bit) for bit in (2, 3)),
    ),
)
_QCM = ModuleModel(
    "QCM",
    (
        *(VoltageOutput(f"out{n}", _QBLOX_OFFSET, _QBLOX_OFFSET_STEP) for n in range(4)),
        IqOutput("out0_1", ("out0", "out1"), _QBLOX_NCO),
        IqOutput("out2_3", ("out2", "out3"), _QBLOX_NCO),
        *(Marker(f"marker{bit}", bit) for bit in range(4)),
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
    roles=("PulseSequencer", "FluxSource", "Clock", "CalibratesMixers"),
    driver="podium.drivers.qblox_cluster.cluster:QbloxCluster",
    twin="podium.sim_instruments.twins.qblox_cluster.cluster:ClusterTwin",
    family="podium.control.families.qblox.family:QbloxFamily",
    options=(
        MapOption("modules", "slot: module", 1, qblox.SLOTS, choices=tuple(_QBLOX_MODULES)),
        TextOption("firmware", "release of its firmware", QBLOX_RELEASES, required=False),
    ),
    connectors=(TriggerInput("trigger", qblox.TRIGGER_INPUT_PERIOD_NS * FS_PER_NS),),
    modules=_QBLOX_MODULES,
    answers=("Qblox,cluster",),
    connect="from qblox_instruments import Cluster; {name} = Cluster('{name}', '{host}')",
    connects="qblox-instruments, qcodes",
    clients={
        "qblox-instruments without qcodes": "from qblox_instruments.native import Cluster; "
        "{name} = Cluster('{host}')",
        "a plain socket": _SOCKET.format("{ports[scpi]}"),
    },
    qcodes="qblox_instruments.Cluster",
)

# --- Zurich Instruments ------------------------------------------------------------

_SHF_LO = Range(zurich.LO_MIN_HZ, zurich.LO_MAX_HZ, "Hz", step=zurich.LO_STEP_HZ)
_SHF_BAND = Range(-zurich.BAND_HZ, zurich.BAND_HZ, "Hz")
# Their ranges are set, not attenuators: full scale is the largest range less this.
_SHF_OUT_ATT = Range(
    0, zurich.OUTPUT_RANGE_MAX_DBM - zurich.OUTPUT_RANGE_MIN_DBM, "dB", step=zurich.RANGE_STEP_DB
)
_SHF_IN_ATT = Range(
    0, zurich.INPUT_RANGE_MAX_DBM - zurich.INPUT_RANGE_MIN_DBM, "dB", step=zurich.RANGE_STEP_DB
)
_SHF_TRIGGER_FS = zurich.TRIGGER_INPUT_PERIOD_NS * FS_PER_NS


def _generators(count: int) -> tuple[Connector, ...]:
    """Return the channels of a signal generator; two and two have a synthesizer in common."""
    top = zurich.OUTPUT_RANGE_MAX_DBM
    return tuple(
        one
        for n in range(count)
        for one in (
            RfOutput(f"sg{n}", _SHF_LO, _SHF_BAND, _SHF_OUT_ATT, f"sg{n // 2}", top),
            TriggerInput(f"sg{n}_trigger", _SHF_TRIGGER_FS),
            Marker(f"sg{n}_marker", n),
        )
    )


def _analysers(count: int) -> tuple[Connector, ...]:
    """Return the channels of a quantum analyzer."""
    top = zurich.OUTPUT_RANGE_MAX_DBM
    return tuple(
        one
        for n in range(count)
        for one in (
            RfOutput(f"qa{n}_out", _SHF_LO, _SHF_BAND, _SHF_OUT_ATT, f"qa{n}", top),
            RfInput(f"qa{n}_in", _SHF_LO, _SHF_BAND, _SHF_IN_ATT, f"qa{n}"),
        )
    )


def _analyser_triggers(count: int) -> tuple[Connector, ...]:
    """Return the trigger inputs of an analyser; beside generators it hears theirs, too, and they
    not its."""
    return tuple(
        TriggerInput(f"qa{n}_trigger_{side}", _SHF_TRIGGER_FS)
        for n in range(count)
        for side in "ab"
    )


def _waves(count: int) -> tuple[Connector, ...]:
    """Return the outputs of an HDAWG."""
    return tuple(PulseOutput(f"sigout{n}", zurich.HDAWG_RANGES_V) for n in range(count))


def _hub_triggers(count: int) -> tuple[Connector, ...]:
    """Return the trigger inputs of a PQSC, with which it starts the others."""
    return tuple(TriggerInput(f"trigger{n}", _SHF_TRIGGER_FS) for n in range(count))


_ZURICH_DEVICES = {
    model.name: model
    for model in (
        ModuleModel("SHFQC", (*_analysers(1), *_generators(6))),
        ModuleModel("SHFSG4", _generators(4)),
        ModuleModel("SHFSG8", _generators(8)),
        ModuleModel("SHFQA2", (*_analysers(2), *_analyser_triggers(2))),
        ModuleModel("SHFQA4", (*_analysers(4), *_analyser_triggers(4))),
        ModuleModel("HDAWG4", _waves(4)),
        ModuleModel("HDAWG8", _waves(8)),
        ModuleModel("PQSC", _hub_triggers(zurich.PQSC_TRIGGER_INPUTS)),
    )
}
"""What lines can be wired to. An HDAWG holds no static bias; a PQSC starts the others."""

ZURICH = InstrumentModel(
    name="zurich",
    vendor="Zurich Instruments",
    product="data server",
    address="host",
    ports={"data_server": zurich.TCP_PORT},
    roles=("PulseSequencer", "CountsTicks"),
    driver="podium.drivers.zurich.data_server:ZurichDataServer",
    twin="podium.sim_instruments.twins.zurich.data_server.data_server_factory:running_data_server",
    family="podium.control.families.zurich.family:ZurichFamily",
    options=(
        MapOption("devices", "serial number: model", 1, zurich.SERIAL_MAX, zurich.DEVICE_MODELS),
        MapOption(
            "options",
            "serial number: options of a quantum analyzer",
            1,
            zurich.SERIAL_MAX,
            zurich.ANALYSER_OPTIONS,
            required=False,
            of="devices",
        ),
        MapOption(
            "zsync",
            "ZSync port of the PQSC: instrument",
            0,
            zurich.ZSYNC_PORTS - 1,
            required=False,
            of_modules=True,
        ),
        TextOption("labone_version", "version of LabOne, in quotes: '25.04'", required=False),
    ),
    modules=_ZURICH_DEVICES,
    modules_option="devices",
    place="dev",
    answers=("Zurich Instruments,data server",),
    connect="from zhinst.toolkit import Session; {name} = Session('{host}', {ports[data_server]})",
    connects="zhinst-toolkit",
    clients={
        "zhinst-core": "from zhinst.core import ziDAQServer; "
        "{name} = ziDAQServer('{host}', {ports[data_server]}, 6)",
    },
)

# --- small instruments -------------------------------------------------------------

LAKESHORE_372 = InstrumentModel(
    name="lakeshore_372",
    vendor="Lake Shore",
    product="Model 372",
    address="visa",
    ports={"scpi": 7777},
    roles=("Thermometer", "Heater", "HasReadings"),
    driver="podium.drivers.lakeshore_372:LakeShore372",
    twin="podium.sim_instruments.twins.lakeshore_372:LakeShore372",
    read_every_s=2.0,  # its scanner takes longer for a round
    options=(
        MapOption("channels", "measurement input: stage of the fridge", 1, 16),
        MapOption("heaters", "output: heater of the fridge", 0, 2, tuple(HEATERS), required=False),
    ),
    channels_option="channels",
    answers=("LSCI,MODEL372",),
    connect="from qcodes.instrument_drivers.Lakeshore import LakeshoreModel372; "
    "{name} = LakeshoreModel372('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA,
    qcodes="qcodes.instrument_drivers.Lakeshore.LakeshoreModel372",
)

LAKESHORE_336 = InstrumentModel(
    name="lakeshore_336",
    vendor="Lake Shore",
    product="Model 336",
    address="visa",
    ports={"scpi": 7777},
    roles=("Thermometer", "Heater", "HasReadings"),
    driver="podium.drivers.lakeshore_336:LakeShore336",
    twin="podium.sim_instruments.twins.lakeshore_336:lakeshore_336",
    options=(
        MapOption("channels", "input (1 to 4 are A to D): stage of the fridge", 1, 4),
        MapOption("heaters", "output: heater of the fridge", 1, 4, tuple(HEATERS), required=False),
    ),
    channels_option="channels",
    answers=("LSCI,MODEL336",),
    connect="from qcodes.instrument_drivers.Lakeshore import LakeshoreModel336; "
    "{name} = LakeshoreModel336('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA,
    qcodes="qcodes.instrument_drivers.Lakeshore.LakeshoreModel336",
)

LAKESHORE_350 = InstrumentModel(
    name="lakeshore_350",
    vendor="Lake Shore",
    product="Model 350",
    address="visa",
    ports={"scpi": 7777},
    roles=("Thermometer", "Heater", "HasReadings"),
    driver="podium.drivers.lakeshore_350:LakeShore350",
    twin="podium.sim_instruments.twins.lakeshore_350:lakeshore_350",
    options=(
        MapOption("channels", "input (1 to 4 are A to D): stage of the fridge", 1, 4),
        MapOption("heaters", "output: heater of the fridge", 1, 4, tuple(HEATERS), required=False),
    ),
    channels_option="channels",
    answers=("LSCI,MODEL350",),
    connect="from podium.drivers.lakeshore_350 import LakeShore350; "
    "{name} = LakeShore350('{name}', '{visa}', {{}})",
    clients=_OVER_VISA,
)

PFEIFFER_TPG366 = InstrumentModel(
    name="pfeiffer_tpg366",
    vendor="Pfeiffer Vacuum",
    product="TPG 366",
    address="host",
    ports={"mnemonics": 8000},
    roles=("HasReadings",),
    driver="podium.drivers.pfeiffer_tpg366:PfeifferTpg366",
    twin="podium.sim_instruments.twins.pfeiffer_tpg366:PfeifferTpg366",
    named={"gauges": tuple(GAUGES)},
    options=(
        MapOption("gauges", "channel: pressure of the fridge", 1, 6, tuple(GAUGES), required=False),
    ),
    connect="from podium.drivers.pfeiffer_tpg366 import PfeifferTpg366; "
    "{name} = PfeifferTpg366('{name}', '{host}', {ports})",
)

PFEIFFER_TC400 = InstrumentModel(
    name="pfeiffer_tc400",
    vendor="Pfeiffer Vacuum",
    product="TC 400",
    address="host",
    ports={"serial": 4001},
    roles=("TurboPump", "HasReadings"),
    driver="podium.drivers.pfeiffer_tc400:PfeifferTc400",
    twin="podium.sim_instruments.twins.pfeiffer_tc400:PfeifferTc400",
    read_every_s=2.0,  # a telegram for each parameter, at 9600 baud
    named={"pump": TURBOS[:1]},
    options=(
        TextOption("pump", "pump of the fridge", TURBOS, required=False),
        TextOption("bus_address", "address on its RS-485 bus, 1 to 255", required=False),
    ),
    connect="from podium.drivers.pfeiffer_tc400 import PfeifferTc400; "
    "{name} = PfeifferTc400('{name}', '{host}', {ports})",
)

OXFORD_TRITON = InstrumentModel(
    name="oxford_triton",
    vendor="Oxford Instruments",
    product="Triton",
    address="host",
    ports={"control": 33576},
    roles=("Thermometer", "Heater", "HasReadings"),
    driver="podium.drivers.oxford_triton:OxfordTriton",
    twin="podium.sim_instruments.twins.oxford_triton:OxfordTriton",
    read_every_s=2.0,  # a question for each channel
    named={"heaters": tuple(HEATERS)[:2], "gauges": tuple(GAUGES)},
    options=(MapOption("channels", "thermometer: stage of the fridge", 1, 16),),
    channels_option="channels",
    answers=("OI,TRITON",),
    connect="from qcodes.instrument_drivers.oxford import OxfordTriton; "
    "{name} = OxfordTriton('{name}', '{host}', {ports[control]})",
    connects="qcodes",
)

OXFORD_MERCURY_IPS = InstrumentModel(
    name="oxford_mercury_ips",
    vendor="Oxford Instruments",
    product="Mercury iPS",
    address="host",
    ports={"control": 7020},
    roles=("HasReadings",),
    driver="podium.drivers.oxford_mercury_ips:OxfordMercuryIps",
    twin="podium.sim_instruments.twins.oxford_mercury_ips:OxfordMercuryIps",
    read_every_s=2.0,  # a question for each channel
    options=(
        TextOption(
            "firmware", "release of its firmware", ("2.5.09.000", "2.6.04.000"), required=False
        ),
    ),
    answers=("OXFORD INSTRUMENTS,MERCURY IPS",),
    connect="from qcodes.instrument_drivers.oxford import OxfordMercuryiPS; {name} = "
    "OxfordMercuryiPS('{name}', 'TCPIP::{host}::{ports[control]}::SOCKET', visalib='@py')",
    connects="qcodes",
)

YOKOGAWA_GS200 = InstrumentModel(
    name="yokogawa_gs200",
    vendor="Yokogawa",
    product="GS200",
    address="visa",
    ports={"scpi": 7655, "vxi11": 111},
    roles=("FluxSource",),
    driver="podium.drivers.yokogawa_gs200:YokogawaGS200",
    twin="podium.sim_instruments.twins.yokogawa_gs200:YokogawaGS200",
    # Manual IM GS210-01E: +-32 V in the 30 V range, steps of 10 uV in the 1 V range.
    connectors=(VoltageOutput("", Range(-32.0, 32.0, "V"), 10e-6),),
    answers=("YOKOGAWA,GS210", "YOKOGAWA,GS211"),
    connect="from qcodes.instrument_drivers.yokogawa import YokogawaGS200; "
    "{name} = YokogawaGS200('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.yokogawa.YokogawaGS200",
)

QDEVIL_QDAC2 = InstrumentModel(
    name="qdevil_qdac2",
    vendor="QDevil",
    product="QDAC-II",
    address="visa",
    ports={"scpi": 5025},
    roles=("FluxSource",),
    driver="podium.drivers.qdevil_qdac2:QdevilQdac2",
    twin="podium.sim_instruments.twins.qdevil_qdac2:QdevilQdac2",
    # +-10 V; the range of 2 V in steps of its converter, without resolution enhancement.
    connectors=tuple(
        VoltageOutput(f"ch{n:02}", Range(-10.0, 10.0, "V"), 4 / 2**20) for n in range(1, 25)
    ),
    answers=("QDevil,QDAC-II",),
    connect="from qcodes_contrib_drivers.drivers.QDevil.QDAC2 import QDac2; "
    "{name} = QDac2('{name}', '{visa}', visalib='@py')",
    connects="qcodes-contrib-drivers",
    clients=_OVER_VISA,
    qcodes="qcodes_contrib_drivers.drivers.QDevil.QDAC2.QDac2",
)

QDEVIL_QSWITCH = InstrumentModel(
    name="qdevil_qswitch",
    vendor="QDevil",
    product="QSwitch",
    address="host",
    ports={"scpi": 5025},  # TCP or UDP, by its firmware
    roles=(),
    driver="podium.drivers.qdevil_qswitch:QdevilQswitch",
    twin="podium.sim_instruments.twins.qdevil_qswitch:QdevilQswitch",
    options=(
        TextOption("firmware", "release of its firmware", ("1.3", "2.0"), required=False),
        MapOption(
            "flux_lines",
            "its line: flux line of the file",
            1,
            24,
            required=False,
            of_flux_lines=True,
        ),
    ),
    answers=("Quantum Machines,QSwitch", "QDevil,QSwitch"),
    connect="from podium.drivers.qdevil_qswitch import QdevilQswitch; "
    "{name} = QdevilQswitch('{name}', '{host}', {ports})",
)

KEYSIGHT_33512B = InstrumentModel(
    name="keysight_33512b",
    vendor="Keysight",
    product="33512B",
    address="visa",
    ports={"scpi": 5025},
    roles=(),
    driver="podium.drivers.keysight_33512b:Keysight33512B",
    twin="podium.sim_instruments.twins.keysight_33512b:Keysight33512B",
    answers=("Agilent Technologies,33512B", "Keysight Technologies,33512B"),
    connect="from qcodes.instrument_drivers.Keysight import Keysight33512B; "
    "{name} = Keysight33512B('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA,
    qcodes="qcodes.instrument_drivers.Keysight.Keysight33512B",
)

ROHDE_SCHWARZ_SGS100A = InstrumentModel(
    name="rohde_schwarz_sgs100a",
    vendor="Rohde & Schwarz",
    product="SGS100A",
    address="visa",
    ports={"scpi": 5025, "hislip": 4880, "vxi11": 111},
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
    connects="qcodes",
    clients=_OVER_VISA | _OVER_HISLIP | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.rohde_schwarz.RohdeSchwarzSGS100A",
)

KEYSIGHT_N5183B = InstrumentModel(
    name="keysight_n5183b",
    vendor="Keysight",
    product="N5183B",
    address="visa",
    ports={"scpi": 5025},
    roles=("MicrowaveSource",),
    driver="podium.drivers.keysight_n5183b:KeysightN5183B",
    twin="podium.sim_instruments.twins.keysight_n5183b:KeysightN5183B",
    answers=("Keysight Technologies,N5183B", "Agilent Technologies,N5183B"),
    connect="from qcodes.instrument_drivers.Keysight import KeysightN5183B; "
    "{name} = KeysightN5183B('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA,
    qcodes="qcodes.instrument_drivers.Keysight.KeysightN5183B",
)

ROHDE_SCHWARZ_ZNB20 = InstrumentModel(
    name="rohde_schwarz_znb20",
    vendor="Rohde & Schwarz",
    product="ZNB20",
    address="visa",
    ports={"scpi": 5025, "hislip": 4880, "vxi11": 111},
    roles=("NetworkAnalyzer",),
    driver="podium.drivers.rohde_schwarz_znb20:RohdeSchwarzZNB20",
    twin="podium.sim_instruments.twins.rohde_schwarz_znb20:RohdeSchwarzZNB20",
    connectors=tuple(AnalyzerPort(f"port{n}", Range(100e3, 20e9, "Hz")) for n in (1, 2)),
    answers=("Rohde-Schwarz,ZNB20", "Rohde&Schwarz,ZNB20"),
    connect="from qcodes.instrument_drivers.rohde_schwarz import RohdeSchwarzZNB20; {name} = "
    "RohdeSchwarzZNB20('{name}', 'TCPIP::{host}::hislip0,{ports[hislip]}::INSTR', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_HISLIP | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.rohde_schwarz.RohdeSchwarzZNB20",
)

KEYSIGHT_N5222B = InstrumentModel(
    name="keysight_n5222b",
    vendor="Keysight",
    product="PNA N5222B",
    address="visa",
    ports={"scpi": 5025, "hislip": 4880, "vxi11": 111},
    roles=("NetworkAnalyzer",),
    driver="podium.drivers.keysight_n5222b:KeysightN5222B",
    twin="podium.sim_instruments.twins.keysight_n5222b:KeysightN5222B",
    connectors=tuple(AnalyzerPort(f"port{n}", Range(10e6, 26.5e9, "Hz")) for n in range(1, 5)),
    answers=("Keysight Technologies,N5222B", "Agilent Technologies,N5222B"),
    connect="from qcodes.instrument_drivers.Keysight import KeysightN5222B; "
    "{name} = KeysightN5222B('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_HISLIP | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.Keysight.KeysightN5222B",
)

KEYSIGHT_N9030B = InstrumentModel(
    name="keysight_n9030b",
    vendor="Keysight",
    product="N9030B",
    address="visa",
    ports={"scpi": 5025, "hislip": 4880, "vxi11": 111},
    roles=(),
    driver="podium.drivers.keysight_n9030b:KeysightN9030B",
    twin="podium.sim_instruments.twins.keysight_n9030b:KeysightN9030B",
    options=(
        MapOption(
            "sources",
            "input of the combiner before it: microwave source",
            1,
            8,
            required=False,
            of_role="MicrowaveSource",
        ),
    ),
    answers=("Keysight Technologies,N9030B", "Agilent Technologies,N9030B"),
    connect="from qcodes.instrument_drivers.Keysight import KeysightN9030B; "
    "{name} = KeysightN9030B('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_HISLIP | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.Keysight.KeysightN9030B",
)

SRS_SG384 = InstrumentModel(
    name="srs_sg384",
    vendor="SRS",
    product="SG384",
    address="visa",
    ports={"scpi": 5025},
    roles=("MicrowaveSource",),
    driver="podium.drivers.srs_sg384:SrsSg384",
    twin="podium.sim_instruments.twins.srs_sg384:SrsSg384",
    answers=("Stanford Research Systems,SG384",),
    connect="from qcodes.instrument_drivers.stanford_research import SG384; "
    "{name} = SG384('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA,
    qcodes="qcodes.instrument_drivers.stanford_research.SG384",
)

# --- timing plane ------------------------------------------------------------------

WRTD_NODE = InstrumentModel(
    name="wrtd_node",
    vendor="CERN",
    product="WRTD node",
    address="host",
    ports={"service": 5045, "events": 5044},
    roles=("TriggerPlane", "Clock"),
    driver="podium.drivers.wrtd_node.node:WrtdNode",
    twin="podium.sim_instruments.twins.wrtd_node.node:WrtdNode",
    options=(
        TextOption("group", "multicast group that its events are sent to", required=False),
        TextOption("domain", "LXI domain, 0 to 255", required=False),
    ),
    connectors=tuple(TriggerOutput(f"LC-O{n + 1}", FS_PER_NS) for n in range(4)),
    connect="from podium.drivers.wrtd_node.node import WrtdNode; "
    "{name} = WrtdNode('{name}', '{host}', {ports})",
)

WHITE_RABBIT_SWITCH = InstrumentModel(
    name="white_rabbit_switch",
    vendor="White Rabbit",
    product="Switch",
    address="host",
    ports={"snmp": 161},
    roles=("TimingPlane", "HasReadings"),
    driver="podium.drivers.white_rabbit_switch:WhiteRabbitSwitch",
    twin="podium.sim_instruments.twins.white_rabbit_switch:WhiteRabbitSwitch",
    read_every_s=5.0,  # it looks at itself every five seconds
    options=(
        TextOption("mode", "where its time comes from", ("grandmaster", "slave"), required=False),
        MapOption("links", "fibre: what it goes to", 1, 18, required=False),
    ),
    connect="from podium.drivers.white_rabbit_switch import WhiteRabbitSwitch; "
    "{name} = WhiteRabbitSwitch('{name}', '{host}', {ports})",
)

SRS_FS725 = InstrumentModel(
    name="srs_fs725",
    vendor="SRS",
    product="FS725",
    address="visa",
    ports={"serial": 4001},
    roles=("TimingPlane", "HasReadings"),
    driver="podium.drivers.srs_fs725:SrsFs725",
    twin="podium.sim_instruments.twins.srs_fs725:SrsFs725",
    read_every_s=5.0,
    answers=("SRS,FS725",),
    connect="from podium.drivers.srs_fs725 import SrsFs725; {name} = SrsFs725('{name}', '{visa}')",
)

# --- cold side ---------------------------------------------------------------------

CRYOMECH_CPA = InstrumentModel(
    name="cryomech_cpa",
    vendor="Cryomech",
    product="CPA",
    address="host",
    ports={"modbus": 502},
    roles=("HeliumCompressor", "HasReadings"),
    driver="podium.drivers.cryomech_cpa:CryomechCpa",
    twin="podium.sim_instruments.twins.cryomech_cpa:CryomechCpa",
    answers=("Cryomech,CPA",),
    connect="from cpa1110 import CPA1110, Connection; "
    "{name} = CPA1110('{host}', Connection.TCP, port={ports[modbus]})",
    connects="cpa1110",
    clients={
        "pymodbus": "from pymodbus.client import ModbusTcpClient; "
        "{name} = ModbusTcpClient('{host}', port={ports[modbus]})",
    },
)

BLUEFORS_CONTROL = InstrumentModel(
    name="bluefors_control",
    vendor="Bluefors",
    product="Control Software",
    address="host",
    ports={"http": 49099, "https": 49098},
    roles=("Thermometer", "Cryostat", "HasReadings"),
    driver="podium.drivers.bluefors_control:BlueforsControl",
    twin="podium.sim_instruments.twins.bluefors_control.control_software:BlueforsControl",
    options=(
        MapOption("channels", "channel of its temperature controller: stage of the fridge", 1, 9),
        TextOption("key", "key of its API, for HTTPS", required=False),
        TextOption("certificate", "file with its certificate, for HTTPS", required=False),
        TextOption("logs", "folder of its log files, as it is seen from here", required=False),
    ),
    channels_option="channels",
    answers=("Bluefors,",),
    connect="from podium.drivers.bluefors_control import BlueforsControl; "
    "{name} = BlueforsControl('{name}', '{host}', {ports}, {{6: 'mixing_chamber'}})",
    clients={"a browser": "'http://{host}:{ports[http]}/values/mapper/bf/?prettyprint=1'"},
)

NUT_UPS = InstrumentModel(
    name="nut_ups",
    vendor="Network UPS Tools",
    product="UPS",
    address="host",
    ports={"nut": 3493},
    roles=("BatterySupply", "HasReadings"),
    driver="podium.drivers.nut_ups:NutUps",
    twin="podium.sim_instruments.twins.nut_ups:NutUps",
    read_every_s=2.0,  # its server asks it every two seconds
    options=(TextOption("ups", "name of the supply at its server", required=False),),
    connect="from podium.drivers.nut_ups import NutUps; {name} = NutUps('{name}', '{host}', "
    "{ports})",
)

# --- room, water, and a temperature controller by itself ---------------------------

HWGROUP_POSEIDON2 = InstrumentModel(
    name="hwgroup_poseidon2",
    vendor="HW group",
    product="Poseidon2",
    address="host",
    ports={"snmp": 161},
    roles=("HasReadings",),
    driver="podium.drivers.hwgroup_poseidon2:HwgroupPoseidon2",
    twin="podium.sim_instruments.twins.hwgroup_poseidon2:HwgroupPoseidon2",
    options=(
        MapOption("sensors", "row of its table of sensors: name for it", 1, 42, required=False),
        MapOption("inputs", "dry contact: name for it", 1, 12, required=False),
    ),
    answers=("HW group,Poseidon",),
    connect="from podium.drivers.hwgroup_poseidon2 import HwgroupPoseidon2; "
    "{name} = HwgroupPoseidon2('{name}', '{host}', {ports})",
)

SMC_HRS100 = InstrumentModel(
    name="smc_hrs100",
    vendor="SMC",
    product="HRS100",
    address="host",
    ports={"modbus": 502},
    roles=("Chiller", "HasReadings"),
    driver="podium.drivers.smc_hrs100:SmcHrs100",
    twin="podium.sim_instruments.twins.smc_hrs100:SmcHrs100",
    options=(TextOption("bus_address", "its number on the serial line, 1 to 99", required=False),),
    answers=("SMC,HRS100",),
    connect="from podium.drivers.smc_hrs100 import SmcHrs100; "
    "{name} = SmcHrs100('{name}', '{host}', {ports})",
    clients={
        "pymodbus": "from pymodbus.client import ModbusTcpClient; "
        "{name} = ModbusTcpClient('{host}', port={ports[modbus]})",
    },
)

BLUEFORS_TC = InstrumentModel(
    name="bluefors_tc",
    vendor="Bluefors",
    product="Temperature Controller",
    address="host",
    ports={"http": 5001, "websocket": 5002},
    roles=("Thermometer", "Heater", "HasReadings"),
    driver="podium.drivers.bluefors_tc:BlueforsTc",
    twin="podium.sim_instruments.twins.bluefors_tc.controller:BlueforsTc",
    read_every_s=5.0,  # a question for each channel; each is measured for seconds
    options=(
        MapOption("channels", "measurement channel: stage of the fridge", 1, 12),
        MapOption("heaters", "heater: heater of the fridge", 1, 4, tuple(HEATERS), required=False),
    ),
    channels_option="channels",
    answers=("Bluefors,Bluefors TC",),
    connect="from podium.drivers.bluefors_tc import BlueforsTc; "
    "{name} = BlueforsTc('{name}', '{host}', {ports}, {{6: 'mixing_chamber'}})",
    clients={"a browser": "'http://{host}:{ports[http]}/channel/measurement/latest'"},
)

# --- generators of waveforms of other makers ---------------------------------------

TEKTRONIX_AWG70002A = InstrumentModel(
    name="tektronix_awg70002a",
    vendor="Tektronix",
    product="AWG70002A",
    address="visa",
    ports={"scpi": 4000, "vxi11": 111},
    roles=(),
    driver="podium.drivers.tektronix_awg70002a:TektronixAWG70002A",
    twin="podium.sim_instruments.twins.tektronix_awg70002a:tektronix_awg70002a",
    answers=("TEKTRONIX,AWG70002A",),
    connect="from qcodes.instrument_drivers.tektronix import TektronixAWG70002A; "
    "{name} = TektronixAWG70002A('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.tektronix.TektronixAWG70002A",
)

TEKTRONIX_AWG5208 = InstrumentModel(
    name="tektronix_awg5208",
    vendor="Tektronix",
    product="AWG5208",
    address="visa",
    ports={"scpi": 4000, "vxi11": 111},
    roles=(),
    driver="podium.drivers.tektronix_awg5208:TektronixAWG5208",
    twin="podium.sim_instruments.twins.tektronix_awg5208:tektronix_awg5208",
    answers=("TEKTRONIX,AWG5208",),
    connect="from qcodes.instrument_drivers.tektronix import TektronixAWG5208; "
    "{name} = TektronixAWG5208('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=_OVER_VISA | _OVER_VXI11,
    qcodes="qcodes.instrument_drivers.tektronix.TektronixAWG5208",
)

BUILT_IN: tuple[InstrumentModel, ...] = (
    QBLOX_CLUSTER,
    ZURICH,
    LAKESHORE_372,
    LAKESHORE_336,
    LAKESHORE_350,
    PFEIFFER_TPG366,
    PFEIFFER_TC400,
    OXFORD_TRITON,
    OXFORD_MERCURY_IPS,
    YOKOGAWA_GS200,
    QDEVIL_QDAC2,
    QDEVIL_QSWITCH,
    KEYSIGHT_33512B,
    ROHDE_SCHWARZ_SGS100A,
    KEYSIGHT_N5183B,
    ROHDE_SCHWARZ_ZNB20,
    KEYSIGHT_N5222B,
    KEYSIGHT_N9030B,
    SRS_SG384,
    WRTD_NODE,
    WHITE_RABBIT_SWITCH,
    SRS_FS725,
    CRYOMECH_CPA,
    BLUEFORS_CONTROL,
    NUT_UPS,
    HWGROUP_POSEIDON2,
    SMC_HRS100,
    BLUEFORS_TC,
    TEKTRONIX_AWG70002A,
    TEKTRONIX_AWG5208,
)


@cache
def known_models() -> Mapping[str, InstrumentModel]:
    """Return all models by name: ours and those of installed packages.

    Raises :class:`ModelError` when a package's entry point cannot be loaded, is no model,
    or takes a name that is taken.
    """
    from importlib.metadata import entry_points  # a tenth of what a box on a bench takes to start

    return _merged(BUILT_IN, tuple(entry_points(group=ENTRY_POINT_GROUP)))


def model_named(name: str) -> InstrumentModel:
    """Return the model of that name; other packages are asked only if it is none of ours.

    Raises KeyError if there is none, and as :func:`known_models`.
    """
    ours = next((model for model in BUILT_IN if model.name == name), None)
    return known_models()[name] if ours is None else ours


def output_full_scale_dbm(
    model: InstrumentModel, modules: Mapping[int, str] | None, channel: str
) -> float:
    """Return what a tone at digital full scale brings out of an RF output, in dBm, nominally.

    ``modules``: slot (or serial number) -> module; ``channel``: ``slot2.out0``. Raises
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
        module = modules.get(int(slot.removeprefix(entry.place)))
        connectors = entry.modules[module].connectors if module is not None else ()
    return next((one for one in connectors if one.name == socket), None)


def _merged(
    built_in: tuple[InstrumentModel, ...], added: "tuple[EntryPoint, ...]"
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
