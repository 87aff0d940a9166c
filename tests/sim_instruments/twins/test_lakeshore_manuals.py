"""The twins of the Lake Shore 336, 350 and 372 against their user's manuals.

Manuals 119-372 Rev. 1.7 (lakeshore_372), 119-048 (lakeshore_336) and 119-057 (lakeshore_350),
chapter 6: the pages that could be read are named at each line. None of the boxes has an error
queue: what is refused sets bits of the standard event status register.
"""

import socket
from contextlib import ExitStack

import pytest
from tests.benches.servers.twin_conversation import TwinConversation

from podium.firmware_interfaces.exact_time import FS_PER_S as S
from podium.sim_instruments.testing import twin_instrument
from podium.sim_instruments.twins.lakeshore_336 import lakeshore_336
from podium.sim_instruments.twins.lakeshore_350 import lakeshore_350
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372

COMMAND, EXECUTION = "032", "016"


class Box(TwinConversation):
    """One of the three, with two sensors whose temperatures a test sets."""

    def __init__(self, model: str) -> None:
        self.kelvin = {1: 45.0, 2: 3.0}
        read = lambda channel, now_fs: self.kelvin[channel]  # noqa: E731
        stages = {1: "first_stage", 2: "second_stage"}
        match model:
            case "336":
                twin = lakeshore_336(stages, "S1", read)
            case "350":
                twin = lakeshore_350(stages, "S1", read)
            case _:
                twin = LakeShore372(read, stages, "S1")
        super().__init__(twin)
        self.say("*CLS")

    def events(self, message: str, at_s: float = 0.0) -> str:
        """Return the event bits that a message sets."""
        self.say(message, at_s)
        return self.say("*ESR?", at_s)


CURVE = "RX-102B,00011134,4,+001.500,1"
EXAMPLES = [
    ("372", "*ESE 145", "*ESE?", "145"),  # page 152
    ("372", "*SRE 176", "*SRE?", "176"),  # page 154
    (
        "372",
        'CRVHDR 21,"RX-102B","00011134",4,1.5,1',
        "CRVHDR? 21",
        "RX-102B,00011134,4,+001.500,1",
    ),
    ("372", "CRVPT 21,2,0.10191,470.000", "CRVPT? 21,2", None),  # page 159
    ("372", "CRVDEL 21", "CRVHDR? 21", None),  # page 158
    ("372", "FILTER 5,1,10,2", "FILTER? 5", "1,010,02"),  # page 162
    ("372", "RAMP 0,1,1.5", "RAMP? 0", "1,+001.500"),  # page 173
    ("372", "RELAY 1,2,2,0", "RELAY? 1", "2,02,0"),  # page 175
    ("372", "SCAN 1,1", "SCAN?", "01,1"),  # page 175
    ("372", "ZONE 0,1,250.000E-03,10,20,0,0,2,1.2,0,0", "ZONE? 0,1", None),  # page 178
    ("336", 'CRVHDR 21,"DT-470","00011134",2,325.0,1', "CRVHDR? 21", None),  # 130, there unquoted
    ("336", "CRVDEL 21", "CRVHDR? 21", None),  # page 130
    ("350", "RELAY 1,2,B,0", "RELAY? 1", "2,B,0"),  # page 154
    ("350", "TLIMIT B,450", "TLIMIT? B", "+0450"),  # page 156
]


@pytest.mark.parametrize(
    ("model", "example", "query", "answer"), EXAMPLES, ids=lambda one: str(one)
)
def test_what_a_manual_prints_as_an_example_is_taken(
    model: str, example: str, query: str, answer: str | None
) -> None:
    box = Box(model)
    assert box.events(example) == "000"
    said = box.say(query)
    assert said == answer if answer is not None else said != ""


RANGES = [
    ("372", "CRVHDR {},A,B,4,300,1", (21, 59), (20, 60)),  # 158: curves 1 to 20 are only read
    ("372", "CRVHDR 21,A,B,{},300,1", (3, 4, 7), (2, 5, 6, 8)),
    ("372", "CRVHDR 21,A,B,4,300,{}", (1, 2), (0, 3)),
    ("372", "CRVPT {},1,1,1", (21, 59), (20, 60)),  # 159
    ("372", "CRVPT 21,{},1,1", (1, 200), (0, 201)),
    ("372", "CRVDEL {}", (21, 59), (20, 60)),  # 158
    ("372", "FILTER {},1,10,2", (0, 1, 16, "A"), (17, "B")),  # 162
    ("372", "FILTER 5,1,{},2", (1, 200), (0, 201)),
    ("372", "FILTER 5,1,10,{}", (1, 80), (0, 81)),
    ("372", "FREQ 0,{}", (1, 5), (0, 6)),
    ("372", "INSET 1,1,{},3,21,1", (1, 200), (0, 201)),
    ("372", "INSET 1,1,10,{},21,1", (3, 200), (2, 201)),
    ("372", "INSET 1,1,10,3,{},1", (0, 59), (60,)),
    ("372", "INSET 1,1,10,3,21,{}", (1, 2), (0, 3)),
    ("372", "OUTMODE 0,5,1,0,0,0,{}", (1, 255), (0, 256)),
    ("372", "OUTMODE {},0,1,0,0,0,5", (0, 2), (3,)),
    ("372", "PID 0,{},1,1", (0, 1000), (-1, 1001)),  # 172
    ("372", "PID 0,1,{},1", (0, 10000), (10001,)),
    ("372", "PID 0,1,1,{}", (0, 2500), (2501,)),
    ("372", "RAMP 0,1,{}", (0, 0.001, 100), (0.0005, 100.1)),  # 173
    ("372", "RANGE 0,{}", (0, 8), (9,)),
    ("372", "RANGE 1,{}", (0, 1), (2,)),
    ("372", "RANGE 2,{}", (0, 1), (2,)),
    ("372", "RELAY {},0,1,0", (1, 2), (0, 3)),  # 175
    ("372", "RELAY 1,{},1,0", (0, 4), (5,)),
    ("372", "RELAY 1,2,1,{}", (0, 2), (3,)),
    ("372", "SCAN {},1", (1, 2), (17, "A")),
    ("372", "ZONE 0,{},1,1,1,1,1,1,1,0,0", (1, 10), (0, 11)),  # 178
    ("372", "ZONE 0,1,1,1,1,1,1,{},1,0,0", (0, 8), (9,)),
    ("372", "ZONE 1,1,1,1,1,1,1,{},1,0,0", (0, 1), (2,)),
    ("336", "CRVHDR {},A,B,4,300,1", (21, 59), (20, 60)),  # 119-048, 130
    ("336", "CRVHDR 21,A,B,{},300,1", (1, 4), (0, 5)),
    ("336", "CRVHDR 21,A,B,4,300,{}", (1, 2), (0, 3)),
    ("336", "CRVDEL {}", (21, 59), (20, 60)),
    ("350", "RANGE 1,{}", (0, 5), (6,)),  # 119-057, 154
    ("350", "RANGE 4,{}", (0, 1), (2,)),
    ("350", "RELAY {},0,A,0", (1, 2), (0, 3)),
    ("350", "RELAY 1,{},A,0", (0, 2), (3,)),
    ("350", "RELAY 1,2,{},0", ("A", "D"), ("E", 1)),
    ("350", "RELAY 1,2,A,{}", (0, 2), (3,)),
    ("350", "TLIMIT {},300", ("A", "D"), ("E", 5)),  # 156
]


@pytest.mark.parametrize(("model", "message", "taken", "refused"), RANGES, ids=str)
def test_a_range_is_as_the_manual_has_it(
    model: str, message: str, taken: tuple[object, ...], refused: tuple[object, ...]
) -> None:
    box = Box(model)
    for value in taken:
        assert box.events(message.format(value)) == "000", value
    for value in refused:
        assert box.events(message.format(value)) == EXECUTION, value


@pytest.mark.parametrize("model", ["336", "350", "372"])
def test_standard_events_are_those_of_the_manual(model: str) -> None:
    """119-372, page 152: OPC 1, QXE 4, EXE 16, CME 32, PON 128; *CLS clears them."""
    box = Box(model)
    assert box.events("NONSENSE") == COMMAND
    assert box.events("CRVDEL 5") == EXECUTION
    assert box.events("*OPC") == "001"
    assert box.events("NONSENSE;*CLS") == "000"
    box.twin.power_cycle(S)
    assert box.say("*ESR?", 1) == "128"
    assert box.say("*OPC?;*TST?", 1) == "1;0"


@pytest.mark.parametrize("model", ["336", "350", "372"])
def test_there_is_no_bit_of_an_error_queue_in_the_status_byte(model: str) -> None:
    """119-372, page 154: bit 2 is VRM there, 5 the events'; no bit says that there are errors."""
    box = Box(model)
    box.say("NONSENSE")
    assert box.say("*STB?") == "000"
    box.say("*ESE 32;*SRE 32")
    assert box.say("*STB?") == "096"
    box.say("*CLS")
    assert box.say("*STB?") == "000"


def test_in_the_372_bit_4_is_no_waiting_message() -> None:
    assert Box("372").say("*ESE?;*STB?") == "000;000"
    assert Box("336").say("*ESE?;*STB?") == "000;016"


def test_without_an_output_the_372_means_its_sample_heater() -> None:
    """Pages 172 and 173, remarks: for compatibility with the 370."""
    box = Box("372")
    assert box.events("RAMP 1,2.5;PID 5,100,3;SETP 0.1") == "000"
    assert box.say("RAMP?;PID?;SETP?;RAMPST?") == box.say("RAMP? 0;PID? 0;SETP? 0;RAMPST? 0")
    assert box.say("RAMP? 0;RAMP? 1") == "1,+002.500;0,+000.100"
    assert box.say("PID? 0") == "+005.000,+100.000,+003.000"


def test_channel_0_of_inset_is_all_measurement_inputs() -> None:
    box = Box("372")
    assert box.events("INSET 0,1,20,5,22,1") == "000"
    assert {box.say(f"INSET? {channel}") for channel in range(1, 17)} == {"1,020,005,22,1"}
    assert box.say("INSET? A") != "1,020,005,22,1"


@pytest.mark.parametrize(
    ("model", "one", "setup"),
    [
        ("336", "A", "1,50,40,2,{},0,1"),
        ("350", "A", "1,50,40,2,{},0,1"),
        ("372", "1", "1,1,50,40,2,{},0,1"),
    ],
)
def test_an_alarm_has_a_deadband_and_latches(model: str, one: str, setup: str) -> None:
    """ALARM: high 50 K, low 40 K, deadband 2 K; ALARMST?, ALMRST, RELAY in the mode of alarms."""
    box = Box(model)
    if model == "372":
        box.say("SCAN 1,0")
    box.say(f"ALARM {one},{setup.format(0)};RELAY 1,2,{one},1;RELAY 2,2,{one},0", 10)
    story = (
        (45, "0,0"),
        (51, "1,0"),
        (49, "1,0"),
        (47, "0,0"),
        (39, "0,1"),
        (41, "0,1"),
        (43, "0,0"),
    )
    for step, (kelvin, states) in enumerate(story):
        box.kelvin[1] = float(kelvin)
        box.twin.advance((20 + step) * S)
        assert box.say(f"ALARMST? {one}", 20 + step) == states, kelvin
        assert box.say("RELAYST? 1;RELAYST? 2", 20 + step) == states.replace(",", ";")
    box.say(f"ALARM {one},{setup.format(1)}", 30)
    for step, kelvin in enumerate((51, 45, 39, 45)):
        box.kelvin[1] = float(kelvin)
        box.twin.advance((40 + step) * S)
    assert box.say(f"ALARMST? {one}", 43) == "1,1"
    if model == "372":
        assert box.say("*STB?", 43) == "008"  # ALARM
    box.say("ALMRST", 43)
    box.twin.advance(50 * S)
    assert box.say(f"ALARMST? {one}", 50) == "0,0"
    box.say(f"ALARM {one},0", 51)
    assert not box.twin.acts


def test_a_relay_is_switched_by_hand_and_by_a_zone() -> None:
    """Page 175: 0 off, 1 on, 3 and 4 zones; page 178: relays of a zone."""
    box = Box("372")
    box.say("RELAY 1,1,1,0;RELAY 2,3,1,0")
    assert box.say("RELAYST? 1;RELAYST? 2") == "1;0"
    box.say("ZONE 0,1,1,10,20,0,0,1,1,0,1;ZONE 0,2,9,10,20,0,0,1,1,0,0;OUTMODE 0,3,1;SETP 0,0.5")
    assert box.say("RELAYST? 2") == "1"
    box.say("SETP 0,5")
    assert box.say("RELAYST? 2") == "0"


@pytest.mark.parametrize("model", ["336", "350"])
def test_an_autotuning_that_cannot_begin_says_so(model: str) -> None:
    """119-057, page 156, TUNEST?: error status 1 and stage 00 where it never began."""
    box = Box(model)
    assert box.say("TUNEST?") == "0,1,0,00"
    assert box.events("ATUNE 2,1") == "000"
    assert box.say("TUNEST?") == "0,2,1,00"


def test_a_channel_without_a_curve_or_sensor_reads_zero() -> None:
    """119-372, page 174: no curve, and the returned reading is zero; RDGST? of the last state."""
    assert Box("372").say("RDGK? 9;RDGST? 9") == "+000.000E+00;000"


@pytest.mark.parametrize("model", ["lakeshore_336", "lakeshore_350", "lakeshore_372"])
def test_a_third_socket_is_not_taken_while_two_are_open(model) -> None:
    """Manual, 6.4.3: two simultaneous socket connections; an attempt to open another fails."""
    with twin_instrument(model) as box, ExitStack() as stack:

        def connect() -> socket.socket:
            return stack.enter_context(socket.create_connection((box.host, box.port), 5.0))

        def is_taken(wire: socket.socket) -> bool:
            try:
                wire.sendall(b"*IDN?\n")
                return wire.recv(100).endswith(b"\r\n")
            except ConnectionError:
                return False

        first, second = connect(), connect()
        assert is_taken(first)
        assert is_taken(second)
        assert not is_taken(connect())
        second.shutdown(socket.SHUT_RDWR)
        assert second.recv(1) == b""
        assert any(is_taken(connect()) for _ in range(100))
