"""Sources of static currents and voltages, and a switch for their lines."""

from podium.firmware_interfaces.built_in_models.clients import OVER_VISA, OVER_VXI11
from podium.firmware_interfaces.instrument_model import (
    InstrumentModel,
    MapOption,
    Range,
    TextOption,
    VoltageOutput,
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
    clients=OVER_VISA | OVER_VXI11,
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
    clients=OVER_VISA,
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
