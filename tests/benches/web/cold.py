"""A cold side made by hand: news of its readings and alarms, a supervisor that notes requests."""

import asyncio
import socket
from collections.abc import AsyncIterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import httpx
import numpy as np
from tests.benches.facility.loaded_examples import loaded

from podium.control.bus import cold
from podium.control.bus.cold import (
    AlarmNews,
    ColdFinding,
    ColdNews,
    ColdProcedureNews,
    Corridor,
    Countdown,
    ReadingNews,
    StepNews,
)
from podium.control.bus.memory import MemoryBus
from podium.control.bus.messages import Done, Failed
from podium.control.bus.readings import Course
from podium.control.bus.wire import decode, encode
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import wiring_of
from podium.control.web.bus_subscriptions import follow_bus
from podium.control.web.cold_picture import ColdPicture
from podium.control.web.picture import FacilityPicture
from podium.control.web.process import served
from podium.firmware_interfaces.fridge_signals import OUTPUTS

COLD = Path(__file__).parents[3] / "examples" / "cold" / "facility.yaml"
NOW_S = 1_800_000_000
FRIDGE = "fridge_a"
VALUES = {
    "temperature.first_stage": 35.12,
    "temperature.second_stage": 2.851,
    "temperature.still": 0.8124,
    "temperature.cold_plate": 0.0831,
    "temperature.mixing_chamber": 0.00705,
    "pressure.p1": 1.2e-4,
    "pressure.p2": 8.3,
    "pressure.p3": 4.2e4,
    "pressure.p4": 2100.0,
    "pressure.p5": 5.1e3,
    "pressure.p6": 1.013e5,
    "flow.circulation": 512e-6,
    "compressor.coolant_in": 290.1,
    "compressor.coolant_out": 301.7,
    "compressor.oil": 311.4,
    "compressor.helium": 344.9,
    "compressor.low_pressure": 6.1e5,
    "compressor.high_pressure": 1.92e6,
    "compressor.motor_current": 21.3,
    "turbo1.speed": 820.0,
    "turbo1.current": 1.4,
    "turbo1.voltage": 47.8,
    "turbo1.power": 66.9,
    "heater.still.power": 0.0121,
}
"""By signal, of a cold fridge that circulates; what is not here is 0."""
ON = (
    *(f"valve.{one}.open" for one in ("v1", "v3", "v4", "v5", "v6", "v9", "v14")),
    *(f"pump.{one}.on" for one in ("scroll1", "scroll2", "turbo1", "turbo2")),
    "pulse_tube.on",
    "compressor.running",
)


def cold_facility() -> Facility:
    return loaded(COLD)


def readings(facility: Facility, **changed: dict[str, object]) -> tuple[ReadingNews, ...]:
    """Return all readings of the fridges; ``changed``: fields of those of an instrument."""
    found = []
    for fridge in facility.fridges.values():
        for signal, names in wiring_of(facility, fridge).readings.items():
            value = 1.0 if signal in ON else VALUES.get(signal, 0.0)
            for name in names:
                news = ReadingNews(
                    name, fridge.name, signal, value, OUTPUTS[signal], (NOW_S, 0), "good"
                )
                found.append(replace(news, **changed.get(name.partition(".")[0], {})))
    return tuple(found)


def ten_fridges() -> tuple[Facility, tuple[ReadingNews, ...]]:
    """Return a facility of ten fridges like the example's, and all their readings."""
    facility = cold_facility()
    one = facility.fridges[FRIDGE]
    names = [f"fridge_{number}" for number in range(10)]
    heard = tuple(replace(each, fridge=name) for name in names for each in readings(facility))
    return replace(facility, fridges={name: replace(one, name=name) for name in names}), heard


def alarm(name: str, **fields: Any) -> AlarmNews:
    """Return an alarm of the fridge; a high one that nobody has acknowledged, if nothing else."""
    given: dict[str, Any] = {
        "name": f"{FRIDGE}.{name}",
        "fridge": FRIDGE,
        "kind": "limit",
        "state": "unacknowledged",
        "priority": "high",
        "active": True,
        "reading": "",
        "value": None,
        "limit": None,
        "unit": "",
        "since": (NOW_S - 75, 0),
        "what": name.replace("_", " "),
        "cause": "",
        "to_do": "",
    }
    return AlarmNews(**{**given, **fields})


def tripped() -> tuple[AlarmNews, ...]:
    """Return the alarms after the trip of a compressor: one leads, two follow, one is by itself."""
    leader = f"{FRIDGE}.compressor_stopped"
    return (
        alarm("still_warm", priority="medium", leader=leader, what="still at 1.2 K, limit 1.1 K"),
        alarm(
            "battery_low",
            priority="low",
            state="acknowledged",
            by="ada",
            what="battery at 61 %, limit 70 %",
        ),
        alarm(
            "compressor_stopped",
            priority="critical",
            what="the helium compressor has stopped by itself",
            cause="three-phase error: mains or cooling water",
            to_do="reset it and start it again; without it the mixture boils off",
        ),
        alarm(
            "second_stage_warm",
            priority="high",
            leader=leader,
            value=6.13,
            limit=4.5,
            unit="K",
            what="4 K plate at 6.13 K, limit 4.5 K",
        ),
    )


COUNTDOWNS = (
    Countdown(FRIDGE, "mixture_boils_off", "mixture boils off", 660.0, 540.0, 790.0),
    Countdown(FRIDGE, "last_moment", "last moment to act", 480.0, 400.0, 560.0),
    Countdown(FRIDGE, "second_stage_above_10K", "4 K plate above 10 K", 362.0, 300.0, 425.0),
)
STEPS = (
    StepNews("evacuate", "done", "", (NOW_S - 7200, 0), (NOW_S - 5400, 0)),
    StepNews("start_pulse_tube", "done", "", (NOW_S - 5400, 0), (NOW_S - 5300, 0)),
    StepNews("precool", "running", "4 K stage below 4.5 K: 2.85 K", (NOW_S - 5300, 0)),
    StepNews("condense", "waiting"),
    StepNews("circulate", "waiting"),
)
COOLDOWN = ColdProcedureNews(
    "c-1", "cooldown", FRIDGE, "running", STEPS, "ada", False, (NOW_S - 7200, 0)
)
FINDING = ColdFinding(
    FRIDGE,
    "extra_heat",
    "mixing_chamber",
    4.1e-6,
    0.6e-6,
    "W",
    (NOW_S - 900, 0),
    "",
    "extra heat in the mixing chamber, explained by nobody's playing",
)


def cold_news(facility: Facility, number: int = 1, **fields: Any) -> ColdNews:
    """Return news of a fridge that is cold and well."""
    given: dict[str, Any] = {
        "number": number,
        "tai": (NOW_S + number, 0),
        "readings": readings(facility),
        "alarms": (),
        "procedures": (),
        "countdowns": (),
        "findings": (),
        "notes": (),
    }
    return ColdNews(**{**given, **fields})


def rehearsal(procedure: str) -> cold.Rehearsal:
    """Return a rehearsal of 2 h in which the mixing chamber cools."""
    time_s = np.linspace(0.0, 7200.0, 60)
    median = 0.007 + 4.0 * np.exp(-time_s / 1500.0)
    return cold.Rehearsal(
        procedure,
        FRIDGE,
        time_s,
        {"temperature.mixing_chamber": Corridor("K", median, median * 0.8, median * 1.25)},
        STEPS,
        (0.0, 60.0, 600.0, 4000.0, float("nan")),
    )


def history(names: tuple[str, ...], facility: Facility) -> cold.ColdHistory:
    """Return a cooldown that ended an hour ago: 300 points over 25 h."""
    wiring = wiring_of(facility, next(iter(facility.fridges.values())))
    tai_s = np.linspace(NOW_S - 25 * 3600.0, NOW_S, 300)
    courses = {}
    for name in names:
        signal = wiring.signal_of(name)
        end = VALUES.get(signal, 0.0) or 1e-9
        begin = 295.0 if signal.startswith("temperature") else end * 30
        mean = end + (begin - end) * np.exp(-(tai_s - tai_s[0]) / 9000.0)
        courses[name] = Course(OUTPUTS[signal], tai_s, mean * 0.98, mean, mean * 1.02)
    return cold.ColdHistory(courses)


REQUESTS = (
    cold.Acknowledge,
    cold.ResetAlarm,
    cold.Shelve,
    cold.SetService,
    cold.BeginProcedure,
    cold.ConfirmProcedure,
    cold.StopProcedure,
    cold.Rehearse,
    cold.AskHistory,
    cold.AskCorridor,
)


@dataclass
class ColdSide:
    """A facility with a cold side, its page, and the supervisor in the test's hand."""

    facility: Facility
    bus: MemoryBus
    picture: FacilityPicture
    url: str = ""
    client: httpx.AsyncClient = field(default_factory=httpx.AsyncClient)
    asked: list[object] = field(default_factory=list)
    """What the supervisor was asked for, but for histories and corridors."""
    refuse: str = ""
    """If not empty: it refuses, with these words."""
    corridors: tuple[str, ...] = ()
    """Ids of procedures that were rehearsed as they began."""
    number: int = 0

    async def tell(self, **fields: Any) -> None:
        """Publish news, and return once the page has them."""
        self.number += 1
        news = cold_news(self.facility, self.number, **fields)
        await self.bus.publish(cold.cold_news_key(self.facility.name), encode(news))
        async with asyncio.timeout(10):
            cold_ = self.picture.cold
            while cold_.news is None or cold_.news.number != self.number:  # noqa: ASYNC110
                await asyncio.sleep(0.005)

    async def post(self, path: str, **body: Any) -> httpx.Response:
        """Ask the page for something, as its own script does."""
        headers = {"Origin": self.url, "X-Podium-Page": "cold"}
        return await self.client.post(f"/api/cold/{path}", json=body, headers=headers)

    async def answer(self, payload: bytes) -> bytes:
        request = decode(payload, *REQUESTS)
        if self.refuse:
            return encode(Failed("refused", self.refuse))
        if isinstance(request, cold.AskHistory):
            return encode(history(request.readings, self.facility))
        if isinstance(request, cold.AskCorridor):
            if request.id not in self.corridors:
                return encode(Failed("refused", f"no corridor of {request.id!r} is known"))
            return encode(rehearsal("cooldown"))
        self.asked.append(request)
        match request:
            case cold.Rehearse(procedure, _):
                return encode(rehearsal(procedure))
            case cold.BeginProcedure() | cold.ConfirmProcedure() | cold.StopProcedure():
                return encode(COOLDOWN)
        return encode(Done())

    @asynccontextmanager
    async def supervised(self) -> AsyncIterator[None]:
        """Answer as the supervisor while the context is open."""
        async with self.bus.serve(cold.cold_key(self.facility.name), self.answer):
            yield


@asynccontextmanager
async def cold_side(facility: Facility | None = None) -> AsyncIterator[ColdSide]:
    """Serve the page of a cold side, by default the example's, on a bus of its own.

    Its clock on the wall stands still: news do not grow old however slow the computer is.
    """
    facility, bus = facility or cold_facility(), MemoryBus()
    picture = FacilityPicture(facility, cold=ColdPicture(clock=lambda: 0.0))
    side = ColdSide(facility, bus, picture)
    async with AsyncExitStack() as stack:
        await stack.enter_async_context(follow_bus(picture, bus))
        await stack.enter_async_context(side.supervised())
        port = await stack.enter_async_context(
            served(picture, bus, socket.create_server(("127.0.0.1", 0)))
        )
        side.url = f"http://127.0.0.1:{port}"
        client = httpx.AsyncClient(base_url=side.url, timeout=20, verify=False)
        side.client = await stack.enter_async_context(client)
        yield side


def by_name(shown: Mapping[str, Any]) -> dict[str, Any]:
    """Return the readings of ``/api/cold`` by their names."""
    return {one["name"]: one for one in shown["fridges"][FRIDGE]}
