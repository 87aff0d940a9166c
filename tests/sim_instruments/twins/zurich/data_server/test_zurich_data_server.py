"""The data server in memory: kernels, nodes, subscriptions, uploads, and who breaks the rules."""

import json
import random

import numpy as np
import pytest
from tests.benches.zurich.requests import (
    bootstrap,
    call,
    get,
    list_nodes,
    opened,
    request,
    returned,
    set_value,
    subscribe,
    told,
    unsubscribe,
)

from podium.firmware_interfaces.zurich import handshake, rpc
from podium.firmware_interfaces.zurich.node_paths import ListFlags
from podium.firmware_interfaces.zurich.refusals import Code
from podium.firmware_interfaces.zurich.session_messages import REFLECTION
from podium.firmware_interfaces.zurich.values import bytes_vector, text_vector, vector_of
from podium.sim_instruments.twins.twin import IDLE
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.data_server.sequencer_port import (
    AcceptedProgram,
    ProgramRefused,
)
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText

DEVICES = {12000: "SHFQC", 8001: "HDAWG8", 10001: "PQSC"}
ON = "/dev12000/sgchannels/0/output/on"
RANGE = "/dev12000/sgchannels/0/output/range"
AWG = "/dev12000/sgchannels/0/awg"


@pytest.fixture
def server():
    return DataServer("1", DEVICES)


@pytest.fixture
def client(server):
    return opened(server, "dev12000")


def ask(connection, data: bytes, now_fs: int = 0):
    return told(connection.feed(data, now_fs))


def value(connection, path: str, now_fs: int = 0):
    (found,) = ask(connection, get(900, path) + rpc.finish(900), now_fs).values(900)
    return found


def set_it(connection, path: str, new):
    (found,) = ask(connection, set_value(901, path, new) + rpc.finish(901)).values(901)
    return found


# --- kernels --------------------------------------------------------------------------


def test_an_instrument_is_taken_when_its_kernel_is_asked_for(server):
    zi = opened(server, "zi")
    assert value(zi, "/zi/devices/visible") == "DEV8001,DEV10001,DEV12000"
    assert value(zi, "/zi/devices/connected") == ""
    opened(server, "dev12000")
    assert value(zi, "/zi/devices/connected") == "DEV12000"
    assert json.loads(value(zi, "/zi/devices"))["DEV12000"]["DEVICETYPE"] == "SHFQC"


@pytest.mark.parametrize(
    ("kernel", "query", "says"),
    [
        ("dev5", {}, b"dev5 not found"),
        ("dev12000", {"autolaunch": "0"}, b"not connected"),
        ("dev12000", {"interface": "PCIe"}, b"not reached by PCIe"),
    ],
)
def test_a_kernel_that_cannot_be_had_is_refused_and_the_connection_ends(
    server, kernel, query, says
):
    connection = server.open("data_server")
    said = connection.feed(request(kernel, **query), 0)
    assert b"HTTP/1.1 4" in said
    assert says in said
    assert connection.ended


def test_a_client_of_http_only_is_told_of_the_kernel(server):
    connection = server.open("data_server")
    said = connection.feed(b"GET /api/v1/kernel/zi HTTP/1.1\r\n\r\n", 0)
    assert b"HTTP/1.1 200 OK" in said
    assert b"Zhinst-Kernel-Version: 26.7.2" in said


def test_disconnecting_lets_go_of_the_instrument_and_ends_its_connections_only(server, client):
    other, zi = opened(server, "dev12000"), opened(server, "zi")
    answer = ask(client, call(5, 4, 0, 0, lambda params: None))
    assert 5 in answer.answers
    assert client.ended
    assert other.feed(b"", 0) == b""
    assert other.ended
    assert value(zi, "/zi/devices/connected") == ""
    assert value(opened(server, "dev12000"), ON) == 0


def test_a_model_that_there_is_none_of_is_refused():
    with pytest.raises(ValueError, match="no model 'UHFLI'"):
        DataServer("1", {1: "UHFLI"})


# --- nodes ----------------------------------------------------------------------------


def test_what_is_set_is_read_back_by_all(server, client):
    assert set_it(client, ON, 1) == 1
    assert value(opened(server, "dev12000"), ON.upper()) == 1


def test_a_number_beside_the_grid_is_moved_to_the_nearest(client):
    assert set_it(client, RANGE, -3.0) == -5.0
    assert set_it(client, RANGE, 99.0) == 10.0
    assert set_it(client, RANGE, 3) == 5.0


@pytest.mark.parametrize(
    ("path", "new", "code"),
    [
        ("/dev12000/sgchannels/0/busy", 1, Code.READ_ONLY),
        ("/dev12000/nothing", 1, Code.NOT_FOUND),
        ("/dev8001/sigouts/0/on", 1, Code.NOT_FOUND),
        (f"{AWG}/waveform/waves/16000", 1, Code.NOT_FOUND),
        (ON, "word", Code.INVALID_ARGUMENT),
        (ON, 1j, Code.INVALID_ARGUMENT),
        (ON, vector_of(np.zeros(3)), Code.INVALID_ARGUMENT),
        (RANGE, "high", Code.INVALID_ARGUMENT),
        ("/dev12000/synthesizers/1/centerfreq", 5.1e9, Code.INVALID_ARGUMENT),
        ("/dev12000/qachannels/0/centerfreq", 7.1e9, Code.INVALID_ARGUMENT),
        (RANGE, float("nan"), Code.INVALID_ARGUMENT),
        (f"{AWG}/elf/data", vector_of(np.zeros(3)), Code.INVALID_ARGUMENT),
        ("/dev12000/qachannels/0/generator/waveforms/0/wave", bytes_vector(b""), 0x801F),
    ],
)
def test_what_cannot_be_set_is_refused_with_its_code_and_changes_nothing(client, path, new, code):
    before = value(client, ON), value(client, RANGE)
    refused = set_it(client, path, new)
    assert refused[0] == code
    assert (value(client, ON), value(client, RANGE)) == before


def test_a_write_only_node_is_not_read(client):
    assert value(client, f"{AWG}/elf/data")[0] == Code.WRITE_ONLY


def test_an_expression_reads_and_sets_all_that_it_fits(client):
    answer = ask(client, set_value(1, "/dev12000/sgchannels/*/output/on", 1, expand=True))
    assert answer.values(1) == [1] * 6
    answer = ask(client, get(2, "/dev12000/sgchannels/*/output/on", expand=True))
    assert answer.values(2) == [1] * 6
    answer = ask(client, get(3, f"{ON},{RANGE}", expand=True))
    assert answer.values(3) == [1, 10.0]
    answer = ask(client, set_value(4, "/dev12000/no*", 1, expand=True))
    assert answer.values(4)[0][0] == Code.NOT_FOUND


def test_nodes_are_listed_as_flags_say(client):
    flags = ListFlags.RECURSIVE | ListFlags.ABSOLUTE | ListFlags.LEAVES_ONLY
    answer = ask(client, list_nodes(1, "/dev12000/sgchannels/0/output", int(flags)))
    assert RANGE in answer.answers[1].texts(0)
    both = int(flags | ListFlags.SETTINGS_ONLY | ListFlags.BASE_CHANNEL_ONLY)
    paths = ask(client, list_nodes(2, "/dev12000/sgchannels", both)).answers[2].texts(0)
    assert RANGE in paths
    assert not any("sgchannels/1/" in path or path.endswith("busy") for path in paths)
    wave = f"{AWG}/waveform/waves/77"
    assert ask(client, list_nodes(3, wave, int(flags))).answers[3].texts(0) == ()
    set_it(client, wave, vector_of(np.zeros(4, np.uint32)))
    assert ask(client, list_nodes(4, wave, int(flags))).answers[4].texts(0) == (wave,)


def test_a_listing_in_json_tells_type_access_and_unit(client):
    text = ask(client, list_nodes(1, RANGE, 0, json=True)).answers[1].text(0)
    entry = json.loads(text)[RANGE]
    assert entry["Node"] == RANGE.upper()
    assert entry["Type"] == "Double"
    assert entry["Properties"] == "Read, Write, Setting"


def test_a_time_stamp_counts_the_ticks_of_the_instrument(server):
    start_fs = 1_800_000_000 * 10**15
    connection = server.open("data_server")
    connection.feed(request("dev12000") + bootstrap(0), start_fs)
    assert value(connection, "/dev12000/status/time", start_fs + 10**15) == 4 * 10**9
    connection = server.open("data_server")
    connection.feed(request("dev8001") + bootstrap(0), start_fs)
    assert value(connection, "/dev8001/status/time", start_fs + 10**15) == 2_400_000_000


def test_channels_show_the_frequency_of_their_synthesizer(client):
    synthesizer = value(client, "/dev12000/sgchannels/3/synthesizer")
    assert set_it(client, f"/dev12000/synthesizers/{synthesizer}/centerfreq", 5e9) == 5e9
    assert value(client, "/dev12000/sgchannels/3/centerfreq") == 5e9
    assert value(client, "/dev12000/sgchannels/4/centerfreq") == 1e9


def test_a_node_that_is_written_to_have_something_done_shows_that_it_is_done(client):
    set_it(client, "/dev12000/system/identify", 1)
    assert value(client, "/dev12000/system/identify") == 0


# --- subscriptions --------------------------------------------------------------------


def test_what_changes_is_sent_to_who_has_subscribed(server, client):
    other = opened(server, "dev12000")
    assert not ask(client, subscribe(1, "/dev12000/sgchannels/*/output/on", 7)).exceptions
    set_it(other, ON, 1)
    (sent,) = ask(client, b"").sends
    assert sent[1:] == (7, [(ON, 1)])
    assert ask(other, b"").sends == []


def test_who_has_unsubscribed_hears_no_more(client, server):
    ask(client, subscribe(1, "/dev12000/sgchannels", 7))
    ask(client, unsubscribe(2, b"me", ("/dev12000/*",)))
    assert ask(client, set_value(3, ON, 1)).sends == []
    assert server.devices[-1].store.subscriptions() == 0


def test_a_client_that_wants_no_more_ends_its_subscription_and_the_handle_is_let_go(server, client):
    ask(client, subscribe(1, ON, 7))
    ask(client, subscribe(2, RANGE, 7))
    (sent,) = ask(client, set_value(3, ON, 1)).sends
    answer = ask(client, returned(sent[0], done=False))
    assert answer.released == [(7, 2)]
    assert ask(client, set_value(4, ON, 0)).sends == []
    assert server.devices[-1].store.subscriptions() == 0


def test_a_client_that_dies_leaves_nothing_behind_and_harms_nobody(server, client):
    other = opened(server, "dev12000")
    ask(other, subscribe(1, "/dev12000", 7))
    ask(client, subscribe(1, ON, 3))
    other.hung_up()
    assert other.feed(get(1, ON), 0) == b""
    (sent,) = ask(client, set_value(2, ON, 1)).sends
    assert sent[1:] == (3, [(ON, 1)])
    assert server.devices[-1].store.subscriptions() == 1


def test_a_client_that_confirms_nothing_is_sent_no_more_than_it_may_have(client):
    ask(client, subscribe(1, ON, 7))
    sends = []
    for number in range(100):
        sends += ask(client, set_value(2, ON, number % 2) + rpc.finish(2)).sends
    assert len(sends) == 64
    (late,) = ask(client, returned(sends[0][0])).sends
    assert [one for _, one in late[2]] == [number % 2 for number in range(64, 100)]


def test_a_subscription_to_nothing_is_refused_and_one_without_a_handle_breaks_the_rules(client):
    answer = ask(client, subscribe(1, "/dev12000/nothing", 7))
    assert answer.answers[1].struct(0).u16(0) == 1
    assert ask(client, subscribe(2, ON, None)).aborts
    assert client.ended


# --- uploads --------------------------------------------------------------------------


class Executes:
    """Takes programs that begin with ELF, and notes what it is told."""

    def __init__(self) -> None:
        self.started, self.stopped, self.heard, self.due = [], [], [], []

    def attached(self, device, setting, stamp):
        pass

    def accept(self, model, at, elf):
        if not elf.startswith(b"\x7fELF"):
            raise ProgramRefused(f"{at}: no ELF")
        return AcceptedProgram("addi R1", "playZero(32);", '{"waveforms":[]}', 0.25)

    def start(self, uploaded, now_fs):
        self.started.append(uploaded)

    def stop(self, device, at, now_fs):
        self.stopped.append(at)

    def written(self, device, path, new, now_fs):
        self.heard.append((path, new))

    def updates(self, device, now_fs):
        due, self.due = self.due, []
        return due

    def horizon(self, now_fs):
        return IDLE


@pytest.fixture
def execution():
    return Executes()


@pytest.fixture
def running(execution):
    return opened(DataServer("1", DEVICES, execution=execution), "dev12000")


def test_a_program_is_taken_and_its_nodes_tell_of_it(running, execution):
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"\x7fELF" + bytes(96)))
    assert value(running, f"{AWG}/ready") == 1
    assert value(running, f"{AWG}/elf/length") == 100
    assert value(running, f"{AWG}/elf/progress") == 100.0
    assert value(running, f"{AWG}/elf/checksum") != 0
    assert value(running, f"{AWG}/sequencer/program") == "playZero(32);"
    assert value(running, f"{AWG}/sequencer/memoryusage") == 0.25
    assert value(running, f"{AWG}/sequencer/status") == 0


def test_an_enabled_sequencer_gets_all_that_was_uploaded_and_settings(running, execution):
    wave = vector_of(np.arange(4, dtype=np.uint32))
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"\x7fELF"))
    set_it(running, f"{AWG}/waveform/waves/3", wave)
    set_it(running, f"{AWG}/commandtable/data", text_vector('{"table":[]}'))
    set_it(running, RANGE, 5.0)
    assert set_it(running, f"{AWG}/enable", 1) == 1
    (uploaded,) = execution.started
    assert (uploaded.device, uploaded.model, uploaded.at) == (
        "dev12000",
        "SHFQC",
        "sgchannels/0/awg",
    )
    assert uploaded.elf == b"\x7fELF"
    assert uploaded.waveforms[3].numbers().tolist() == [0, 1, 2, 3]
    assert uploaded.command_table == '{"table":[]}'
    assert uploaded.setting("sgchannels/0/output/range") == 5.0


def test_what_execution_comes_to_is_shown_and_sent(running, execution):
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"\x7fELF"))
    ask(running, subscribe(1, f"{AWG}/enable", 7))
    ask(running, set_value(2, f"{AWG}/enable", 1))
    execution.due = [("sgchannels/0/awg/enable", 0)]
    (sent,) = ask(running, b"").sends
    assert sent[2] == [(f"{AWG}/enable", 0)]
    assert value(running, f"{AWG}/enable") == 0


def test_a_new_program_and_a_reset_forget_the_old(running, execution):
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"\x7fELF"))
    set_it(running, f"{AWG}/waveform/waves/3", vector_of(np.zeros(4, np.uint32)))
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"\x7fELF"))
    set_it(running, f"{AWG}/enable", 1)
    assert execution.started[0].waveforms == {}
    set_it(running, f"{AWG}/reset", 1)
    assert value(running, f"{AWG}/ready") == 0
    assert value(running, f"{AWG}/enable") == 0
    assert set_it(running, f"{AWG}/enable", 1)[0] == Code.COMMAND


def test_what_is_no_program_leaves_the_sequencer_not_ready_with_a_word_in_the_log(running):
    set_it(running, f"{AWG}/elf/data", bytes_vector(b"text"))
    assert value(running, f"{AWG}/ready") == 0
    log = json.loads(value(running, "/dev12000/raw/error/json/errors"))
    assert "no ELF" in log["messages"][0]["message"]
    set_it(running, "/dev12000/raw/error/clear", 1)
    assert json.loads(value(running, "/dev12000/raw/error/json/errors")) == {"messages": []}


def test_without_execution_a_sequencer_is_not_enabled(client):
    set_it(client, f"{AWG}/elf/data", bytes_vector(b"\x7fELF"))
    refused = set_it(client, f"{AWG}/enable", 1)
    assert "executes no sequencer programs" in refused[1]
    assert value(client, f"{AWG}/enable") == 0


@pytest.mark.parametrize("table", ["nonsense", "[]", '{"table":[{"index":"x"}]}'])
def test_a_command_table_beside_its_schema_fails_and_says_why(table):
    entry = {"properties": {"index": {"type": "integer"}}}
    schema = {"properties": {"table": {"items": entry}}}
    text = VendorText(table_schemas={"shfsg": json.dumps(schema)})
    connection = opened(DataServer("1", DEVICES, lambda: text), "dev12000")
    set_it(connection, f"{AWG}/commandtable/data", text_vector(table))
    assert value(connection, f"{AWG}/commandtable/status") == 8
    log = json.loads(value(connection, "/dev12000/raw/error/json/errors"))
    assert "command table" in log["messages"][0]["message"]
    set_it(connection, f"{AWG}/commandtable/data", text_vector('{"table":[{"index":1}]}'))
    assert value(connection, f"{AWG}/commandtable/status") == 1
    set_it(connection, f"{AWG}/commandtable/clear", 1)
    assert value(connection, f"{AWG}/commandtable/status") == 0
    assert value(connection, f"{AWG}/commandtable/schema").text() == json.dumps(schema)


# --- who breaks the rules -------------------------------------------------------------


def test_an_unknown_method_or_object_is_an_exception_and_the_connection_goes_on(client):
    answer = ask(client, call(1, 99, 0, 0, lambda params: None))
    assert "not implemented" in answer.exceptions[1]
    answer = ask(client, call(2, 10, 1, 2, lambda params: None, target=5))
    assert "no such object" in answer.exceptions[2]
    assert value(client, ON) == 0


def test_a_client_that_has_no_schema_is_told_it(client):
    answer = ask(client, call(1, 0, 0, 0, lambda params: None, interface=REFLECTION))
    assert len(answer.answers[1].struct(0).structs(1)) == 0
    assert len(answer.answers[1].struct(0).structs(0)) > 50
    answer = ask(client, call(2, 1, 0, 0, lambda params: None, interface=REFLECTION))
    assert "not implemented" in answer.exceptions[2]


def test_a_question_that_is_still_in_use_breaks_the_rules(client):
    ask(client, get(1, ON))
    assert ask(client, get(1, ON)).aborts
    assert client.ended


def test_garbage_ends_that_connection_and_no_other(server, client):
    other = opened(server, "dev12000")
    assert ask(other, b"\xff" * 16).aborts
    assert other.ended
    assert value(client, ON) == 0


@pytest.mark.parametrize(
    "count", [2_000, pytest.param(100_000, marks=pytest.mark.slow)], ids=["quick", "slow"]
)
def test_whatever_comes_the_others_are_served(server, count):
    chance = random.Random(5)
    healthy = opened(server, "dev12000")
    seeds = [
        get(1, ON, expand=True),
        set_value(1, ON, 1, expand=True),
        set_value(1, f"{AWG}/elf/data", bytes_vector(b"\x7fELF" + bytes(20))),
        set_value(1, f"{AWG}/commandtable/data", text_vector('{"table":[]}')),
        subscribe(1, ON, 7),
        unsubscribe(1, b"me", (ON,)),
        list_nodes(1, "/dev12000/features", 7, json=True),
        rpc.finish(1) + rpc.release(0, 1) + returned(3),
    ]
    ended = 0
    for _ in range(count):
        where = chance.randrange(4)
        if where == 0:
            connection, data = server.open("data_server"), bytearray(request("dev12000"))
        else:
            connection, data = opened(server, "dev12000"), bytearray(chance.choice(seeds))
        for _ in range(chance.choice((0, 1, 2, 10))):
            data[chance.randrange(len(data))] = chance.choice((0, 1, 0xFF, chance.randrange(256)))
        if chance.random() < 0.2:
            del data[chance.randrange(len(data)) :]
        if chance.random() < 0.1:
            data += chance.randbytes(chance.choice((1, 8, 100)))
        cut = chance.randrange(len(data) + 1)
        for piece in (bytes(data[:cut]), bytes(data[cut:])):
            if not connection.ended:
                connection.feed(piece, 0)
        ended += connection.ended
        connection.hung_up()
        if value(healthy, "/dev12000/features/serial") != "12000":
            # A client may well have let go of the instrument, by the rules.
            healthy = opened(server, "dev12000")
    assert 0 < ended < count
    assert value(healthy, "/dev12000/features/serial") == "12000"
    assert server.devices[-1].store.subscriptions() == 0


def test_who_listens_hears_what_became_of_each_request(server, client):
    heard: list[tuple[str, str]] = []
    set_it(client, "/dev12000/dios/0/drive", 1)  # before anybody listens
    server.tell(lambda text, verdict: heard.append((text, verdict)))
    unmeant = server.tallies()["unmeant"]
    set_it(client, ON, 1)
    set_it(client, "/dev12000/sgchannels/0/trigger/level", 0.5)
    value(client, ON)
    set_it(client, "/dev12000/nothing", 1)
    assert heard == [
        (f"set {ON} 1", "known"),
        ("set /dev12000/sgchannels/0/trigger/level 0.5", "unmeant"),
        (f"get {ON}", "known"),
        ("set /dev12000/nothing 1", "unknown"),
    ]
    assert server.tallies()["unmeant"] == unmeant + 1


@pytest.mark.parametrize(
    ("version", "hello", "about"),
    [
        (None, "26.7.2", {"version": "26.07", "fullversion": "26.07.2.5", "revision": 260720005}),
        (
            "25.4.1.17",
            "25.4.1",
            {"version": "25.04", "fullversion": "25.04.1.17", "revision": 250410017},
        ),
        ("24.10.65175", "24.10.65175", {"version": "24.10", "revision": 241065175}),
    ],
)
def test_a_server_is_of_the_version_that_it_is_told_to_be(version, hello, about):
    server = DataServer("1", DEVICES, labone_version=version)
    assert server.open("data_server").feed(b"", 0) == handshake.hello(hello)
    client = opened(server, "zi")
    found = {name: value(client, f"/zi/about/{name}") for name in about}
    assert found == about
    names = ask(client, list_nodes(902, "/zi/about", ListFlags.RECURSIVE)).answers[902].texts(0)
    assert ("about/fullversion" in names) is ("fullversion" in about)


def test_what_is_no_version_is_none_of_a_server():
    with pytest.raises(ValueError, match="'25' is no version of LabOne"):
        DataServer("1", DEVICES, labone_version="25")
