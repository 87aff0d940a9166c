"""Single-shot classification: the clouds of both states, and how often they are told apart."""

from dataclasses import replace

import numpy as np

from podium.control.calibration.bench import Bench, iq_of
from podium.control.calibration.fits.blobs import discriminate
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.measured import Measured
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
    reset,
)
from podium.control.facility.facility import Qubit
from podium.control.program.program import Affine, Axis, Barrier, Program, Table, Variable

RESET_LIFETIMES = 8.0
"""exp(-8) = 0.03 % of the shot before is left: less than what is measured."""
ARRIVES_LATER_S = 20e-9
"""How much later than drive pulses readout pulses reach the chip. ASSUMED: cables and electronics
of a readout line are longer by a few metres at most; the doubt counts in the sigma."""
OPTIMUM_DOUBT = 1e-3
"""What the setting in use loses against the best one, about: the top is that flat, and no
optimisation with some 10**5 shots finds it better."""
DRAWN = 600
"""Shots drawn in the panel, of each state."""


def state_axis(pulses: tuple[Pulses, ...]) -> Axis:
    """Return the axis of the two preparations: no pulse, and a pi pulse."""
    return Axis(
        "state",
        tuple(
            Variable(f"{p.qubit.element}_preparation", "1", Table((0.0, p.pi_amplitude())))
            for p in pulses
        ),
    )


def levels(bench: Bench, qubit: Qubit) -> Levels:
    """Return the reference levels that were measured last. Raises NotMeasured."""

    def value(quantity: str) -> float:
        return bench.known(qubit, quantity).value

    return Levels(
        complex(value("ground_i"), value("ground_q")),
        complex(value("excited_i"), value("excited_q")),
        value("ground_variance"),
        value("excited_variance"),
    )


async def single_shot(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Prepare 0 and 1 many times, keep every shot, set a threshold and count errors.

    Stores the clouds (``ground_i`` ... ``excited_q``, V), their scatter, ``readout_threshold`` and
    ``assignment_fidelity``. The latter is for ideal preparation: what the thermal population and
    the decay during the pi pulse take, as far as they have been measured, is given back.
    """
    outcome = Outcome("single_shot", "Single-shot classification")
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses)
    body = [*reset(pulses, frames, RESET_LIFETIMES)]
    body += [p.pulse(Affine(f"{p.qubit.element}_preparation")) for p in pulses]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    program = Program(
        "single shots",
        frames_of(pulses),
        tuple(body),
        (state_axis(pulses),),
        shots=bench.shots(12_000),
        keep_shots=True,
    )
    data = await bench.run(outcome, program)

    def clouds(qubit: Qubit) -> tuple[np.ndarray, np.ndarray]:
        iq = iq_of(data, qubit.element)
        return iq[:, 0], iq[:, 1]

    def raw(qubit: Qubit) -> Panel:
        ground, excited = (shots[:DRAWN] * 1e3 for shots in clouds(qubit))
        return Panel(
            qubit.element,
            "I (mV)",
            "Q (mV)",
            (Series("0", ground.real, ground.imag), Series("1", excited.real, excited.imag)),
            equal_axes=True,
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        seen = discriminate(*clouds(qubit))
        value, sigma = ideal_fidelity(bench, qubit, seen.fidelity, seen.sigma)
        ground, excited = seen.levels.ground, seen.levels.excited
        volts = abs(excited - ground)
        noise = volts * np.sqrt(seen.levels.ground_variance / seen.shots)
        found = {
            "ground_i": Measured(ground.real, noise, "V"),
            "ground_q": Measured(ground.imag, noise, "V"),
            "excited_i": Measured(excited.real, noise, "V"),
            "excited_q": Measured(excited.imag, noise, "V"),
            "ground_variance": Measured(
                seen.levels.ground_variance,
                seen.levels.ground_variance * np.sqrt(2 / seen.shots),
                "1",
            ),
            "excited_variance": Measured(
                seen.levels.excited_variance,
                seen.levels.excited_variance * np.sqrt(2 / seen.shots),
                "1",
            ),
            "readout_threshold": Measured(seen.threshold, 1 / np.sqrt(seen.shots), "1"),
            "assignment_fidelity": Measured(value, sigma, "1"),
        }
        text = f"assignment fidelity {value * 100:.2f} ± {sigma * 100:.2f} %"
        return found, replace(panel, text=text)

    await analyse(bench, outcome, qubits, raw, fit)
    return outcome


def ideal_fidelity(
    bench: Bench, qubit: Qubit, fidelity: float, sigma: float
) -> tuple[float, float]:
    """Return the fidelity with ideal preparation, from the one with the preparation there is.

    Both preparations see the thermal population w (0 and 1 are swapped in a share w of the
    shots). The second also decays from the middle of its pi pulse until the readout reaches the
    chip, and loses a share e: the contrast is that of ideal preparation times (1 - 2 w) - e.
    """
    thermal = bench.record.get(f"{qubit.name}.thermal_population")
    lifetime = bench.record.get(f"{qubit.name}.t1")
    w, w_sigma = (thermal.value, thermal.sigma) if thermal else (0.0, 0.0)
    wait_s = 0.5 * Pulses(bench, qubit).pulse_ns * 1e-9 + ARRIVES_LATER_S
    e = wait_s / lifetime.value if lifetime else 0.0
    contrast = 2 * fidelity - 1
    share = (1 - 2 * w) - e
    value = (1 + contrast / share) / 2
    prepared = contrast / (2 * share**2) * np.hypot(2 * w_sigma, e / 2)
    spread = np.sqrt((sigma / share) ** 2 + prepared**2 + OPTIMUM_DOUBT**2)
    return float(min(value, 1.0)), float(spread)
