"""Fridges, their gauges, pumps and compressors."""

from podium.firmware_interfaces.fridge_stages import GAUGES, HEATERS, TURBOS
from podium.firmware_interfaces.instrument_model import InstrumentModel, MapOption, TextOption
from podium.firmware_interfaces.oxford_triton import GAUGES as TRITON_GAUGES

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
    named={"heaters": tuple(HEATERS)[:2], "gauges": tuple(sorted(TRITON_GAUGES.values()))},
    options=(MapOption("channels", "thermometer: stage of the fridge", 1, 16),),
    channels_option="channels",
    answers=("OI,TRITON",),
    connect="from qcodes.instrument_drivers.oxford import OxfordTriton; "
    "{name} = OxfordTriton('{name}', '{host}', {ports[control]})",
    connects="qcodes",
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
        TextOption(
            "turbopump",
            "which pump has the drive",
            ("HiPace 300", "HiPace 400", "HiPace 700"),
            required=False,
        ),
    ),
    connect="from podium.drivers.pfeiffer_tc400 import PfeifferTc400; "
    "{name} = PfeifferTc400('{name}', '{host}', {ports})",
)

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
