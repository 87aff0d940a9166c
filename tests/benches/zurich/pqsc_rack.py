"""Instruments behind a PQSC, in virtual time."""

import json

import numpy as np
from tests.benches.referees import seqc_corpus
from tests.benches.zurich.device_bench import Bench
from tests.benches.zurich.precomputed_runs import Inline

from podium.firmware_interfaces.zurich.values import bytes_vector, vector_of
from podium.sim_instruments.twins.zurich.data_server.data_server_factory import running_data_server
from podium.sim_instruments.twins.zurich.data_server.vendor_text import VendorText
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

US = 10**9
DEVICES = {12001: "SHFQA2", 12002: "SHFSG4", 8001: "HDAWG4", 10001: "PQSC"}
QA, SG, AWG = "qachannels/0/generator", "sgchannels/0/awg", "awgs/1"
READOUT = "qachannels/0/readout"
IN, HDAWG_IN = "system/clocks/referenceclock/in/source", "system/clocks/referenceclock/source"


class PqscRack(Bench):
    """A rack in virtual time, before a world that answers with numbers."""

    def __init__(
        self, cables: dict[int, str] | None, world: Inline | None = None, devices=DEVICES
    ) -> None:
        self.world = world or Inline()
        server = running_data_server("1", devices, VendorText, self.world, zsync=cables)
        self.server = server
        self.execution = server._execution._execution  # behind the clock of all
        assert isinstance(self.execution, ProgramExecution)
        self.devices = {device.model.name: device for device in server.devices}
        self.now_fs = 0

    def link(self) -> None:
        self.set(IN, 2, "SHFQA2")
        self.set(IN, 2, "SHFSG4")
        self.set(f"{SG}/diozsyncswitch", 1, "SHFSG4")
        self.set(HDAWG_IN, 2, "HDAWG4")
        self.set("dios/0/mode", 3, "HDAWG4")
        self.set("system/clocks/sampleclock/freq", 2e9, "HDAWG4")

    def load(self, starts: int = 1) -> None:
        """Have all be silent for 1024 samples after each start, then play."""
        begin = f"repeat ({starts}) {{ waitZSyncTrigger(); playZero(1024);"
        self.set("qachannels/0/mode", 1, "SHFQA2")
        self.set("qachannels/0/centerfreq", 7e9, "SHFQA2")
        self.set("qachannels/0/output/on", 1, "SHFQA2")
        tone = np.exp(2j * np.pi * 0.05 * np.arange(256))
        self.set("qachannels/0/generator/waveforms/0/wave", vector_of(0.5 * tone), "SHFQA2")
        self.set(f"{READOUT}/integration/weights/0/wave", vector_of(tone.conj()), "SHFQA2")
        self.set(f"{READOUT}/integration/length", 256, "SHFQA2")
        self.set(f"{READOUT}/result/length", starts, "SHFQA2")
        self.set("synthesizers/0/centerfreq", 6e9, "SHFSG4")
        self.set("sgchannels/0/output/on", 1, "SHFSG4")
        for k, gain in ((0, 1.0), (1, -1.0)):
            self.set(f"{SG}/outputs/0/gains/{k}", gain, "SHFSG4")
            self.set(f"{SG}/outputs/1/gains/{k}", 1.0, "SHFSG4")
        self.set(f"{SG}/modulation/enable", 1, "SHFSG4")
        self.set("sigouts/3/on", 1, "HDAWG4")
        self.set("sigouts/3/range", 2.0, "HDAWG4")
        self.upload(QA, f"{begin} playZero(64); startQA(QA_GEN_0, QA_INT_0, true, 0, 0);"
                        "playZero(64); }", "SHFQA2")  # fmt: skip
        play = "playWave(1, 2, w, 1, 2, w); playHold(64); }"
        self.upload(SG, f"wave w = 0.5 * ones(64); {begin} {play}", "SHFSG4")
        self.upload(AWG, f"wave w = -0.5 * ones(64); {begin} playWave(2, w); }}", "HDAWG4")
        self.set(f"{READOUT}/result/enable", 1, "SHFQA2")
        for at, device in ((QA, "SHFQA2"), (SG, "SHFSG4"), (AWG, "HDAWG4")):
            self.set(f"{at}/enable", 1, device)
        self.wait(US)

    def start(self, repetitions: int = 1) -> None:
        self.set("execution/repetitions", repetitions, "PQSC")
        self.set("execution/holdoff", 100e-6, "PQSC")
        self.set("execution/enable", 1, "PQSC")

    def edge(self, number: int) -> None:
        """Let an edge come to a trigger input of the PQSC, a moment from now."""
        self.server.input(f"dev10001.trigger{number}").edge(self.now_fs + US)
        self.wait(2 * US)

    def upload(self, at, source, device="SHFQC"):
        if device == "SHFQC":
            super().upload(at, source, device)
            return
        kind = {"SHFQA2": "SHFQA4", "SHFSG4": "SHFSG8", "HDAWG4": "HDAWG8"}[device]
        elf, _ = seqc_corpus.vendor_elf(source, kind)
        self.set(f"{at}/elf/data", bytes_vector(elf), device)

    def said(self, device: str) -> str:
        log = json.loads(str(self.get("raw/error/json/errors", device)))
        return " ".join(one["message"] for one in log["messages"])
