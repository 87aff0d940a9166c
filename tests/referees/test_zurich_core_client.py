"""The unmodified ``zhinst.core.ziDAQServer`` against our data server, on its vendor's port."""

import json
import os
import socket
import subprocess
import sys
import time

import numpy as np
import pytest
import zhinst.core
from tests.benches.referees.zurich_laboratory import DEVICES, Served, served
from zhinst.core.errors import (
    ConnectionError as VendorConnectionError,
)
from zhinst.core.errors import (
    CoreError,
    DeviceInterfaceError,
    DeviceNotFoundError,
    InvalidArgumentError,
    NotFoundError,
    ReadOnlyError,
    WriteOnlyError,
)

ON = "/dev12000/sgchannels/0/output/on"
RANGE = "/dev12000/sgchannels/0/output/range"
PATH = "/dev12000/sgchannels/0/output/rflfpath"
AWG = "/dev12000/sgchannels/0/awg"
DIES = """
import os, sys, zhinst.core
client = zhinst.core.ziDAQServer(sys.argv[1], int(sys.argv[2]), 6)
client.connectDevice("dev12000", "1GbE")
client.subscribe("/dev12000/*")
client.setInt("/dev12000/sgchannels/0/output/on", 1)
print("subscribed", flush=True)
sys.stdin.read()
"""


@pytest.fixture(scope="module")
def laboratory(tmp_path_factory):
    with served(tmp_path_factory.mktemp("zurich")) as one:
        yield one


@pytest.fixture
def connect(laboratory: Served):
    def connect() -> zhinst.core.ziDAQServer:
        return zhinst.core.ziDAQServer(laboratory.host, laboratory.port, 6)

    return connect


@pytest.fixture
def client(connect):
    client = connect()
    for device in DEVICES:
        client.connectDevice(device, "1GbE")
    return client


def polled(client, *paths: str) -> dict[str, list[float]]:
    """Return what was heard of these nodes, as soon as all of them were heard of."""
    heard: dict[str, list[float]] = {}
    for _ in range(100):
        for path, entry in client.poll(0.02, 100, flat=True).items():
            heard.setdefault(path, []).extend(entry["value"].tolist())
        if heard.keys() >= set(paths):
            return heard
    raise AssertionError(f"of {paths} only {list(heard)} was heard of")


def test_the_usual_port_is_the_vendors(laboratory):
    assert laboratory.port == 8004 or sys.platform != "linux"


def test_instruments_are_seen_and_connected(client):
    seen = client.getString("/zi/devices/visible").lower().split(",")
    assert sorted(seen) == sorted(DEVICES)
    assert set(client.getString("/zi/devices/connected").lower().split(",")) >= set(DEVICES)
    told = json.loads(client.getString("/zi/devices"))
    assert {entry["STATUSFLAGS"] for entry in told.values()} == {0}
    assert client.version() == "26.07"
    for device, model in zip(DEVICES, ("SHFQC", "SHFSG8", "SHFQA4", "HDAWG8", "PQSC"), strict=True):
        assert client.getString(f"/{device}/features/devtype") == model


def test_all_kinds_of_values_are_set_and_read_back(client):
    client.setInt(ON, 1)
    assert client.getInt(ON) == 1
    client.setDouble(RANGE, -3.0)
    assert client.getDouble(RANGE) == -5.0
    assert client.syncSetDouble(RANGE, 3.0) == 5.0
    client.setString("/dev12000/system/nics/0/defaultip4", "10.0.0.1")
    assert client.getString("/dev12000/system/nics/0/defaultip4") == "10.0.0.1"
    client.set(PATH, "lf")
    assert client.getInt(PATH) == 0
    client.set([(PATH, "rf"), (ON, 0)])
    assert (client.getInt(PATH), client.getInt(ON)) == (1, 0)


@pytest.mark.parametrize("kind", ["u1", "u2", "u4", "u8", "f4", "f8", "c8", "c16"])
def test_vectors_of_every_type_come_back_as_they_went(client, kind):
    path = f"{AWG}/waveform/waves/7"
    sent = np.arange(100).astype(kind)
    client.setVector(path, sent)
    (found,) = client.get(path, flat=True, settingsonly=False)[path]
    assert found["vector"].dtype == sent.dtype
    assert found["vector"].tolist() == sent.tolist()


def test_a_long_vector_comes_back_too(client):
    path = "/dev8001/awgs/0/waveform/waves/0"
    sent = np.arange(1_000_000, dtype=np.uint32)
    client.setVector(path, sent)
    (found,) = client.get(path, flat=True, settingsonly=False)[path]
    assert np.array_equal(found["vector"], sent)


@pytest.mark.parametrize(
    ("do", "error"),
    [
        (lambda client: client.getInt("/dev12000/nothing"), NotFoundError),
        (lambda client: client.setInt("/dev12000/nothing", 1), NotFoundError),
        (lambda client: client.setInt("/dev12000/sgchannels/0/busy", 1), ReadOnlyError),
        (lambda client: client.get(f"{AWG}/elf/data"), WriteOnlyError),
        (lambda client: client.set(PATH, "no word of it"), InvalidArgumentError),
        (lambda client: client.setInt(PATH, 9), InvalidArgumentError),
        (lambda client: client.setString(RANGE, "much"), InvalidArgumentError),
        (lambda client: client.setVector(ON, np.zeros(3)), InvalidArgumentError),
        (lambda client: client.subscribe("/dev12000/nothing"), NotFoundError),
        (lambda client: client.connectDevice("dev5", "1GbE"), DeviceNotFoundError),
        (lambda client: client.connectDevice("dev12000", "PCIe"), DeviceInterfaceError),
        (lambda client: client.getInt("/dev12000/features/devtype"), CoreError),
    ],
)
def test_what_cannot_be_is_the_error_that_the_client_has_for_it(client, do, error):
    with pytest.raises(error):
        do(client)
    assert client.getString("/dev12000/features/serial") == "12000"


def test_in_a_transaction_the_wrong_is_told_and_the_rest_is_set(client):
    client.set([(ON, 0), ("/dev12000/sgchannels/1/output/on", 1)])
    wrong = ("/dev12000/sgchannels/0/busy", 1)
    with pytest.raises(ReadOnlyError):
        client.set([(ON, 1), wrong, ("/dev12000/sgchannels/1/output/on", 0)])
    assert client.getInt(ON) == 1
    assert client.getInt("/dev12000/sgchannels/1/output/on") == 0


def test_wildcards_read_set_and_list(client):
    client.setInt("/dev12000/sgchannels/*/output/on", 1)
    found = client.get("/dev12000/sgchannels/*/output/on", flat=True)
    assert [int(entry["value"][0]) for entry in found.values()] == [1] * 6
    both = client.get(f"{ON},{RANGE}", flat=True)
    assert list(both) == [ON, RANGE]
    settings = client.get("/dev12000/*", settingsonly=True, flat=True)
    assert RANGE in settings
    assert "/dev12000/sgchannels/0/busy" not in settings
    flags = zhinst.core.ziListEnum
    leaves = client.listNodes("/dev12000/sgchannels/*/output", flags.recursive | flags.absolute)
    assert RANGE in leaves
    assert client.listNodes("/zi/about", flags.absolute) == [
        f"/zi/about/{name}"
        for name in ("commit", "copyright", "dataserver", "fullversion", "fwrevision", "revision",
                     "version")
    ]  # fmt: skip


@pytest.mark.parametrize("device", DEVICES)
def test_nodes_are_documented_in_the_words_of_the_client_itself(client, device):
    told = json.loads(client.listNodesJSON(f"/{device}/*"))
    assert len(told) > 400
    described = [entry for entry in told.values() if entry["Description"]]
    assert len(described) > 0.75 * len(told)
    entry = told[f"/{device}/dios/0/mode"]
    assert entry["Type"] == "Integer (enumerated)"
    assert entry["Options"]


def test_what_is_subscribed_to_is_polled(client, connect):
    other = connect()
    client.subscribe("/dev12000/sgchannels/*/output/on")
    client.sync()
    other.set([(ON, 1), ("/dev12000/sgchannels/3/output/on", 0)])
    third = "/dev12000/sgchannels/3/output/on"
    assert polled(client, ON, third) == {ON: [1], third: [0]}
    client.unsubscribe("/dev12000/*")
    other.setInt(ON, 0)
    client.sync()
    assert client.poll(0.02, 50, flat=True) == {}
    client.getAsEvent(RANGE)
    assert list(polled(client, RANGE)) == [RANGE]


def test_a_whole_instrument_is_subscribed_to_and_let_go_while_others_are_served(client, connect):
    client.subscribe("/dev12000/*")
    client.unsubscribe("*")
    # The client waits for no answer to this: who asks next would wait for it.
    other = connect()
    begun_s = time.monotonic()
    other.setInt(ON, 1)
    client.sync()
    assert time.monotonic() - begun_s < 5
    assert client.poll(0.02, 50, flat=True) == {}
    with pytest.raises(NotFoundError):
        client.unsubscribe("/dev12000/nothing")


def test_a_program_of_the_vendors_compiler_is_taken(client):
    elf, _ = zhinst.core.compile_seqc("playZero(32);", "SHFQC", "", 0, sequencer="sg")
    client.setVector(f"{AWG}/elf/data", elf)
    assert client.getInt(f"{AWG}/elf/length") == len(elf)
    assert client.getDouble(f"{AWG}/elf/progress") == 100.0
    assert client.getInt(f"{AWG}/ready") == 1
    client.setVector(f"{AWG}/elf/data", b"no program")
    assert client.getInt(f"{AWG}/ready") == 0


def test_an_instrument_is_let_go_and_taken_again(connect):
    client = connect()
    client.connectDevice("dev12001", "1GbE")
    client.disconnectDevice("dev12001")
    assert "dev12001" not in client.getString("/zi/devices/connected").lower()
    with pytest.raises((VendorConnectionError, DeviceNotFoundError)):
        client.getInt("/dev12001/sgchannels/0/output/on")
    client.connectDevice("dev12001", "1GbE")
    assert client.getInt("/dev12001/sgchannels/0/output/on") == 0


def test_a_client_that_is_killed_harms_no_other(client, connect, laboratory):
    with subprocess.Popen(
        [sys.executable, "-c", DIES, laboratory.host, str(laboratory.port)],
        stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=os.environ,
    ) as dying:  # fmt: skip
        assert dying.stdout is not None
        assert dying.stdout.readline() == b"subscribed\n"
        dying.kill()
    # The set that found a subscriber gone used to cut the client that set.
    client.subscribe(ON)
    for number in range(20):
        client.setInt(ON, number % 2)
    assert set(polled(client, ON)[ON]) <= {0, 1}
    assert connect().getInt(ON) == 1


def test_garbage_from_another_socket_harms_no_client(client, laboratory):
    for garbage in (b"\x16\x03\x01", b"GET / HTTP/1.1\r\n\r\n", b"GET " + b"x" * 20_000):
        with socket.create_connection((laboratory.host, laboratory.port)) as other:
            other.sendall(garbage)
            other.settimeout(10)
            while other.recv(65_536):
                pass
    assert client.getString("/dev12000/features/serial") == "12000"


def test_several_sessions_at_once_see_one_instrument(connect):
    sessions = [connect() for _ in range(5)]
    for number, session in enumerate(sessions):
        session.setInt("/dev12000/sgchannels/4/awg/userregs/0", number)
        assert {one.getInt("/dev12000/sgchannels/4/awg/userregs/0") for one in sessions} == {number}
