"""Power, water and air of the room."""

from podium.firmware_interfaces.instrument_model import InstrumentModel, MapOption, TextOption

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
    options=(
        TextOption("ups", "name of the supply at its server", required=False),
        TextOption("release", "of upsd: 2.7.4 or 2.8.0 (if left out)", required=False),
    ),
    connect="from podium.drivers.nut_ups import NutUps; {name} = NutUps('{name}', '{host}', "
    "{ports})",
)

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
    options=(
        TextOption("bus_address", "its number on the serial line, 1 to 99", required=False),
        TextOption("size", "which of its series it is", ("HRS100", "HRS150"), required=False),
    ),
    answers=("SMC,HRS1",),
    connect="from podium.drivers.smc_hrs100 import SmcHrs100; "
    "{name} = SmcHrs100('{name}', '{host}', {ports})",
    clients={
        "pymodbus": "from pymodbus.client import ModbusTcpClient; "
        "{name} = ModbusTcpClient('{host}', port={ports[modbus]})",
    },
)
