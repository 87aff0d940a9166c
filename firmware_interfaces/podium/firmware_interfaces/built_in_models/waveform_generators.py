"""Generators of waveforms beside the controllers."""

from podium.firmware_interfaces.built_in_models.clients import OVER_VISA, OVER_VXI11
from podium.firmware_interfaces.fridge_stages import HEATERS
from podium.firmware_interfaces.instrument_model import (
    InstrumentModel,
    MapOption,
    Range,
    WaveformOutput,
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
    options=(
        MapOption("heaters", "channel: heater of the fridge", 1, 2, tuple(HEATERS), required=False),
    ),
    connectors=tuple(WaveformOutput(f"ch{n}", Range(1e-6, 20e6, "Hz")) for n in (1, 2)),
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
    # Half of 25 GSa/s.
    connectors=tuple(WaveformOutput(f"ch{n}", Range(0.0, 12.5e9, "Hz")) for n in (1, 2)),
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
    # Half of 2.5 GSa/s.
    connectors=tuple(WaveformOutput(f"ch{n}", Range(0.0, 1.25e9, "Hz")) for n in range(1, 9)),
    answers=("TEKTRONIX,AWG5208",),
    connect="from qcodes.instrument_drivers.tektronix import TektronixAWG5208; "
    "{name} = TektronixAWG5208('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=OVER_VISA | OVER_VXI11,
    qcodes="qcodes.instrument_drivers.tektronix.TektronixAWG5208",
)
