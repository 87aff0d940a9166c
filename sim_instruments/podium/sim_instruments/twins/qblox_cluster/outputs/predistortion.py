"""Real-time predistortion of a module's outputs: its settings, its delays, what it does.

Stage 0 is the inverse high-pass filter, stages 1-4 are exponential filters, stage 5 is the FIR
filter (``_add_rtp_qcodes_params`` of qblox-instruments 1.4.1 ``module.py``). Delays and the
exponential filter are those of the same package's ``simulations/predistortions.py``.
"""

import math
from dataclasses import dataclass
from typing import Any

from podium.firmware_interfaces.qblox_cluster.identity import ModuleModel
from podium.sim_instruments.twins.qblox_cluster.refusal import (
    BLOCK_DATA_ERROR,
    OUT_OF_RANGE,
    Refusal,
)

STAGES = 6
EXPONENTIALS = 4
FIR_TAPS = 32
TAU_MIN_NS = 6.0
"""Validator of ``out0_exp0_time_constant``."""
HIGH_PASS_MIN_NS = 10.0
HIGH_PASS_MAX_NS = 0.134e9 + 1e-3
"""Validator of ``out0_ihp_tau_constant``; the client turns seconds into ns, and rounds."""
FIR_MIN = -2.0
FIR_MAX = 1.99
"""Validator of ``out0_fir_coeffs``."""

ANY_STAGE_NS = 60
EXPONENTIAL_NS = 50
FIR_NS = 80
"""Delay of an output with filters: 60 ns, 50 ns for each exponential, 80 ns for the FIR
(``get_filter_delay``). ASSUMED: the inverse high-pass filter takes as long as an exponential."""


@dataclass(frozen=True, slots=True)
class OutputShaping:
    """Delay and filters between the digital signal of one output and its converter."""

    delay_ns: int = 0
    exponentials: tuple[tuple[float, float], ...] = ()
    """Time constant in ns and amplitude of each that is enabled."""
    fir: tuple[float, ...] = (1.0,)
    high_pass_ns: float | None = None
    """Time constant of the inverse high-pass filter, None: not enabled."""

    @property
    def filters(self) -> bool:
        """Tell whether it does more than delay."""
        return bool(self.exponentials) or self.high_pass_ns is not None or self.fir != (1.0,)


UNSHAPED = OutputShaping()


class Predistortion:
    """The settings of all outputs and markers of one module, as the client reads and writes them.

    ASSUMED: values after power-on: all stages bypassed; where one is enabled, it passes through.
    """

    def __init__(self, model: ModuleModel) -> None:
        self._words = ("disabled", "enabled")
        self._filters = model.family == "QCM" and not model.rf
        """Only a QCM at baseband has filters; elsewhere ``enabled`` means delayed alone."""
        self.values: dict[str, Any] = {}
        for n in range(max(model.dacs, model.markers)):
            state = {f"stage{k}": "disabled" for k in range(STAGES)}
            output: dict[str, Any] = {"state": dict(state), "markers": {"state": dict(state)}}
            if self._filters:
                output["IIR"] = {f"stage{k}": {"tau": 10.0, "amp": 0.0} for k in range(4)}
                output["FIR"] = {"stage0": [1.0] + [0.0] * (FIR_TAPS - 1)}
                output["bias tee"] = {"reset": False, "stage0": {"tau": 10.0}}
            self.values[f"out{n}"] = output

    def change(self, values: Any) -> None:
        """Change the values that ``values`` names; refuse it whole if any is none of these."""
        if not isinstance(values, dict):
            raise Refusal(BLOCK_DATA_ERROR, "predistortion configuration is not a JSON object")
        self.values = self._merged(self.values, values, ())

    def _merged(
        self, known: dict[str, Any], values: dict[str, Any], path: tuple[str, ...]
    ) -> dict[str, Any]:
        merged = dict(known)
        for key, value in values.items():
            here = (*path, key)
            if key not in known:
                raise Refusal(BLOCK_DATA_ERROR, f"predistortion: there is no {'.'.join(here)}")
            if isinstance(known[key], dict):
                if not isinstance(value, dict):
                    raise Refusal(BLOCK_DATA_ERROR, f"predistortion: {'.'.join(here)} is an object")
                merged[key] = self._merged(known[key], value, here)
            else:
                self._check(here, value)
                merged[key] = value
        return merged

    def _check(self, path: tuple[str, ...], value: Any) -> None:
        name = ".".join(path)
        if "state" in path:
            words: tuple[str, ...] = self._words
            if self._filters and "markers" not in path:
                words = (*words, "comp_delay")
            if value not in words:
                raise Refusal(
                    OUT_OF_RANGE,
                    f"predistortion: {name} is {value!r}, must be one of {', '.join(words)}",
                )
        elif path[1] == "FIR":
            if not isinstance(value, list) or len(value) != FIR_TAPS:
                raise Refusal(OUT_OF_RANGE, f"predistortion: {name} needs {FIR_TAPS} coefficients")
            for one in value:
                _within(name, one, FIR_MIN, FIR_MAX)
        elif path[-1] == "amp":
            _within(name, value, -1, 1)
        elif path[1] == "IIR":
            _within(name, value, TAU_MIN_NS, math.inf)
        elif path[-1] == "tau":
            _within(name, value, HIGH_PASS_MIN_NS, HIGH_PASS_MAX_NS)

    def delay_ns(self, output: int) -> int:
        """Return how much later the signal of an output leaves than with all stages bypassed."""
        return _delay_ns(self.values[f"out{output}"]["state"])

    def marker_delay_ns(self, marker: int) -> int:
        """Return how much later a marker leaves than with all stages bypassed."""
        return _delay_ns(self.values[f"out{marker}"]["markers"]["state"])

    def shaping(self, output: int) -> OutputShaping:
        """Return what becomes of an output's digital signal."""
        delay_ns = self.delay_ns(output)
        values = self.values[f"out{output}"]
        on = {stage for stage, word in values["state"].items() if word == "enabled"}
        if not self._filters or not on:
            return OutputShaping(delay_ns)
        poles = [values["IIR"][f"stage{k}"] for k in range(EXPONENTIALS) if f"stage{k + 1}" in on]
        return OutputShaping(
            delay_ns,
            tuple((float(one["tau"]), float(one["amp"])) for one in poles),
            tuple(map(float, values["FIR"]["stage0"])) if "stage5" in on else (1.0,),
            float(values["bias tee"]["stage0"]["tau"]) if "stage0" in on else None,
        )


def _delay_ns(state: dict[str, str]) -> int:
    used = [stage for stage, word in state.items() if word != "disabled"]
    if not used:
        return 0
    fir = "stage5" in used
    return ANY_STAGE_NS + EXPONENTIAL_NS * (len(used) - fir) + FIR_NS * fir


def _within(name: str, value: Any, least: float, most: float) -> None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not least <= value <= most:
        raise Refusal(
            OUT_OF_RANGE,
            f"predistortion: {name} is {value!r}, must lie between {least:g} and {most:g}",
        )
