"""All mutants, room by room."""

from tests.mutants.rooms import start, timebase

MUTANTS = (*start.MUTANTS, *timebase.MUTANTS)
