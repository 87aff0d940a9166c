"""Says of each reading of which fridge and signal it is, for what the supervisor publishes."""

from collections.abc import Iterator, Mapping

from podium.control.bus.cold import ReadingNews
from podium.control.facility.facility import Facility
from podium.control.facility.fridge_wiring import FridgeWiring, wiring_of
from podium.control.records.latest_readings import Latest, LatestReadings
from podium.firmware_interfaces.fridge_signals import OUTPUTS

NOT_HEARD = "nothing was heard of its instrument yet"


def supervised(facility: Facility) -> bool:
    """Tell whether a facility has a fridge whose instruments are supervised."""
    return any(fridge.model is not None for fridge in facility.fridges.values())


def wirings_of(facility: Facility) -> Mapping[str, FridgeWiring]:
    """Return the wiring of each fridge, by name."""
    return {name: wiring_of(facility, one) for name, one in facility.fridges.items()}


class ReadingOwners:
    """Says of each reading of which fridge and signal it is."""

    def __init__(self, facility: Facility) -> None:
        self._signals: dict[str, tuple[str, str]] = {}
        self._fridges: dict[str, str] = {}
        """By instrument."""
        for name, wiring in wirings_of(facility).items():
            fridge = facility.fridges[name]
            for instrument in (fridge.thermometer.instrument, *fridge.instruments):
                self._fridges[instrument] = name
            for signal, readings in wiring.readings.items():
                for reading in readings:
                    self._signals.setdefault(reading, (name, signal))

    def of(self, reading: str) -> tuple[str, str]:
        """Return fridge and signal of a reading; empty words: of none."""
        known = self._signals.get(reading)
        if known is not None:
            return known
        return self._fridges.get(reading.partition(".")[0], ""), ""

    def news(self, latest: LatestReadings, wall_s: float) -> Iterator[ReadingNews]:
        """Yield the latest of every channel, and what is expected of instruments not heard yet."""
        heard = set()
        for one in latest.all(wall_s):
            heard.add(one.name.partition(".")[0])
            yield self._one(one)
        for name, (fridge, signal) in self._signals.items():
            if name.partition(".")[0] not in heard:
                unit = OUTPUTS.get(signal, "")
                yield ReadingNews(name, fridge, signal, None, unit, None, "disconnected", NOT_HEARD)

    def _one(self, one: Latest) -> ReadingNews:
        fridge, signal = self.of(one.name)
        return ReadingNews(
            one.name, fridge, signal, one.value, one.unit, one.tai, one.quality, one.problem
        )
