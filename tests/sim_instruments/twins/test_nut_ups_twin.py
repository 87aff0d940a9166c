import pytest

from podium.firmware_interfaces import nut_ups as nut
from podium.sim_instruments.twins.nut_ups import NutUps
from podium.sim_instruments.twins.twin import IDLE, HangsUp, Twin


class Lab:
    def __init__(self) -> None:
        self.shown = {"mains.on": 1.0, "ups.charge": 1.0}
        self.twin = NutUps("4711", lambda name, now_fs: self.shown[name])
        self.session = self.twin.open("nut")

    def ask(self, line: str) -> list[str]:
        answer = self.session.feed(line.encode() + b"\n", 0).decode()
        assert answer.endswith("\n")
        return answer.splitlines()

    def variables(self) -> dict[str, str]:
        return nut.read_variables("ups", self.ask("LIST VAR ups"))


@pytest.fixture
def lab() -> Lab:
    return Lab()


def test_it_is_a_twin(lab) -> None:
    twin: Twin = lab.twin
    assert (twin.ports, twin.horizon(0)) == ({"nut": 3493}, IDLE)
    assert isinstance(lab.session, HangsUp)
    with pytest.raises(KeyError, match="there is nut"):
        twin.open("scpi")


@pytest.mark.parametrize(
    ("mains", "charge", "status", "percent", "in_v", "out_v"),
    [
        (1, 1.0, "OL", "100", "230.0", "230.0"),
        (1, 0.5, "OL CHRG", "50", "230.0", "230.0"),
        (0, 0.9, "OB DISCHRG", "90", "0.0", "230.0"),
        (0, 0.1, "OB DISCHRG LB", "10", "0.0", "230.0"),
        (0, 0.0, "OB DISCHRG LB", "0", "0.0", "0.0"),
    ],
)
def test_it_shows_mains_and_charge(lab, mains, charge, status, percent, in_v, out_v) -> None:
    lab.shown = {"mains.on": mains, "ups.charge": charge}
    said = lab.variables()
    assert (said["ups.status"], said["battery.charge"]) == (status, percent)
    assert (said["input.voltage"], said["output.voltage"]) == (in_v, out_v)
    assert float(said["battery.runtime"]) == pytest.approx(900 * charge)


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("VER", ["Network UPS Tools upsd 2.8.0 - https://www.networkupstools.org/"]),
        ("PROTVER", ["1.3"]),
        ("netver", ["1.3"]),
        ("LIST UPS", ["BEGIN LIST UPS", 'UPS ups "UPS of the fridge"', "END LIST UPS"]),
        ("LIST CMD ups", ["BEGIN LIST CMD ups", "END LIST CMD ups"]),
        ("LIST RW ups", ["BEGIN LIST RW ups", "END LIST RW ups"]),
        ("GET VAR ups battery.charge", ['VAR ups battery.charge "100"']),
        ("GET TYPE ups battery.charge", ["TYPE ups battery.charge NUMBER"]),
        ("GET UPSDESC ups", ['UPSDESC ups "UPS of the fridge"']),
        ("GET NUMLOGINS ups", ["NUMLOGINS ups 0"]),
        ("STARTTLS", ["ERR FEATURE-NOT-CONFIGURED"]),
        ("LIST VAR other", ["ERR UNKNOWN-UPS"]),
        ("GET VAR ups no.such", ["ERR VAR-NOT-SUPPORTED"]),
        ("GET VAR ups", ["ERR INVALID-ARGUMENT"]),
        ("LIST", ["ERR INVALID-ARGUMENT"]),
        ("LIST HATS ups", ["ERR INVALID-ARGUMENT"]),
        ("SING", ["ERR UNKNOWN-COMMAND"]),
        ("", ["ERR UNKNOWN-COMMAND"]),
        ('GET VAR "ups', ["ERR UNKNOWN-COMMAND"]),
        ("INSTCMD ups shutdown.return", ["ERR USERNAME-REQUIRED"]),
        ("FSD", ["ERR USERNAME-REQUIRED"]),  # before its arguments are looked at
        ("PROTVER now", ["ERR INVALID-ARGUMENT"]),
        ("STARTTLS now", ["ERR INVALID-ARGUMENT"]),
        ("LOGOUT now", ["ERR INVALID-ARGUMENT"]),
        ("USERNAME", ["ERR INVALID-ARGUMENT"]),
        ("GET", ["ERR INVALID-ARGUMENT"]),
        ("GET NUMLOGINS", ["ERR INVALID-ARGUMENT"]),
        ("GET NUMLOGINS other", ["ERR UNKNOWN-UPS"]),
        ("GET VAR other", ["ERR INVALID-ARGUMENT"]),  # the missing variable first
        ("GET VAR other ups.load", ["ERR UNKNOWN-UPS"]),
        ("GET VAR UPS UPS.LOAD and more", ['VAR UPS UPS.LOAD "45"']),  # as it was said
        ("GET VAR other server.version", ['VAR other server.version "2.8.0"']),
        ("GET VAR ups server.name", ["ERR VAR-NOT-SUPPORTED"]),
        ("GET DESC ups no.such", ['DESC ups no.such "Description unavailable"']),
        ("GET CMDDESC ups load.on", ['CMDDESC ups load.on "Description unavailable"']),
        ("GET TYPE ups no.such", ["ERR VAR-NOT-SUPPORTED"]),
        ("GET TRACKING", ["OFF"]),
        ("GET TRACKING 1bd31808", ["ERR FEATURE-NOT-CONFIGURED"]),
        ("LIST ENUM ups", ["ERR INVALID-ARGUMENT"]),
        ("LIST ENUM ups no.such", ["ERR VAR-NOT-SUPPORTED"]),
        ("LIST ENUM ups ups.load", ["BEGIN LIST ENUM ups ups.load", "END LIST ENUM ups ups.load"]),
        ("LIST CLIENT ups", ["BEGIN LIST CLIENT ups", "END LIST CLIENT ups"]),
    ],
)
def test_lines_are_answered_as_the_rfc_has_it(lab, line, answer) -> None:
    assert lab.ask(line) == answer
    assert lab.variables()["ups.status"] == "OL"


def test_who_says_a_name_and_a_password_is_denied_all_the_same(lab) -> None:
    assert lab.ask("USERNAME admin") == ["OK"]
    assert lab.ask("USERNAME admin") == ["ERR ALREADY-SET-USERNAME"]
    assert lab.ask("LOGIN ups") == ["ERR PASSWORD-REQUIRED"]
    assert lab.ask("PASSWORD secret") == ["OK"]
    assert lab.ask("LOGIN ups") == ["ERR ACCESS-DENIED"]
    assert lab.ask('SET VAR ups ups.id "x"') == ["ERR ACCESS-DENIED"]


@pytest.mark.parametrize(
    ("line", "answer"),
    [
        ("LOGIN", "ERR INVALID-ARGUMENT"),
        ("LOGIN other", "ERR UNKNOWN-UPS"),
        ("MASTER ups", "ERR ACCESS-DENIED"),
        ("PRIMARY ups now", "ERR INVALID-ARGUMENT"),
        ("FSD other", "ERR UNKNOWN-UPS"),
        ("FSD ups", "ERR ACCESS-DENIED"),
        ("INSTCMD ups", "ERR INVALID-ARGUMENT"),
        ("INSTCMD other load.off", "ERR UNKNOWN-UPS"),
        ("INSTCMD ups load.off", "ERR CMD-NOT-SUPPORTED"),
        ("SET VAR ups ups.id", "ERR INVALID-ARGUMENT"),
        ("SET VAR other ups.id x", "ERR UNKNOWN-UPS"),
        ("SET HATS ups ups.id x", "ERR INVALID-ARGUMENT"),
        ("SET TRACKING MAYBE", "ERR INVALID-ARGUMENT"),
    ],
)
def test_a_user_is_refused_in_the_order_of_upsd(lab, line, answer) -> None:
    lab.session.feed(b"USERNAME admin\nPASSWORD secret\n", 0)
    assert lab.ask(line) == [answer]


def test_any_user_switches_tracking_of_his_connection(lab) -> None:
    lab.session.feed(b"USERNAME admin\nPASSWORD secret\n", 0)
    assert lab.ask("SET TRACKING ON") == ["OK"]
    assert lab.ask("GET TRACKING") == ["ON"]
    assert lab.ask("GET TRACKING 1bd31808") == ["ERR UNKNOWN"]
    assert lab.twin.open("nut").feed(b"GET TRACKING\n", 0) == b"OFF\n"
    assert lab.ask("SET TRACKING OFF") == ["OK"]
    assert lab.ask("GET TRACKING") == ["OFF"]


def test_logging_out_ends_the_connection(lab) -> None:
    assert lab.session.feed(b"LOGOUT\nVER\n", 0) == b"OK Goodbye\n"
    assert lab.session.ended


def test_a_line_without_end_is_not_waited_for(lab) -> None:
    assert lab.session.feed(b"x" * 2000, 0) == b""
    assert lab.session.ended


def test_chopped_lines_are_the_same_lines(lab) -> None:
    asked = b"VER\r\nGET VAR ups ups.load\r\n"
    answers = b"".join(lab.session.feed(asked[at : at + 1], 0) for at in range(len(asked)))
    assert answers.endswith(b'VAR ups ups.load "45"\n')


def test_it_counts_what_there_is_not(lab) -> None:
    told = []
    lab.twin.tell(lambda text, verdict: told.append((text, verdict)))
    for line in ("VER", "GET VAR ups no.such", "LOGIN ups"):
        lab.ask(line)
    assert told == [("VER", "known"), ("GET VAR ups no.such", "unknown"), ("LOGIN ups", "refused")]
    assert lab.twin.tallies() == {"commands": 3, "unknown": 1, "unmeant": 0}
