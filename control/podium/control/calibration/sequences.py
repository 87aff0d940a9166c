"""Builds the pieces of programs: frames, pulses, preparation, measurement."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from itertools import accumulate, takewhile
from math import ceil, erf, exp, pi, sin, sqrt

from podium.control.calibration.bench import Bench
from podium.control.calibration.declaration import READOUT_SETTINGS
from podium.control.calibration.discrimination import discriminator_of
from podium.control.calibration.dispersive import critical_photons
from podium.control.calibration.fits.projection import Levels
from podium.control.calibration.polarisation import is_hot
from podium.control.calibration.shelving import Shelving, is_shelved, shelving_of
from podium.control.client.cross_resonance import drag_pulse
from podium.control.facility.facility import Qubit
from podium.control.parameters.entry import NotMeasured
from podium.control.program.conditions import Discriminator
from podium.control.program.program import (
    Axis,
    Barrier,
    Capture,
    Delay,
    Frame,
    Linear,
    Play,
    Statement,
    Table,
    Value,
    Variable,
)
from podium.control.program.waveforms import Drag, Square
from podium.firmware_interfaces.exact_time import FS_PER_NS

GRID_NS = 4
"""Pulses, windows and waits are laid on multiples of this, ns: a grid that every controller
family of the house can play."""
DELAY_GRID_NS = 8
"""Delays that are swept are multiples of this: the grid of 16 samples on which instruments of
Zurich Instruments begin waveforms. Else windows lie otherwise on it at every other point, and take
twice as many integrators."""
PI_AMPLITUDE = 0.45
"""Share of full scale that a pi pulse is laid out for: a coupling half as strong still works."""
OPENING = 0.7
"""When the readout window opens, in resonator lifetimes 1 / (pi kappa) after the pulse is back."""
SHORTEST_PULSE_NS = 20
"""Shorter pulses would be wider than a transmon's anharmonicity."""


def on_grid_ns(time_s: float, least_ns: int = GRID_NS) -> int:
    """Return ``time_s`` in ns, up to the next multiple of the grid, at least ``least_ns``."""
    return max(least_ns, GRID_NS * ceil(time_s * 1e9 / GRID_NS - 1e-9))


def pulse_area_ns(duration_ns: int) -> float:
    """Return the area of the house's pulse at amplitude 1, ns (sigma = duration / 4)."""
    sigma = duration_ns / 4
    edge = exp(-2.0)
    whole = sigma * sqrt(2 * pi) * erf(sqrt(2.0))
    return (whole - duration_ns * edge) / (1 - edge)


def superposition_ns(duration_ns: int) -> float:
    """Return the integral of sin(angle)**2 over the house's pi pulse, ns."""
    angles = _angles(pi)
    return duration_ns * sum(sin(angle) ** 2 for angle in angles) / len(angles)


def precession_ns(duration_ns: int) -> float:
    """Return the integral of sin(angle) over the house's half pi pulse, ns.

    So much of it counts as free precession, to first order in what the qubit is detuned by.
    """
    angles = _angles(pi / 2)
    return duration_ns * sum(map(sin, angles)) / len(angles)


@cache
def _angles(whole: float, steps: int = 256) -> tuple[float, ...]:
    """Return the angles that a pulse of an angle goes through, in equal steps of time."""
    places = [(k + 0.5) / steps for k in range(steps)]
    heights = [exp(-8 * (place - 0.5) ** 2) - exp(-2.0) for place in places]
    area = sum(heights)
    each = [whole * height / area for height in heights]
    return tuple(turned - one / 2 for turned, one in zip(accumulate(each), each, strict=True))


def pi_pulse_ns(rabi_hz: float, amplitude: float) -> int:
    """Return how long a pi pulse of that amplitude is; ``rabi_hz``: at full scale. In ns."""
    needed_ns = 1e9 / (2 * rabi_hz * amplitude)
    return on_grid_ns(needed_ns / (pulse_area_ns(100) / 100) * 1e-9, SHORTEST_PULSE_NS)


def pi_amplitude_of(rabi_hz: float, duration_ns: int) -> float:
    """Return the amplitude of a pi pulse of that length; ``rabi_hz``: at full scale."""
    return 1e9 / (2 * rabi_hz * pulse_area_ns(duration_ns))


@dataclass(frozen=True, slots=True)
class Pulses:
    """One qubit's frames and pulses, from what is known of it at this moment."""

    bench: Bench
    qubit: Qubit

    @property
    def drive(self) -> str:
        """Name of the 0-1 drive frame."""
        return f"{self.qubit.element}.drive"

    @property
    def ef(self) -> str:
        """Name of the 1-2 drive frame."""
        return f"{self.qubit.element}.ef"

    @property
    def readout(self) -> str:
        """Name of the readout frame."""
        return f"{self.qubit.element}.readout"

    @property
    def herald(self) -> str:
        """Name of the frame of a readout that heralds a shot."""
        return f"{self.qubit.element}.herald"

    def drive_frame(self) -> Frame:
        """Return the 0-1 drive frame at the best known f01.

        Raises NotMeasured for a qubit that no line drives.
        """
        if self.qubit.drive_port not in self.bench.runner.facility.wiring:
            raise NotMeasured(
                f"{self.qubit.name} has no drive line: only what its readout tells is measured",
                f"{self.qubit.name}.f01",
            )
        return Frame(self.drive, self.qubit.drive_port, self.bench.best(self.qubit, "f01"))

    def ef_frame(self) -> Frame:
        """Return the 1-2 drive frame at the best known f12.

        Raises NotMeasured for a fluxonium, whose f12 lies far from where its line drives.
        """
        if self.qubit.kind == "fluxonium":
            raise NotMeasured(
                f"{self.qubit.name} is a fluxonium: its 1-2 transition lies beyond the reach of "
                "the line that drives 0-1, and is not measured",
                f"{self.qubit.name}.anharmonicity",
            )
        f12 = self.bench.best(self.qubit, "f01") + self.bench.best(self.qubit, "anharmonicity")
        return Frame(self.ef, self.qubit.drive_port, f12)

    def readout_frame(self) -> Frame:
        """Return the readout frame at the probe frequency in use."""
        hz = self.bench.measured(self.qubit, "probe_frequency")
        if hz is None:
            hz = self.bench.readout_middle(self.qubit)
        return Frame(self.readout, self.qubit.readout_port, hz, restarts=True)

    @property
    def pulse_ns(self) -> int:
        """Duration of pi and half-pi pulses, ns: as it was set, else for the design's drive."""
        set_s = self.bench.measured(self.qubit, "pulse_duration")
        if set_s is not None:
            return on_grid_ns(set_s)
        return pi_pulse_ns(self.bench.design(self.qubit, "rabi_frequency").value, PI_AMPLITUDE)

    @property
    def expected_pi_amplitude(self) -> float:
        """Amplitude of a pi pulse if the design's Rabi frequency holds."""
        rabi_hz = self.bench.design(self.qubit, "rabi_frequency").value
        return pi_amplitude_of(rabi_hz, self.pulse_ns)

    def shape(self) -> Drag:
        """Return the envelope of the 0-1 pulses (Motzoi et al. 2009, first order)."""
        return drag_pulse(self.pulse_ns, self.bench.best(self.qubit, "anharmonicity"))

    def pi_amplitude(self) -> float:
        """Return the amplitude of a pi pulse, measured or expected."""
        amplitude = self.bench.measured(self.qubit, "pi_amplitude")
        return self.expected_pi_amplitude if amplitude is None else amplitude

    def ef_pi_amplitude(self) -> float:
        """Return the amplitude of a 1-2 pi pulse, measured or expected (ladder of a transmon)."""
        amplitude = self.bench.measured(self.qubit, "ef_pi_amplitude")
        return self.pi_amplitude() / sqrt(2.0) if amplitude is None else amplitude

    def pulse(self, amplitude: Value) -> Play:
        """Play one 0-1 pulse."""
        return Play(self.drive, self.shape(), amplitude)

    def pi(self) -> Play:
        """Play a pi pulse."""
        return self.pulse(self.pi_amplitude())

    def half_pi(self) -> Play:
        """Play a half-pi pulse."""
        return self.pulse(self.pi_amplitude() / 2)

    def ef_pulse(self, amplitude: Value) -> Play:
        """Play one 1-2 pulse (Gaussian part of the house's pulse)."""
        duration = self.pulse_ns * FS_PER_NS
        return Play(self.ef, Drag(duration, duration // 4, 0.0), amplitude)

    @property
    def probe_ns(self) -> int:
        """Duration of the readout pulse and window, ns."""
        duration_s = self.bench.measured(self.qubit, "probe_duration")
        if duration_s is None:
            wanted_ns = on_grid_ns(10 / (pi * self.bench.design(self.qubit, "kappa").value))
            return self.bench.readout_ns(self.qubit, wanted_ns)
        return on_grid_ns(duration_s)

    def probe_amplitude(self) -> float:
        """Return the readout amplitude in use, of full scale."""
        amplitude = self.bench.measured(self.qubit, "probe_amplitude")
        if amplitude is None:
            photons = 0.1 * critical_photons(self.bench, self.qubit)
            return self.bench.probe_amplitude(self.qubit, photons)
        return amplitude

    @property
    def opens_ns(self) -> int:
        """Return the delay of the window's opening after the pulse's return, ns.

        A good part of a resonator's lifetime: until then all states look alike.
        """
        return on_grid_ns(OPENING / (pi * self.bench.best(self.qubit, "kappa")))

    def flight_ns(self) -> int:
        """Return the time of flight on the qubit's feedline, ns, measured or expected."""
        flight_s = self.bench.measured_of(f"{self.qubit.feedline}.time_of_flight")
        if flight_s is None:
            flight_s = self.bench.feedline(self.qubit).delay.value
        return GRID_NS * round(flight_s * 1e9 / GRID_NS)

    def shelving(self) -> Shelving | None:
        """Return the pulse that shelves 1 before this qubit's readout; None: there is none."""
        return shelving_of(self.bench, self.qubit) if is_shelved(self.bench, self.qubit) else None

    def measure(
        self,
        amplitude: Value | None = None,
        duration_ns: int | None = None,
        opens_ns: int | None = None,
        name: str | None = None,
        discriminator: Discriminator | None = None,
        frame: str | None = None,
        shelved: bool = True,
    ) -> list[Statement]:
        """Play a readout pulse and listen to it as it comes back.

        The window opens ``opens_ns`` after the pulse's first sample has come back and closes
        with the pulse; the frame's clock goes on from there. With a ``discriminator`` there is a
        result, which something can depend on. ``frame``: another than :attr:`readout`. Before it
        1 is shelved, of qubits for which that pays, unless ``shelved`` is false.
        """
        frame = self.readout if frame is None else frame
        shelving = self.shelving() if shelved else None
        length = duration_ns or self.probe_ns
        opens = self.opens_ns if opens_ns is None else opens_ns
        window = (length - opens) * FS_PER_NS
        delay = (self.flight_ns() + opens) * FS_PER_NS
        return [
            *([] if shelving is None else shelving.before(frame)),
            Capture(frame, name or self.qubit.element, window, delay, discriminator),
            Play(
                frame,
                Square(length * FS_PER_NS),
                self.probe_amplitude() if amplitude is None else amplitude,
            ),
            Delay((frame,), self.flight_ns() * FS_PER_NS),
        ]

    def discriminator(self) -> Discriminator:
        """Return what tells 1 from 0, as single-shot classification has found it.

        It holds for the window of :meth:`measure` as it is then. Raises NotMeasured.
        """

        def value(quantity: str) -> float:
            return self.bench.known(self.qubit, quantity).value

        levels = Levels(
            complex(value("ground_i"), value("ground_q")),
            complex(value("excited_i"), value("excited_q")),
            value("ground_variance"),
            value("excited_variance"),
        )
        return discriminator_of(levels, value("readout_threshold"))

    def can_discriminate(self) -> bool:
        """Tell whether :meth:`discriminator` has what it needs, for the readout as it is set now.

        A readout that was set anew later than its threshold was measured has none yet.
        """
        record, name = self.bench.record, self.qubit.name
        threshold = record.get(f"{name}.readout_threshold")
        if threshold is None:
            return False
        settings = (record.get(f"{name}.{quantity}") for quantity in READOUT_SETTINGS)
        return all(one is None or one.tai_s <= threshold.tai_s for one in settings)

    def reads_too_poorly(self) -> bool:
        """Tell whether results are wrong more often than :data:`TOO_OFTEN_WRONG`: no flip by them.

        False where errors have not been counted.
        """
        errors = (
            self.bench.record.get(f"{self.qubit.name}.{quantity}")
            for quantity in ("false_excited", "false_ground")
        )
        counted = [one.value for one in errors if one is not None]
        return bool(counted) and sum(counted) / len(counted) > TOO_OFTEN_WRONG

    def reset_s(self, lifetimes: float) -> float:
        """Return the wait after which the qubit has forgotten the shot before, s."""
        t1_s = self.bench.measured(self.qubit, "t1")
        if t1_s is None:
            design = self.bench.design(self.qubit, "t1")
            t1_s = design.value + design.spread
        return lifetimes * t1_s


TOO_OFTEN_WRONG = 0.05
"""Mean of both errors of a readout from which on qubits wait in place of being flipped: flips would
leave as much in 1."""
RESULTS_APART_NS = 260
"""Between the ends of two windows whose results are waited for: a cluster's trigger network takes
252 ns for one (docs/reference/q1_processor.md)."""
RINGDOWN = 10.0
"""Wait for a resonator to empty, in 1 / (2 pi kappa): exp(-10) of the photons are left."""
FORGOTTEN = 14.0
"""The same, where one readout must not be seen in the next: 9e-4 of its field is left, or 2e-3
where kappa is a tenth less than thought: far less than the noise of a shot, and less than a photon
in a hundred thousand."""


def all_pulses(bench: Bench, qubits: Iterable[Qubit]) -> tuple[Pulses, ...]:
    """Return the pulses of each qubit."""
    return tuple(Pulses(bench, qubit) for qubit in qubits)


def until_all_end_ns(pulses: Iterable[Pulses]) -> dict[str, float]:
    """Return the time from the middle of each pulse to the end of the longest, ns, by full name.

    Pulses that begin together are followed by what waits for all of them.
    """
    own_ns = {p.qubit.name: p.pulse_ns for p in pulses}
    longest_ns = max(own_ns.values())
    return {name: longest_ns - ns / 2 for name, ns in own_ns.items()}


def frame_names(pulses: Iterable[Pulses], ef: bool = False) -> tuple[str, ...]:
    """Return the names of all drive and readout frames, with those of 1-2 if ``ef``.

    And those of the pulses that shelve 1 before a readout.
    """
    pulses = tuple(pulses)
    names = [name for p in pulses for name in (p.drive, *((p.ef,) if ef else ()), p.readout)]
    return (*names, *(frame.name for frame in shelving_frames(pulses)))


def shelving_frames(pulses: Iterable[Pulses]) -> tuple[Frame, ...]:
    """Return the frames of the pulses that shelve 1 before a readout."""
    return tuple(one.frame for one in (p.shelving() for p in pulses) if one is not None)


def frames_of(pulses: Iterable[Pulses], ef: bool = False) -> tuple[Frame, ...]:
    """Return the frames of :func:`frame_names`."""
    pulses = tuple(pulses)
    frames = [
        frame
        for p in pulses
        for frame in (p.drive_frame(), *((p.ef_frame(),) if ef else ()), p.readout_frame())
    ]
    return (*frames, *shelving_frames(pulses))


def resets_actively(pulses: Iterable[Pulses]) -> bool:
    """Tell whether these qubits are brought to 0 by measuring and flipping them, or by waiting.

    The bench says so, or heat leaves one of them in 1; and the results of all of them can be told,
    and are not too often wrong.
    """
    pulses = tuple(pulses)
    if not any(p.bench.active_reset or is_hot(p.bench, p.qubit) for p in pulses):
        return False
    return all(p.can_discriminate() and not p.reads_too_poorly() for p in pulses)


def measure_all(pulses: Sequence[Pulses]) -> list[Statement]:
    """Read out all qubits, with what each one's readout is set to, after a reset.

    At one time; or, where the results of the same frames reset the qubits, one after another: every
    window has a result, and one at a time can travel.
    """
    readouts = [p.measure() for p in pulses]
    if resets_actively(pulses):
        return one_after_another(readouts)
    return [statement for readout in readouts for statement in readout]


def measure_at_once(pulses: Iterable[Pulses]) -> list[Statement]:
    """Read out all qubits at one time, in a program in which nothing depends on results."""
    return [statement for p in pulses for statement in p.measure()]


def one_after_another(readouts: Sequence[Sequence[Statement]]) -> list[Statement]:
    """Delay readouts so that their windows end apart: see :func:`begins_ns`."""
    body: list[Statement] = []
    for late_ns, readout in zip(begins_ns(readouts), readouts, strict=True):
        if late_ns:
            body.append(Delay((_window(readout).frame,), late_ns * FS_PER_NS))
        body += readout
    return body


def ending_together(readouts: Sequence[Sequence[Statement]]) -> list[Statement]:
    """Delay readouts so that their windows end at one time, within 4 ns."""
    lasts_ns = [_lasts_ns(readout) for readout in readouts]
    body: list[Statement] = []
    for lasting_ns, readout in zip(lasts_ns, readouts, strict=True):
        late_ns = (max(lasts_ns) - lasting_ns) // GRID_NS * GRID_NS
        if late_ns:
            body.append(Delay((_window(readout).frame,), late_ns * FS_PER_NS))
        body += readout
    return body


def begins_ns(readouts: Sequence[Sequence[Statement]]) -> tuple[int, ...]:
    """Return when readouts begin whose windows end :data:`RESULTS_APART_NS` apart, ns.

    The shortest comes first; the order of what is returned is that of ``readouts``.
    """
    lasts_ns = [_lasts_ns(readout) for readout in readouts]
    found = [0] * len(readouts)
    free_ns = 0
    for k in sorted(range(len(readouts)), key=lambda k: lasts_ns[k]):
        found[k] = max(0, GRID_NS * ceil((free_ns - lasts_ns[k]) / GRID_NS))
        free_ns = found[k] + lasts_ns[k] + RESULTS_APART_NS
    return tuple(found)


def _lasts_ns(readout: Sequence[Statement]) -> int:
    """Return how long after a readout's begin its window ends."""
    window = _window(readout)
    before = takewhile(lambda one: one is not window, readout)
    shelving_fs = sum(one.waveform.duration_fs for one in before if isinstance(one, Play))
    return (shelving_fs + window.delay_fs + window.duration_fs) // FS_PER_NS


def _window(readout: Sequence[Statement]) -> Capture:
    return next(one for one in readout if isinstance(one, Capture))


def ringdown_s(pulses: Sequence[Pulses], folds: float = FORGOTTEN) -> float:
    """Return after what time nothing is left of a readout, s: ``folds`` of 1 / (2 pi kappa)."""
    return folds / (2 * pi * min(p.bench.best(p.qubit, "kappa") for p in pulses))


def ringdown(
    pulses: Sequence[Pulses], frames: Sequence[str], folds: float = FORGOTTEN
) -> list[Statement]:
    """Wait until nothing is left of a readout in the slowest of the resonators."""
    return [Delay(tuple(frames), on_grid_ns(ringdown_s(pulses, folds)) * FS_PER_NS)]


def emptied(
    pulses: Sequence[Pulses], frames: Sequence[str], folds: float = FORGOTTEN
) -> list[Statement]:
    """Wait, all frames together, until nothing is left of a readout."""
    every = tuple(frames)
    return [Barrier(every), *ringdown(pulses, every, folds), Barrier(every)]


def rest(frames: Sequence[str], kappa_hz: float) -> list[Statement]:
    """Wait until the resonators are empty: ten times 1 / kappa."""
    wait_ns = on_grid_ns(RINGDOWN / (2 * pi * kappa_hz))
    return [Delay(tuple(frames), wait_ns * FS_PER_NS)]


def linear_times(name: str, stop_s: float, points: int) -> Variable:
    """Return delays from one grid step upwards: ``points`` of them, evenly, to about ``stop_s``."""
    step_ns = DELAY_GRID_NS * max(1, round(stop_s * 1e9 / points / DELAY_GRID_NS))
    return Variable(name, "fs", Linear.steps(step_ns * FS_PER_NS, step_ns * FS_PER_NS, points))


def table_times(name: str, seconds: Iterable[float]) -> Variable:
    """Return delays near ``seconds``, each on the grid and at least one grid step."""
    ticks = [max(1, round(s * 1e9 / DELAY_GRID_NS)) for s in seconds]
    return Variable(name, "fs", Table(tuple(t * DELAY_GRID_NS * FS_PER_NS for t in ticks)))


def pads(
    delays: Mapping[str, Variable], times: int, fixed_ns: Mapping[str, int]
) -> dict[str, Variable]:
    """Return, for each element, the wait before its sequence so that all sequences end together.

    A sequence lasts ``fixed_ns`` (by element) and ``times`` its delay (``delays``, by element:
    all linear or all tables of one length). Read out together, qubits decay no longer than they
    are meant to, and every shot has the same tones on the feedline.
    """
    longest_ns = max(fixed_ns.values())
    spare = {name: (longest_ns - ns) * FS_PER_NS for name, ns in fixed_ns.items()}
    values = {name: variable.values for name, variable in delays.items()}
    linear = {name: v for name, v in values.items() if isinstance(v, Linear)}
    if len(linear) == len(values):
        start = max(v.start for v in linear.values())
        step = max(v.step for v in linear.values())
        return {
            name: Variable(
                f"{name}_pad",
                "fs",
                Linear.steps(
                    spare[name] + times * (start - v.start), times * (step - v.step), v.count
                ),
            )
            for name, v in linear.items()
        }
    count = next(iter(values.values())).count
    last = [max(v.value(k) for v in delays.values()) for k in range(count)]
    return {
        name: Variable(
            f"{name}_pad",
            "fs",
            Table(tuple(spare[name] + times * (last[k] - variable.value(k)) for k in range(count))),
        )
        for name, variable in delays.items()
    }


def linear_frequencies(name: str, centre_hz: float, span_hz: float, points: int) -> Variable:
    """Return ``points`` frequencies about ``centre_hz`` with a step of whole kHz."""
    step = max(1_000.0, round(span_hz / (points - 1) / 1_000) * 1_000.0)
    start = round(centre_hz / 1_000) * 1_000.0 - step * ((points - 1) // 2)
    return Variable(name, "Hz", Linear.steps(start, step, points))


def probe_axis(centres_hz: Mapping[str, float], span_hz: float, points: int) -> Axis:
    """Return probe frequencies about ``centres_hz`` (by element): ``<element>_probe_frequency``."""
    return Axis(
        "probe",
        tuple(
            linear_frequencies(f"{element}_probe_frequency", centre_hz, span_hz, points)
            for element, centre_hz in centres_hz.items()
        ),
    )


def probe_table(frequencies_hz: Mapping[str, Iterable[float]]) -> Axis:
    """Return these probe frequencies (by element): ``<element>_probe_frequency``."""
    return _table_axis("probe", "probe_frequency", "Hz", frequencies_hz)


def power_axis(amplitudes: Mapping[str, Iterable[float]]) -> Axis:
    """Return these amplitudes (by element, of full scale): ``<element>_probe_amplitude``."""
    return _table_axis("power", "probe_amplitude", "1", amplitudes)


def _table_axis(name: str, quantity: str, unit: str, of: Mapping[str, Iterable[float]]) -> Axis:
    return Axis(
        name,
        tuple(
            Variable(f"{element}_{quantity}", unit, Table(tuple(float(v) for v in values)))
            for element, values in of.items()
        ),
    )


def share_of_output(loudest: Iterable[float]) -> float:
    """Return by what tones must be scaled to stay within their output's full scale together.

    ``loudest``: the greatest amplitude of each, of full scale.
    """
    return min(1.0, 0.95 / sum(loudest))
