"""The bus in the facility file: what it becomes, and what is wrong with one and where."""

import json
from pathlib import Path

import jsonschema
import pytest
from ruamel.yaml import YAML

from podium.control.facility.json_schema import facility_json_schema
from podium.control.facility.load import load_facility, load_with_remarks
from podium.control.facility.meeting_point import Endpoint, MeetingPoint, parse_endpoint

BUS = """
bus:
  router: tls/rack-a.lab:7447
  certificates: certificates
  clients: [ann, ben]
"""
ROUTER = "router: tls/rack-a.lab:7447"
CERTIFICATES = "  certificates: certificates\n"

CASES = [
    ("no endpoint", ROUTER, "router: rack-a.lab", "rack-a.lab", "write it like 'tls/rack-a.lab:7"),
    ("no port", ROUTER, "router: tls/rack-a.lab", "tls/rack-a.lab", "it is no endpoint"),
    ("a port too high", ROUTER, "router: tls/a.lab:70000", "tls/a.lab:7", "it is no endpoint"),
    ("another protocol", ROUTER, "router: udp/a.lab:7447", "udp/a.lab", "it is no endpoint"),
    ("nobody listens", ROUTER, "insecure: false", "bus:", "does not say where the processes meet"),
    (
        "two meeting points",
        ROUTER,
        f"{ROUTER}\n  coordinator: tls/rack-b.lab:7447",
        "coordinator: tls",
        "meet at a router or at the coordinator, not at both",
    ),
    ("TLS without certificates", CERTIFICATES, "", "tls/rack-a", "TLS needs certificates; add 'c"),
    (
        "TLS that is insecure",
        CERTIFICATES,
        f"{CERTIFICATES}  insecure: true\n",
        "insecure: true",
        "with TLS nothing is insecure",
    ),
    (
        "certificates without TLS",
        ROUTER,
        "router: tcp/127.0.0.1:7447",
        "certificates: cert",
        "nobody is told apart by certificates; write tls/127.0.0.1:7447",
    ),
    (
        "an address for everybody",
        f"{ROUTER}\n{CERTIFICATES}  clients: [ann, ben]",
        "router: tcp/10.0.0.1:7447",
        "tcp/10.0.0.1",
        "without TLS whoever reaches tcp/10.0.0.1:7447 could move biases, on loopback any",
    ),
    (
        "all interfaces",
        f"{ROUTER}\n{CERTIFICATES}  clients: [ann, ben]",
        "coordinator: {listen: tcp/0.0.0.0:7447, connect: tcp/127.0.0.1:7447}",
        "tcp/0.0.0.0",
        "'insecure: true' allows it",
    ),
    (
        "loopback, where others have processes too",
        f"{ROUTER}\n{CERTIFICATES}  clients: [ann, ben]",
        "router: tcp/127.0.0.1:7447",
        "tcp/127.0.0.1",
        "any process of this computer. Write tls/127.0.0.1:7447, with certificates; 'insecure: tr",
    ),
    (
        "a place and clients without a lock",
        f"{ROUTER}\n{CERTIFICATES}",
        "insecure: true\n",
        "bus:",
        "does not say where the processes meet",
    ),
    (
        "nobody can connect there",
        ROUTER,
        "router: tls/0.0.0.0:7447",
        "tls/0.0.0.0",
        "which stands for all interfaces; write {listen: tls/0.0.0.0:7447, connect: tls/",
    ),
    (
        "two protocols",
        ROUTER,
        "router: {listen: tls/0.0.0.0:7447, connect: tcp/rack-a.lab:7447}",
        "tcp/rack-a",
        "one end is tls and the other tcp",
    ),
    ("one end", ROUTER, "router: {listen: tls/a.lab:1}", "router: {", "'connect' is missing"),
    ("a client twice", "[ann, ben]", "[ann, ann]", "ann]", "'ann' stands here twice"),
    ("a client's name", "[ann, ben]", "[Ann, ben]", "Ann", "small letters, digits and underscores"),
    ("an unknown key", "clients:", "users:", "users:", "'users' is not known here"),
]
OF_FORM = {"no endpoint", "no port", "another protocol", "one end", "an unknown key"}


@pytest.fixture
def sound(example: Path, tmp_path: Path) -> Path:
    file = tmp_path / "sound.yaml"
    file.write_text(example.read_text() + BUS)
    return file


@pytest.mark.parametrize(
    ("old", "new", "at", "says"), [pytest.param(*case[1:], id=case[0]) for case in CASES]
)
def test_what_is_wrong_with_a_bus_is_told_at_its_place(
    sound, refuses_in, old, new, at, says
) -> None:
    refuses_in(sound, old, new, at, says)


def test_a_meeting_point_is_what_the_file_says(sound: Path) -> None:
    endpoint = Endpoint("tls", "rack-a.lab", 7447)
    folder = sound.parent / "certificates"
    meeting = MeetingPoint("router", endpoint, endpoint, folder, ("ann", "ben"))
    assert load_facility(sound).bus == meeting
    assert parse_endpoint("tls/[fe80::1]:7447") == Endpoint("tls", "fe80::1", 7447)
    assert str(parse_endpoint("tls/[fe80::1]:7447")) == "tls/[fe80::1]:7447"


def test_who_holds_it_may_listen_elsewhere_than_others_connect(sound: Path) -> None:
    both = "coordinator: {listen: tls/0.0.0.0:7447, connect: tls/rack-a.lab:7447}"
    sound.write_text(sound.read_text().replace(ROUTER, both))
    meeting = load_facility(sound).bus
    assert meeting is not None
    assert (meeting.held_by, str(meeting.listen)) == ("coordinator", "tls/0.0.0.0:7447")
    assert str(meeting.connect) == "tls/rack-a.lab:7447"


def test_a_file_that_says_so_may_be_insecure(sound: Path) -> None:
    open_to_all = "\nbus: {router: tcp/10.0.0.1:7447, insecure: true}\n"
    sound.write_text(sound.read_text().replace(BUS, open_to_all))
    assert load_facility(sound).bus is not None


def test_one_computer_may_go_without_a_lock_if_its_file_says_so(sound: Path) -> None:
    assert not load_facility(sound).insecure
    sound.write_text(sound.read_text().replace(BUS, "\nbus: {insecure: true}\n"))
    facility = load_facility(sound)
    assert (facility.bus, facility.insecure) == (None, True)


def test_one_computer_needs_no_bus_and_no_certificate(example: Path) -> None:
    assert load_facility(example).bus is None


def test_how_processes_talk_does_not_change_what_the_facility_is(example, sound) -> None:
    assert load_facility(sound).digest == load_facility(example).digest


def test_a_bus_without_clients_is_remarked_on(sound) -> None:
    sound.write_text(sound.read_text().replace("  clients: [ann, ben]\n", ""))
    assert any("names no clients" in str(one) for one in load_with_remarks(sound)[1])


def test_the_schema_for_editors_knows_the_form(sound: Path) -> None:
    validator = jsonschema.Draft202012Validator(facility_json_schema())

    def content(text: str) -> object:
        return json.loads(json.dumps(YAML(typ="safe").load(text)))

    text = sound.read_text()
    validator.validate(content(text))
    validator.validate(
        content(text.replace(ROUTER, "coordinator: {listen: tls/0.0.0.0:1, connect: tls/a.lab:1}"))
    )
    for name, old, new, *_ in CASES:
        if name in OF_FORM:
            assert not validator.is_valid(content(text.replace(old, new, 1))), name
