"""A compiled program by itself, without a world: what it puts out, span by span."""

import io
import json
from dataclasses import replace

import pytest

from podium.control import cli
from podium.firmware_interfaces.qblox_cluster.program import (
    Acquisition,
    ClusterProgram,
    ExternalStart,
    ModuleSettings,
    SequencerProgram,
    Waveform,
    to_plain,
)
from podium.sim_instruments.twins.qblox_cluster.runs.emulation import CannotEmulate, emulate

TEXT = """
set_mrk 2
set_freq 400000000
upd_param 4
wait_sync 4
wait 92
move 3,R0
again: reset_ph
set_awg_gain 16384,0
play 0,1,100
set_awg_offs 0,-1000
upd_param 40
set_awg_offs 0,0
acquire 0,0,860
sub R0,1,R0
jnz @again
set_mrk 0
upd_param 4
stop
"""


def made(text: str = TEXT, start: ExternalStart | None = None, kind: str = "QRM-RF"):
    one = SequencerProgram(
        slot=2,
        sequencer=0,
        frame="readout",
        text=text,
        waveforms=(
            Waveform("up", 0, (1.0, 0.5, 0.25, 0.0)),
            Waveform("none", 1, (0.0, 0.0, 0.0, 0.0)),
        ),
        acquisitions=(Acquisition("q0", 0, 1),),
        output="out0",
        input="in0" if kind == "QRM-RF" else None,
        nco_hz=100e6,
        integration_ns=400,
    )
    module = ModuleSettings(2, kind)
    return ClusterProgram(
        "made", "cluster_a", (one,), (module,), {}, 10, 100, (), (), (), str, start
    )


def test_each_span_has_its_stretches_windows_and_switch() -> None:
    (told,) = emulate(made(), [(100, 1000), (1100, 1000)])["sequencers"]
    assert (told["ending"], told["flags"], told["log"]) == ("stopped", [], [])
    first, second = told["spans"]
    pulse, level = told["pieces"]
    assert pulse["i"] == [16383, 8192, 4096, 0]  # 32767 * 16384 >> 15 is 16383
    assert (level["i"], level["level"], level["duration_ns"]) == ([], [0.0, -1000.0], 40)
    assert [s[:2] for s in first["stretches"]] == [(0, 0), (100, 1)]
    assert first["stretches"] == second["stretches"]
    assert first["stretches"][1][2] == pytest.approx(0.0, abs=1e-8)  # 100 MHz, 100 ns: ten turns
    assert [c[0] for c in first["captures"]] == [140]
    assert first["switch"] == [(0, 1000)]


def test_a_switch_that_stays_open_lets_nothing_out() -> None:
    (told,) = emulate(made(TEXT.replace("set_mrk 2", "set_mrk 1")), [(100, 1000)])["sequencers"]
    assert told["spans"][0]["stretches"] == []
    assert told["spans"][0]["switch"] == []
    assert len(told["spans"][0]["captures"]) == 1


def test_the_external_trigger_comes_and_times_count_from_the_meeting() -> None:
    text = TEXT.replace("wait_sync 4", "wait_trigger 3,4\nwait_sync 4")
    waiting = made(text, ExternalStart(3))
    (told,) = emulate(waiting, [(96, 1000)])["sequencers"]
    assert [s[0] for s in told["spans"][0]["stretches"]] == [0, 100]
    (never,) = emulate(made(text, ExternalStart(4)), [(96, 1000)])["sequencers"]
    assert never["ending"] == "waits for trigger"


def test_a_sequencer_that_goes_wrong_says_so_and_where() -> None:
    (told,) = emulate(made(TEXT.replace("play 0,1", "play 5,1")), [(100, 1000)])["sequencers"]
    assert "AWG WAVE PLAYBACK INDEX INVALID PATH 0" in " ".join(told["flags"])
    with pytest.raises(CannotEmulate, match=r"made: .*line 3"):
        emulate(made(TEXT.replace("set_freq 4", "sett_freq 4")), [(100, 1000)])
    with pytest.raises(CannotEmulate, match="QTM, which plays no pulses"):
        emulate(made(kind="QTM"), [(100, 1000)])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        ({"slot": 3}, "is in slot 3, whose module is 'none'; there are QCM, QCM-RF"),
        ({"output": ""}, "plays on '' of a QRM-RF; that has out0"),
        ({"output": "out0_1"}, "plays on 'out0_1' of a QRM-RF"),
        ({"nco_hz": 600e6}, "must lie between"),
        ({"integration_ns": 5}, "must be a multiple of 4"),
    ],
)
def test_a_program_that_fits_no_cluster_is_refused_in_words(change, says) -> None:
    good = made()
    bad = replace(good, sequencers=(replace(good.sequencers[0], **change),))
    with pytest.raises(CannotEmulate, match=says):
        emulate(bad, [(100, 1000)])


def test_the_command_answers_on_standard_output(monkeypatch, capsys) -> None:
    asked = json.dumps({"program": to_plain(made()), "spans": [[100, 1000]]})
    monkeypatch.setattr("sys.stdin", io.StringIO(asked))
    assert cli.main(["twin", "emulate"]) == 0
    told = json.loads(capsys.readouterr().out)
    assert told == json.loads(json.dumps(emulate(made(), [(100, 1000)])))


@pytest.mark.parametrize("sent", ["", "[]", "{}", '{"program": {}, "spans": [[1]]}'])
def test_the_command_says_what_it_wants(sent, monkeypatch, capsys) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO(sent))
    assert cli.main(["twin", "emulate"]) == 2
    said = capsys.readouterr().err
    assert said.startswith('podium twin emulate: standard input holds no {"program": ..., "spans"')
