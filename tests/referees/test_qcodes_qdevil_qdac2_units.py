"""What QDevil's own unit tests ask of a fake QDAC-II, asked over a socket of the twin.

Its tests (`tests/QDevil` of `qcodes_contrib_drivers`) compare the commands that its driver sends;
here the driver sends them, and nothing may be unknown or refused. What each does stands beside it.
"""

from math import pi, sin

import pytest
from qcodes_contrib_drivers.drivers.QDevil.QDAC2 import QDac2
from qcodes_contrib_drivers.drivers.QDevil.QDAC2_Array import QDac2_Array

from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2

STEP_V = 20 / 2**20
MARKERS = ("start_marker", "end_marker", "period_start_marker", "period_end_marker")
STEP_MARKERS = ("start_marker", "end_marker", "step_start_marker", "step_end_marker")


@pytest.fixture
def twin():
    return QdevilQdac2("159", noise_seed=3)


@pytest.fixture
def client(serve, twin):
    client = QDac2("qdac", serve(twin).visa, visalib="@py")
    yield client
    assert client.errors() == '0, "No error"'
    assert twin.tallies()["unknown"] == 0
    client.close()


def at_s(twin, seconds, channel):
    """Return the level of a channel so many seconds after the twin's clock began, V."""
    return twin.levels_v_at(round(seconds * 1e15))[channel]


def use(context, markers) -> None:
    """Do with a context what the tests of each kind do."""
    for marker in markers:
        allocated = getattr(context, marker)()
        assert getattr(context, marker)() is allocated
    context.start()
    assert context.cycles_remaining() >= -1
    trigger = context.allocate_trigger()
    context.start_on(trigger)
    context.start()
    context.start_once_on(trigger)
    context.start_on_external(3)
    context.start_once_on_external(2)
    context.abort()
    context.close()


@pytest.mark.parametrize(
    ("kind", "words"),
    [
        ("sine_wave", {}),
        ("sine_wave", {"period_s": 1e-5, "repetitions": 10, "inverted": True, "span_V": 2}),
        ("square_wave", {"frequency_Hz": 1e5}),
        ("square_wave", {"kind": "negative", "duty_cycle_percent": 5, "offset_V": -0.1}),
        ("square_wave", {"kind": "positive", "slew_V_s": 0.1, "delay_s": 0.01}),
        ("triangle_wave", {}),
        ("triangle_wave", {"period_s": 60, "duty_cycle_percent": 10, "repetitions": 3}),
    ],
)
def test_a_wave_is_set_started_marked_and_aborted(client, kind, words) -> None:
    use(getattr(client.ch24, kind)(**words), MARKERS)


def test_a_trace_is_defined_filled_played_and_removed(client) -> None:
    trace = client.allocate_trace("my-trace", 6)
    trace.waveform([-0.123, 0, 1, 0, 0, 0.123])
    assert client.traces() == ['"my-trace"']
    use(client.ch05.arbitrary_wave("my-trace", scale=0.5, offset_V=0.1, slew_V_s=1), MARKERS)
    client.remove_traces()
    assert client.traces() == []


def test_sweeps_and_lists_are_marked(client) -> None:
    use(client.ch10.dc_sweep(-1, 1, 6, 10, 1e-6, 0.1, backwards=True, stepped=True), STEP_MARKERS)
    use(client.ch10.dc_sweep(-2, 2, 12, stepped=False, repetitions=-1), STEP_MARKERS)
    use(client.ch01.dc_list([-1, 0, 1], 10, 1e-6, 0.1, backwards=True, stepped=True), STEP_MARKERS)
    client._no_binary_values = True
    use(client.ch01.dc_list(range(1, 5), repetitions=-1), STEP_MARKERS)


def test_measurements_wait_for_triggers(client) -> None:
    series = client.ch02.measurement(delay_s=1e-3, repetitions=10, current_range="low", nplc=2)
    trigger = series.allocate_trigger()
    for start in (series.start_on, series.start_once_on):
        start(trigger)
        series.start()
    series.start_on_external(1)
    series.start_once_on_external(1)
    series.abort()
    assert client.ch02.clear_measurements() == []
    series.close()


def test_triggers_leave_by_external_outputs(client) -> None:
    client.ext2.source_from_trigger(client.allocate_trigger())
    client.ext5.source_from_bus()
    client.ext2.source_from_input(4)
    client.ext2.delay_s(1e-3)
    client.ext2.signal()
    assert client.ext2.delay_s() == 1e-3
    client.abort()
    client.ch03.abort()


def test_virtual_gates_are_swept_together(client, twin) -> None:
    gates = client.arrange(
        {"plunger": 1, "sensor": 2, "barrier": 3},
        output_triggers={"dmm": 4, "vna": 5},
        internal_triggers=["inner"],
        outer_trigger_channel=6,
    )
    gates.initiate_correction("sensor", [-0.5, 1.0, 0.0])
    gates.set_virtual_voltages({"plunger": 0.4, "barrier": 0.2})
    assert client.ch02.dc_constant_V() == pytest.approx(-0.2, abs=STEP_V)
    with gates.virtual_sweep2d(
        "plunger", [0, 0.1, 0.2], "sensor", [0.1, 0.3], outer_step_trigger="vna"
    ) as sweep:
        sweep.start()
    with gates.virtual_detune(["plunger", "barrier"], [-0.3, 0.6], [0.3, -0.1], 5) as detune:
        detune.start()
        assert client.ch01.dc_constant_V() == pytest.approx(-0.3, abs=STEP_V)
    gates.leakage(modulation_V=0.005, nplc=1)
    gates.close()


def test_two_boxes_share_a_clock(client, serve) -> None:
    other = QDac2("other", serve(QdevilQdac2("160")).visa, visalib="@py")
    QDac2_Array(controller=client, listeners=[other]).sync()
    assert other.errors() == '0, "No error"'
    other.close()


def wire(twin):
    """Return what sends a message at an instant, s."""
    session = twin.open("scpi")
    return lambda message, seconds: session.feed(message.encode() + b"\n", round(seconds * 1e15))


def test_waves_are_those_of_their_words_and_add_up(twin) -> None:
    tell = wire(twin)
    tell("sour1:sine:freq 10;span 2;offs 0.5;:sour1:volt 1;:sour1:sine:init", 0)
    for now in (0.0, 0.01, 0.033, 0.07):
        expected = 1.5 + sin(2 * pi * 10 * now)
        assert at_s(twin, now, "ch01") == pytest.approx(expected, abs=STEP_V)
    tell("sour1:squ:per 1;typ pos;dcyc 25;span 0.5;coun 2;:sour1:sine:abor;:sour1:squ:init", 1)
    levels = [at_s(twin, now, "ch01") for now in (1.1, 1.3, 2.2, 2.5, 3.1)]
    assert levels == pytest.approx([1.5, 1.0, 1.5, 1.0, 1.0], abs=STEP_V)
    tell("sour2:tri:per 1;span 2;dcyc 50;pol inv;:sour2:tri:init", 0)
    levels = [at_s(twin, now, "ch02") for now in (0, 0.25, 0.5, 0.75)]
    assert levels == pytest.approx([1, 0, -1, 0], abs=STEP_V)
    tell("sour3:sine:span 20;offs 5;:sour3:sine:init", 0)
    assert at_s(twin, 0.00025, "ch03") == 10  # no more than the range has


def test_a_trace_is_played_a_sample_each_microsecond(twin) -> None:
    tell = wire(twin)
    tell('trac:def "a",4;data "a",0.1,0.2,-0.3,1', 0)
    tell('sour1:awg:def "a";scal 2;coun 1;:sour1:awg:init', 0)
    levels = [at_s(twin, n * 1e-6 + 5e-7, "ch01") for n in range(5)]
    assert levels == pytest.approx([0.2, 0.4, -0.6, 2.0, 0.0], abs=STEP_V)
