"""Equipment of the timing plane."""

from podium.firmware_interfaces.exact_time import FS_PER_NS
from podium.firmware_interfaces.instrument_model import (
    InstrumentModel,
    MapOption,
    TextOption,
    TriggerOutput,
)

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
