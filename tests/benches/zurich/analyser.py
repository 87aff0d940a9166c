"""A quantum analyser whose scope looks at what it plays itself."""

import struct

import numpy as np
from tests.benches.zurich.device_bench import MS, US, Bench

from podium.firmware_interfaces.zurich.values import vector_of
from podium.firmware_interfaces.zurich.vector_headers import numbers_of, scaling_of
from podium.sim_instruments.twins.zurich.data_server.data_server import DataServer
from podium.sim_instruments.twins.zurich.runs.program_execution import ProgramExecution

GHZ, LENGTH = 2e9, 512
LSB_V = 1 / 8192
"""Of the converter at an input range of 10 dBm, which is 1 V."""


HEADER = struct.Struct("<qIIddqIIIIII")
RAMP = np.linspace(0.1, 0.9, 300) * np.exp(0.3j)
STEP = np.full(200, 0.25 - 0.5j)


class Analyser(Bench):
    """An SHFQA4 on which every channel can send and hear."""

    def __init__(self) -> None:
        self.execution = ProgramExecution()
        server = DataServer("1", {12002: "SHFQA4"}, execution=self.execution)
        self.devices = {device.model.name: device for device in server.devices}
        self.now_fs = 3 * MS
        for channel in range(4):
            at = f"qachannels/{channel}"
            self.set(f"{at}/mode", 1)
            self.set(f"{at}/input/on", 1)
            self.set(f"{at}/output/on", 1)
            self.set(f"{at}/generator/waveforms/0/wave", vector_of(RAMP))
            self.set(f"{at}/generator/waveforms/1/wave", vector_of(STEP))
        self.set("scopes/0/length", LENGTH)
        self.set("scopes/0/single", 1)

    def set(self, path, value, device="SHFQA4"):
        super().set(path, value, device)

    def get(self, path, device="SHFQA4"):
        return super().get(path, device)

    def run(self, program, channel=0, trigger=None):
        at = f"qachannels/{channel}/generator"
        self.upload(at, program, "SHFQA4")
        if trigger is not None:
            self.set(f"{at}/auxtriggers/0/channel", trigger)
        self.set(f"{at}/enable", 1)

    def listen(self, *channels, **nodes):
        """Enable the scope on inputs; by default on the monitor trigger of channel 0."""
        for channel in channels:
            self.set(f"scopes/0/channels/{channel}/enable", 1)
            self.set(f"scopes/0/channels/{channel}/inputselect", channel)
        for node, value in ({"trigger_channel": 64, "trigger_enable": 1} | nodes).items():
            self.set(f"scopes/0/{node.replace('_', '/')}", value)
        self.set("scopes/0/enable", 1)

    def software_trigger(self):
        self.set("system/swtriggers/0/single", 1)
        self.wait(20 * US)

    def record(self, channel=0):
        held = self.get(f"scopes/0/channels/{channel}/wave")
        words = numbers_of(held).view("<i4").reshape(-1, 2) * scaling_of(held)
        return words[:, 0] + 1j * words[:, 1]

    def header(self, channel=0):
        content = self.get(f"scopes/0/channels/{channel}/wave").content
        names = (
            "first", "ticks", "flags", "scaling", "centre", "trigger", "input", "averages",
            "segments", "total", "segment", "missed",
        )  # fmt: skip
        return dict(zip(names, HEADER.unpack_from(content), strict=True))


def padded(wave, first=0, samples=LENGTH):
    """Return what a record holds of a pulse that begins ``first`` samples into it."""
    found = np.zeros(samples, complex)
    taken = wave[max(0, -first) :][: samples - max(0, first)]
    found[max(0, first) :][: len(taken)] = taken
    return found


def same(found, wanted, steps=1):
    """Tell whether a record is as it should be but for what the converter rounds."""
    assert found.shape == wanted.shape
    apart = np.maximum(np.abs((found - wanted).real), np.abs((found - wanted).imag))
    return apart.max() <= 0.5001 * LSB_V * steps
