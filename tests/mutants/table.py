"""All mutants, room by room."""

from tests.mutants.rooms import biases, compilers, fits, parameters, processors, start, timebase

MUTANTS = (
    *start.MUTANTS,
    *biases.MUTANTS,
    *timebase.MUTANTS,
    *fits.MUTANTS,
    *parameters.MUTANTS,
    *compilers.MUTANTS,
    *processors.MUTANTS,
)
