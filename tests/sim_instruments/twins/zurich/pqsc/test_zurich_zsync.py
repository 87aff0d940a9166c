"""A PQSC's starts: who hears them, and what all that do play on the world, when."""

import numpy as np
import pytest
from tests.benches.zurich.pqsc_rack import (
    AWG,
    DEVICES,
    HDAWG_IN,
    IN,
    QA,
    READOUT,
    SG,
    US,
    PqscRack,
)
from tests.benches.zurich.precomputed_runs import SMALL

from podium.firmware_interfaces.zurich.vector_headers import numbers_of
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText

MS = 10**12


@pytest.fixture
def rack():
    return PqscRack({0: "dev12001", 5: "dev12002", 2: "dev8001"})


def test_all_that_play_meet_in_one_run_as_late_as_their_outputs_are(rack):
    rack.link()
    rack.load()
    rack.start()
    rack.world.work()
    assert rack.world.error is None
    signals = rack.world.signals
    by_line = {train.line: train for train in reversed(signals.drives)}
    assert by_line.keys() == {"dev12001.qa0_out", "dev12002.sg0", "dev8001.sigout3"}
    # 536, 567 and 610 samples from the start to the first sample, 1024 of silence: halves of ns
    # are within the pieces.
    starts = {line: int(train.start_ns[0]) for line, train in by_line.items()}
    assert starts["dev12001.qa0_out"] == (536 + 1024) // 2
    assert starts["dev12002.sg0"] == (567 + 1024) // 2
    assert starts["dev8001.sigout3"] == (610 + 1024) // 2
    (capture,) = signals.captures
    assert capture.start_ns[0] == starts["dev12001.qa0_out"]
    (flux,) = (by_line["dev8001.sigout3"].pieces[k] for k in by_line["dev8001.sigout3"].piece)
    # Minus half of half of 2 V, which is 10 V for a root of a watt.
    assert np.append(flux.samples, flux.level) == pytest.approx(-0.05, rel=1e-4)
    assert (flux.carrier_hz, flux.duration_ns) == (0.0, 32)


def test_filters_of_an_output_shape_and_delay_what_leaves(rack):
    at = "sigouts/3/precompensation"
    for node, value in (
        ("exponentials/0/timeconstant", 40e-9),
        ("exponentials/0/amplitude", -0.1),
        ("exponentials/0/enable", 1),
        ("enable", 1),
    ):
        rack.set(f"{at}/{node}", value, "HDAWG4")
    rack.set("system/clocks/sampleclock/freq", 2e9, "HDAWG4")
    assert rack.get(f"{at}/latency", "HDAWG4") == (72 + 88) / 2e9
    rack.link()
    rack.load()
    rack.start()
    rack.world.work()
    assert rack.world.error is None
    (train,) = (one for one in rack.world.signals.drives if one.line == "dev8001.sigout3")
    line = np.zeros(400)
    begin = int(train.start_ns[0])
    assert begin == (610 + 1024 + 72 + 88) // 2
    for start, kind in zip((train.start_ns - begin).tolist(), train.piece.tolist(), strict=True):
        piece = train.pieces[kind]
        end = min(start + piece.duration_ns, len(line))
        line[start:end] = piece.level.real
        samples = piece.samples.real[: end - start]
        line[start : start + len(samples)] = samples
    # 32 ns of -0.05, begun with 1 / 0.9 of it, and as much left over of the other sign.
    assert line[0] == pytest.approx(-0.05 / 0.9, rel=3e-3)
    assert -0.05 / 0.9 < line[31] < -0.052
    left = line[33:]
    assert np.all(left[:8] > 0.001)
    assert np.all(np.diff(left) <= 0)
    assert abs(left[-1]) < 1e-5
    assert line.sum() == pytest.approx(-0.05 * 32, rel=2e-3)


@pytest.mark.parametrize(("asked_s", "samples"), [(7.6e-9, 15), (-1e-9, 0), (1.0, 52)])
@pytest.mark.parametrize("filtered", [False, True])
def test_the_delay_of_an_output_goes_in_whole_samples(rack, asked_s, samples, filtered):
    rack.set("system/clocks/sampleclock/freq", 2e9, "HDAWG4")
    rack.set("sigouts/3/precompensation/enable", int(filtered), "HDAWG4")
    rack.set("sigouts/3/delay", asked_s, "HDAWG4")
    assert rack.get("sigouts/3/delay", "HDAWG4") == samples / 2e9
    rack.link()
    rack.load()
    rack.start()
    rack.world.work()
    assert rack.world.error is None
    (train,) = (one for one in rack.world.signals.drives if one.line == "dev8001.sigout3")
    assert train.start_ns[0] == (610 + 1024 + samples + 72 * filtered) // 2


def test_a_pulse_that_leaves_between_nanoseconds_keeps_its_area_and_its_hold(rack):
    rack.link()
    rack.load()
    rack.start()
    rack.world.work()
    trains = [one for one in rack.world.signals.drives if one.line == "dev12002.sg0"]
    line = np.zeros(200, np.complex128)
    for train in trains:
        starts = (train.start_ns - trains[0].start_ns[0]).tolist()
        for start, kind, turns in zip(starts, train.piece, train.phase_turns, strict=True):
            piece = train.pieces[kind]
            values = np.full(piece.duration_ns, piece.level)
            values[: len(piece.samples)] = piece.samples
            phase = turns - trains[0].phase_turns[0] - piece.carrier_hz * 1e-9 * start
            line[start : start + piece.duration_ns] += values * np.exp(2j * np.pi * phase)
    size = line / line[10]
    # 128 samples from half a nanosecond on: halves at both ends, and level between.
    assert size[1:64] == pytest.approx(1.0, rel=1e-6)
    assert size[[0, 64]] == pytest.approx(0.5, rel=1e-6)
    assert not size[65:].any()
    assert all(len(piece.samples) <= 1 for train in trains for piece in train.pieces), "quick"


def test_a_train_of_starts_is_one_run(rack):
    rack.link()
    rack.load(starts=3)
    rack.start(repetitions=3)
    rack.world.work()
    for train in rack.world.signals.drives:
        first = train.start_ns[np.searchsorted(train.start_ns, [0, 100_000, 200_000])]
        assert np.diff(first).tolist() == [100_000, 100_000], train.line
    rack.wait(MS)
    found = numbers_of(rack.get(f"{READOUT}/result/data/0/wave", "SHFQA2"))
    assert found == pytest.approx(np.array([1, 2, 3]) * 10.0 * SMALL * 256, rel=1e-9)
    assert rack.get("execution/enable", "PQSC") == 0


def test_after_too_few_starts_all_wait_for_more_and_go_on_with_them(rack):
    rack.link()
    rack.load(starts=3)
    rack.start(repetitions=2)
    rack.world.work()
    rack.wait(MS)
    everyone = ((QA, "SHFQA2"), (SG, "SHFSG4"), (AWG, "HDAWG4"))
    for at, device in everyone:
        assert rack.get(f"{at}/sequencer/status", device) == 4, rack.said(device)
    assert rack.get(f"{READOUT}/result/acquired", "SHFQA2") == 2
    first = {train.line: train.start_ns[0] for train in rack.world.signals.drives}
    rack.start()
    rack.world.done_ = False
    rack.world.work()
    assert rack.world.error is None
    rack.wait(MS)
    for at, device in everyone:
        assert rack.get(f"{at}/enable", device) == 0, device
    assert first == {train.line: train.start_ns[0] for train in rack.world.signals.drives}
    assert all(len(train.start_ns) <= 2 for train in rack.world.signals.drives)
    assert len(numbers_of(rack.get(f"{READOUT}/result/data/0/wave", "SHFQA2"))) == 3


@pytest.mark.parametrize(
    ("node", "value", "device", "line"),
    [
        (IN, 0, "SHFSG4", "dev12002.sg0"),
        (f"{SG}/diozsyncswitch", 0, "SHFSG4", "dev12002.sg0"),
        (HDAWG_IN, 0, "HDAWG4", "dev8001.sigout3"),
        ("dios/0/mode", 0, "HDAWG4", "dev8001.sigout3"),
    ],
)
def test_who_listens_elsewhere_is_not_started(rack, node, value, device, line):
    rack.link()
    rack.set(node, value, device)
    rack.load()
    rack.start()
    rack.world.work()
    assert line not in {train.line for train in rack.world.signals.drives}
    assert len({train.line for train in rack.world.signals.drives}) == 2
    at = AWG if device == "HDAWG4" else SG
    assert rack.get(f"{at}/sequencer/status", device) & 4, "it waits still"


def test_who_is_connected_to_no_port_hears_nothing():
    rack = PqscRack({0: "dev12001", 1: "dev8001"})
    rack.link()
    rack.load()
    rack.start()
    rack.world.work()
    lines = {train.line for train in rack.world.signals.drives}
    assert lines == {"dev12001.qa0_out", "dev8001.sigout3"}


def test_the_hub_tells_who_is_at_its_ports(rack):
    def port(number, what):
        return rack.get(f"zsyncs/{number}/connection/{what}", "PQSC")

    assert port(5, "serial") == "12002"
    assert port(5, "devtype") == "SHFSG4"
    assert [port(n, "status") for n in (0, 1, 5)] == [1, 0, 1]
    rack.link()
    assert [port(n, "status") for n in (0, 2, 5)] == [2, 2, 2]
    assert port(1, "serial") == ""


@pytest.mark.parametrize(
    ("node", "value", "says"),
    [
        ("system/clocks/sampleclock/freq", 2.4e9, "dev8001/awgs/1: at 2.4 GSa/s"),
        ("awgs/1/outputs/1/modulation/mode", 1, "output 1 is modulated"),
        ("sigouts/3/offset", 0.1, "sigouts/3/offset is not 0"),
    ],
)
def test_what_is_not_played_on_the_world_is_told(rack, node, value, says):
    rack.link()
    rack.set(node, value, "HDAWG4")
    rack.load()
    rack.start()
    rack.world.work()
    rack.wait(US)
    assert says in rack.said("HDAWG4")


def test_an_instrument_that_is_not_there_is_connected_to_no_port():
    with pytest.raises(KeyError, match="dev7"):
        running_data_server("1", DEVICES, VendorText, zsync={0: "dev7"})


def test_a_pqsc_that_is_to_wait_for_its_trigger_input_starts_all_on_the_first_edge_there(rack):
    rack.link()
    rack.load()
    rack.set("execution/trigger", 2, "PQSC")
    rack.start()
    rack.wait(MS)
    assert rack.world.waiting is None
    assert rack.get("execution/enable", "PQSC") == 1
    rack.edge(0)
    rack.wait(MS)
    assert rack.get(f"{SG}/sequencer/status", "SHFSG4") & 4, "another input"
    rack.edge(1)
    rack.world.work()
    rack.wait(MS)
    lines = {train.line for train in rack.world.signals.drives}
    assert lines == {"dev12001.qa0_out", "dev12002.sg0", "dev8001.sigout3"}
    assert rack.get("execution/enable", "PQSC") == 0


def test_an_edge_before_the_pqsc_was_enabled_or_after_it_was_stopped_starts_nothing(rack):
    rack.link()
    rack.load()
    rack.set("execution/trigger", 1, "PQSC")
    rack.edge(0)
    rack.wait(MS)
    rack.start()
    rack.set("execution/enable", 0, "PQSC")
    rack.edge(0)
    rack.wait(MS)
    assert rack.get(f"{SG}/sequencer/status", "SHFSG4") & 4
    assert rack.get(f"{QA}/sequencer/status", "SHFQA2") & 4


@pytest.mark.parametrize("name", ["dev10001.trigger2", "dev12001.trigger0"])
def test_only_a_pqsc_has_the_two_inputs_that_start_others(rack, name):
    with pytest.raises(KeyError, match=name):
        rack.server.input(name)
