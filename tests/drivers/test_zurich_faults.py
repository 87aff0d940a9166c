"""What the server, its instruments and the vendor's compiler refuse: told with program and node."""

import json
import socket
import threading
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace

import pytest
from tests.benches.thoroughness import sampled
from tests.benches.zurich.data_server import DEVICES, ZurichServer, zurich_server

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.zurich import greeting
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.drivers.zurich.error_log import messages_in
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    IntegrationWeights,
    ReadoutWaveform,
    Start,
    Waveform,
    ZurichProgram,
)

TABLE = json.dumps(
    {
        "header": {"version": "1.1"},
        "table": [{"index": 0, "waveform": {"index": 0}, "amplitude00": {"value": 0.5}}],
    }
)
COMPLAINT = '{"messages": [{"code": 7, "message": "fan 2 stands still", "count": 1}]}'
CORE = CoreProgram(
    "sg", 2, ("q0.drive",),
    "wave wi = placeholder(32); wave wq = placeholder(32);\n"
    "assignWaveIndex(1, 2, wi, 1, 2, wq, 0);\n"
    "waitDigTrigger(1);\nexecuteTableEntry(0);\nplayZero(1600);",
    (Waveform(0, "w", (1,) * 32, (-2,) * 32),), TABLE,
)  # fmt: skip
SETTINGS = (("sgchannels/2/awg/auxtriggers/0/channel", 8), ("sgchannels/2/output/on", 1))
PROGRAM = ZurichProgram(
    "trial", "zi.dev12000", "SHFQC", (CORE,), SETTINGS, 10**12, 0, (), (), (), Start(8), str,
)  # fmt: skip


@pytest.fixture(scope="module")
def one():
    with zurich_server() as server:
        yield server


@pytest.fixture
def server(one: ZurichServer):
    """The one server of all tests here, as new."""
    one.new(DEVICES)
    one.down()
    one.up()
    return one


def driver_of(
    server: ZurichServer, devices: dict[int, str] = DEVICES, labone_version: str | None = None
) -> ZurichDataServer:
    return ZurichDataServer("zi", server.host, server.ports, devices, labone_version=labone_version)


@pytest.fixture
def driver(server):
    made = driver_of(server)
    yield made
    made.close()


def with_core(**changed) -> ZurichProgram:
    return replace(PROGRAM, cores=(replace(CORE, **changed),))


def test_what_is_well_plays(driver) -> None:
    driver.load(PROGRAM)
    driver.arm()
    driver.start()
    driver.wait(1.0)
    assert driver.collect() == {}


# Who is there


def test_an_instrument_that_is_not_there_is_named_with_those_that_are(server) -> None:
    with pytest.raises(Refused, match=r"zi at 127.0.0.1:\d+ .* sees dev8001, dev12000 and no dev7"):
        driver_of(server, {77: "SHFQC"})


def test_an_instrument_that_another_server_has_is_named_with_that_server(server) -> None:
    server.twin.lend("dev8001", "upstairs")
    with pytest.raises(Refused, match=r"dev8001: .*in use.*data server 'upstairs': disconnect it"):
        driver_of(server)
    server.twin.lend("dev8001", "")
    driver_of(server).close()


def test_a_server_of_another_version_is_told_with_both_versions() -> None:
    with (
        zurich_server(version="26.4.1") as other,
        pytest.raises(Refused, match=r"'26\.4\.1' .*'26\.7\.\d+'.* install zhinst-core"),
    ):
        driver_of(other)


def test_a_version_that_the_facility_file_does_not_say_is_complained_of(server) -> None:
    driver = driver_of(server, labone_version="26.04")
    (told,) = driver.examine().complaints
    assert told == "the data server is of LabOne 26.07, the facility file says 26.04"
    driver.close()
    driver = driver_of(server, labone_version="26.7.0")
    assert driver.examine().complaints == ()
    driver.close()
    with pytest.raises(Refused, match=r"zi: '26/07' is no version of LabOne"):
        driver_of(server, labone_version="26/07")


def test_an_instrument_of_another_model_is_complained_of(server) -> None:
    driver = driver_of(server, {12000: "SHFQA4"})
    told = driver.examine().complaints
    assert told == ("dev12000 is a SHFQC, the facility file says SHFQA4",)
    driver.close()


def test_what_an_instrument_complains_of_is_told_by_reading(server, driver) -> None:
    sensible = driver.examine()
    assert sensible.complaints == ()
    assert sensible.reference == "internal"
    assert [one.split(":")[0] for one in sensible.options] == ["dev12000", "dev8001"]
    (shfqc,) = (one for one in server.twin.devices if one.name == "dev12000")
    shfqc.store.put("system/clocks/referenceclock/in/sourceactual", 1, 0)
    shfqc.store.put("system/clocks/referenceclock/in/status", 1, 0)
    shfqc.store.put("raw/error/json/errors", COMPLAINT, 0)
    told = json.loads(server.twin.store.value("devices", 0))
    told["DEV8001"]["STATUSFLAGS"] = 1 << 4
    server.twin.store.put("devices", json.dumps(told), 0)
    examined = driver.examine()
    assert examined.reference == ""  # they do not agree
    assert examined.complaints == (
        "dev12000 takes its clock from external and cannot lock to it",
        "dev12000 has in its error log: fan 2 stands still",
        "dev8001: its firmware is older than the data server: update it, e.g. in LabOne",
    )


def test_what_tells_of_nothing_wrong_does_not_count() -> None:
    log = {
        "messages": [
            {"code": "AWGINFO", "message": "a program was loaded", "severity": 0.0},
            {"code": "AWGDIOTIMING", "message": "timing", "severity": 1.0},
            {"code": "AWGOSCMODE", "message": "no oscillator", "severity": 2.0},
        ]
    }
    assert messages_in(json.dumps(log)) == ("no oscillator",)
    assert messages_in("") == ()
    assert messages_in("no JSON") == ("no JSON",)


def test_a_run_in_which_an_instrument_complains_is_no_good(server, driver) -> None:
    (shfqc,) = (one for one in server.twin.devices if one.name == "dev12000")
    shfqc.store.put("raw/error/json/errors", COMPLAINT.replace("fan", "old fan"), 0)
    driver.load(PROGRAM)
    driver.arm()  # what was before is forgotten
    driver.start()
    shfqc.store.put("raw/error/json/errors", COMPLAINT, 0)
    with pytest.raises(ProtocolError, match="zi: running 'trial': dev12000 says: fan 2 stands"):
        driver.wait(1.0)


OLDER = json.dumps({"messages": [{"code": 7, "message": "fan \x1b[2J stands", "count": 1}]})
NOT_OURS = "of no program of ours: another client's, or the instrument's own"
MAYBE_OURS = "since 'trial' was loaded here: its own, or a client's"


@pytest.mark.parametrize(
    ("step", "whose"),
    sampled(
        [
            *(("load", NOT_OURS), ("arm", MAYBE_OURS)),
            *(("load again", MAYBE_OURS), ("run again", NOT_OURS)),
        ],
        kept=[("load", NOT_OURS), ("load again", MAYBE_OURS)],
    ),
)
def test_complaints_that_are_older_than_a_run_are_told_and_do_not_refuse_it(
    server, driver, caplog, step: str, whose: str
) -> None:
    (shfqc,) = (one for one in server.twin.devices if one.name == "dev12000")
    if step != "load":
        driver.load(PROGRAM)
    if step == "run again":
        driver.arm()
        driver.start()
        driver.wait(1.0)
    shfqc.store.put("raw/error/json/errors", OLDER, 0)
    if step != "arm":
        driver.load(PROGRAM)
    driver.arm()
    (told,) = caplog.messages
    assert told == rf"zi: dev12000 says: fan \x1b[2J stands ({whose}; this run goes on)"
    driver.start()
    driver.wait(1.0)


# What is loaded

READ = CoreProgram("qa", 0, ("q0.readout",), "waitDigTrigger(1); playZero(32);")
LONG_WAVE = ReadoutWaveform(3, "q0.readout", (0.1,) * 4112, (0.1,) * 4112)
LONG_WEIGHTS = IntegrationWeights(3, "q0.readout", (0.1,) * 4112, (0.1,) * 4112)
LONG = "cvar i;\nfor (i = 0; i < 8200; i++) { setTrigger(1); }"
WHERE = r"(?s)zi at .* was asked .*sgchannels/2/awg.*'trial'"
REFUSED = {
    "no SeqC": (
        with_core(text="playZero(32);\nplayNothing(3);\n"),
        rf"{WHERE} on zi.dev12000: it does not compile: .*\(line: 2\).*playNothing",
    ),
    "a variable that is not there": (
        with_core(text="waitDigTrigger(1);\n\nplayZero(length);"),
        rf"{WHERE}.*\(line: 3\).*length",
    ),
    "a waveform too long for the memory": (
        with_core(text="wave w = placeholder(400000);\nassignWaveIndex(1, w, 0);\nplayWave(1,w);"),
        rf"{WHERE}.*memory",
    ),
    "a program too large": (
        replace(PROGRAM, cores=(CoreProgram("qa", 0, ("q0.readout",), LONG),)),
        r"compile qachannels/0/generator \(q0.readout\) of 'trial' .*too large.*maximum is 16384",
    ),
    "a readout waveform too long for its memory": (
        replace(PROGRAM, cores=(replace(READ, readout_waveforms=(LONG_WAVE,)),)),
        r"qachannels/0/generator of 'trial': .*waveforms/3/wave: 4112 samples, at most 4096",
    ),
    "weights too long for their memory": (
        replace(PROGRAM, cores=(replace(READ, weights=(LONG_WEIGHTS,)),)),
        r"qachannels/0/generator of 'trial': .*weights/3/wave: 4112 samples, at most 4096",
    ),
    "a table that is no JSON": (
        with_core(command_table='{"header": '),
        r"'trial' on zi.dev12000: sgchannels/2/awg: command table refused: .*JSON",
    ),
    "a table against its schema": (
        with_core(command_table=TABLE.replace('"value": 0.5', '"value": 5.5')),
        r"'trial' on zi.dev12000: sgchannels/2/awg: command table refused: .*amplitude00.value",
    ),
    "an unknown node": (
        replace(PROGRAM, settings=(*SETTINGS, ("sgchannels/2/output/loud", 1))),
        r"zi at .* asked to be set for 'trial': .*/dev12000/sgchannels/2/output/loud",
    ),
    "a value of another type": (
        replace(PROGRAM, settings=(*SETTINGS, ("sgchannels/2/oscs/0/freq", "high"))),
        r"asked to be set for 'trial': /dev12000/sgchannels/2/oscs/0/freq: .*(type|str)",
    ),
    "a word that the node does not know": (
        replace(PROGRAM, settings=(*SETTINGS, ("sgchannels/2/output/on", "loud"))),
        r"asked to be set for 'trial': /dev12000/sgchannels/2/output/on: 'loud'",
    ),
    "a node that is only read": (
        replace(PROGRAM, settings=(*SETTINGS, ("features/devtype", "SHFSG"))),
        r"asked to be set for 'trial': /dev12000/features/devtype: .*read-only",
    ),
    "a channel that the instrument has not": (
        with_core(index=9),
        r"zi at .* asked to stop its sequencers.*/dev12000/sgchannels/9/awg/enable",
    ),
}


@pytest.mark.parametrize("what", sampled(REFUSED, kept=[*REFUSED][::3]))
def test_what_cannot_be_loaded_is_told_with_program_node_and_line(driver, what) -> None:
    program, told = REFUSED[what]
    driver.load(PROGRAM)
    with pytest.raises(Refused, match=told):
        driver.load(program)
    with pytest.raises(Refused, match="no program is loaded"):
        driver.arm()
    driver.load(PROGRAM)
    driver.arm()


def test_a_waveform_that_the_program_has_not_is_told_at_the_latest_when_it_is_armed(driver) -> None:
    driver.load(with_core(waveforms=(*CORE.waveforms, Waveform(5, "w", (1,) * 32, (1,) * 32))))
    with pytest.raises(Refused, match=r"to arm 'trial': .*waveform 5 is written; the program has"):
        driver.arm()


def test_what_somebody_else_uploads_meanwhile_is_replaced(server, driver) -> None:
    (shfqc,) = (one for one in server.twin.devices if one.name == "dev12000")
    driver.load(PROGRAM)
    ours = shfqc.store.value("sgchannels/2/awg/sequencer/program", 0)
    other = driver_of(server)
    other.load(with_core(text=CORE.text + "playZero(64);"))
    assert shfqc.store.value("sgchannels/2/awg/sequencer/program", 0) != ours
    driver.load(PROGRAM)
    assert shfqc.store.value("sgchannels/2/awg/sequencer/program", 0) == ours
    driver.arm()
    other.close()


# Gone, and back


def test_a_server_that_goes_while_a_program_plays_is_unreachable_and_is_used_again(server) -> None:
    driver = driver_of(server)
    driver.load(PROGRAM)
    driver.arm()
    driver.start()
    server.down()
    with pytest.raises(Unreachable, match=r"zi at .*sgchannels/2/awg/enable.*'trial'"):
        driver.wait(1.0)
    with pytest.raises(Unreachable, match="its process was ended"):
        driver.safe()
    with pytest.raises(Unreachable, match=r"zi at 127.0.0.1:\d+ .*connect"):
        driver_of(server)
    server.up()
    again = driver_of(server)
    for step in (lambda: again.load(PROGRAM), again.arm, again.start, lambda: again.wait(1.0)):
        step()
    again.close()


def test_a_server_that_was_started_anew_meanwhile_is_not_taken_for_the_one_before(server) -> None:
    driver = driver_of(server)
    driver.load(PROGRAM)
    server.down()
    server.new(DEVICES)
    server.up()
    other = driver_of(server)  # has the instruments connected: the vendor's client would go on
    with pytest.raises(Unreachable):  # not: armed, with nothing loaded
        driver.load(PROGRAM)
    other.close()
    again = driver_of(server)
    again.load(PROGRAM)
    again.arm()
    again.close()


def test_an_instrument_that_another_takes_while_it_is_used_is_missed(server) -> None:
    driver = driver_of(server)
    driver.load(PROGRAM)
    server.twin.lend("dev12000", "upstairs")
    with pytest.raises(Unreachable):
        driver.arm()
    driver.close()
    with pytest.raises(Refused, match=r"dev12000: .*'upstairs'"):
        driver_of(server)


def test_a_load_that_is_given_up_ends_between_two_requests_and_can_be_done_again(
    server, driver
) -> None:
    with ThreadPoolExecutor(1) as pool:
        with server.silent():
            loading = pool.submit(driver.load, PROGRAM)
            assert server.heard.wait(30)
            driver.interrupt()
        with pytest.raises(Refused, match="zi: loading 'trial': given up"):
            loading.result(30)
    driver.load(PROGRAM)
    driver.arm()


# Something else


def listening(said: bytes) -> socket.socket:
    """Return what listens and says this to the first who comes."""
    there = socket.create_server(("127.0.0.1", 0))

    def greet() -> None:
        with there.accept()[0] as wire:
            wire.sendall(said)
            wire.recv(1)

    threading.Thread(target=greet, daemon=True).start()
    return there


def test_what_is_no_data_server_is_told_with_what_it_says() -> None:
    with listening(b"SSH-2.0-OpenSSH_9.6\r\n") as there:
        ports = {"data_server": there.getsockname()[1]}
        with pytest.raises(ProtocolError, match=r"zi at .*SSH-2.*something else listens there"):
            ZurichDataServer("zi", "127.0.0.1", ports, DEVICES)


def test_what_says_nothing_is_told_soon(monkeypatch) -> None:
    monkeypatch.setattr(greeting, "GREETING_S", 0.05)
    with listening(b"") as there:
        ports = {"data_server": there.getsockname()[1]}
        with pytest.raises(Unreachable, match=r"zi at .*no greeting within 0.05 s"):
            ZurichDataServer("zi", "127.0.0.1", ports, DEVICES)
