"""Simulated instruments for tests of anybody's lab code: context managers, and what they yield.

The pytest plugin (``podium_pytest``) offers the same as fixtures. Nothing here needs the control
layer, and nothing heavy is imported: the twins live in a process of their own.
"""

from podium.sim_instruments.testing.facility import (
    SentCommand,
    StoppedSequencer,
    TwinFacility,
    TwinInstrument,
    UnknownCommands,
    UnknownTruth,
)
from podium.sim_instruments.testing.pool import TwinPool, twin_facility, twin_instrument
from podium.sim_instruments.testing.process import TwinProcessFailed, TwinRefused
from podium.sim_instruments.testing.replayed import Replayed, ReplayedCommand, TwinDiffers

__all__ = [
    "Replayed",
    "ReplayedCommand",
    "SentCommand",
    "StoppedSequencer",
    "TwinDiffers",
    "TwinFacility",
    "TwinInstrument",
    "TwinPool",
    "TwinProcessFailed",
    "TwinRefused",
    "UnknownCommands",
    "UnknownTruth",
    "twin_facility",
    "twin_instrument",
]
