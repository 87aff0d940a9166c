"""Every door of every twin, spoken to over a session of its own; none of them may raise."""

from collections.abc import Callable
from functools import partial
from typing import Any, Final

from tests.benches.qblox_cluster.cluster_bench import HeldPlayback
from tests.benches.zurich import requests
from tests.hostile.parser import Parser

from podium.firmware_interfaces import bluefors_tc, hislip, modbus, snmp, vxi11
from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector
from podium.sim_instruments.physics.clocks import Clock
from podium.sim_instruments.physics.room import Room
from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl
from podium.sim_instruments.twins.bluefors_control.values_socket import ValuesSocket
from podium.sim_instruments.twins.bluefors_tc.controller import BlueforsTc
from podium.sim_instruments.twins.cryomech_cpa import CryomechCpa
from podium.sim_instruments.twins.dicon_gp600 import DiconGp600
from podium.sim_instruments.twins.hwgroup_poseidon2 import HwgroupPoseidon2
from podium.sim_instruments.twins.keysight_33512b import Keysight33512B
from podium.sim_instruments.twins.keysight_n5183b import KeysightN5183B
from podium.sim_instruments.twins.keysight_n5222b import KeysightN5222B
from podium.sim_instruments.twins.keysight_n9030b import KeysightN9030B
from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336
from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372
from podium.sim_instruments.twins.nut_ups import NutUps
from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps
from podium.sim_instruments.twins.oxford_triton import OxfordTriton
from podium.sim_instruments.twins.pfeiffer_tc400 import PfeifferTc400
from podium.sim_instruments.twins.pfeiffer_tpg366 import PfeifferTpg366
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2
from podium.sim_instruments.twins.qdevil_qswitch import QdevilQswitch
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.sim_instruments.twins.rohde_schwarz_znb20 import RohdeSchwarzZNB20
from podium.sim_instruments.twins.smc_hrs100 import SmcHrs100
from podium.sim_instruments.twins.srs_fs725 import SrsFs725
from podium.sim_instruments.twins.srs_sg384 import SrsSg384
from podium.sim_instruments.twins.tektronix_awg5208 import tektronix_awg5208
from podium.sim_instruments.twins.tektronix_awg70002a import tektronix_awg70002a
from podium.sim_instruments.twins.white_rabbit_switch import WhiteRabbitSwitch
from podium.sim_instruments.twins.wrtd_node.node import WrtdNode
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer

NOW_FS: Final = 1_800_000_000 * 10**15
FRIDGE: Final = SteadyCryostat()
_SOFTWARE: Final = BlueforsControl("1", FRIDGE.read, FRIDGE.write, {6: "mxc"})
HISLIP_BEGIN: Final = hislip.encode(
    hislip.Message(hislip.Type.INITIALIZE, 0, 0x0100 << 16, b"hislip0")
)
UPGRADE: Final = (
    b"GET /ws/values/ HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nSec-WebSocket-Version: 13\r\n\r\n"
)


_CONTROLLER: Final = BlueforsTc("1", FRIDGE.read, FRIDGE.write, {6: "mxc"}, {4: "still"})


def _regulated(body: bytes) -> None:
    """Send a payload to every endpoint that takes one."""
    for endpoint in bluefors_tc.POSTED:
        _CONTROLLER.answer(endpoint, body, NOW_FS)


def _clock_of(make: Any) -> Clock:
    return Clock(1, "clock", make, Room(1))


def _feed(build: Callable[[], Any], port: str) -> Callable[[bytes], object]:
    """Return what a fresh connection of a twin makes of bytes; the twin is one for all."""
    twin: list[Any] = []

    def read(data: bytes) -> object:
        if not twin:
            twin.append(build())
        return twin[0].open(port).feed(data, NOW_FS)

    return read


def _hear(build: Callable[[], Any], port: str) -> Callable[[bytes], object]:
    twin: list[Any] = []

    def read(data: bytes) -> object:
        if not twin:
            twin.append(build())
        return twin[0].hear(port, data, NOW_FS)

    return read


def _posted(data: bytes) -> object:
    """Return what a fridge's software makes of the body of a request."""
    head = b"POST /values/ HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(data)
    return _SOFTWARE.open("http").feed(head + data, NOW_FS)


def _said(data: bytes) -> object:
    """Return what it makes of a message over a WebSocket."""
    return ValuesSocket(_SOFTWARE, "values").receive(data.decode("latin-1"), NOW_FS)


def _cluster() -> ClusterTwin:
    return ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "1", HeldPlayback())


def _block(header: bytes) -> Callable[[bytes], object]:
    """Return what a module makes of a block of bytes behind a header."""
    feed = _feed(_cluster, "slot2")

    def read(data: bytes) -> object:
        length = b"%d" % len(data)
        return feed(b"%s #%d%s%s\n" % (header, len(length), length, data))

    return read


def _labone(message: Callable[[str], bytes]) -> Callable[[bytes], object]:
    """Return what a kernel makes of a request that holds a text."""
    server: list[Any] = []

    def read(data: bytes) -> object:
        if not server:
            server.append(DataServer("1", {12000: "SHFQC"}))
        connection = requests.opened(server[0], "dev12000")
        return connection.feed(message(data.decode("latin-1")), NOW_FS)

    return read


AWG: Final = "/dev12000/sgchannels/0/awg"
SCPI_FRAMES: Final = (b"%s\n", b"*IDN?;%s\n")

TWINS: Final = (
    Parser(
        "twin of a GS200",
        _feed(lambda: YokogawaGS200("1"), "scpi"),
        frames=(*SCPI_FRAMES, b":SOUR:LEV %s\n", b':PROG:EDIT:STAR;:PROG:MEM "%s"\n'),
        samples=(b":SOUR:FUNC VOLT;RANG 10;:SOUR:LEV 1.5E-3;:OUTP ON;*ESR?\n",),
    ),
    Parser(
        "twin of a QDAC-II",
        _feed(lambda: QdevilQdac2("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"sour1:list:volt %s\n", b"sour:volt? (@%s)\n"),
        samples=(
            b"sour2:volt:mode list;:sour2:list:volt #212\0\0\0\0\0\0\x80?\0\0\0\0;dwel 1e-3\n",
            b"sour:volt 0.1,(@1:4,24);:sour1:volt?;:sens:data:rem? (@1:24);:syst:err:all?\n",
        ),
    ),
    Parser(
        "twin of a QSwitch",
        _hear(lambda: QdevilQswitch("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"clos (@%s)\n", b"open? (@1!%s)\n"),
        samples=(b"clos (@1!9:24!9,3!1);open (@1!0:24!0);stat?;:syst:aut on;:err:all?\n",),
    ),
    Parser(
        "twin of a QSwitch over TCP",
        _feed(lambda: QdevilQswitch("1", "1.3"), "scpi"),
        frames=(b"%s\n",),
        samples=(b"clos? (@1!0:24!0)\n",),
    ),
    Parser(
        "twin of a GP600",
        _feed(lambda: DiconGp600("1"), "commands"),
        frames=(b"%s\r", b"X1 CH %s\r", b"X1 W %s\r", b"WEN %s;SYST:ERR?\r"),
        samples=(b"X1 CH 1 2;X1 CH 1?;RESET;WEN 1\rX1 DIM?\r",),
    ),
    Parser(
        "twin of a 33512B",
        _feed(lambda: Keysight33512B("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"SOUR2:FREQ %s\n", b"VOLT %s\n", b"OUTP1:LOAD %s\n"),
        samples=(b"FUNC SQU;FREQ 1 MHZ;:SOUR2:VOLT:UNIT DBM;:VOLT 3;:BURS:NCYC INF;*OPC?\n",),
    ),
    Parser(
        "twin of an SGS100A",
        _feed(lambda: RohdeSchwarzSGS100A("1"), "scpi"),
        frames=(*SCPI_FRAMES, b":FREQ %s\n", b":POW %s dBm\n"),
        samples=(b":FREQ 5.8 GHz;:POW -10;:OUTP ON;:SYST:ERR?\n",),
    ),
    Parser(
        "twin of an N5183B",
        _feed(lambda: KeysightN5183B("1"), "scpi"),
        frames=(*SCPI_FRAMES, b":FREQ %s\n", b":PULM:SOUR %s\n"),
        samples=(b":FREQ 5.8 GHz;:POW -10;:OUTP ON;:SYST:ERR?\n",),
    ),
    *(
        Parser(
            f"twin of an {name}",
            _feed(partial(make, "1"), "scpi"),
            frames=(*SCPI_FRAMES, b':MMEM:DATA "a.wfmx",#3%s\n', b":SLIS:SEQ:STEP1:EJUM %s\n"),
            samples=(
                b':MMEM:DATA "a.wfmx",#15abcde;:MMEM:OPEN "a.wfmx";:SYST:ERR:CODE?\n',
                b':SOUR2:CASS:WAV "a";VOLT 0.3;:OUTP2:WVAL:MARK1 HIGH;:AWGC:RUN;:TRIG ATR\n',
            ),
        )
        for name, make in {"AWG70002A": tektronix_awg70002a, "AWG5208": tektronix_awg5208}.items()
    ),
    Parser(
        "twin of a ZNB20",
        _feed(lambda: RohdeSchwarzZNB20("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"CALC1:PAR:SDEF %s\n", b"SENS1:SWE:POIN 5;BAND %s\n"),
        samples=(
            b"CALC2:PAR:SDEF 'a','S21';:INIT2:CONT 0;:SENS2:SWE:POIN 3;:INIT2;*WAI;"
            b":CALC2:DATA? SDAT\n",
        ),
    ),
    Parser(
        "twin of an N5222B",
        _feed(lambda: KeysightN5222B("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"CALC:PAR:DEF:EXT %s\n", b"SENS:SWE:POIN 5;MODE %s\n"),
        samples=(b"SENS:SWE:POIN 3;MODE SING;:FORM REAL,32;:CALC:DATA? FDATA;:SYST:ERR?\n",),
    ),
    Parser(
        "twin of an N9030B",
        _feed(lambda: KeysightN9030B("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"SENS:FREQ:STAR %s\n", b"FORM:DATA %s\n"),
        samples=(b"SWE:POIN 3;:FORM REAL,64;:INIT:CONT 0;:INIT;:FETC:SAN1?;:SYST:ERR?\n",),
    ),
    Parser(
        "twin of an SG384",
        _feed(lambda: SrsSg384("1"), "scpi"),
        frames=(*SCPI_FRAMES, b"FREQ %s\n", b"TYPE %s\n"),
        samples=(b"FREQ 1E9;AMPR -3;ENBR 1;LERR?\n",),
    ),
    Parser(
        "twin of a 350",
        _feed(lambda: lakeshore_350({1: "a"}, "S", lambda channel, now_fs: 4.0), "scpi"),
        frames=(*SCPI_FRAMES, b"INTYPE A,%s\n", b"RANGE 1,%s\n"),
        samples=(b"OUTMODE 1,3,1,0;MOUT 1,4;RANGE 1,5;HTR? 1\n",),
    ),
    Parser(
        "twin of an SGS100A over HiSLIP",
        _feed(lambda: RohdeSchwarzSGS100A("1"), "hislip"),
        frames=(b"%s", HISLIP_BEGIN + b"%s"),
        samples=(
            HISLIP_BEGIN + hislip.encode(hislip.Message(hislip.Type.DATA_END, 0, 2, b"*IDN?")),
        ),
    ),
    Parser(
        "twin of a GS200 over VXI-11",
        _feed(lambda: YokogawaGS200("1"), "vxi11"),
        samples=(
            vxi11.words(1 << 31 | 60, 1, 0, 2, vxi11.CORE_PROGRAM, 1, 10, 0, 0, 0, 0, 1, 0, 0)
            + vxi11.opaque(b"inst0")[:8],
        ),
    ),
    Parser(
        "twin of a 372",
        _feed(lambda: LakeShore372(lambda channel, now_fs: 0.01, {1: "a", 6: "mxc"}, "S"), "scpi"),
        frames=(*SCPI_FRAMES, b"INTYPE 1,%s\n", b"INNAME 1,%s\n", b"RDGK? %s\n"),
        samples=(b"INSET 1,1,3,3,0,1;RDGK? 1;SCAN?\n", b'INNAME 1,"mixing"\n'),
    ),
    Parser(
        "heaters of a 372",
        _feed(
            lambda: LakeShore372(lambda channel, now_fs: 0.01, {6: "mxc"}, "S", {0: "a"}), "scpi"
        ),
        frames=(*SCPI_FRAMES, b"OUTMODE 0,%s;RANGE 0,3\n", b"HTRSET 0,%s;MOUT 0,2\n"),
        samples=(b"OUTMODE 0,5,6;PID 0,10,20,0;SETP 0,0.02;RANGE 0,5;HTR?;RAMPST?\n",),
    ),
    Parser(
        "twin of a 336",
        _feed(lambda: lakeshore_336({1: "a"}, "S", lambda channel, now_fs: 4.0), "scpi"),
        frames=(*SCPI_FRAMES, b"HTRSET 1,%s\n", b"ZONE 1,1,%s\n", b"KRDG? %s\n"),
        samples=(b"OUTMODE 1,1,1,0;SETP 1,4;RANGE 1,3;HTR? 1;SRDG? 0;*ESR?\n",),
    ),
    Parser(
        "twin of a Triton",
        _feed(
            lambda: OxfordTriton(
                {8: "mixing_chamber"},
                "S",
                lambda channel, now_fs: 0.01,
                lambda name, now_fs: 1.0,
                lambda name, value, now_fs: None,
            ),
            "control",
        ),
        frames=(b"%s\r\n", b"READ:DEV:%s\r\n", b"SET:DEV:T8:TEMP:LOOP:%s\r\n"),
        samples=(b"READ:DEV:T8:TEMP:SIG:TEMP\r\nSET:DEV:V9:VALV:SIG:STATE:OPEN\r\n",),
    ),
    Parser(
        "twin of a Mercury iPS",
        _feed(lambda: OxfordMercuryIps("S"), "control"),
        frames=(b"%s\n", b"SET:DEV:GRPX:SPSU:SIG:%s\n", b"READ:DEV:%s\n"),
        samples=(b"SET:DEV:GRPX:SPSU:SIG:FSET:0.5\nSET:DEV:GRPX:SPSU:ACTN:RTOS\n",),
    ),
    Parser(
        "twin of a TPG 366",
        _feed(lambda: PfeifferTpg366("1", lambda name, now_fs: 1.0), "mnemonics"),
        frames=(b"%s", b"%s\r\n\x05", b"SEN,%s\r\n\x05", b"UNI,%s\r\n\x05"),
        samples=(b"PRX\r\n\x05SEN,1,1,1,2,2,2\r\n\x05",),
    ),
    Parser(
        "twin of a TC 400",
        _feed(lambda: PfeifferTc400("1", lambda name, now_fs: 1.0), "serial"),
        frames=(b"%s", b"%s\r"),
        samples=(b"0010030902=?107\r0011001006111111015\r",),
    ),
    Parser(
        "twin of an FS725",
        _feed(lambda: SrsFs725("1", _clock_of), "serial"),
        frames=(b"%s", b"%s\r", b"LO%s\r"),
        samples=(b"LO?\rFC 1596,2048\rTT?\rAD10?\r",),
    ),
    Parser(
        "twin of a CPA compressor",
        _feed(lambda: CryomechCpa("1", FRIDGE.read, FRIDGE.write), "modbus"),
        frames=(b"%s", b"\0\1\0\0\0\6\1%s"),
        samples=(
            modbus.encode(modbus.Frame(1, 1, b"\4\0\1\0\x21")),
            modbus.encode(modbus.Frame(2, 16, b"\x10\0\1\0\1\2\0\1")),
        ),
    ),
    Parser(
        "twin of a fridge's software",
        _feed(lambda: _SOFTWARE, "http"),
        frames=(
            b"%s",
            b"GET /values/%s HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET /values/mapper?%s HTTP/1.1\r\nHost: a\r\n\r\n",
            b"GET / HTTP/1.1\r\nHost: a\r\n%s\r\n\r\n",
            UPGRADE + b"%s",
        ),
        samples=(
            b"GET /values/mapper/bf/?fields=value;status HTTP/1.1\r\nHost: a\r\n\r\n",
            UPGRADE + bytes.fromhex("818537fa213d7f9f4d5158"),
        ),
    ),
    Parser(
        "requests to a fridge's software",
        _posted,
        frames=(
            b"%s",
            b'{"data": %s}',
            b'{"data": {"mapper.bf.valves.v1": {"content": {"value": %s}}}}',
        ),
        samples=(
            b'{"data": {"driver.bftc.data.heaters.heater_4.write": {"content": {"call": 1}}}}',
        ),
    ),
    Parser(
        "messages to a fridge's software",
        _said,
        frames=(b"%s", b'{"command": "read", "data": %s}', b'{"command": "%s", "data": {}}'),
        samples=(b'{"command": "listen", "id": "1", "data": {"target": "mapper.bf.flow"}}',),
    ),
    Parser(
        "twin of a UPS",
        _feed(lambda: NutUps("1", FRIDGE.read), "nut"),
        frames=(b"%s\n", b"GET VAR ups %s\n", b"LIST %s ups\n"),
        samples=(b"LIST VAR ups\nGET VAR ups battery.charge\nVER\n",),
    ),
    Parser(
        "twin of a WRTD node",
        _feed(lambda: WrtdNode("1", _clock_of), "service"),
        frames=(b"%s\n", b'{"id": 1, "call": "get_attr_int32", "args": [%s]}\n'),
        samples=(b'{"id": 1, "call": "get_attr_int32", "args": ["", 1150020]}\n',),
    ),
    Parser("events of a WRTD node", _hear(lambda: WrtdNode("1", _clock_of), "wrtd")),
    Parser(
        "twin of a White Rabbit switch",
        _hear(lambda: WhiteRabbitSwitch("1", _clock_of), "snmp"),
        samples=(
            snmp.encode(
                snmp.Message(
                    snmp.Operation.GET_BULK, b"public", 5, (snmp.Binding((1, 3, 6)),), 0, 20
                )
            ),
        ),
    ),
    Parser(
        "twin of a Poseidon2",
        _hear(lambda: HwgroupPoseidon2("1", Room(1)), "snmp"),
        samples=(
            snmp.encode(
                snmp.Message(
                    snmp.Operation.GET_BULK, b"public", 5, (snmp.Binding((1, 3, 6)),), 0, 20
                )
            ),
        ),
    ),
    Parser(
        "twin of an HRS100",
        _feed(lambda: SmcHrs100("1", FRIDGE.read, FRIDGE.write), "modbus"),
        frames=(b"%s", b"\0\1\0\0\0\6\1%s"),
        samples=(
            modbus.encode(modbus.Frame(1, 1, b"\3\0\0\0\x10")),
            modbus.encode(modbus.Frame(2, 1, bytes.fromhex("17 0004 0003 000B 0002 04 009B 0001"))),
        ),
    ),
    Parser(
        "twin of a temperature controller",
        _feed(lambda: BlueforsTc("1", FRIDGE.read, FRIDGE.write, {6: "mxc"}, {4: "still"}), "http"),
        frames=(b"%s", b"GET %s HTTP/1.1\r\nHost: a\r\n\r\n"),
        samples=(b"GET /channel/measurement/latest HTTP/1.1\r\nHost: a\r\n\r\n",),
    ),
    Parser(
        "requests to a temperature controller",
        _regulated,
        frames=(b"%s", b'{"heater_nr": 4, %s}', b'{"channel_nr": 6, "fields": %s}'),
        samples=(
            b'{"heater_nr": 4, "active": true, "power": 2e-5, "control_algorithm_settings": {}}',
            b'{"channel_nr": 6, "start_time": "2027-01-15 07:50", "stop_time": '
            b'"2027-01-15T08:00:00Z", "fields": ["temperature", "status_flags"]}',
        ),
    ),
    Parser(
        "twin of a cluster",
        _feed(_cluster, "scpi"),
        frames=(*(b"%s\n",), b"SLOT2:SEQ0:GAIN %s\n", b"SLOT2:SEQ0:CONF %s\n", b"STAT? %s\n"),
        samples=(b"*IDN?\nSLOT2:SEQuencer0:STATE?\nSLOT2:SEQ0:CONF #12{}\nSYST:ERR?\n",),
    ),
    Parser("program of a cluster", _block(b"SEQuencer0:PROGram"), frames=(b"%s", b" move %s,R0")),
    Parser("waveforms of a cluster", _block(b"SEQuencer0:AWG:WLISt"), frames=(b"%s", b"[%s]")),
    Parser("setup of a cluster", _block(b"SEQuencer0:CONFiguration"), frames=(b"%s", b"{%s}")),
    Parser(
        "twin of a data server",
        _feed(lambda: DataServer("1", {12000: "SHFQC"}), "data_server"),
        frames=(b"%s", b"GET %s HTTP/1.1\r\n\r\n", requests.request("dev12000") + b"%s"),
        samples=(requests.request("dev12000") + requests.bootstrap(0),),
    ),
    Parser(
        "LabOne listings",
        _labone(lambda text: requests.list_nodes(1, text, 1)),
        frames=(b"%s", b"/dev12000/%s"),
        samples=(b"/dev12000/*/0/on",),
    ),
    Parser(
        "LabOne readings",
        _labone(lambda text: requests.get(1, text)),
        frames=(b"%s", b"/dev12000/%s"),
        samples=(b"/dev12000/sgchannels/0/output/on",),
    ),
    Parser(
        "LabOne texts",
        _labone(lambda text: requests.set_value(1, f"{AWG}/commandtable/data", text_vector(text))),
        frames=(b"%s", b'{"header": {"version": "1.2.0"}, "table": [%s]}'),
    ),
    Parser(
        "LabOne programs of a twin",
        _labone(
            lambda text: requests.set_value(
                1, f"{AWG}/elf/data", bytes_vector(text.encode("latin-1"))
            )
        ),
        frames=(b"%s", b"\x7fELF\x01\x01\x01%s"),
    ),
)
