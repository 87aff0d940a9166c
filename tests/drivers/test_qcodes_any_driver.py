"""Any QCoDeS driver by its import path: QCoDeS' own classes over real TCP against the twins."""

import itertools
import json
import socket
import threading
import time
from decimal import Decimal

import pytest

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.manual_access import ManuallyAccessible
from podium.drivers.qcodes_any.driver import QcodesAny
from podium.drivers.roles import FluxSource, Identity, MicrowaveSource, Thermometer, Tone
from podium.firmware_interfaces.qcodes_any import (
    FluxMapping,
    MicrowaveMapping,
    QcodesDriver,
    RoleMappings,
    ThermometerMapping,
)
from podium.sim_instruments.twins.lakeshore_372 import LakeShore372
from podium.sim_instruments.twins.rohde_schwarz_sgs100a import RohdeSchwarzSGS100A
from podium.sim_instruments.twins.yokogawa_gs200 import YokogawaGS200

DRIVERS = "qcodes.instrument_drivers"
GS200 = f"{DRIVERS}.yokogawa.YokogawaGS200"
SGS100A = f"{DRIVERS}.rohde_schwarz.RohdeSchwarzSGS100A"
MODEL_372 = f"{DRIVERS}.Lakeshore.LakeshoreModel372"
DUMMY = f"{DRIVERS}.mock_instruments.DummyInstrument"

STEPPED = FluxMapping("voltage", 1.0, output="output", setup=(("voltage_range", 1),))
BY_ITSELF = FluxMapping(
    "voltage",
    1.0,
    output="output",
    rate="ramp_rate",
    setup=(("voltage_range", 1), ("ramp_mode", "HARDWARE")),
)
TONE = MicrowaveMapping("frequency", "power", "status", 1e9, 12e9, 10.0, modulated="IQ_state")


class Wiretap:
    """A twin that notes what it hears, and can be made to answer wrongly or not at all."""

    def __init__(self, twin) -> None:
        self.twin = twin
        self.heard: list[tuple[float, bytes]] = []
        self.replies: dict[bytes, bytes] = {}

    def open(self, port):
        self.session = self.twin.open(port)
        return self

    def feed(self, data, now_fs):
        lines = data.splitlines(keepends=True)  # several may come at once
        return b"".join(self._answer(line, now_fs) for line in lines or [b""])

    def _answer(self, line, now_fs):
        if line:
            self.heard.append((time.monotonic(), line))
        for message, reply in self.replies.items():
            if message in line:
                return reply
        return self.session.feed(line, now_fs)

    def horizon(self, now_fs):
        return self.twin.horizon(now_fs)

    def set_levels(self) -> list[tuple[float, float]]:
        """Return when and to what the level was set."""
        return [
            (when, float(line.split()[1]))
            for when, data in self.heard
            for line in data.decode().splitlines()
            if line.startswith(":SOUR:LEV") and "?" not in line and "AUTO" not in line
        ]


@pytest.fixture
def tap():
    return Wiretap(YokogawaGS200("91T1"))


@pytest.fixture
def connect(serve):
    """Return a function that opens a driver: ``connect(twin, path, roles, **arguments)``."""
    opened = []

    def connect(twin, path, roles=None, **arguments):
        given = QcodesDriver(path, tuple(arguments.items()), roles or RoleMappings())
        driver = QcodesAny("box", serve(twin).visa if twin is not None else "", given)
        opened.append(driver)
        return driver

    yield connect
    for driver in opened:
        driver.close()


@pytest.fixture
def source(connect, tap):
    """A GS200 that plays FluxSource in steps."""
    return connect(tap, GS200, RoleMappings(FluxSource=STEPPED))


def level_v(tap, twin_servers):
    return tap.twin.level_v(twin_servers.clock.now_fs())


def test_a_source_by_its_import_path_plays_its_role(source):
    role: FluxSource = source
    assert source.identity() == Identity("YOKOGAWA", "GS210", "91T1", "2.02")
    assert role.level_v("") == 0.0
    assert role.output_on("") is False


def test_connecting_only_reads(source, tap, capsys):
    source.identity()
    units = [unit for _, line in tap.heard for unit in line.split(b"\n") if unit]
    assert units
    assert all(unit.strip().endswith(b"?") for unit in units), units
    assert capsys.readouterr().out == ""


def test_an_output_that_is_off_is_set_up_and_switched_on_at_0_volts(source, tap, twin_servers):
    source.ramp_v("", 0.1, 2.0)
    assert level_v(tap, twin_servers) == 0.1
    assert source.output_on("") is True
    told = [line.decode().strip() for _, line in tap.heard if b"?" not in line]
    switched = next(n for n, line in enumerate(told) if "OUTP" in line)
    assert "RANG 1" in told[switched - 1]
    assert tap.set_levels()[0][1] > 0  # it was at 0 V already


def test_an_output_that_is_on_keeps_its_settings(connect, tap, twin_servers):
    tap.twin.open("scpi").feed(b":SOUR:RANG 10;LEV 0.3;:OUTP 1\n", 0)
    source = connect(tap, GS200, RoleMappings(FluxSource=STEPPED))
    source.ramp_v("", 0.4, 2.0)
    assert level_v(tap, twin_servers) == 0.4
    told = [line.upper() for _, line in tap.heard if b"?" not in line]
    assert not any(b"RANG" in line or b"OUTP" in line for line in told)


def test_a_ramp_in_steps_is_never_faster_than_asked(source, tap):
    began = time.monotonic()
    source.ramp_v("", 0.2, 1.0)
    assert time.monotonic() - began >= 0.2
    told = [(began, 0.0), *tap.set_levels()]
    assert len(told) >= 10
    for (before, low), (after, high) in itertools.pairwise(told):
        assert high - low <= 1.0 * (after - before) + 1e-3, "one message's way at most"


def test_steps_are_no_larger_than_the_file_allows(connect, tap):
    mapping = FluxMapping("voltage", 1.0, "output", step_v=1e-3, setup=STEPPED.setup)
    connect(tap, GS200, RoleMappings(FluxSource=mapping)).ramp_v("", 0.02, 10.0)
    levels = [Decimal(0), *(Decimal(repr(level)) for _, level in tap.set_levels())]
    steps = [after - before for before, after in itertools.pairwise(levels)]
    assert max(steps) <= Decimal("0.0010001")


def test_a_box_with_a_rate_of_its_own_makes_its_own_ramp(connect, tap, twin_servers):
    source = connect(tap, GS200, RoleMappings(FluxSource=BY_ITSELF))
    began_fs = twin_servers.clock.now_fs()
    source.ramp_v("", 0.6, 0.5)
    assert level_v(tap, twin_servers) == 0.6
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 1.2
    assert sum(b":PROG:RUN" in line for _, line in tap.heard) == 1
    source.safe()
    assert source.level_v("") == 0.6


def test_a_ramp_that_is_interrupted_stays_where_it_is(source, tap, twin_servers):
    raised: list[BaseException] = []

    def ramp() -> None:
        try:
            source.ramp_v("", 1.0, 0.05)
        except BaseException as error:
            raised.append(error)

    thread = threading.Thread(target=ramp)
    thread.start()
    while len(tap.set_levels()) < 3:
        thread.join(0.01)
        assert thread.is_alive()
    source.interrupt()
    thread.join(5)
    assert isinstance(raised[0], Refused)
    assert "was given up at 0.0" in str(raised[0])
    assert 0 < level_v(tap, twin_servers) < 0.5


@pytest.mark.parametrize(
    ("channel", "target_v", "slew", "why"),
    [
        ("out1", 0.1, 0.1, "no channel 'out1'"),
        ("", 1.1, 1.0, r"allows -1.0 V to 1.0 V"),
        ("", float("nan"), 1.0, "allows"),
        ("", 0.1, 0.0, "above 0"),
    ],
)
def test_what_the_file_does_not_allow_is_refused_and_nothing_is_sent(
    source, tap, channel, target_v, slew, why
):
    tap.heard.clear()
    with pytest.raises(Refused, match=why):
        source.ramp_v(channel, target_v, slew)
    assert tap.heard == []


def test_what_the_driver_refuses_is_told_in_its_words(connect, tap):
    tap.twin.open("scpi").feed(b":SOUR:RANG 0.1;:OUTP 1\n", 0)
    source = connect(tap, GS200, RoleMappings(FluxSource=STEPPED))
    with pytest.raises(Refused, match=r"'voltage' was not set to .*not in range"):
        source.ramp_v("", 0.5, 5.0)


def test_a_level_that_does_not_come_back_is_a_protocol_error(source, tap):
    source.ramp_v("", 0.05, 5.0)
    tap.replies = {b":SOUR:LEV?": b"+0.17000E+0\n"}
    with pytest.raises(ProtocolError, match=r"set to 0\.1 V .*reads 0\.17 V"):
        source.ramp_v("", 0.1, 5.0)


def test_no_answer_is_unreachable_and_closes_the_connection(source, tap):
    source._session.instrument.timeout(0.2)
    tap.replies = {b":SOUR:LEV?": b""}
    with pytest.raises(Unreachable, match=r"box at TCPIP.*'voltage'"):
        source.level_v("")
    with pytest.raises(Unreachable, match="was closed"):
        source.output_on("")


def test_without_roles_it_is_connected_and_snapshotted(connect, tap):
    box = connect(tap, GS200)
    before = len(tap.heard)
    settings = box.snapshot()
    assert settings["voltage"] == 0.0
    assert settings["output"] == "off"
    assert settings["program.repeat"] == "OFF"
    json.dumps(settings)
    assert all(line.strip().endswith(b"?") for _, line in tap.heard[before:])
    asked = len(tap.heard)
    box.snapshot()
    assert len(tap.heard) == asked, "what is known is not asked again"
    for act in (lambda: box.ramp_v("", 0.0, 1.0), lambda: box.output(True), lambda: box.tone()):
        with pytest.raises(Refused, match="makes it no"):
            act()
    box.safe()


def test_it_is_asked_and_set_by_hand_like_any_other(connect, tap):
    box = connect(tap, GS200)
    role: ManuallyAccessible = box
    assert role.get("voltage") == (0.0, "V")
    assert role.ask(":SOUR:FUNC?") == "VOLT"
    role.set("voltage_range", 1)
    role.tell(":SOUR:LEV 0.2")
    assert role.get("voltage") == (0.2, "V")
    with pytest.raises(Refused, match="voltage_range cannot be 2"):
        role.set("voltage_range", 2)


def test_a_snapshot_does_not_go_on_after_no_answer(connect, tap):
    box = connect(tap, GS200)
    box._session.instrument.timeout(0.2)
    tap.replies = {b":SENS:GUAR?": b""}
    with pytest.raises(Unreachable, match="guard"):
        box.snapshot()


def test_a_generator_by_its_import_path_plays_its_role(connect):
    twin = Wiretap(RohdeSchwarzSGS100A("1416"))
    box = connect(twin, SGS100A, RoleMappings(MicrowaveSource=TONE))
    role: MicrowaveSource = box
    role.set_tone(4.96e9, 3.0, modulated=True)
    assert role.tone() == Tone(4.96e9, 3.0, True, False)
    role.output(True)
    assert role.tone().on is True
    told = len(twin.heard)
    for frequency_hz, power_dbm in ((13e9, 0.0), (5e9, 11.0)):
        with pytest.raises(Refused, match="allows"):
            role.set_tone(frequency_hz, power_dbm, modulated=True)
    assert len(twin.heard) == told
    role.safe()
    assert role.tone() == Tone(4.96e9, 3.0, True, False)


def test_a_thermometer_by_its_import_path_plays_its_role(connect):
    twin = LakeShore372(lambda channel, now_fs: channel / 100, {6: "mixing_chamber"}, "LS1")
    mapping = ThermometerMapping((("mixing_chamber", "ch06.temperature"),))
    box = connect(twin, MODEL_372, RoleMappings(Thermometer=mapping))
    role: Thermometer = box
    assert role.temperature_k("mixing_chamber") == pytest.approx(0.06, rel=0.05)
    with pytest.raises(Refused, match="no channel 'still'; the facility file names mixing_chamber"):
        role.temperature_k("still")


def test_what_has_no_address_is_made_by_its_arguments(connect):
    box = connect(None, DUMMY, gates=("ch1", "ch2"))
    assert set(box.snapshot()) >= {"ch1", "ch2"}
    assert box.identity().model != ""


@pytest.mark.parametrize(
    ("path", "roles", "says"),
    [
        ("qcodes_nothing.of.this.Name", None, "box: there is no driver qcodes_nothing.of.this"),
        (f"{DRIVERS}.yokogawa.YokogawaGS2000", None, "there is no driver"),
        ("collections.OrderedDict", None, "is no class of a QCoDeS instrument"),
        (
            GS200,
            RoleMappings(FluxSource=FluxMapping("volts", 1.0)),
            "box has no parameter 'volts': did you mean voltage",
        ),
        (
            GS200,
            RoleMappings(FluxSource=FluxMapping("line_freq", 1.0)),
            "its parameter 'line_freq' has the unit 'Hz'; a voltage is wanted",
        ),
    ],
)
def test_a_driver_or_parameter_that_is_not_there_is_refused(connect, tap, path, roles, says):
    with pytest.raises(Refused) as refused:
        connect(tap, path, roles)
    assert says in str(refused.value)


def test_arguments_that_the_class_does_not_take_are_refused(connect):
    lockin = f"{DRIVERS}.mock_instruments.SnapShotTestInstrument"
    with pytest.raises(Refused, match=r"was given name, gate: .*unexpected keyword .*'gate'"):
        connect(None, lockin, gate=1)


def test_a_box_that_is_not_there_is_told_in_one_line(capfd):
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))  # and nobody listens
        visa = f"TCPIP::127.0.0.1::{taken.getsockname()[1]}::SOCKET"
        with pytest.raises(Unreachable, match=r"box at .* to connect") as told:
            QcodesAny("box", visa, QcodesDriver(GS200))
    assert "\n" not in str(told.value)
    assert capfd.readouterr().err == ""
