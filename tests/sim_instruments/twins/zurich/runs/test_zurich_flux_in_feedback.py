"""An HDAWG plays flux pulses in runs in which generators act on results, and acts on them, too."""

import numpy as np
import pytest
from tests.benches.zurich.pqsc_rack import AWG, HDAWG_IN, IN, QA, READOUT, SG, PqscRack
from tests.benches.zurich.wired_racks import MeetingWorld

from podium.firmware_interfaces.zurich.latency import Route, feedback_cycles
from podium.firmware_interfaces.zurich.values import vector_of

MS, US = 10**12, 10**9
BITS = (1, 0, 0, 1, 1, 0)
SHOTS, PERIOD_NS = len(BITS), 100_000
REGISTER, LATENCY = 19, 400
"""Cycles from a start to when results are asked for: behind all of them."""
FLUX = "dev8001.sigout3"
WAIT = f"repeat ({SHOTS}) {{ waitZSyncTrigger(); playZero(1024);"
READ = f"{WAIT} startQA(QA_GEN_0, QA_INT_0, true, {REGISTER}, 0); }}"
ACT = (
    "configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_A, 0, 1, 0); wave w = 0.5 * ones(64);"
    f"{WAIT} if (getFeedback(ZSYNC_DATA_PROCESSED_A, {LATENCY})) {{ playWave({{play}}); }}"
    "else { playZero(64); } }"
)
PULSE = f"wave w = -0.5 * ones(64); {WAIT} playWave(2, w); }}"


@pytest.fixture
def rack():
    made = PqscRack({0: "dev12001", 5: "dev12002", 2: "dev8001"}, MeetingWorld(BITS))
    made.link()
    made.load(SHOTS)
    made.set(f"{READOUT}/integration/length", 256, "SHFQA2")
    made.upload(QA, READ, "SHFQA2")
    for port in (2, 5):
        output = f"zsyncs/{port}/output"
        made.set(f"{output}/enable", 1, "PQSC")
        made.set(f"{output}/source", 0, "PQSC")
        source = f"{output}/registerbank/sources/0"
        made.set(f"{source}/enable", 1, "PQSC")
        made.set(f"{source}/register", REGISTER, "PQSC")
        made.set(f"{source}/index", 0, "PQSC")
    return made


def play(rack, drive: str, flux: str) -> None:
    rack.upload(SG, drive, "SHFSG4")
    rack.upload(AWG, flux, "HDAWG4")
    for at, device in ((QA, "SHFQA2"), (SG, "SHFSG4"), (AWG, "HDAWG4")):
        rack.set(f"{at}/enable", 1, device)
    rack.wait(US)
    rack.start(SHOTS)
    rack.wait(MS)


def starts_ns(trains, line: str) -> list[int]:
    return sorted(at for one in trains if one.line == line for at in one.start_ns.tolist())


def shots_of(trains, line: str) -> list[int]:
    """In which shots something was played."""
    return sorted({at // PERIOD_NS for at in starts_ns(trains, line)})


ONES = [shot for shot, bit in enumerate(BITS) if bit]
IN_ANY_CASE = list(range(SHOTS))


def test_flux_pulses_are_played_in_each_shot_while_a_generator_acts_on_results(rack) -> None:
    play(rack, ACT.replace("{play}", "1, 2, w, 1, 2, w"), PULSE)
    assert shots_of(rack.world.ended.drives, "dev12002.sg0") == ONES
    assert shots_of(rack.world.ended.drives, FLUX) == IN_ANY_CASE
    as_it_goes_on = starts_ns(rack.world.drives, FLUX)
    assert as_it_goes_on == [as_it_goes_on[0] + PERIOD_NS * shot for shot in IN_ANY_CASE]
    for at, device in ((QA, "SHFQA2"), (SG, "SHFSG4"), (AWG, "HDAWG4")):
        assert rack.get(f"{at}/enable", device) == 0, rack.said(device)


@pytest.mark.parametrize("filters", [False, True])
def test_an_hdawg_pulses_where_the_result_that_a_pqsc_forwards_is_1(rack, filters) -> None:
    if filters:
        at = "sigouts/3/precompensation"
        for node, value in (("timeconstant", 40e-9), ("amplitude", -0.1), ("enable", 1)):
            rack.set(f"{at}/exponentials/0/{node}", value, "HDAWG4")
        rack.set(f"{at}/enable", 1, "HDAWG4")
    play(rack, PULSE.replace("2, w", "1, 2, w, 1, 2, w"), ACT.replace("{play}", "2, w"))
    for drives in (rack.world.ended.drives, rack.world.drives):
        assert shots_of(drives, FLUX) == ONES
        if not filters:
            assert len({at % PERIOD_NS for at in starts_ns(drives, FLUX)}) == 1
    assert rack.get(f"{AWG}/enable", "HDAWG4") == 0, rack.said("HDAWG4")


EARLIEST = feedback_cycles(Route.INTERNAL_ZSYNC, 256) + 1
"""Cycles from a readout to its result within an SHFQC: outputs are later behind ZSync."""


def test_an_shfqc_acts_on_its_own_result_at_once_beside_an_hdawg() -> None:
    """Its generator waits for a window that closes at the connector after the result is heard."""
    devices = {12001: "SHFQC", 8001: "HDAWG4", 10001: "PQSC"}
    rack = PqscRack({0: "dev12001", 2: "dev8001"}, MeetingWorld(BITS), devices)
    rack.set(IN, 2, "SHFQC")
    rack.set(HDAWG_IN, 2, "HDAWG4")
    rack.set("dios/0/mode", 3, "HDAWG4")
    rack.set("system/clocks/sampleclock/freq", 2e9, "HDAWG4")
    rack.set("sigouts/3/on", 1, "HDAWG4")
    tone = np.exp(2j * np.pi * 0.05 * np.arange(256))
    act = (
        "configureFeedbackProcessing(QA_DATA_PROCESSED, 0, 1, 0); wave w = 0.5 * ones(64);"
        f"{WAIT} if (getFeedback(QA_DATA_PROCESSED, {EARLIEST + 4}))"
        "{ playWave(1, 2, w, 1, 2, w); } else { playZero(64); } }"
    ).replace("playZero(1024);", "playZero(256);")
    for path, value in {
        "qachannels/0/mode": 1,
        "qachannels/0/centerfreq": 7e9,
        "qachannels/0/output/on": 1,
        "qachannels/0/input/on": 1,
        "qachannels/0/generator/waveforms/0/wave": vector_of(0.5 * tone),
        f"{READOUT}/integration/weights/0/wave": vector_of(tone.conj()),
        f"{READOUT}/integration/length": 256,
        f"{READOUT}/result/length": SHOTS,
        "synthesizers/1/centerfreq": 6e9,
        "sgchannels/0/output/on": 1,
        f"{SG}/outputs/0/gains/0": 1.0,
        f"{SG}/outputs/0/gains/1": -1.0,
        f"{SG}/outputs/1/gains/0": 1.0,
        f"{SG}/outputs/1/gains/1": 1.0,
        f"{SG}/modulation/enable": 1,
        f"{SG}/diozsyncswitch": 1,
        f"{READOUT}/result/enable": 1,
    }.items():
        rack.set(path, value, "SHFQC")
    rack.upload(QA, READ.replace(str(REGISTER), "0").replace("1024", "256"), "SHFQC")
    rack.upload(SG, act, "SHFQC")
    rack.upload(AWG, PULSE, "HDAWG4")
    for at, device in ((QA, "SHFQC"), (SG, "SHFQC"), (AWG, "HDAWG4")):
        rack.set(f"{at}/enable", 1, device)
    rack.wait(US)
    rack.start(SHOTS)
    rack.wait(MS)
    assert rack.world.ended is not None, rack.said("SHFQC")
    assert shots_of(rack.world.ended.drives, "dev12001.sg0") == ONES
    assert shots_of(rack.world.ended.drives, FLUX) == IN_ANY_CASE
