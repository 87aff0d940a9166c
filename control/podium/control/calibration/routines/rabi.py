"""Measures a pi pulse's amplitude by Rabi oscillations, for 0-1 and for 1-2."""

from podium.control.calibration.bench import Bench, iq_of, values_of
from podium.control.calibration.declaration import DRIVE, READOUT_SETTINGS, Declaration
from podium.control.calibration.fits.least_squares import FitFailed
from podium.control.calibration.fits.oscillation import cosine, fit_rabi
from podium.control.calibration.fits.projection import principal_axis
from podium.control.calibration.outcome import Outcome, Panel, Series
from podium.control.calibration.polarisation import shots_for
from podium.control.calibration.reset import reset, reset_from_second
from podium.control.calibration.routine import Found, analyse
from podium.control.calibration.sequences import (
    Pulses,
    all_pulses,
    frame_names,
    frames_of,
    measure_all,
    pi_amplitude_of,
    pi_pulse_ns,
    resets_actively,
)
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import Measured
from podium.control.parameters.validity import DAY_S, Lifetime
from podium.control.program.program import (
    Affine,
    Axis,
    Barrier,
    Linear,
    Program,
    Statement,
    Variable,
)

POINTS = 41
SHOTS = 100
RESET_LIFETIMES = 3.0
"""What is left of the shot before takes 5 % of the contrast, at all amplitudes about alike."""
FAINT_SHOTS = 10
"""Where the oscillation drowns in the noise, the scan is repeated with so many times the shots: the
readout may still be far from its best."""
STRONGEST = 0.99
"""Of full scale: a pi pulse may take so much, a correction later a little more."""
ROOM, TAKES = 0.6, 0.5
"""Of full scale: a pi pulse that takes more than the first, as spectroscopy or an earlier scan has
found the drive, is played so much longer that it takes the second. A scan then sees a whole period:
half of one tells the amplitude to 2 %, and every thousandth pulse is lost by that."""
SET_EXACTLY_S = 1e-12
"""Sigma of a length that was set, not found."""
PERIODS = 1.25
"""Range of the scan, in periods of the oscillation, as far as the output goes."""


def rabi_program(bench: Bench, qubits: tuple[Qubit, ...], ef: bool, times: int = 1) -> Program:
    """Return an amplitude scan of all qubits at once; ``times`` as many shots as usual.

    With ``ef``, between 0-1 pi pulses: the second one brings what is left in 1 back to 0.
    """
    pulses = all_pulses(bench, qubits)
    frames = frame_names(pulses, ef)
    axis = Axis("amplitude", tuple(_amplitudes(p, ef) for p in pulses))
    body: list[Statement] = []
    if ef:
        down = [p.ef_pulse(p.ef_pi_amplitude()) for p in pulses]
        body += reset_from_second(pulses, frames, down=down)
    else:
        body += reset(pulses, frames, RESET_LIFETIMES)
    for p in pulses:
        amplitude = Affine(f"{p.qubit.element}_amplitude")
        if not ef:
            body.append(p.pulse(amplitude))
            continue
        pair = (p.drive, p.ef)
        body += [p.pi(), Barrier(pair), p.ef_pulse(amplitude), Barrier(pair), p.pi()]
    body.append(Barrier(frames))
    body += measure_all(pulses)
    name = "Rabi 1-2" if ef else "Rabi"
    shots = bench.shots(SHOTS) if resets_actively(pulses) else shots_for(bench, qubits, SHOTS)
    return Program(name, frames_of(pulses, ef), tuple(body), (axis,), shots=times * shots)


def _amplitudes(pulses: Pulses, ef: bool) -> Variable:
    expected = pulses.ef_pi_amplitude() if ef else pulses.pi_amplitude()
    top = min(0.999, PERIODS * 2 * expected)
    return Variable(
        f"{pulses.qubit.element}_amplitude", "1", Linear.steps(0.0, top / (POINTS - 1), POINTS)
    )


async def rabi(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Find the amplitude of a pi pulse. Stores ``pi_amplitude`` (of full scale).

    Where the drive is so much weaker than designed that a pi pulse would take more than 0.6 of full
    scale, or where the scan has found that it takes more than all of it, pulses are played longer
    from here on: ``pulse_duration`` (s).
    """
    outcome = Outcome("rabi", "Rabi")
    await _make_room(bench, outcome, qubits)
    return await _rabi(bench, outcome, qubits, ef=False)


async def rabi_ef(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Find the amplitude of a 1-2 pi pulse. Stores ``ef_pi_amplitude`` (of full scale)."""
    outcome = Outcome("rabi_ef", "Rabi, 1-2")
    qubits = bench.with_ladder(outcome, qubits)
    return await _rabi(bench, outcome, qubits, ef=True) if qubits else outcome


async def _make_room(bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...]) -> None:
    """Set longer pulses for qubits whose pi pulse takes more than :data:`ROOM`."""
    for p in all_pulses(bench, qubits):
        takes = bench.measured(p.qubit, "pi_amplitude")
        rabi_hz = bench.measured(p.qubit, "rabi_frequency")
        if takes is None and rabi_hz is not None:
            takes = pi_amplitude_of(rabi_hz, p.pulse_ns)
        if takes is not None and takes > ROOM:
            await _lengthen(bench, outcome, p, takes)


async def _lengthen(bench: Bench, outcome: Outcome, pulses: Pulses, takes: float) -> None:
    """Set longer pulses for a qubit whose pi pulse ``takes`` so much of full scale.

    A pi pulse's amplitude that was measured before is stored anew, as the longer one needs it.
    """
    rabi_hz = pi_amplitude_of(1.0, pulses.pulse_ns) / takes
    longer_ns = pi_pulse_ns(rabi_hz, TAKES)
    qubit = pulses.qubit
    outcome.notes.append(
        f"pulses of {qubit.element} last {longer_ns} ns: a pi pulse of {pulses.pulse_ns} ns would "
        f"take {takes:.2f} of full scale"
    )
    longer = {f"{qubit.name}.pulse_duration": Measured(longer_ns * 1e-9, SET_EXACTLY_S, "s")}
    if bench.measured(qubit, "pi_amplitude") is not None:
        known, share = bench.known(qubit, "pi_amplitude"), pi_amplitude_of(rabi_hz, longer_ns)
        scaled = Measured(share, known.sigma * share / known.value, "1")
        longer[f"{qubit.name}.pi_amplitude"] = scaled
    await bench.commit(outcome, longer)


async def _rabi(bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], ef: bool) -> Outcome:
    weak = await _scan(bench, outcome, qubits, ef, 1)
    for pulses in all_pulses(bench, qubits):
        if pulses.qubit.name in weak and not ef:
            await _lengthen(bench, outcome, pulses, weak[pulses.qubit.name])
    faint = tuple(qubit for qubit in qubits if qubit.name in outcome.failures)
    if faint:
        names = ", ".join(qubit.element for qubit in faint)
        outcome.notes.append(f"{names} once more, with {FAINT_SHOTS} times the shots")
        for qubit in faint:
            del outcome.failures[qubit.name]
        drawn = {qubit.element for qubit in faint}
        outcome.panels[:] = [panel for panel in outcome.panels if panel.element not in drawn]
        await _scan(bench, outcome, faint, ef, FAINT_SHOTS)
    return outcome


async def _scan(
    bench: Bench, outcome: Outcome, qubits: tuple[Qubit, ...], ef: bool, times: int
) -> dict[str, float]:
    """Scan, and return what a pi pulse takes of full scale where that is more than there is."""
    weak: dict[str, float] = {}
    data = await bench.run(outcome, rabi_program(bench, qubits, ef, times))
    expected = {
        p.qubit.name: 2 * (p.ef_pi_amplitude() if ef else p.pi_amplitude())
        for p in all_pulses(bench, qubits)
    }
    quantity = "ef_pi_amplitude" if ef else "pi_amplitude"
    # An amplitude is worth nothing without the length of its pulse: both are of one age.
    set_s = {q.name: bench.measured(q, "pulse_duration") for q in qubits}

    def raw(qubit: Qubit) -> Panel:
        amplitude = values_of(data, f"{qubit.element}_amplitude")
        signal = principal_axis(iq_of(data, qubit.element)) * 1e3
        return Panel(
            qubit.element,
            "pulse amplitude (full scale)",
            "signal (mV)",
            (Series("data", amplitude, signal),),
        )

    def fit(qubit: Qubit, panel: Panel) -> Found:
        amplitude = values_of(data, f"{qubit.element}_amplitude")
        signal = principal_axis(iq_of(data, qubit.element))
        found = fit_rabi(amplitude, signal, expected[qubit.name])
        pi_amplitude = found.values["period"] / 2
        sigma = found.sigmas["period"] / 2
        if pi_amplitude > STRONGEST:
            weak[qubit.name] = pi_amplitude
            raise FitFailed(
                f"a pi pulse takes {pi_amplitude:.3f} of full scale: longer pulses, or less "
                "attenuation, would leave room"
            )
        line = cosine(amplitude, found.values)
        values = {quantity: Measured(pi_amplitude, sigma, "1")}
        length_s = set_s[qubit.name]
        if length_s is not None:
            values["pulse_duration"] = Measured(length_s, SET_EXACTLY_S, "s")
        return values, panel.fitted(
            Series("fit", amplitude, line * 1e3, line=True),
            text=f"pi pulse at {{{quantity}}}",
            marks=(("pi", pi_amplitude),),
        )

    await analyse(bench, outcome, qubits, raw, fit)
    return weak


RABI = Declaration(
    rabi,
    targets="qubits",
    needs=("sweet_spot", "f01", *READOUT_SETTINGS),
    gives={
        "pi_amplitude": Lifetime(1 * DAY_S),
        "pulse_duration": Lifetime(30 * DAY_S),
    },
    essential=True,
    places=(80, 120),
    cost_s=0.8,
)

RABI_EF = Declaration(
    rabi_ef,
    targets="qubits",
    needs=("sweet_spot", *DRIVE, "anharmonicity", *READOUT_SETTINGS),
    gives={
        "ef_pi_amplitude": Lifetime(1 * DAY_S),
    },
    places=(150,),
    cost_s=0.7,
)
