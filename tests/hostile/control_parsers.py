"""What people write and what comes over the bus: files, programs and options of commands."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import Final

from tests.hostile.parser import Parser

from podium.control.bus.local_socket import Frames, NoFrame
from podium.control.commands import ask, run
from podium.control.facility.check_instruments import address_problem
from podium.control.facility.load import FacilityError, load_facility
from podium.control.facility.meeting_point import parse_endpoint
from podium.control.pictures.points import NoPoint, point_of
from podium.control.program.program import Axis, Linear, Variable
from podium.control.program.serialise import NotAProgram, from_json
from podium.control.timebase.moments import NoMoment, length_s, moment
from podium.control.timebase.timed_program import timed_from_json
from podium.firmware_interfaces.models import known_models
from podium.sim_instruments.physics.links.link_table import LinkTableError, parse_link_table
from podium.sim_instruments.physics.truth import Span
from podium.sim_instruments.physics.world_file import WorldFileError, parse_world
from podium.sim_instruments.testing.facility import _seconds
from podium.sim_instruments.testing.process import TwinRefused
from podium.sim_instruments.wiring import PlanError, read_plan

AXES: Final = (Axis("amplitude", (Variable("a", "1", Linear.steps(0.0, 0.1, 41)),)),)
PROGRAM: Final = b"""{"type": "Program", "name": "p", "frames": [], "axes": [], "shots": 1, "body":
[{"type": "Delay", "frames": ["a"], "duration": 1000}]}"""
FACILITY: Final = b"facility: lab\ninstruments:\n  a: {model: yokogawa_gs200, address: 1.2.3.4}\n"


def _text(read: Callable[[str], object]) -> Callable[[bytes], object]:
    return lambda data: read(data.decode("latin-1"))


def _file(read: Callable[[Path], object]) -> Callable[[bytes], object]:
    folder: list[tempfile.TemporaryDirectory[str]] = []

    def read_it(data: bytes) -> object:
        if not folder:
            folder.append(tempfile.TemporaryDirectory())
        file = Path(folder[0].name, "facility.yaml")
        file.write_bytes(data)
        return read(file)

    return read_it


def _addresses(text: str) -> None:
    for model in known_models().values():
        address_problem(text, model)


YAML_FRAMES: Final = (b"%s", b"facility: %s\n", b"facility: lab\ninstruments: %s\n",
                      b"a: '%s'", b'a: "%s"', b"a: [%s]")  # fmt: skip

CONTROL: Final = (
    Parser("facility files", _file(load_facility), (FacilityError,), YAML_FRAMES,
           (FACILITY,), True),
    Parser("plans of twins", _file(read_plan), (PlanError,), YAML_FRAMES, (FACILITY,), True),
    Parser("twin files", _text(parse_world), (WorldFileError,), YAML_FRAMES,
           (b"seed: 1\nnodes: {}\n",), True),
    Parser("device tables of links", _text(parse_link_table), (LinkTableError,), YAML_FRAMES,
           (b"name: ours\npulse: {value: 180e-9, unit: s, assumed: true}\n",), True),
    Parser("programs", _text(from_json), (NotAProgram,),
           (b"%s", b'{"type": "Program", "name": %s}', b'{"type": "%s"}'), (PROGRAM,)),
    Parser("timed programs", _text(timed_from_json), (NotAProgram,),
           (b"%s", b'{"starts": %s}', b'{"starts": {}, "program": %s}'),
           (b'{"starts": {}, "program": ' + PROGRAM + b"}",)),
    Parser("moments", _text(lambda text: moment(text, 1.8e9)), (NoMoment,),
           (b"%s", b"%s h ago", b"1%s d"), (b"2 h ago", b"2026-11-20 09:30")),
    Parser("lengths of time", _text(length_s), (NoMoment,), (b"%s", b"%s h"),
           (b"12 h",)),
    Parser("spans of time of a test", _text(_seconds), (TwinRefused,), (b"%s", b"%s h"),
           (b"10 min",)),
    Parser("times of truths", _text(Span.of_text), (ValueError,), (b"%s", b"1..%s"), (b"1..2.5",)),
    Parser("places on the network", _text(parse_endpoint), (ValueError,),
           (b"%s", b"tls/%s:7447", b"tcp/[%s]:1"), (b"tls/rack-a.lab:7447",)),
    Parser("addresses", _text(_addresses), (), (b"%s", b"TCPIP::%s::5025::SOCKET", b"TCPIP::a::%s"),
           (b"TCPIP::192.168.0.9::5025::SOCKET", b"rack-1.lab")),
    Parser("points of a sweep", _text(lambda text: point_of([text], AXES)), (NoPoint,),
           (b"%s", b"amplitude=%s"), (b"amplitude=25",)),
    Parser("values by hand", _text(ask.value_of), (), (b"%s",), (b"1.5", b"true")),
    Parser("parameters of a run", _text(lambda text: run._values([text])), (run.NotANumber,),
           (b"%s", b"a=%s"), (b"a=0.25",)),
    Parser("frames of local sockets", lambda data: Frames().feed(data), (NoFrame,),
           (b"%s", b"\5\0\0\0\1\0\0\0\0%s"), (b"\2\0\0\0\1\0\0\0\0ab",)),
)  # fmt: skip
