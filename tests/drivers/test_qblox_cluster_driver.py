import math
import socket
import threading
import time
from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.driver_bench import (
    MODULES,
    POINTS,
    PROGRAM,
    READOUT,
    SHOTS,
    connect,
)

from podium.drivers.errors import ProtocolError, Refused, Unreachable
from podium.drivers.qblox_cluster import QbloxCluster, connection
from podium.drivers.qblox_cluster.results import Bins, read_bins
from podium.drivers.qblox_cluster.settings import settings_of
from podium.drivers.roles import KeepsDisturbance, MixerSettings, MixerTone
from podium.firmware_interfaces.qblox_cluster.limits import rf_input_full_scale_v
from podium.firmware_interfaces.qblox_cluster.program import (
    ClusterProgram,
    ModuleSettings,
)
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import (
    LO_CALIBRATION_FS,
    SIDEBAND_CALIBRATION_FS,
    Mixer,
)


@pytest.fixture
def server(shared_cluster_server) -> Iterator:
    shared_cluster_server.as_new()
    yield shared_cluster_server
    shared_cluster_server.as_new()


pytestmark = [
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qblox_instruments"),
    pytest.mark.filterwarnings("ignore::DeprecationWarning:qcodes"),
    pytest.mark.filterwarnings("ignore::FutureWarning:qblox_instruments"),
]


def with_text(text: str, index: int = 1) -> ClusterProgram:
    entries = list(PROGRAM.sequencers)
    entries[index] = replace(entries[index], text=text)
    return replace(PROGRAM, sequencers=tuple(entries))


@pytest.fixture(scope="module")
def connected(shared_cluster_server) -> Iterator[QbloxCluster]:
    driver = connect(shared_cluster_server)
    yield driver
    driver.close()


@pytest.fixture
def cluster(server, connected) -> QbloxCluster:
    """One for many tests: connecting takes a second. Who breaks it makes one of their own."""
    return connected


def play(cluster: QbloxCluster, program: ClusterProgram = PROGRAM):
    cluster.load(program)
    cluster.arm()
    cluster.start()
    cluster.wait(1.0)
    return cluster.collect()


def test_connecting_only_reads(cluster_server) -> None:
    cluster = connect(cluster_server)
    commands = cluster_server.commands()
    assert len(commands) > 5
    assert [command for command in commands if not command.rstrip().endswith("?")] == []
    assert cluster.identity().serial == "1234"
    cluster.close()


def test_other_firmware_than_the_facility_file_says_is_a_complaint(cluster_server) -> None:
    where = (cluster_server.host, cluster_server.ports, MODULES)
    for said, complaints in (
        (None, ()),
        ("2.1.0", ()),
        ("0.13.0", ("its firmware is 2.1.0, the facility file says 0.13.0",)),
    ):
        cluster = QbloxCluster("cluster_a", *where, firmware=said)
        assert cluster.examine().complaints == complaints
        cluster.close()


def test_other_modules_than_the_facility_file_says_are_refused(cluster_server) -> None:
    with pytest.raises(Refused, match="slot 4: the facility file says QCM, the cluster has QCM-RF"):
        QbloxCluster("cluster_a", cluster_server.host, cluster_server.ports, {4: "QCM"})


def test_nobody_at_the_address_is_unreachable() -> None:
    with pytest.raises(Unreachable, match=r"cluster_a: connecting to 127\.0\.0\.1:1"):
        QbloxCluster("cluster_a", "127.0.0.1", {"scpi": 1, "module_scpi_base": 2}, MODULES)


def test_a_program_plays_and_its_bins_come_back_in_volts(server, cluster) -> None:
    result = play(cluster)["q0"]
    assert result.i.shape == (POINTS,)
    np.testing.assert_array_equal(result.counts, SHOTS)
    scale = np.sqrt(2 * 50)  # sqrt(W) to peak volts
    step = rf_input_full_scale_v(6.0) / 2**11
    np.testing.assert_allclose(result.i, 1e-3 * scale, atol=step)
    np.testing.assert_allclose(result.q, 2e-3 * scale, atol=step)
    lines = {train.line for train in server.world.played[-1].drives}
    assert lines >= {"slot4.out1", "slot6.out0_1"}


def test_what_is_held_is_not_sent_again(server, cluster) -> None:
    play(cluster)
    server.commands()
    play(cluster)
    telling = {c.split(" ")[0] for c in server.commands() if not c.rstrip().endswith("?")}
    assert telling == {
        "SEQuencer0:ACQ:ALISt:ACQuisition:DATA:DELete",
        "SEQuencer0:ARM",
        "SEQuencer1:ARM",
        "SEQuencer0:START",
        "SEQuencer1:START",
    }


def test_a_first_program_sends_each_configuration_that_changes_once(cluster_server) -> None:
    cluster = connect(cluster_server)
    cluster_server.commands()
    cluster.load(PROGRAM)
    sent = [one.split(" ")[0] for one in cluster_server.commands()]
    # Sequencers that play; the others are as they were read: none is synchronised.
    assert sorted(one for one in sent if one.endswith("CONFiguration")) == [
        "SEQuencer0:CONFiguration",
        "SEQuencer0:CONFiguration",
        "SEQuencer1:CONFiguration",
    ]
    together = cluster.snapshot()
    cluster.close()
    cluster_server.as_new()
    cluster = connect(cluster_server)
    for one in settings_of(PROGRAM, MODULES):
        cluster._cache.set([one])
    assert cluster.snapshot() == together
    cluster.close()


def test_what_was_set_before_a_setting_that_is_refused_is_sent(cluster_server) -> None:
    cluster = connect(cluster_server)
    entry = replace(PROGRAM.sequencers[1], nco_hz=7e8)
    with pytest.raises(Refused, match=r"setting slot4\.sequencer1\.nco_freq = 700000000"):
        cluster.load(replace(PROGRAM, sequencers=(entry,)))
    cluster.load(PROGRAM)
    refused_before = cluster.snapshot()
    cluster.close()
    cluster_server.as_new()
    cluster = connect(cluster_server)
    cluster.load(PROGRAM)
    assert cluster.snapshot() == refused_before
    cluster.close()


def test_only_what_differs_is_sent(server, cluster) -> None:
    play(cluster)
    server.commands()
    play(cluster, with_text("set_mrk 2\nwait_sync 4\nplay 0,0,200\nstop"))
    commands = server.commands()
    assert sum("PROGram" in command for command in commands) == 1
    assert not any("WLISt" in command for command in commands)


def test_where_texts_alone_differ_a_module_is_sent_one_packet_and_asked_once(
    server, cluster
) -> None:
    play(cluster)
    server.commands()
    cluster.load(with_text("set_mrk 2\nwait_sync 4\nplay 0,0,204\nstop"))
    # The lines of a text are told one by one.
    told = [
        one.split(" ")[0] for one in server.commands() if one.startswith(("SEQ", "SYST", "STAT"))
    ]
    errors = "SYSTem:ERRor:COUNt?"
    of_cluster, silent, changed = [errors], [errors, errors], [errors, errors]
    changed[1:1] = ["SEQuencer1:PROGram", "STATus:ASSEMbler:SUCCess?"]
    assert sorted(told) == sorted(of_cluster + 2 * silent + changed)
    assert play(cluster)["q0"].counts.sum() == SHOTS * POINTS


def test_after_anything_else_was_set_all_of_a_program_is_looked_at_again(server, cluster) -> None:
    play(cluster)
    cluster.tell("SLOT4:SEQuencer1:STOP")
    server.commands()
    cluster.load(with_text("set_mrk 2\nwait_sync 4\nplay 0,0,208\nstop"))
    several = [one for one in server.commands() if one.startswith("SYSTem:ERRor:COUNt?")]
    assert len(several) == 4  # of what was uploaded, of the other modules, of the cluster
    # From then on all is known again.
    cluster.load(with_text("set_mrk 2\nwait_sync 4\nplay 0,0,212\nstop"))
    assert len([one for one in server.commands() if "COUNt?" in one]) == 7


def test_what_was_set_is_read_anew_and_the_rest_is_as_it_was_read(server, cluster) -> None:
    play(cluster)
    cluster.snapshot()
    settings = tuple(
        replace(one, nco_hz=one.nco_hz + 1e6) if one.slot == 4 else one
        for one in PROGRAM.sequencers
    )
    cluster.load(replace(PROGRAM, sequencers=settings))
    server.commands()
    again = cluster.snapshot_again()
    asked = [one for one in server.commands() if one.startswith(("SEQ", "AFE", "LO", "STAT"))]
    assert asked == ["SEQuencer1:CONFiguration?"], "what it is connected to was not set"
    assert again == cluster.snapshot()
    server.commands()
    assert cluster.snapshot_again() == again
    assert not [one for one in server.commands() if "CONFiguration?" in one]


def test_after_a_ramp_the_offsets_of_its_module_are_read_anew(server, cluster) -> None:
    before = cluster.snapshot()
    cluster.ramp_v("slot6.out2", 0.03, 0.5)
    again = cluster.snapshot_again()
    assert again["slot6.afe.offset.dac2"] == pytest.approx(0.03, abs=1e-4)
    assert again.keys() == before.keys()
    assert again == cluster.snapshot()


def test_after_a_command_of_a_person_everything_is_read_anew(server, cluster) -> None:
    before = cluster.snapshot()
    cluster.tell("SLOT2:AFE:ATT:IN0 10")
    assert cluster.snapshot_again()["slot2.afe.att.in0"] == 10
    assert before["slot2.afe.att.in0"] != 10


@pytest.mark.parametrize("by", ["tell", "set"])
def test_what_a_person_has_changed_is_set_again(server, cluster, by) -> None:
    before = play(cluster)["q0"].i
    if by == "tell":
        cluster.tell("SLOT2:AFE:ATT:IN0 10")
    else:
        cluster.set("module2.in0_att", 10)
    server.commands()
    after = play(cluster)["q0"].i
    assert any("AFE:ATT:IN0 6" in command for command in server.commands())
    np.testing.assert_allclose(after, before, atol=rf_input_full_scale_v(6.0) / 2**11)
    play(cluster)
    assert not any("AFE" in command for command in server.commands())


def test_an_error_of_somebody_else_does_not_refuse_another_text(server, cluster, caplog) -> None:
    play(cluster)
    with socket.create_connection((server.host, server.ports["scpi"])) as stranger:
        stranger.sendall(b"NONSENSE\n*IDN?\n")
        stranger.recv(1000)
    assert play(cluster, with_text("set_mrk 2\nwait_sync 4\nplay 0,0,216\nstop"))["q0"].counts.all()
    assert any("another client's" in told for told in caplog.messages)


def test_bins_are_read_as_the_vendors_client_reads_them(cluster) -> None:
    play(cluster)
    assert cluster._direct is not None
    (ours,) = read_bins(cluster._direct, [(2, 0)])
    (theirs,) = cluster._cluster.get_all_acquisitions([(2, 0)], as_numpy=True, acq_encoding=None)
    assert ours.keys() == theirs.keys() == {"q0"}
    bins, wanted = Bins.unpacked([ours["q0"]]), Bins.of_client(theirs["q0"]["acquisition"])
    for name in ("path0", "path1", "above", "count"):
        np.testing.assert_array_equal(getattr(bins, name), getattr(wanted, name))


def test_bins_of_an_earlier_run_never_come_back(cluster) -> None:
    for _ in range(3):
        np.testing.assert_array_equal(play(cluster)["q0"].counts, SHOTS)


def test_a_program_that_does_not_assemble_is_refused_with_the_assemblers_words(cluster) -> None:
    with pytest.raises(Refused, match=r"slot4\.sequencer1 \(frame 4\.1\)(.|\n)*frobnicate"):
        cluster.load(with_text("frobnicate R0\nstop"))
    with pytest.raises(Refused, match="arm: no program is loaded"):
        cluster.arm()
    assert play(cluster)["q0"].counts.sum() == SHOTS * POINTS


def test_a_setting_out_of_range_is_refused_by_name(cluster) -> None:
    modules = (ModuleSettings(4, "QCM-RF", {"out1": 99e9}, {"out1": 0.0}),)
    with pytest.raises(Refused, match=r"cluster_a: setting slot4\.out1_lo_freq = 99000000000"):
        cluster.load(replace(PROGRAM, modules=modules))


def test_a_bin_that_was_not_filled_as_often_as_it_should_is_an_error_not_data(cluster) -> None:
    short = READOUT.replace(f"move {SHOTS}", f"move {SHOTS - 1}")
    with pytest.raises(ProtocolError, match=r"5 of 5 bins were not filled 4 times.*bin 0 with 3"):
        play(cluster, with_text(short, 0))


def test_an_error_flag_at_run_time_is_an_error_with_the_flags_name(cluster) -> None:
    with pytest.raises(ProtocolError, match=r"slot4\.sequencer1 \(frame 4\.1\).*INVALID"):
        play(cluster, with_text("wait_sync 4\nplay 7,7,100\nstop"))


def test_static_offsets_move_in_steps_that_the_cluster_times(server, cluster) -> None:
    cluster.ramp_v("slot6.out2", 0.0, 0.5)
    server.commands()
    cluster.ramp_v("slot6.out2", 0.05, 0.5)
    commands = server.commands()
    steps = [
        c for c in commands if c.startswith("AFE:OFFSet:DAC2") and not c.rstrip().endswith("?")
    ]
    assert len(steps) == 5  # 10 mV in 20 ms each
    assert sum(c == "SEQuencer5:START" for c in commands) == 5
    assert cluster.level_v("slot6.out2") == pytest.approx(0.05, abs=1e-4)
    assert server.twin.levels_v()["slot6.out2"] == pytest.approx(0.05, abs=1e-4)


def test_a_ramp_does_not_touch_other_outputs_and_programs_play_after_it(server, cluster) -> None:
    play(cluster)
    cluster.ramp_v("slot6.out2", 0.02, 0.5)
    cluster.ramp_v("slot6.out3", -0.02, 0.5)
    assert play(cluster)["q0"].counts.sum() == SHOTS * POINTS
    levels = server.twin.levels_v()
    assert levels["slot6.out2"] == pytest.approx(0.02, abs=1e-4)
    assert levels["slot6.out3"] == pytest.approx(-0.02, abs=1e-4)


def test_channels_that_ramp_together_take_as_long_as_the_longest(server, cluster) -> None:
    starts_v = {"slot6.out2": 0.0, "slot6.out3": 0.02}
    for channel, level_v in starts_v.items():
        cluster.ramp_v(channel, level_v, 0.5)
    before = cluster.now()
    cluster.ramp_together_v({"slot6.out2": (0.1, 0.5), "slot6.out3": (-0.03, 0.5)})
    lasted_s = (cluster.now().total_fs - before.total_fs) * 1e-15
    levels = server.twin.levels_v()
    assert levels["slot6.out2"] == pytest.approx(0.1, abs=1e-4)
    assert levels["slot6.out3"] == pytest.approx(-0.03, abs=1e-4)
    assert lasted_s >= 0.1 / 0.5  # no channel exceeds its slew


def test_an_interrupted_ramp_stays_on_its_step(server, cluster) -> None:
    cluster.ramp_v("slot6.out2", 0.0, 0.5)
    server.leaps = False
    timer = threading.Timer(0.1, cluster.interrupt)
    timer.start()
    with pytest.raises(Refused, match="given up"):
        cluster.ramp_v("slot6.out2", 1.0, 0.5)
    assert 0.01 <= cluster.level_v("slot6.out2") < 0.1


def test_an_output_that_holds_no_static_voltage_is_refused(cluster) -> None:
    with pytest.raises(Refused, match=r"'slot4.out1' holds no static voltage; .*slot6\.out0"):
        cluster.level_v("slot4.out1")


def test_safe_stops_and_disconnects_but_holds_the_biases(server, cluster) -> None:
    cluster.ramp_v("slot6.out2", 0.03, 0.5)
    server.world.gate.clear()
    cluster.load(PROGRAM)
    cluster.arm()
    cluster.start()
    cluster.safe()
    server.world.gate.set()
    assert server.twin.levels_v()["slot6.out2"] == pytest.approx(0.03, abs=1e-4)
    with pytest.raises(Refused, match="no program is loaded"):
        cluster.collect()
    assert play(cluster)["q0"].counts.sum() == SHOTS * POINTS


def test_a_wait_can_be_interrupted_from_another_thread(server, cluster) -> None:
    server.world.gate.clear()
    cluster.load(PROGRAM)
    cluster.arm()
    cluster.start()
    threading.Timer(0.05, cluster.interrupt).start()
    with pytest.raises(Refused, match="given up while it ran"):
        cluster.wait(1.0)
    server.world.gate.set()


def test_a_program_that_does_not_stop_in_time_is_unreachable(server, cluster, monkeypatch) -> None:
    monkeypatch.setenv("PODIUM_RUN_ALLOWANCE", "0.05")
    server.world.gate.clear()
    cluster.load(PROGRAM)
    cluster.arm()
    cluster.start()
    with pytest.raises(Unreachable, match=r"'trial'.*not stopped 0\.05 s after"):
        cluster.wait(0.1)
    server.world.gate.set()


def test_a_connection_that_breaks_is_unreachable(cluster_server) -> None:
    cluster = connect(cluster_server)
    cluster.load(PROGRAM)
    cluster_server.drop()
    with pytest.raises(Unreachable, match="cluster_a: arming slot2"):
        cluster.arm()
    cluster.close()


def test_a_box_that_is_there_but_says_nothing_is_told_soon(cluster_server, monkeypatch) -> None:
    monkeypatch.setattr(connection, "CONNECT_S", 0.1)
    cluster_server.mute = True
    with pytest.raises(Unreachable, match=r"connecting to .*: timed out"):
        connect(cluster_server)


def test_somebody_else_at_the_address_is_told_by_his_own_words(cluster_server) -> None:
    cluster_server.tamper = lambda name, data, reply: b"ACME,Toaster,1,1.0\r\n"
    with pytest.raises(ProtocolError, match=r"ACME,Toaster.*no Qblox cluster"):
        connect(cluster_server)


def test_closing_from_another_thread_ends_a_call_that_hangs(cluster_server) -> None:
    cluster = connect(cluster_server)
    cluster_server.mute = True
    began = time.monotonic()
    threading.Timer(0.1, cluster.close).start()
    with pytest.raises((Unreachable, ProtocolError)):
        cluster.now()
    assert time.monotonic() - began < connection.UNWIND_S


def test_what_is_no_answer_to_the_question_is_never_taken_for_one(cluster_server) -> None:
    cluster = connect(cluster_server)
    cluster_server.tamper = lambda name, data, reply: b"garbage\r\n" if reply else reply
    with pytest.raises((ProtocolError, Unreachable), match="cluster_a: "):
        cluster.load(PROGRAM)
    cluster.close()


def test_its_time_is_the_clusters(server, cluster) -> None:
    before = server.now_fs()
    now = cluster.now()
    assert before - 10**6 <= now.total_fs <= server.now_fs()


def test_it_keeps_that_its_lock_was_lost_until_it_is_told_to_forget(
    server, cluster, monkeypatch
) -> None:
    keeps: KeepsDisturbance = cluster
    reference = server.twin.management.reference
    states = {"now": ("RESOLVED", ("PLL UNLOCKED",)), "after": ("OKAY", ())}
    monkeypatch.setattr(reference, "state", lambda now_fs: states["now"])
    monkeypatch.setattr(reference, "clear", lambda now_fs: states.update(now=states["after"]))
    server.commands()
    assert keeps.clock_history().disturbed
    assert keeps.clock_history().disturbed, "looking changes nothing"
    assert all(one.endswith("?") for one in server.commands())
    keeps.forget_disturbance()
    assert not keeps.clock_history().disturbed
    states["now"] = ("ERROR", ("PLL UNLOCKED",))
    with pytest.raises(Refused, match=r"cluster_a: its clock is not locked to its reference"):
        keeps.clock_history()
    states["now"] = ("ERROR", ("TEMPERATURE OUT OF RANGE",))
    assert not keeps.clock_history().disturbed, "that is no clock"


def test_it_shows_where_its_ticks_come_from(server, cluster, monkeypatch) -> None:
    signs = [cluster.clock_history().signs]
    monkeypatch.setattr(server.twin.management.reference, "external", True)
    signs.append(cluster.clock_history().signs)
    assert signs == [{"external reference": 0}, {"external reference": 1}]


def test_a_trace_comes_back_in_volts(cluster) -> None:
    modules = (replace(PROGRAM.modules[0], scope_sequencer=0), *PROGRAM.modules[1:])
    results = (replace(PROGRAM.results[0], trace=True),)
    result = play(cluster, replace(PROGRAM, modules=modules, results=results))["q0"]
    assert result.trace is not None
    assert result.trace.size >= 800
    assert not result.out_of_range


# Mixers


@pytest.fixture
def mixed(server) -> Iterator:
    """The same twin with mixers that are not perfect."""
    modules = server.twin.modules
    before = {slot: module.mixers for slot, module in modules.items()}
    modules[2].mixers = (Mixer(1.03, -1.7, (3.4, -5.2)),)
    modules[4].mixers = (Mixer(0.98, 2.0, (-1.0, 2.0)), Mixer(1.02, 1.0, (0.5, -0.75)))
    yield modules
    for slot, mixers in before.items():
        modules[slot].mixers = mixers


def corrections(module) -> dict[int, tuple[float, float]]:
    return {
        sequencer.number: sequencer.configuration.mixer_correction
        for sequencer in module.sequencers
    }


def assert_takes_out(settings: MixerSettings, mixer: Mixer) -> None:
    i_mv, q_mv = mixer.best_offset_mv()
    assert (settings.offset_i_v, settings.offset_q_v) == pytest.approx((i_mv * 1e-3, q_mv * 1e-3))
    ratio, degrees = mixer.best_correction()
    assert settings.gain_ratio == pytest.approx(ratio)
    assert settings.phase_rad == pytest.approx(math.radians(degrees))


@pytest.mark.parametrize(
    ("channel", "slot", "number"), [("slot2.out0", 2, 0), ("slot4.out1", 4, 1)]
)
def test_a_calibration_is_the_boxes_own_and_takes_its_time(
    cluster, server, mixed, channel: str, slot: int, number: int
) -> None:
    before_fs = server.now_fs()
    (found,) = cluster.calibrate_mixers([MixerTone(channel, 7.1e9, 20.0, 100e6)])
    assert server.now_fs() - before_fs > LO_CALIBRATION_FS + SIDEBAND_CALIBRATION_FS
    assert_takes_out(found, mixed[slot].mixers[number])
    told = mixed[slot].output_offset_mv[2 * number : 2 * number + 2]
    assert tuple(told) == mixed[slot].mixers[number].best_offset_mv()
    assert not mixed[slot].oscillators[1].on, "the output ends silent"


def test_modules_calibrate_side_by_side_and_outputs_of_one_in_turn(cluster, server, mixed) -> None:
    tones = [MixerTone(f"slot{n}", 5.8e9, 0.0, -80e6) for n in ("4.out0", "2.out0", "4.out1")]
    one_fs = LO_CALIBRATION_FS + SIDEBAND_CALIBRATION_FS
    before_fs = server.now_fs()
    found = cluster.calibrate_mixers(tones)
    assert 2 * one_fs < server.now_fs() - before_fs < 3 * one_fs  # one by one: 3 and more
    for settings, (slot, number) in zip(found, [(4, 0), (2, 0), (4, 1)], strict=True):
        assert_takes_out(settings, mixed[slot].mixers[number])


def test_a_program_has_the_correction_of_the_output_that_it_plays_on(
    cluster, server, mixed
) -> None:
    channels = ("slot2.out0", "slot4.out0", "slot4.out1")
    cluster.calibrate_mixers([MixerTone(one, 5.8e9, 0.0, -80e6) for one in channels])
    play(cluster)  # sequencer 1 of slot 4 on out1, sequencer 0 of slot 2 on out0
    assert corrections(mixed[4])[1] == pytest.approx(mixed[4].mixers[1].best_correction())
    assert corrections(mixed[2])[0] == pytest.approx(mixed[2].mixers[0].best_correction())
    entries = list(PROGRAM.sequencers)
    entries[1] = replace(entries[1], output="out0")
    modules = tuple(
        replace(one, lo_hz={"out0": 5.8e9}, output_attenuation_db={"out0": 0.0})
        if one.slot == 4
        else one
        for one in PROGRAM.modules
    )
    play(cluster, replace(PROGRAM, sequencers=tuple(entries), modules=modules))
    assert corrections(mixed[4])[1] == pytest.approx(mixed[4].mixers[0].best_correction())


def test_what_was_found_can_be_set_on_a_box_that_has_forgotten_it(server, mixed) -> None:
    before = connect(server)
    (found,) = before.calibrate_mixers([MixerTone("slot4.out1", 5.8e9, 0.0, -80e6)])
    before.close()
    mixed[4].reset()
    after = connect(server)
    after.hold_mixer("slot4.out1", found)
    play(after)
    assert tuple(mixed[4].output_offset_mv[2:4]) == pytest.approx(
        mixed[4].mixers[1].best_offset_mv()
    )
    assert corrections(mixed[4])[1] == pytest.approx(mixed[4].mixers[1].best_correction())
    after.close()


@pytest.mark.parametrize("channel", ["slot6.out0_1", "slot4.out2", "slot3.out0", "out0", ""])
def test_what_has_no_mixer_is_refused_with_what_has_one(cluster, channel: str) -> None:
    there = "slot2.out0, slot4.out0, slot4.out1"
    with pytest.raises(Refused, match=f"has no mixer to calibrate; RF outputs have: {there}"):
        cluster.calibrate_mixers([MixerTone(channel, 7.1e9, 0.0, 1e8)])


def test_errors_that_are_older_than_a_run_are_told_and_do_not_refuse_it(
    server, cluster, caplog
) -> None:
    with socket.create_connection((server.host, server.ports["scpi"])) as stranger:
        stranger.sendall(b"NONSENSE \x1b[2J\n*IDN?\n")
        stranger.recv(1000)
    cluster.load(PROGRAM)
    (told,) = caplog.messages
    assert "NONSENSE" in told
    assert "another client's" in told
    assert "\x1b" not in told
