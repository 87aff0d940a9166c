"""Mistakes about pulses that reach another qubit than their own."""

from tests.mutants.mutant import Mutant

_PHYSICS = "sim_instruments/podium/sim_instruments/physics"
_BY_WORLDS = ("tests/sim_instruments/physics/test_drive_crosstalk.py",)

MUTANTS = (
    Mutant(
        "drive-crosstalk/the-longer-line-comes-first",
        f"{_PHYSICS}/drive_crosstalk.py",
        "train.start_ns + by.later_ns",
        "train.start_ns - by.later_ns",
        _BY_WORLDS,
        "a pulse on the longer line reaches another qubit too early",
    ),
    Mutant(
        "drive-crosstalk/a-session-hears-none",
        f"{_PHYSICS}/session.py",
        "for train in self._crosstalk.spread(drives):",
        "for train in drives:",
        _BY_WORLDS,
        "runs that come in pieces have no crosstalk",
    ),
    Mutant(
        "drive-crosstalk/the-exchange-hands-on-the-same-in-1",
        "control/podium/control/calibration/routines/drive_crosstalk.py",
        "return ladder**2 * self.apart_hz / (self.apart_hz + bent) - 1.0",
        "return -ladder**2 * self.apart_hz / (self.apart_hz + bent)",
        ("tests/control/calibration/test_drive_crosstalk.py",),
        "what an exchange hands on counts as crosstalk",
    ),
)
