"""Every parser of the interfaces of instruments, as a stranger reaches it."""

import io
import zipfile
from collections.abc import Callable, Iterable
from contextlib import suppress
from decimal import Decimal
from typing import Final

from tests.hostile.parser import Parser

from podium.firmware_interfaces import (
    bluefors_control,
    bluefors_tc,
    cryomech_cpa,
    hislip,
    modbus,
    nut_ups,
    quantity,
    smc_hrs100,
    snmp,
    srs_fs725,
    tektronix_waveform_files,
    trace,
    vxi11,
    wrtd,
    wrtd_node,
)
from podium.firmware_interfaces.ieee4882 import queries, responses
from podium.firmware_interfaces.ieee4882.command import Command
from podium.firmware_interfaces.ieee4882.errors import ScpiError
from podium.firmware_interfaces.ieee4882.header import HeaderTree
from podium.firmware_interfaces.ieee4882.parameters import Choice, Real, Switch, Text, Whole
from podium.firmware_interfaces.ieee4882.program_message import MessageSplitter, Unit, units
from podium.firmware_interfaces.qblox_cluster import framing, messages, sequencer_config
from podium.firmware_interfaces.qblox_cluster.command_table import look_up
from podium.firmware_interfaces.qblox_cluster.q1asm.assemble import assemble
from podium.firmware_interfaces.qblox_cluster.q1asm.instruction import AssemblyError
from podium.firmware_interfaces.zurich import (
    capnp_framing,
    command_table,
    discovery,
    elf,
    handshake,
    labone_version,
    node_documentation,
    node_paths,
    rpc,
    session_messages,
)
from podium.firmware_interfaces.zurich.errors import ProtocolError
from podium.firmware_interfaces.zurich.sequencer_assembly import IllegalInstruction
from podium.firmware_interfaces.zurich.sequencer_assembly import decode as decode_word

SEGMENT: Final = 16
"""Bytes that come at once where a text is chopped."""

KINDS: Final = (
    Real("V", Decimal(-10), Decimal(10), Decimal("0.001")),
    Whole(0, 255),
    Switch(),
    Choice(("VOLTage", "10MHZ")),
    Text(bare_words=True),
)
PATHS: Final = tuple(f"/dev12000/{branch}/{n}/node" for branch in "ab" for n in range(20))


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: read(data.decode("latin-1"))


def _lines(read: Callable[[str], object]) -> Callable[[bytes], object]:
    def read_all(data: bytes) -> None:
        for line in data.decode("latin-1").splitlines():
            read(line)

    return read_all


def _chopped(feed: Callable[[bytes], Iterable[object]], data: bytes) -> None:
    for at in range(0, len(data), SEGMENT):
        list(feed(data[at : at + SEGMENT]))


def _each_number(data: bytes) -> None:
    """Take every parameter of a message as each kind of parameter."""
    for unit in units(data):
        if not isinstance(unit, Unit):
            continue
        for parameter in unit.parameters:
            for kind in KINDS:
                try:
                    kind.answer(kind.take(parameter))
                except ScpiError as error:
                    str(error)


_TREE: Final[HeaderTree[Command]] = HeaderTree()
for _pattern in ("[:SOURce<n>]:FREQuency[:CW|:FIXed]", ":OUTPut<n>:STATe", ":A:A:A"):
    _TREE.add(_pattern, Command(_pattern))


def _headers(data: bytes) -> None:
    for unit in units(data):
        if isinstance(unit, Unit):
            try:
                _TREE.find(unit.header, _TREE.root)
            except ScpiError as error:
                str(error)


def _commands(data: bytes) -> None:
    for command in framing.CommandSplitter().feed(data):
        if isinstance(command, framing.Command):
            look_up(command.header)


def _rpc_messages(data: bytes) -> None:
    for frame in capnp_framing.Splitter().feed(data):
        message = rpc.decode(frame)
        if isinstance(message, rpc.Call):
            session_messages.decode(message)


def _rpc_message(data: bytes) -> None:
    """Read a message whose frame is sound."""
    _rpc_messages(capnp_framing.framed(data + bytes(-len(data) % 8)))


def _request(data: bytes) -> None:
    found = handshake.split_request(data)
    if found is not None:
        handshake.parse_request(found[0])


def _expression(text: str) -> None:
    node_paths.listed(text, PATHS, node_paths.ListFlags.RECURSIVE)


def _words(data: bytes) -> None:
    for at in range(0, len(data) - 3, 4):
        try:
            decode_word(int.from_bytes(data[at : at + 4], "little"))
        except IllegalInstruction as error:
            str(error)


def _samples(data: bytes) -> None:
    for encoding in messages.SampleEncoding:
        try:
            messages.unpack_samples(data, encoding)
        except ValueError as error:
            str(error)


def _modbus(data: bytes) -> None:
    for frame in modbus.FrameSplitter().feed(data):
        try:
            modbus.decode_request(frame.pdu)
        except modbus.ModbusException as error:
            str(error)


def _hislip(data: bytes) -> None:
    for message in hislip.MessageSplitter().feed(data):
        if isinstance(message, hislip.Message):
            hislip.size_of(message.payload)


RPC_HEAD: Final = vxi11.words(1 << 31 | 68, 1, 0, 2, vxi11.CORE_PROGRAM, 1, 11)


def _vxi11(data: bytes) -> None:
    for call in vxi11.CallSplitter().feed(data):
        for read in (vxi11.read_link, vxi11.read_read, vxi11.read_write):
            read(call.arguments)


def _panel(data: bytes) -> None:
    """Read registers of a compressor's panel."""
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2)]
    cryomech_cpa.decode_panel(words)


_WFMX: Final = (
    b'<DataFile offset="000000249" version="0.1"><a><NumberSamples>2400</NumberSamples>'
    b"<MarkersIncluded>false</MarkersIncluded><NumberFormat>Single</NumberFormat>"
    b"<Endian>Little</Endian></a><!-- so long that it has a round number of bytes --></DataFile>"
).ljust(249) + bytes(9600)
_SML: Final = (
    b"<a><SequenceName>s</SequenceName><JumpTiming>JumpImmed</JumpTiming>"
    b'<Steps StepCount="1" TrackCount="1"><Step><Repeat>Once</Repeat><WaitInput>None</WaitInput>'
    b"<EventJumpInput>TrigA</EventJumpInput><EventJumpTo>Next</EventJumpTo><GoTo>%s</GoTo><Assets>"
    b"<Asset><AssetName>w</AssetName><AssetType>Waveform</AssetType></Asset></Assets></Step>"
    b"</Steps></a>"
)


def _zipped() -> bytes:
    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_DEFLATED) as packed:
        packed.writestr("Sequences/s.sml", _SML % b"Next")
        packed.writestr("Waveforms/w.wfmx", _WFMX)
    return buffer.getvalue()


_SEQX: Final = _zipped()


def _chiller(data: bytes) -> None:
    """Read registers of a chiller."""
    words = [int.from_bytes(data[at : at + 2], "big") for at in range(0, len(data) - 1, 2)]
    smc_hrs100.alarm_words(smc_hrs100.decode(words).alarms)


def _temperature_controller(data: bytes) -> None:
    """Read an answer of a temperature controller, as whatever the driver takes it for."""
    answer = bluefors_tc.read_answer(data)
    for read in (bluefors_tc.read_heater, bluefors_tc.read_list, bluefors_tc.answered_at):
        with suppress(bluefors_tc.ApiError):
            read(answer)
    bluefors_tc.last_sample(answer, "temperature")


_TABLE: Final = b'{"header": {"version": "1.2.0"}, "table": [{"index": 0, "waveform": %s}]}'

INTERFACES: Final = (
    Parser(
        "SCPI messages",
        lambda data: list(units(data)),
        frames=(b"%s", b"FREQ %s", b":VOLT %s,1;*OPC?", b'TEXT "%s"', b"LIST (%s)"),
        samples=(b":SOUR2:FREQ 5.8 GHZ;:OUTP1:STAT ON;*OPC?", b"DATA #15hello,'it''s',(@1:4)"),
    ),
    Parser(
        "SCPI stream",
        lambda data: MessageSplitter().feed(data),
        frames=(b"%s", b"FREQ %s\n", b" %s"),
        samples=(b'A "x";B #12ab\nC?\n',),
    ),
    Parser(
        "SCPI stream, chopped",
        lambda data: _chopped(MessageSplitter().feed, data),
        frames=(b"%s", b"FREQ %s\n", b' "%s'),
        samples=(b'A "x";B #12ab\nC?\n',),
    ),
    Parser(
        "SCPI parameters",
        _each_number,
        frames=(b"V %s", b"V 1%s", b"V 1e%s", b"V 1 %s"),
        samples=(b"V 1.25E-3,MAX,'text',#H1F,10MHZ,1 KV",),
    ),
    Parser("SCPI headers", _headers, frames=(b"%s", b"OUTP%s:STAT 1"), samples=(b"OUTP12:STAT",)),
    Parser("SCPI responses", _text(responses.split_response), samples=(b'1;"a;b";2',)),
    Parser("SCPI questions", queries.only_asks, frames=(b"%s", b"*IDN?;%s"), samples=(b"*IDN?",)),
    Parser(
        "quantities",
        _text(lambda text: quantity.parse_quantity(text, "Hz")),
        (quantity.QuantityError,),
        (b"%s", b"1%s Hz", b"1e%s Hz", b"7 %s"),
        (b"7.1 GHz",),
    ),
    Parser(
        "pure numbers",
        _text(lambda text: quantity.parse_quantity(text, "1")),
        (quantity.QuantityError,),
        (b"%s", b"1%s", b"1e%s", b"7 %s"),
        (b"7.1e-3",),
    ),
    Parser(
        "commands of a cluster",
        _commands,
        frames=(b"%s", b"%s\n", b"SLOT2:SEQ0:GAIN %s\n", b'SET "%s"\n'),
        samples=(b'SEQ0:PROG #14stop,"a"\n*IDN?\n',),
    ),
    Parser(
        "commands of a cluster, chopped",
        lambda data: _chopped(framing.CommandSplitter().feed, data),
        frames=(b"%s", b"%s\n", b'SET "%s"\n'),
        samples=(b'SEQ0:PROG #14stop,"a"\n*IDN?\n',),
    ),
    Parser(
        "answers of a cluster",
        framing.take_blocks,
        (ValueError,),
        (b"%s", b"#1%s\r\n"),
        (b"#15hello#11a\r\n",),
    ),
    Parser(
        "Q1ASM",
        _text(assemble),
        (AssemblyError,),
        (
            b"%s",
            b"%s: nop",
            b" move %s,R1",
            b" move 1,R%s",
            b"wait %s",
            b" jmp @%s",
            b".DEF a %s",
            b".DEF %s 1",
            b".DEF a 1 %s\nmove $a,R0",
            b"nop # %s",
            b"nop %s # x",
            b"l: %s",
        ),
        (b".DEF n 10\nmove $n,R0\nl: loop R0,@l # again\nwait 0x1f\nstop\n",),
    ),
    Parser(
        "configuration of a sequencer",
        sequencer_config.read_configuration,
        (sequencer_config.BadConfiguration,),
        (b"%s", b'{"acq": [%s]}', b'{"awg": "%s"}'),
        (b'{"acq": [], "awg": [], "seq_proc": 0}',),
    ),
    Parser("samples", _samples, samples=(bytes(range(64)),)),
    Parser(
        "datagrams of WRTD",
        wrtd.decode,
        (wrtd.MessageError,),
        samples=(wrtd.encode(wrtd.EventMessage("LC-I1", wrtd.EventTime(1, 2, 3))),),
    ),
    Parser(
        "lines of a WRTD node",
        wrtd_node.decode_request,
        (wrtd_node.LineError,),
        (b"%s", b'{"id": %s}', b'{"id": 1, "call": "%s", "args": []}'),
        (b'{"id": 1, "call": "get", "args": [1, 2]}',),
    ),
    Parser(
        "answers of a WRTD node",
        lambda data: wrtd_node.decode_answer(data, 1),
        (wrtd_node.LineError, wrtd_node.ServiceError),
        (b"%s", b'{"id": 1, "ok": %s}', b'{"id": 1, "error": %s}'),
        (b'{"id": 1, "ok": 5}', b'{"id": 1, "error": {"code": 1, "message": "no"}}'),
    ),
    Parser(
        "lines of an FS725",
        _text(srs_fs725.decode),
        (srs_fs725.SyntaxFault,),
        (b"%s", b"LO%s", b"SD%s"),
        (b"FC 1596,2048", b"LO!?"),
    ),
    Parser(
        "answers of an FS725",
        _text(lambda text: srs_fs725.numbers_of(text, 2)),
        (ValueError,),
        (b"%s", b"1,%s"),
        (b"1596,2048",),
    ),
    Parser(
        "SNMP",
        snmp.decode,
        (snmp.SnmpError,),
        (b"%s", b"\x30\x82\x20\x00%s"),
        (
            snmp.encode(
                snmp.Message(snmp.Operation.GET, b"public", 5, (snmp.Binding((1, 3, 6, 1)),))
            ),
        ),
    ),
    Parser(
        "Modbus",
        _modbus,
        (modbus.ModbusError,),
        (b"%s", b"\0\1\0\0\0\6\1%s"),
        (
            modbus.encode(modbus.Frame(1, 1, b"\4\0\1\0\2")),
            modbus.encode(modbus.Frame(2, 16, b"\x10\0\1\0\1\2\0\1")),
        ),
    ),
    Parser(
        "registers of a compressor",
        _panel,
        (cryomech_cpa.RegisterError,),
        samples=(bytes(56) + b"\0\1\0\1" + bytes(50),),
    ),
    Parser(
        "registers of a chiller",
        _chiller,
        (smc_hrs100.RegisterError,),
        samples=(bytes(32), b"\0\xb4\0\x64\0\x19\0\0\2\x21" + bytes(22)),
    ),
    Parser(
        "waveforms of a Tektronix AWG",
        tektronix_waveform_files.read_waveform,
        (tektronix_waveform_files.FileError,),
        (b"%s", _WFMX[:300] + b"%s" + _WFMX[300:], _WFMX + b"%s"),
        (_WFMX,),
    ),
    Parser(
        "sequences of a Tektronix AWG",
        tektronix_waveform_files.read_sequence,
        (tektronix_waveform_files.FileError,),
        (b"%s", b"<a><Steps TrackCount='1' StepCount='1'>%s</Steps></a>", _SML % b"%s"),
        (_SML % b"Next",),
    ),
    Parser(
        "sequence files of a Tektronix AWG",
        tektronix_waveform_files.read_sequence_file,
        (tektronix_waveform_files.FileError,),
        (b"%s", _SEQX[:-60] + b"%s" + _SEQX[-60:], b"PK\5\6%s"),
        (_SEQX,),
    ),
    Parser(
        "answers of a temperature controller",
        _temperature_controller,
        (bluefors_tc.ApiError,),
        (b"%s", b'{"status": "OK", "measurements": %s}', b'{"status": "OK", "datetime": "%s"}'),
        (
            b'{"status": "OK", "datetime": "2024-01-31T13:04:43.060313Z", "heater_nr": 1, '
            b'"measurements": {"timestamp": [1542118174.989], "temperature": [0.034756]}}',
            b'{"status": "ERROR", "error": {"code": 123, "message": "Wrong parameters provided."}}',
        ),
    ),
    Parser(
        "answers of a fridge's software",
        bluefors_control.read_values,
        (bluefors_control.ApiError,),
        (b"%s", b'{"data": %s}', b'{"data": {"a": {"content": {"latest_value": %s}}}}'),
        (
            b'{"data": {"a": {"content": {"latest_value": {"value": "1", "outdated": false, '
            b'"date": 1, "status": "QUEUED"}}}}}',
        ),
    ),
    Parser(
        "HiSLIP",
        _hislip,
        (hislip.HislipError,),
        (b"%s", b"HS\7\0\0\0\0\1\0\0\0\0\0\0\0\5%s"),
        (hislip.encode(hislip.Message(hislip.Type.DATA_END, 0, 2, b"*IDN?")),),
    ),
    Parser(
        "VXI-11",
        _vxi11,
        (vxi11.RpcError, vxi11.GarbageArguments),
        (b"%s", RPC_HEAD + b"%s"),
        (RPC_HEAD + vxi11.words(0, 0, 0, 0, 5, 1000, 0, 8) + vxi11.opaque(b"*IDN?"),),
    ),
    Parser(
        "lines of Network UPS Tools",
        _lines(nut_ups.words),
        (nut_ups.NutError,),
        (b"%s", b'VAR ups a "%s"'),
        (b'VAR ups device.model "9PX \\"3000\\""',),
    ),
    Parser(
        "answers of Network UPS Tools",
        _text(lambda text: nut_ups.read_variables("ups", text.splitlines())),
        (nut_ups.NutError,),
        (b"%s", b"BEGIN LIST VAR ups\n%s\nEND LIST VAR ups"),
        (b'BEGIN LIST VAR ups\nVAR ups battery.charge "100"\nEND LIST VAR ups',),
    ),
    Parser(
        "golden traces",
        _text(lambda text: trace.read_trace(text.splitlines(keepends=True))),
        (trace.TraceError,),
        (b"%s", b'{"trace": "podium trace 1", "instrument": "a", "model": "m", "options": {}}\n%s'),
        (
            b'{"trace": "podium trace 1", "instrument": "a", "model": "m", "options": {}}\n'
            b'{"t": 0, "c": 1, "port": "scpi", "to": "client", "text": "x"}\n',
        ),
    ),
    Parser(
        "LabOne requests",
        _request,
        (ProtocolError,),
        (
            b"%s",
            b"GET %s",
            b"GET /api/v1/kernel/devid/%s HTTP/1.1\r\nA: b\r\n\r\n",
            b"GET / HTTP/1.1\r\n%s\r\n\r\n",
            b"GET /?%s HTTP/1.1\r\n\r\n",
        ),
        (b"GET /api/v1/kernel/devid/dev12000?x=1 HTTP/1.1\r\nUpgrade: capnp\r\n\r\n",),
    ),
    Parser(
        "LabOne discovery",
        discovery.parse_question,
        (ProtocolError,),
        (b"%s", b'{"request":"zi-discovery-request","id":%s}'),
        (b'{"request":"zi-discovery-request","version":"3","id":"vm-1","servers":[]}',),
    ),
    Parser(
        "LabOne frames",
        lambda data: capnp_framing.Splitter().feed(data),
        (ProtocolError,),
        samples=(rpc.finish(1), rpc.abort("no")),
    ),
    Parser(
        "LabOne frames, chopped",
        lambda data: _chopped(capnp_framing.Splitter().feed, data),
        (ProtocolError,),
        samples=(rpc.finish(1), rpc.abort("no")),
    ),
    Parser(
        "LabOne messages",
        _rpc_messages,
        (ProtocolError,),
        (b"%s",),
        (
            rpc.finish(1),
            rpc.abort("no"),
            rpc.release(3),
            rpc.call(1, 0, session_messages.SESSION, 10, 1, lambda params: params.text(0, "/dev")),
        ),
    ),
    Parser(
        "LabOne paths",
        _text(_expression),
        (),
        (b"%s", b"/dev12000/%s", b"/dev12000/a/%s/b"),
        (b"/dev12000/*/1/node", b"/dev12000/a/*,/dev12000/b"),
    ),
    Parser(
        "LabOne versions",
        _text(labone_version.LabOneVersion.of),
        (ValueError,),
        (b"%s", b"26.7.%s", b"26.07.2.%s"),
        (b"26.7.2.5",),
    ),
    Parser(
        "LabOne command tables",
        lambda data: command_table.parse_command_table(data, command_table.SHFSG),
        (command_table.BadCommandTable,),
        (b"%s", b'{"header": %s}', _TABLE, b'{"header": {"version": "1.2.0"}, "table": [%s]}'),
        (_TABLE.replace(b"%s", b'{"index": 1}'),),
    ),
    Parser(
        "LabOne programs",
        elf.read_elf,
        (elf.BadElf,),
        (b"%s", b"\x7fELF\x01\x01\x01%s"),
        (b"\x7fELF\x01\x01\x01" + bytes(200),),
    ),
    Parser("LabOne words", _words, samples=(bytes(range(64)),)),
    Parser(
        "LabOne documentation",
        lambda data: node_documentation.documents_in(data),
        samples=(b'{"a": {"Node": "/dev1/a"}}',),
    ),
)
"""Pure functions of the interfaces, by what they read."""
