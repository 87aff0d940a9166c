"""What the driver of a data server sends, and what it says of what cannot be taken."""

from dataclasses import replace

import numpy as np
import pytest
from tests.benches.zurich.driver_programs import DRIVE, LAYOUT, PROGRAM, READ, TABLE

from podium.drivers.errors import ProtocolError, Refused
from podium.drivers.zurich.core_upload import source_of
from podium.drivers.zurich.data_server import ZurichDataServer
from podium.drivers.zurich.results import acquired
from podium.drivers.zurich.seqc_compiler import compile_source
from podium.firmware_interfaces.zurich.program import (
    CoreProgram,
    Start,
    Waveform,
)


@pytest.fixture
def sent():
    return []


@pytest.fixture
def driver(sent):
    return ZurichDataServer.rehearse("zi", sent.append, {12000: "SHFQC"})


def test_a_program_is_loaded_armed_and_started_in_this_order(driver, sent):
    driver.load(PROGRAM)
    at = [one.partition(" = ")[0].removeprefix("/dev12000/") for one in sent]
    assert at[:2] == ["sgchannels/2/awg/enable", "qachannels/0/generator/enable"]
    assert at[2:] == [
        "raw/error/clear",
        "sgchannels/2/awg/elf/data",
        "qachannels/0/generator/elf/data",
        "sgchannels/2/awg/waveform/waves/0",
        "sgchannels/2/awg/commandtable/data",
        "qachannels/0/generator/waveforms/0/wave",
        "qachannels/0/readout/integration/weights/0/wave",
        "sgchannels/2/output/on",
    ]
    sent.clear()
    driver.arm()
    driver.start()
    driver.wait(0.0)
    assert sent == [
        "/dev12000/qachannels/0/readout/result/enable = 0",
        "/dev12000/raw/error/clear = 1",
        "/dev12000/qachannels/0/readout/result/enable = 1",
        "/dev12000/sgchannels/2/awg/enable = 1",
        "/dev12000/qachannels/0/generator/enable = 1",
        "/dev12000/system/internaltrigger/repetitions = 1",
        "/dev12000/system/internaltrigger/enable = 1",
    ]


def test_what_is_held_is_not_sent_again(driver, sent):
    driver.load(PROGRAM)
    sent.clear()
    driver.load(PROGRAM)
    assert not any("elf" in one or "wave" in one for one in sent)
    louder = replace(READ, weights=(replace(READ.weights[0], i=(0.5,) * 16),))
    driver.load(replace(PROGRAM, cores=(DRIVE, louder)))
    assert any("weights/0" in one for one in sent)
    assert not any("elf" in one or "waves" in one or "waveforms" in one for one in sent)


@pytest.mark.parametrize(
    ("changed", "told"),
    [
        ({"command_table": TABLE.replace("1.1", "1.2")}, ["sgchannels/2/awg/commandtable/data"]),
        (
            {"waveforms": (Waveform(0, "w", (5,) * 32, (1,) * 32),)},
            ["sgchannels/2/awg/waveform/waves/0"],
        ),
        (
            {"text": DRIVE.text + "playZero(64);"},
            [
                "sgchannels/2/awg/elf/data",
                "sgchannels/2/awg/waveform/waves/0",
                "sgchannels/2/awg/commandtable/data",
            ],
        ),
    ],
)  # fmt: skip
def test_only_what_differs_is_sent_and_all_after_machine_code(driver, sent, changed, told):
    driver.load(PROGRAM)
    sent.clear()
    driver.load(replace(PROGRAM, cores=(replace(DRIVE, **changed), READ)))
    at = [one.partition(" = ")[0].removeprefix("/dev12000/") for one in sent]
    assert at == [
        "sgchannels/2/awg/enable",
        "qachannels/0/generator/enable",
        "raw/error/clear",
        *told,
        "sgchannels/2/output/on",
    ]


def test_safe_stops_everything_and_the_program_is_gone(driver, sent):
    driver.load(PROGRAM)
    sent.clear()
    driver.safe()
    for n in range(6):
        assert f"/dev12000/sgchannels/{n}/awg/enable = 0" in sent
        assert f"/dev12000/sgchannels/{n}/output/on = 0" in sent
    assert "/dev12000/qachannels/0/generator/enable = 0" in sent
    with pytest.raises(Refused, match="zi: arm: no program is loaded"):
        driver.arm()


def test_what_does_not_compile_is_told_with_program_core_and_line(driver):
    wrong = replace(DRIVE, text="playZero(32);\nplayNothing(3);\n")
    told = r"(?s)zi was asked to compile sgchannels/2/awg \(q0.drive\) of 'trial' on .*\(line: 2\)"
    with pytest.raises(Refused, match=told):
        driver.load(replace(PROGRAM, cores=(wrong,)))
    with pytest.raises(Refused, match="no program is loaded"):
        driver.start()


def test_the_same_text_compiles_for_each_kind_of_core():
    assert compile_source(source_of(DRIVE, "SHFSG8", "")).startswith(b"\x7fELF")
    hdawg = CoreProgram("hdawg", 1, ("c0.flux",), "waitDigTrigger(1); playZero(32);")
    assert compile_source(source_of(hdawg, "HDAWG8", "")).startswith(b"\x7fELF")


def test_a_start_that_others_give_is_not_given_here(driver):
    driver.load(replace(PROGRAM, start=Start(0)))
    with pytest.raises(Refused, match="trigger 0"):
        driver.start()


def test_results_are_volts_and_missing_ones_are_told():
    found = acquired("zi", LAYOUT, {0: np.array([16, 32j, -16])})
    assert found.i == pytest.approx([1, 0, -1])
    assert found.q == pytest.approx([0, 2, 0])
    assert found.counts.tolist() == [10, 10, 10]
    with pytest.raises(ProtocolError, match="q0: 1 of 3 results are missing"):
        acquired("zi", LAYOUT, {0: np.array([16, np.nan, 0])})
    with pytest.raises(ProtocolError, match="part of the program did not play"):
        acquired("zi", LAYOUT, {0: np.array([16 + 0j])})


def test_a_raw_trace_is_the_window_of_the_scopes_record():
    layout = replace(LAYOUT, trace_skip=4)
    record = np.arange(32) + 0j
    found = acquired("zi", layout, {0: np.zeros(3, complex)}, record)
    assert found.trace == pytest.approx(np.arange(4.5, 20, 2))
    with pytest.raises(ProtocolError, match="the scope has 8 samples, 20 are needed"):
        acquired("zi", layout, {0: np.zeros(3, complex)}, record[:8])
