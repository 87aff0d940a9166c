"""Twins of a generator, a source and a rack that record what reaches them."""

from dataclasses import dataclass

from tests.benches.servers.box_on_a_wire import Box

from podium.sim_instruments.wiring import Cable, Plan


class Source(Box):
    """Ramps by 1 V a femtosecond."""

    def level_v(self, now_fs: int) -> float:
        return float(now_fs)


class Rack(Box):
    def levels_v(self) -> dict[str, float]:
        return {"slot6.out2": 0.25, "slot6.out3": -0.5}


@dataclass
class Tone:
    frequency_hz: float = 5e9
    power_dbm: float = 3.0
    iq: bool = True
    lock: str = "tone #1"


class Generator(Box):
    def __init__(self, tone: Tone | None) -> None:
        super().__init__()
        self._tone = tone

    def tone(self, now_fs: int) -> Tone | None:
        return self._tone


PLAN = Plan(
    name="made up",
    instruments={},
    outputs={
        "rack": {"out0": Cable("q0.drive", None), "out1": Cable("q1.drive", "generator")},
        "source": {},
    },
    inputs={"rack": {}, "source": {}},
    biases={
        "q0.flux": ("source", ""),
        "q1.flux": ("rack", "slot6.out2"),
        "q2.flux": ("rack", "slot6.out3"),
    },
    thermometers={},
)


def twins(tone: Tone | None = None) -> dict[str, Box]:
    return {"source": Source(), "rack": Rack(), "generator": Generator(tone)}
