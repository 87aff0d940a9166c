"""Lines of Python with which people connect to a box, by the way that they take."""

SOCKET = "import socket; {{name}} = socket.create_connection(('{{host}}', {}))"

OVER_VISA = {
    "pyvisa": "import pyvisa; {name} = pyvisa.ResourceManager('@py').open_resource('{visa}', "
    "read_termination='\\n', write_termination='\\n')",
    "a plain socket": SOCKET.format("{ports[scpi]}"),
}

_INSTR = "import pyvisa; {{name}} = pyvisa.ResourceManager('@py').open_resource('{}::INSTR')"

OVER_HISLIP = {"pyvisa over HiSLIP": _INSTR.format("TCPIP::{host}::hislip0,{ports[hislip]}")}

OVER_VXI11 = {"pyvisa over VXI-11": _INSTR.format("TCPIP::{host},{ports[vxi11]}::inst0")}
