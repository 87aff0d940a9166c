"""Filters, delays and mixers in what leaves the connectors, against sums over samples."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.qblox_cluster.cluster_bench import T0, US, Bench
from tests.benches.qblox_cluster.direct_filter import directly
from tests.benches.qblox_cluster.output_stage import rendered, run_of, trace_of

from podium.firmware_interfaces.exact_time import FS_PER_S
from podium.firmware_interfaces.qblox_cluster import limits
from podium.firmware_interfaces.qblox_cluster.sequencer_config import (
    checked,
    default_configuration,
)
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin
from podium.sim_instruments.twins.qblox_cluster.module import json_bytes
from podium.sim_instruments.twins.qblox_cluster.outputs import shaped_output
from podium.sim_instruments.twins.qblox_cluster.outputs.lo_leak import leaks
from podium.sim_instruments.twins.qblox_cluster.outputs.mixer import Mixer
from podium.sim_instruments.twins.qblox_cluster.outputs.output_stage import ALWAYS_ON, pulse_trains
from podium.sim_instruments.twins.qblox_cluster.outputs.predistortion import OutputShaping
from podium.sim_instruments.twins.qblox_cluster.processor.q1_abilities import NotEmulated
from podium.sim_instruments.twins.qblox_cluster.processor.real_time_trace import EventKind

ROWS = [
    {"time_ns": 4, "kind": EventKind.PLAY, "wave0": 0, "wave1": 1, "offs0": 3000},
    {"time_ns": 300, "offs0": -9000, "offs1": 2000},
    {"time_ns": 700},
    {"time_ns": 1500, "kind": EventKind.PLAY, "wave0": 0, "wave1": 3, "gain0": 12_000},
]
FILTERS = OutputShaping(0, ((40.0, 0.2), (300.0, -0.1)), (0.8, 0.3, *[0.0] * 30))
OTHER = OutputShaping(0, ((1000.0, -0.05),))
END_NS = 3000
LO_HZ = 5_000_000_000
LSB = limits.DAC_MAX


def tuned(run, mixer_correction=(1.0, 0.0), **afe):
    values = default_configuration()
    values["awg"][0]["mixer"] = {
        "en": run.configuration.modulate,
        "corr_gain_ratio": mixer_correction[0],
        "corr_phase_offset_degree": mixer_correction[1],
    }
    return replace(run, configuration=checked(values), afe=replace(run.afe, **afe))


def sound(run, rows, end_ns: int = END_NS, length: int | None = None) -> np.ndarray:
    trains, _ = pulse_trains(run, trace_of(rows, end_ns), dict.fromkeys(range(4), ALWAYS_ON))
    return sum(rendered(train, length or end_ns) for train in trains)


@pytest.mark.parametrize(("outputs", "filters"), [(((2,), ()), 2), (((), (3,)), 3)])
def test_a_flux_output_plays_what_a_direct_computation_filters(outputs, filters) -> None:
    run = run_of("QCM", outputs, modulate=False)
    unit = run.afe.model.output_full_scale_v / np.sqrt(100) / LSB
    plain = sound(run, ROWS) / unit
    shapings = tuple(FILTERS if n == filters else OutputShaping() for n in range(4))
    got = sound(tuned(run, shaping=shapings), ROWS) / unit
    assert not got.imag.any()
    ideal = np.clip(directly(FILTERS, plain.real), -32_768, 32_767)
    assert np.abs(got.real - ideal).max() < 0.7
    assert np.abs(got.real - plain.real).max() > 1000


@pytest.mark.parametrize("modulate", [False, True])
def test_each_of_two_outputs_has_filters_of_its_own(modulate: bool) -> None:
    rows = [row | {"nco_freq": 200_000_000} for row in ROWS]
    for row in rows:
        row["nco_phase"] = row["nco_freq"] * row["time_ns"] // 4 % 10**9
    run = run_of("QCM", ((0,), (1,)), modulate=modulate)
    unit = run.afe.model.output_full_scale_v / np.sqrt(100) / LSB
    plain = sound(run, rows) / unit
    got = sound(tuned(run, shaping=(FILTERS, OTHER, FILTERS, OTHER)), rows) / unit
    # a turning envelope is rounded before the filters here, and after them there
    close = 2.0 if modulate else 0.7
    assert np.abs(got.real - directly(FILTERS, plain.real)).max() < close
    assert np.abs(got.imag - np.clip(directly(OTHER, plain.imag), -32_768, 32_767)).max() < close


def test_equal_pulses_behind_filters_are_one_piece_once_the_tail_is_over() -> None:
    rows = [{"time_ns": 0}]
    for n in range(20):
        rows += [{"time_ns": 10_000 * n + 4, "offs0": 9000}, {"time_ns": 10_000 * n + 204}]
    run = tuned(run_of("QCM", ((2,), ()), modulate=False), shaping=(FILTERS,) * 4)
    (train,), _ = pulse_trains(run, trace_of(rows, 200_000), {})
    assert len(train.start_ns) == 20 * len(train.pieces)


SHOTS, SHOT_NS = 12, 40_000
TAILS = {
    "exponentials": OutputShaping(470, ((4_000.0, -0.01), (300.0, 0.03), (40.0, 0.1))),
    "FIR": OutputShaping(550, ((4_000.0, -0.01),), (0.9, 0.06, *np.hanning(30) / 300)),
    "high-pass": OutputShaping(520, ((300.0, 0.03),), high_pass_ns=300_000.0),
}


def shot_rows(shot_ns: int, once: int | None = None) -> list[dict[str, int]]:
    """Return shots of two kinds in turn, with pulses that come back to 0, and one by itself."""
    rows = [{"time_ns": 0}]
    for shot in range(SHOTS):
        at, level = shot_ns * shot + 24, 9000 if shot % 2 else -5000
        rows += [{"time_ns": at, "offs0": level}, {"time_ns": at + 60}]
        rows += [{"time_ns": at + 400, "offs0": -level}, {"time_ns": at + 470 + 8 * (shot % 2)}]
        if shot == once:
            rows += [{"time_ns": at + 600, "offs0": 7000}, {"time_ns": at + 640}]
    return rows


@pytest.mark.parametrize("shaping", TAILS.values(), ids=TAILS)
@pytest.mark.parametrize("shot_ns", [3_000, 9_000, SHOT_NS])
@pytest.mark.parametrize("once", [None, 7], ids=["alike", "one by itself"])
def test_equal_shots_leave_as_sample_by_sample(shaping, shot_ns, once, monkeypatch) -> None:
    rows, end_ns = shot_rows(shot_ns, once), SHOTS * shot_ns
    run = tuned(run_of("QCM", ((2,), ()), modulate=False), shaping=(shaping,) * 4)
    got, over = pulse_trains(run, trace_of(rows, end_ns), {})
    monkeypatch.setattr(shaped_output, "QUIET_NS", 10**9)
    wanted, _ = pulse_trains(run, trace_of(rows, end_ns), {})
    assert not over
    (one,), (other,) = got, wanted
    np.testing.assert_array_equal(one.start_ns, other.start_ns)
    np.testing.assert_array_equal(one.piece, other.piece)
    for own, walked in zip(one.pieces, other.pieces, strict=True):
        np.testing.assert_array_equal(own.samples, walked.samples)
        assert (own.level, own.duration_ns) == (walked.level, walked.duration_ns)


def test_what_is_left_of_a_shot_shows_in_the_next() -> None:
    """A twin that filtered each kind of shot once, whatever is left, would be found."""
    run = tuned(run_of("QCM", ((2,), ()), modulate=False), shaping=(TAILS["FIR"],) * 4)
    heard = sound(run, shot_rows(3_000), 3_000 * SHOTS)[550:]
    assert np.any(heard[:2_000] != heard[6_000:8_000])


@pytest.mark.parametrize(("name", "refused"), [("FIR", False), ("high-pass", True)])
def test_equal_shots_go_through_the_filters_once(name, refused, monkeypatch) -> None:
    """But for a high-pass, which keeps what it has summed up."""
    run = tuned(run_of("QCM", ((2,), ()), modulate=True), shaping=(TAILS[name],) * 4)
    rows = [row | {"nco_freq": 100_000_000} for row in shot_rows(SHOT_NS)]
    trace = trace_of(rows, SHOTS * SHOT_NS)
    monkeypatch.setattr(shaped_output, "SAMPLES_MAX", 6 * 150)
    if refused:
        with pytest.raises(NotEmulated, match="samples go through the filters of slot"):
            pulse_trains(run, trace, {})
    else:
        pulse_trains(run, trace, {})


def test_an_overflow_of_shots_that_repeat_is_told() -> None:
    strong = OutputShaping(550, TAILS["FIR"].exponentials, (1.9, 1.9, *[0.0] * 30))
    run = tuned(run_of("QCM", ((2,), ()), modulate=False), shaping=(strong,) * 4)
    _, over = pulse_trains(run, trace_of(shot_rows(SHOT_NS), SHOTS * SHOT_NS), {})
    assert over


def test_a_delayed_rf_output_turns_with_its_oscillator() -> None:
    delay = OutputShaping(110)
    rows = [{"time_ns": 8, "offs0": 9000, "nco_freq": 400_000_001}, {"time_ns": 500}]
    run = run_of(lo_hz=5_123_456_789)
    late = tuned(run, shaping=(delay,) * 4)
    plain, got = (sound(one, rows, END_NS, END_NS + 110) for one in (run, late))
    turned = np.exp(2j * np.pi * 5_123_456_789 * 110e-9)
    np.testing.assert_allclose(got[110:], plain[:-110] * turned, atol=1e-6)
    assert not got[:110].any()


WRONG = Mixer(1.07, 4.0, (6.0, -3.0))


def test_a_mixer_plays_its_image_and_leaks_its_oscillator() -> None:
    rows = [{"time_ns": 0, "offs0": 9000, "nco_freq": 400_000_000}]
    run = tuned(run_of(), mixers=(WRONG,) * 2, output_offset_mv=(0.0,) * 4)
    full = limits.rf_output_full_scale(0)
    turns = 0.1 * np.arange(1000)
    i, q = (9000 / LSB * wave(2 * np.pi * turns) for wave in (np.cos, np.sin))
    expected = i + 1.07j * np.exp(1j * np.deg2rad(4.0)) * q  # LO: whole turns each ns
    np.testing.assert_allclose(sound(run, rows, 1000), full * expected, atol=1e-6 * full)
    (leak, _) = leaks(4, run.afe, dict.fromkeys(range(2), ALWAYS_ON), 1000)
    assert leak.pieces[0].carrier_hz == LO_HZ
    assert leak.pieces[0].level == pytest.approx(full * (6 - 3 * WRONG.quadrature) / 500)


def test_the_least_image_is_where_the_automatic_calibration_puts_it() -> None:
    rows = [{"time_ns": 0, "offs0": 9000, "nco_freq": 400_000_000}]
    run = run_of()

    def image(ratio: float, angle: float) -> float:
        signal = sound(tuned(run, (ratio, angle), mixers=(WRONG,) * 2), rows, 1000)
        return abs(np.mean(signal * np.exp(2j * np.pi * 0.1 * np.arange(1000))))

    ratio, angle = WRONG.best_correction()
    ratios, angles = ratio + np.linspace(-0.02, 0.02, 5), angle + np.linspace(-1, 1, 5)
    found = {(r, a): image(r, a) for r in ratios for a in angles}
    assert min(found, key=found.get) == (ratios[2], angles[2])
    assert image(1.0, 0.0) > 20 * found[ratios[2], angles[2]]


def test_nothing_leaks_while_the_switch_is_open_or_the_oscillator_is_off() -> None:
    afe = replace(run_of().afe, mixers=(WRONG,) * 2, output_offset_mv=(0.0,) * 4)
    switch = replace(ALWAYS_ON, on=np.zeros(1, np.bool_))
    assert not list(leaks(4, afe, {0: switch, 1: switch}, 1000))
    off = replace(afe, lo_on=(False, False))
    assert not list(leaks(4, off, dict.fromkeys(range(2), ALWAYS_ON), 1000))


class Mixing(Bench):
    """A cluster whose mixers are drawn."""

    def __init__(self) -> None:
        super().__init__()
        self.kept: dict[str, float] = {}
        self.mixers = {
            f"slot{s}.out{n}": Mixer(1.02 + 0.01 * n, 1.5 - s, (3.0 + s, n - 2.5))
            for s in (2, 4)
            for n in (0, 1)
        }
        self.twin = ClusterTwin({2: "QRM-RF", 4: "QCM-RF"}, "7", self.playback, mixers=self.mixers)
        self.sessions = {name: self.twin.open(name) for name in ("scpi", "slot2", "slot4")}

    def tones(self) -> set[tuple[str, float]]:
        self.load(
            4,
            0,
            "wait_sync 4\nset_mrk 3\nset_freq 400000000\nset_awg_offs 9000,0\nupd_param 1000\nstop",
        )
        values = self.twin.modules[4].sequencers[0].configuration_values
        values["awg"][0]["mixer"] |= self.kept
        values["awg"][0]["mixer"]["en"] = True
        self.send(4, "SEQuencer0:CONFiguration", block=json_bytes(values))
        self.send(4, "SEQuencer0:ARM")
        self.send(4, "SEQuencer0:START")
        self.playback.release()
        self.twin.horizon(T0 + 100 * US)
        (signals,) = self.playback.played[-1:]
        return {
            (train.line, piece.carrier_hz)
            for train in signals.drives
            for piece in train.pieces
            if abs(piece.level) > 3e-5 * limits.rf_output_full_scale(0)
        }


def test_the_calibrations_of_the_box_leave_one_tone() -> None:
    bench = Mixing()
    bench.send(4, "SEQuencer0:CHANnelmap", block=b"[[0], [1]]")
    lo = 6_000_000_000
    assert bench.tones() >= {("slot4.out0", f) for f in (lo, lo - 1e8, lo + 1e8)}
    now_fs = T0 - 10 * FS_PER_S
    for command in ("MIXer:LO:CALIB 0", "MIXer:LO:CALIB 1", "MIXer:SIDEbands:CALIB 0"):
        bench.send(4, command, now_fs)
        now_fs = bench.twin.modules[4].calibrates_until_fs  # it takes its time
    assert now_fs < T0
    assert bench.errors(4) == 0
    corrected = bench.twin.modules[4].sequencers[0].configuration_values["awg"][0]["mixer"]
    bench.kept = {k: v for k, v in corrected.items() if k != "en"}
    assert bench.tones() == {("slot4.out0", lo + 1e8)}


def test_a_calibration_of_sidebands_needs_one_mixer() -> None:
    bench = Mixing()
    bench.send(4, "MIXer:SIDEbands:CALIB 0")  # plays on both outputs after power-on
    assert "plays on 2 RF outputs" in bench.send(4, "SYSTem:ERRor:NEXT?")
    bench.send(4, "MIXer:LO:CALIB 2")
    assert "has no mixer" in bench.send(4, "SYSTem:ERRor:NEXT?")


def test_the_latency_of_an_output_is_that_of_the_vendors_simulation() -> None:
    from qblox_instruments.simulations.predistortions import get_filter_delay

    bench = Bench()
    for exponentials, fir in ((0, False), (1, False), (3, True), (0, True), (4, True)):
        state = {f"stage{k}": "enabled" if k <= exponentials else "disabled" for k in range(1, 5)}
        state["stage5"] = "enabled" if fir else "disabled"
        bench.send(4, "PREDISTortion:CONFiguration", block=json_bytes({"out2": {"state": state}}))
        answer = float(bench.send(4, "PREDISTortion:CONFiguration:IO:CHANnel2:DELAY?"))
        assert answer == pytest.approx(get_filter_delay(exponentials, fir), abs=1e-15)
