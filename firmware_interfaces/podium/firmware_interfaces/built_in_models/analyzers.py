"""Network analysers and a signal analyser."""

from podium.firmware_interfaces.built_in_models.clients import OVER_HISLIP, OVER_VISA, OVER_VXI11
from podium.firmware_interfaces.instrument_model import (
    AnalyzerPort,
    InstrumentModel,
    MapOption,
    Range,
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
    clients=OVER_VISA | OVER_HISLIP | OVER_VXI11,
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
    clients=OVER_VISA | OVER_HISLIP | OVER_VXI11,
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
            "input of the combiner before it: microwave source, or output of a waveform generator",
            1,
            8,
            required=False,
            of_role="MicrowaveSource",
            of_waveforms=True,
        ),
    ),
    answers=("Keysight Technologies,N9030B", "Agilent Technologies,N9030B"),
    connect="from qcodes.instrument_drivers.Keysight import KeysightN9030B; "
    "{name} = KeysightN9030B('{name}', '{visa}', visalib='@py')",
    connects="qcodes",
    clients=OVER_VISA | OVER_HISLIP | OVER_VXI11,
    qcodes="qcodes.instrument_drivers.Keysight.KeysightN9030B",
)
