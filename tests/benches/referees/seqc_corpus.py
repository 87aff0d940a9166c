"""SeqC of every kind that the vendor's compiler knows, and a way to compile it."""

import re
from dataclasses import dataclass

import zhinst.core

from podium.firmware_interfaces.zurich.elf import SequencerElf, read_elf

DEVICES = {"SHFSG8": "sg", "SHFQC": "sg", "SHFQA4": "qa", "HDAWG8": None}


@dataclass(frozen=True)
class Compiled:
    elf: SequencerElf
    messages: str


def vendor_elf(source: str, device: str = "SHFSG8") -> tuple[bytes, str]:
    """Return what the vendor's compiler makes, and what it says."""
    if device == "HDAWG8":
        data, told = zhinst.core.compile_seqc(source, device, "", 0, samplerate=2.4e9)
    else:
        data, told = zhinst.core.compile_seqc(source, device, "", 0, sequencer=DEVICES[device])
    return data, told["messages"]


def compile_seqc(source: str, device: str = "SHFSG8") -> Compiled:
    data, messages = vendor_elf(source, device)
    return Compiled(read_elf(data), messages)


def listing(elf: SequencerElf) -> list[str]:
    """The vendor's listing with addresses in the place of its labels."""
    labels: dict[str, int] = {}
    lines: list[str] = []
    for line in elf.assembly.splitlines():
        label, _, rest = line.rpartition(":") if ":" in line else ("", "", line)
        if label:
            labels[label.strip()] = len(lines)
        if rest.strip():
            lines.append(re.sub(r"\s+", " ", rest.strip()))
    return [
        re.sub(r"\b[a-z]+\d+$", lambda found: str(labels[found[0]]), line)
        if line.startswith(("b", "jmp"))
        else line
        for line in lines
    ]


WAVES = (
    "wave w = gauss(64, 1.0, 32, 8); wave v = drag(96, 0.7, 48, 12); wave m = marker(64, 1);"
    "wave n = marker(64, 2); wave long = rect(600000, 0.5);"
)
PLAYS = (
    "playWave(w)", "playWave(2, w)", "playWave(1, 2, w)", "playWave(w, v)", "playWave(1, w, 2, v)",
    "playWave(1, 2, w, 1, 2, v)", "playWave(1, 2, w, 2, v)", "playWave(w + m)", "playWave(w + n)",
    "playWave(1, w + m, 2, w + n)", "playWave(w, 3)", "playWave(w, v, 1)", "playZero(64)",
    "playZero(1600, 5)", "playHold(64)", "playHold(64, 2)", "playZero(3000000)", "playZero(a)",
    "playHold(a)", "playHold(4000000)", "playWave(long)",
)  # fmt: skip
PERIPHERALS = (
    "wait(0)", "wait(5)", "wait(2000000)", "wait(a)", "waitWave()", "waitPlayQueueEmpty()",
    "waitDigTrigger(1)", "waitDigTrigger(2)", "waitDIOTrigger()", "waitZSyncTrigger()",
    "waitSineOscPhase(1)", "waitSineOscPhase(2)", "waitTimestamp()", "waitCntTrigger(0)",
    "setTrigger(5)", "setTrigger(a)", "setDIO(0x12345678)", "setID(3)", "sync()",
    "resetOscPhase()", "resetOscPhase(5)", "setOscFreq(0, 1e6)", "setOscFreq(1, -3.3e8)",
    "setSinePhase(90)", "setSinePhase(1, 30)", "incrementSinePhase(-45)",
    "incrementSinePhase(0, 0.5)", "configFreqSweep(0, -1e6, 1e5)", "setSweepStep(0, 2)",
    "setSweepStep(1, a)", "executeTableEntry(0)", "executeTableEntry(1023)",
    "executeTableEntry(5, 100)", "executeTableEntry(a)", "executeTableEntry(ZSYNC_DATA_RAW)",
    "executeTableEntry(ZSYNC_DATA_PROCESSED_A, 100)", "executeTableEntry(ZSYNC_DATA_PROCESSED_B)",
    "executeTableEntry(QA_DATA_PROCESSED)", "resetRTLoggerTimestamp()", "setPRNGSeed(5)",
    "setPRNGRange(1, 10)", "setUserReg(3, a)", "setUserReg(15, 7)",
    "configureFeedbackProcessing(ZSYNC_DATA_PROCESSED_B, 2, 3, 1)",
    "configureFeedbackProcessing(QA_DATA_PROCESSED, 31, 16, 4095)", "startQA(QA_GEN_3)",
    "startQA(QA_GEN_ALL, QA_INT_ALL, true, 0, 255)",
)  # fmt: skip
READS = (
    "getUserReg(15)", "getDigTrigger(1)", "getDigTrigger(2)", "getDIO()", "getDIOTriggered()",
    "getCnt(0)", "getFeedback(ZSYNC_DATA_RAW)", "getFeedback(ZSYNC_DATA_PROCESSED_A)",
    "getFeedback(ZSYNC_DATA_PROCESSED_B, 100)", "getFeedback(QA_DATA_PROCESSED)", "getPRNGValue()",
)  # fmt: skip
EXPRESSIONS = (
    "a + b", "a - b", "a & b", "a | b", "~a", "-a", "!a", "a == b", "a != b", "a < b", "a > b",
    "a <= b", "a >= b", "a && b", "a || b", "a << 5", "a >> 3", "a * 7", "a + 5", "a - 4096",
    "a + 0x12345678", "a & 0xff", "a & 0x7ffff", "a | 0x12345678",
    "a | 5", "a < 5", "a >= -3", "5 - a",
    "~(a | b)", "a & -3", "a == 77",
)  # fmt: skip
FLOW = (
    "repeat (10) { playZero(64); }", "repeat (a) { playZero(64); }",
    "var i; for (i = 0; i < 9; i++) { playZero(64); }", "while (a > 3) { a -= 1; playZero(64); }",
    "do { a += 2; } while (a < 7);", "if (a) playZero(64); else playZero(96);",
    "if (a & 0x10 && b < 3 || a > 2) setTrigger(1);", "while (true) { playZero(64); }",
    "switch (a) { case 0: playZero(32); case 1: playZero(64); default: playZero(128); }",
    "cvar k; for (k = 0; k < 3; k++) { playZero(64 + 16 * k); }",
)  # fmt: skip


def corpus() -> list[str]:
    start = "var a = getUserReg(0); var b = getUserReg(1); "
    return [
        *(f"{WAVES} var a = getUserReg(0); {play};" for play in PLAYS),
        *(f"var a = getUserReg(0); {call};" for call in PERIPHERALS),
        *(f"var a = {read}; setTrigger(a);" for read in READS),
        *(f"{start} var c = {expression}; setUserReg(2, c);" for expression in EXPRESSIONS),
        *(start + flow for flow in FLOW),
        f"{WAVES} assignWaveIndex(1, 2, w, 2); assignWaveIndex(1, 2, w, 1, 2, v, 5);"
        "wave p = placeholder(128, true, true); assignWaveIndex(p, 0); executeTableEntry(0);",
    ]
