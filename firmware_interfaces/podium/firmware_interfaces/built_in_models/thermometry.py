"""Thermometers and temperature controllers."""

from podium.firmware_interfaces.built_in_models.clients import OVER_VISA
from podium.firmware_interfaces.fridge_stages import HEATERS
from podium.firmware_interfaces.instrument_model import InstrumentModel, MapOption

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
    clients=OVER_VISA,
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
    clients=OVER_VISA,
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
    clients=OVER_VISA,
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
