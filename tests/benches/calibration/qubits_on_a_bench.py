"""Qubits on a bench whose lines lie where a test puts them."""

from collections.abc import Callable, Mapping
from types import MappingProxyType

import numpy as np
from tests.benches.calibration.synthetic_data import (
    EXAMPLE,
    NODE,
    NOW_S,
    Asked,
    MadeRunner,
    known,
    noise,
)

from podium.control.calibration.bench import Bench
from podium.control.calibration.bring_up import bring_up
from podium.control.calibration.fits.flux import arc
from podium.control.calibration.fits.peak import pulse_line
from podium.control.calibration.outcome import Outcome
from podium.control.facility.load import load_facility
from podium.control.parameters.entry import ParameterEntry
from podium.control.program.program import Play
from podium.control.program.waveforms import Square

FACILITY = load_facility(EXAMPLE)
QUBITS = tuple(FACILITY.qubits().values())
RABI_HZ = 40e6
"""Of every qubit of these tests, at full scale."""


def design(element: str, quantity: str) -> float:
    return FACILITY.qubits()[f"{NODE}.{element}"].design[quantity].value


async def worked(
    routine: str,
    make: Callable[[MadeRunner], Callable[[Asked, np.random.Generator], np.ndarray]],
    elements: tuple[str, ...] = ("q0", "q1", "q2"),
    seed: int = 1,
    sigmas: Mapping[str, float] = MappingProxyType({}),
    unknown: tuple[str, ...] = (),
    **values: float,
) -> tuple[Outcome, Bench, MadeRunner]:
    """Let a routine work; ``values`` stand in the record, for every qubit, with ``sigmas``.

    What is ``unknown`` does not.
    """
    runner = MadeRunner(lambda *_: np.zeros(1), seed, facility=FACILITY)
    runner.make = make(runner)
    record = known(FACILITY)
    entries = record.all().values()
    record.replace([one for one in entries if one.name.rpartition(".")[2] not in unknown])
    for qubit in QUBITS:
        record.put(
            ParameterEntry(
                f"{qubit.name}.{name}",
                value,
                sigmas.get(name, 1e-3 * abs(value)),
                *("1", "", "before", float(NOW_S), 1),
            )
            for name, value in values.items()
        )
    qubits = tuple(q for q in QUBITS if q.element in elements)
    bench = Bench(runner, NODE, qubits, record, keep=lambda _: None)
    (outcome,) = [one async for one in bring_up(bench, (routine,))]
    return outcome, bench, runner


def lines(
    place_hz: Callable[[str, float], float], rabi_hz: float = RABI_HZ
) -> Callable[[MadeRunner], object]:
    """A qubit's line at ``place_hz(element, bias in V)``, driven as the program says."""

    def made(runner: MadeRunner) -> Callable[[Asked, np.random.Generator], np.ndarray]:
        def make(asked: Asked, rng: np.random.Generator) -> np.ndarray:
            pulse = next(
                one
                for one in asked.program.body
                if isinstance(one, Play)
                and one.frame == f"{asked.element}.drive"
                and isinstance(one.waveform, Square)
            )
            values = {
                "centre": place_hz(
                    asked.element, runner.biases.get(f"{NODE}.{asked.element}.flux", 0.0)
                ),
                "rabi": rabi_hz * float(pulse.amplitude),
                "height": 2e-3,
                "offset": -1e-3,
                "memory": 0.15,
            }
            duration_s = pulse.waveform.duration_fs * 1e-15
            line = pulse_line(asked.swept["drive_frequency"], values, duration_s)
            share = (line + 1e-3) / 2e-3
            counted = rng.binomial(asked.program.shots, np.clip(share, 0, 1)) / asked.program.shots
            return 2e-3 * counted - 1e-3 + noise(asked, rng)

        return make

    return made


SPOTS = {"q0": -0.171, "q1": 0.064, "q2": 0.42}


def qubit_hz(element: str, bias_v: float) -> float:
    """Of an asymmetry that the facility file does not say."""
    top = design(element, "f01")
    return float(arc(np.array([bias_v]), top, 0.17e9, SPOTS[element], 1.46, 0.61)[0])
