"""Generators of waveforms beside the controllers."""

from podium.firmware_interfaces.built_in_models.clients import OVER_VISA, OVER_VXI11
from podium.firmware_interfaces.instrument_model import InstrumentModel

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
    clients=OVER_VISA,
    qcodes="qcodes.instrument_drivers.Keysight.Keysight33512B",
)

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
    clients=OVER_VISA | OVER_VXI11,
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
    clients=OVER_VISA | OVER_VXI11,
    qcodes="qcodes.instrument_drivers.tektronix.TektronixAWG5208",
)
