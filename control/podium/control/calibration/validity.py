"""How long a parameter is good for, and which routine cannot do with an old one."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from podium.control.calibration.measured import Entry
from podium.control.facility.problems import suggest

HOUR_S = 3600.0
DAY_S = 24 * HOUR_S


@dataclass(frozen=True, slots=True)
class Validity:
    """Of one quantity."""

    lasts_s: float
    """Older, it counts as unknown."""
    measured_by: str
    """The routine that measures it anew."""
    of_epoch: bool = False
    """It hangs on phases or delays of the controllers: a re-lock of their clock ends it."""


# ASSUMED, all times: what drifts within hours in a laboratory (frequencies of qubits, T1), within
# days (flux offsets, gains of warm electronics) and between cool-downs (chips). Jumps are not
# foreseen by any table. The facility file and the command line lay others over these.
VALIDITY: Mapping[str, Validity] = {
    "time_of_flight": Validity(30 * DAY_S, "time_of_flight", of_epoch=True),
    "readout_frequency": Validity(7 * DAY_S, "dispersive_shift"),
    "ground_readout_frequency": Validity(7 * DAY_S, "resonator_spectroscopy"),
    "bare_readout_frequency": Validity(30 * DAY_S, "punch_out"),
    "critical_amplitude": Validity(30 * DAY_S, "punch_out"),
    "kappa": Validity(30 * DAY_S, "resonator_spectroscopy"),
    "chi": Validity(7 * DAY_S, "dispersive_shift"),
    "sweet_spot": Validity(1 * DAY_S, "sweet_spot"),
    "flux_period": Validity(30 * DAY_S, "flux_arc"),
    "f01": Validity(12 * HOUR_S, "qubit_spectroscopy"),
    "rabi_frequency": Validity(7 * DAY_S, "qubit_spectroscopy"),
    "anharmonicity": Validity(30 * DAY_S, "ef_spectroscopy"),
    "pi_amplitude": Validity(1 * DAY_S, "rabi"),
    "pulse_duration": Validity(30 * DAY_S, "rabi"),
    "ef_pi_amplitude": Validity(1 * DAY_S, "rabi_ef"),
    "probe_frequency": Validity(7 * DAY_S, "readout_optimisation"),
    "probe_amplitude": Validity(7 * DAY_S, "readout_optimisation"),
    "probe_duration": Validity(7 * DAY_S, "readout_optimisation"),
    "probe_loss": Validity(7 * DAY_S, "readout_optimisation"),
    "ground_i": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "ground_q": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "excited_i": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "excited_q": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "ground_variance": Validity(12 * HOUR_S, "single_shot"),
    "excited_variance": Validity(12 * HOUR_S, "single_shot"),
    "readout_threshold": Validity(12 * HOUR_S, "single_shot"),
    "false_excited": Validity(12 * HOUR_S, "single_shot"),
    "false_ground": Validity(12 * HOUR_S, "single_shot"),
    "rare_threshold": Validity(12 * HOUR_S, "single_shot"),
    "rare_false_excited": Validity(12 * HOUR_S, "single_shot"),
    "rare_false_ground": Validity(12 * HOUR_S, "single_shot"),
    "herald_to_readout": Validity(12 * HOUR_S, "single_shot"),
    "assignment_fidelity": Validity(1 * DAY_S, "single_shot"),
    "second_i": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "second_q": Validity(12 * HOUR_S, "single_shot", of_epoch=True),
    "thermal_population": Validity(1 * DAY_S, "thermal_population"),
    "t1": Validity(1 * DAY_S, "relaxation"),
    "t2_echo": Validity(1 * DAY_S, "echo"),
    "t2_ramsey": Validity(1 * DAY_S, "ramsey"),
    "t2_gaussian": Validity(1 * DAY_S, "ramsey"),
    "ramsey_amplitude": Validity(1 * DAY_S, "ramsey"),
}
"""By quantity, the last word of a parameter's name."""

OTHERS = Validity(1 * DAY_S, "")
"""Of quantities that the table does not know."""

READOUT_SETTINGS = ("probe_frequency", "probe_amplitude", "probe_duration")
_DRIVE = ("f01", "pi_amplitude", "pulse_duration")
_LEVELS = (
    *("ground_i", "ground_q", "excited_i", "excited_q"),
    *("ground_variance", "excited_variance"),
)

_ERRORS = ("rare_threshold", "rare_false_excited", "rare_false_ground", "herald_to_readout")

NEEDS: Mapping[str, tuple[str, ...]] = {
    "punch_out": ("ground_readout_frequency",),
    "flux_arc": ("ground_readout_frequency",),
    "qubit_spectroscopy": ("sweet_spot", *READOUT_SETTINGS),
    "sweet_spot": ("sweet_spot", "f01", *READOUT_SETTINGS),
    "rabi": ("sweet_spot", "f01", *READOUT_SETTINGS),
    "readout_optimisation": ("sweet_spot", *_DRIVE),
    "single_shot": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS),
    "ramsey": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS, *_LEVELS),
    "frequency": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS, *_LEVELS),
    "relaxation": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS, *_LEVELS),
    "echo": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS, *_LEVELS),
    "ef_spectroscopy": ("sweet_spot", *_DRIVE, *READOUT_SETTINGS),
    "rabi_ef": ("sweet_spot", *_DRIVE, "anharmonicity", *READOUT_SETTINGS),
    "thermal_population": ("sweet_spot", *READOUT_SETTINGS, *_LEVELS, *_ERRORS),
    "dispersive_shift": ("sweet_spot", *_DRIVE),
}
"""What a routine's result stands on: old, it refuses. Of everything else it takes, where it is
old, what the facility file expects."""


class NoQuantity(LookupError):
    """A validity is of a quantity that no routine measures; the message says what would be."""


@dataclass(frozen=True, slots=True)
class Validities:
    """The table with what a facility or a person lays over it."""

    lasts_s: Mapping[str, float] = field(default_factory=dict)
    """By quantity (``f01``) or by full name (``node_a.q0.f01``), which goes first."""

    @classmethod
    def laid_over(cls, of_facility: Mapping[str, float], over: Mapping[str, float]) -> "Validities":
        """Return those of a facility file with a person's over them, s.

        Raises :class:`NoQuantity`.
        """
        for names, where in ((of_facility, "in the facility file's validity: "), (over, "")):
            for name in names:
                quantity = name.rpartition(".")[2]
                if quantity not in VALIDITY:
                    raise NoQuantity(
                        f"{where}no quantity {quantity!r}; {suggest(quantity, VALIDITY)}"
                    )
        return cls({**of_facility, **over})

    def of(self, name: str) -> Validity:
        """Return how long the parameter ``name`` is good for."""
        quantity = name.rpartition(".")[2]
        known = VALIDITY.get(quantity, OTHERS)
        lasts_s = self.lasts_s.get(name, self.lasts_s.get(quantity, known.lasts_s))
        return Validity(lasts_s, known.measured_by, known.of_epoch)

    def complaint(self, entry: Entry, now_tai_s: float | None, epoch: int | None) -> str | None:
        """Return why ``entry`` is no longer good, or None when it is.

        ``None`` for the time or the epoch: not known, nothing is said of it. A clock that was set
        back makes entries that are later than now: they are judged by their distance alike.
        """
        validity = self.of(entry.name)
        if validity.of_epoch and epoch is not None and entry.epoch != epoch:
            return (
                f"{entry.name} is of epoch {entry.epoch} of the controllers' clock, which is "
                f"in epoch {epoch}: phases and delays have changed since"
            )
        if now_tai_s is None:
            return None
        age_s = now_tai_s - entry.tai_s
        if abs(age_s) <= validity.lasts_s:
            return None
        when = f"{told_age(age_s)} old" if age_s > 0 else f"from {told_age(-age_s)} in the future"
        return f"{entry.name} is {when}, and valid for {told_age(validity.lasts_s)}"


def told_age(seconds: float) -> str:
    """Return ``42 s``, ``17 min``, ``3.4 h`` or ``2.1 d``."""
    for unit, length, below in (("s", 1.0, 100.0), ("min", 60.0, 6000.0), ("h", HOUR_S, 2 * DAY_S)):
        if seconds < below:
            number = seconds / length
            return (
                f"{number:.1f}".removesuffix(".0") + f" {unit}"
                if unit == "h"
                else (f"{number:.0f} {unit}")
            )
    return f"{seconds / DAY_S:.1f}".removesuffix(".0") + " d"
