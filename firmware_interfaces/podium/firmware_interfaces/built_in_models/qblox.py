"""The Qblox cluster and its modules."""

from podium.firmware_interfaces.built_in_models.clients import SOCKET
from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.instrument_model import (
    DigitalPort,
    InstrumentModel,
    IqOutput,
    MapOption,
    Marker,
    ModuleModel,
    Range,
    ResultTiming,
    RfInput,
    RfOutput,
    TextOption,
    TriggerInput,
    VoltageOutput,
)
from podium.firmware_interfaces.qblox_cluster import limits as qblox

_QBLOX_LO = Range(qblox.LO_MIN_HZ, qblox.LO_MAX_HZ, "Hz")

_QBLOX_NCO = Range(-qblox.NCO_MAX_HZ, qblox.NCO_MAX_HZ, "Hz")

_QBLOX_OUT_ATT = Range(
    0, qblox.OUTPUT_ATTENUATION_MAX_DB, "dB", step=qblox.OUTPUT_ATTENUATION_STEP_DB
)

_QBLOX_IN_ATT = Range(0, qblox.INPUT_ATTENUATION_MAX_DB, "dB", step=qblox.INPUT_ATTENUATION_STEP_DB)

_QBLOX_OFFSET = Range(-qblox.QCM_OFFSET_MAX_V, qblox.QCM_OFFSET_MAX_V, "V")

_QBLOX_OFFSET_STEP = 2 * qblox.QCM_OUTPUT_FULL_SCALE_V / 2**qblox.OFFSET_WORD_BITS

_QCM_PULSES_V = (2 * qblox.QCM_OUTPUT_FULL_SCALE_V,)

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
        *(
            VoltageOutput(f"out{n}", _QBLOX_OFFSET, _QBLOX_OFFSET_STEP, _QCM_PULSES_V)
            for n in range(4)
        ),
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
        "a plain socket": SOCKET.format("{ports[scpi]}"),
    },
    qcodes="qblox_instruments.Cluster",
    results=ResultTiming(
        shown_ns=qblox.THRESHOLD_TRIGGER_NS + qblox.LOOK_NS,
        shown_doubt_ns=0,
        level_ns=qblox.MARKER_PULSE_NS,
        known_ns=qblox.COUNT_TRIGGER_NS,
    ),
)
