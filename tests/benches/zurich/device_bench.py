"""A device of Zurich Instruments with a clock in the hand of the test."""

from tests.benches.referees import seqc_corpus

from podium.firmware_interfaces.zurich.values import bytes_vector
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

MS, US = 10**12, 10**9
SG, QA = "sgchannels/0/awg", "qachannels/0/generator"
READOUT = "qachannels/0/readout"


class Bench:
    """An SHFQC, an HDAWG and a PQSC, in virtual time."""

    def __init__(self, options=None, world=None) -> None:
        self.world = world
        self.execution = ProgramExecution(playback=world)
        server = DataServer(
            "1",
            {12000: "SHFQC", 8001: "HDAWG8", 10001: "PQSC"},
            execution=self.execution,
            options=None if options is None else {12000: options},
        )
        self.devices = {device.model.name: device for device in server.devices}
        self.now_fs = 0
        for side in ("input", "output"):
            self.set(f"qachannels/0/{side}/on", 1)

    def set(self, path, value, device="SHFQC"):
        store = self.devices[device].store
        store.set(f"{store.root}/{path}", value, self.now_fs)

    def get(self, path, device="SHFQC"):
        self.devices[device].update(self.now_fs)
        return self.devices[device].store.value(path, self.now_fs)

    def wait(self, fs):
        self.now_fs += fs
        for device in self.devices.values():
            device.update(self.now_fs)

    def upload(self, at, source, device="SHFQC"):
        kind = {"qachannels": "SHFQA4", "sgchannels": "SHFQC", "awgs": "HDAWG8"}
        elf, _ = seqc_corpus.vendor_elf(source, kind[at.split("/")[0]])
        self.set(f"{at}/elf/data", bytes_vector(elf), device)
