"""The nodes of an HDAWG's precompensation show what the filters have become.

As in the vendor's simulation of them (``PrecompensationAdvisorModule`` of zhinst-core 26.7.2.5),
which moves what is set to what the coefficients can say. ASSUMED: the instrument's own nodes do so,
too, and a vector that is too short is filled with zeros.
"""

from functools import partial
from typing import Final

import numpy as np

from podium.firmware_interfaces.zurich.precompensation import (
    BOUNCE_SAMPLES_MAX,
    COEFFICIENTS,
    EXPONENTIALS,
    exponential_filter,
    high_pass_rate,
    high_pass_s,
    latency_samples,
    rounded_fir,
    undone_by,
)
from podium.firmware_interfaces.zurich.program import SAMPLE_CLOCK
from podium.firmware_interfaces.zurich.refusals import Code, Kind, Refusal, Refused
from podium.firmware_interfaces.zurich.values import Element, Value, Vector
from podium.sim_instruments.twins.zurich.nodes.node_settings import number, vector
from podium.sim_instruments.twins.zurich.nodes.node_store import NodeStore

_SHAPE: Final = "sigouts/#/precompensation"


class PrecompensationNodes:
    """Those of all outputs of one instrument."""

    def __init__(self, store: NodeStore) -> None:
        self._store = store
        for part in ("timeconstant", "amplitude"):
            store.when_set(f"{_SHAPE}/exponentials/#/{part}", self._exponential)
        store.when_set(f"{_SHAPE}/highpass/#/timeconstant", self._high_pass)
        store.when_set(f"{_SHAPE}/bounces/#/delay", self._bounce)
        store.when_set(f"{_SHAPE}/fir/coefficients", self._fir)
        for path in store.paths_below_root():
            if path.endswith("/precompensation/latency"):
                below = path.removesuffix("/latency")
                store.show(path, partial(self._latency_s, below))
            elif path.endswith("/precompensation/fir/coefficients"):
                store.put(path, _coefficients([1.0]), 0)

    def _setting(self, path: str) -> Value:
        return self._store.value(path, 0)

    def _rate_hz(self) -> float:
        return number(self._setting, SAMPLE_CLOCK)

    def _latency_s(self, at: str, now_fs: int) -> float:
        """ASSUMED: as long as the filters are bypassed, nothing."""
        if not number(self._setting, f"{at}/enable"):
            return 0.0

        def on(part: str) -> bool:
            return bool(number(self._setting, f"{at}/{part}/enable"))

        used = sum(on(f"exponentials/{k}") for k in range(EXPONENTIALS))
        samples = latency_samples(
            used, high_pass=on("highpass/0"), bounce=on("bounces/0"), fir=on("fir")
        )
        return samples / self._rate_hz()

    def _exponential(self, path: str, value: Value, now_fs: int) -> None:
        at = path.rpartition("/")[0]
        rate_hz = self._rate_hz()
        filters = exponential_filter(
            number(self._setting, f"{at}/timeconstant"),
            number(self._setting, f"{at}/amplitude"),
            rate_hz,
        )
        tau_s, amplitude = undone_by(filters, rate_hz)
        self._store.put(f"{at}/timeconstant", tau_s, now_fs)
        self._store.put(f"{at}/amplitude", amplitude, now_fs)

    def _high_pass(self, path: str, value: Value, now_fs: int) -> None:
        rate_hz = self._rate_hz()
        rate = high_pass_rate(number(self._setting, path), rate_hz)
        self._store.put(path, high_pass_s(rate, rate_hz), now_fs)

    def _bounce(self, path: str, value: Value, now_fs: int) -> None:
        rate_hz = self._rate_hz()
        samples = round(number(self._setting, path) * rate_hz)
        delay = min(max(samples, 0), BOUNCE_SAMPLES_MAX) / rate_hz
        self._store.put(path, delay, now_fs)

    def _fir(self, path: str, value: Value, now_fs: int) -> None:
        """ASSUMED: more than there are is refused."""
        given = vector(value, path).tolist()
        if len(given) > COEFFICIENTS:
            self._store.put(path, _coefficients([1.0]), now_fs)
            message = f"{path}: {len(given)} coefficients, at most {COEFFICIENTS}"
            raise Refused(Refusal(Code.INVALID_ARGUMENT, message, Kind.BAD_REQUEST))
        self._store.put(path, _coefficients(given), now_fs)


def _coefficients(given: list[float]) -> Vector:
    whole = [*given, *[0.0] * (COEFFICIENTS - len(given))]
    taken = np.array([rounded_fir(one) for one in whole])
    return Vector(Element.DOUBLE, taken.tobytes())
