"""Sources of microwaves."""

from podium.firmware_interfaces.built_in_models.clients import OVER_HISLIP, OVER_VISA, OVER_VXI11
from podium.firmware_interfaces.instrument_model import InstrumentModel, ModulatedSource, Range

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
    clients=OVER_VISA | OVER_HISLIP | OVER_VXI11,
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
    clients=OVER_VISA,
    qcodes="qcodes.instrument_drivers.Keysight.KeysightN5183B",
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
    clients=OVER_VISA,
    qcodes="qcodes.instrument_drivers.stanford_research.SG384",
)
