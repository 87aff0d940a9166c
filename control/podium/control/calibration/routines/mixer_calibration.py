"""Calibrates the I/Q mixers of the outputs before anything is played."""

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import Declaration
from podium.control.calibration.outcome import Outcome
from podium.control.facility.facility import Facility, Qubit
from podium.control.facility.mixers import mixer_port, modulator_of, sideband_ports


async def mixer_calibration(bench: Bench, qubits: tuple[Qubit, ...]) -> Outcome:
    """Let each instrument calibrate the mixers of its outputs that go to these qubits.

    The owner of an output has the box run its own functions, with the oscillator and attenuation
    that programs use (about a second of laboratory time for each output). Nothing is stored: the
    box holds what it found. Outputs without such a function are left alone, and a note says what
    that means; where there are only such, nothing is asked and no time passes.
    """
    outcome = Outcome("mixer_calibration", "Mixer calibration")
    facility = bench.runner.facility
    ports = [
        port
        for qubit in qubits
        for port in (
            qubit.feedline,
            qubit.drive_port,
            qubit.plasmon_port,
            *sideband_ports(facility, qubit.name),
        )
    ]
    ports = [port for port in dict.fromkeys(ports) if port in facility.wiring]
    able = {str(mixer.output): port for port in ports if (mixer := mixer_port(facility, port))}
    outcome.notes += _left_alone(facility, ports)
    if not able:
        return outcome
    bench.progress(outcome.routine, f"{len(able)} mixers")
    found = await bench.runner.calibrate_mixers(tuple(able.values()))
    for output, now in found.items():
        outcome.notes.append(
            f"{output} ({able[output]}): offsets {now.offset_i_v * 1e3:+.2f} and "
            f"{now.offset_q_v * 1e3:+.2f} mV, gain ratio {now.gain_ratio:.4f}, "
            f"phase {now.phase_rad * 1e3:+.2f} mrad"
        )
    return outcome


def _left_alone(facility: Facility, ports: list[str]) -> list[str]:
    """Return what to know of outputs behind modulators, which nothing calibrates."""
    notes = []
    for port in ports:
        if (modulator := modulator_of(facility, port)) is not None:
            lo_ghz = modulator.carrier_hz / 1e9
            notes.append(
                f"{port}: the modulator {modulator.instrument} has no function that "
                f"calibrates it. Some of its carrier leaks at {lo_ghz:.6g} GHz, and each tone at f "
                f"has an image at 2 x {lo_ghz:.6g} GHz - f: a line there may be the image's"
            )
    return notes


MIXER_CALIBRATION = Declaration(
    mixer_calibration,
    targets="outputs",
    places=(10,),
    cost_s=1.5,
)
