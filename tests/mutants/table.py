"""All mutants, room by room."""

from tests.mutants.rooms import (
    biases,
    compilers,
    coordination,
    defects,
    drift,
    drive_crosstalk,
    fridges,
    links,
    models,
    parameters,
    q1,
    routines,
    seqc,
    sigmas,
    skews,
    start,
)

MUTANTS = (
    *start.MUTANTS,
    *coordination.MUTANTS,
    *biases.MUTANTS,
    *drift.MUTANTS,
    *skews.MUTANTS,
    *sigmas.MUTANTS,
    *models.MUTANTS,
    *routines.MUTANTS,
    *parameters.MUTANTS,
    *compilers.MUTANTS,
    *q1.MUTANTS,
    *seqc.MUTANTS,
    *fridges.MUTANTS,
    *links.MUTANTS,
    *defects.MUTANTS,
    *drive_crosstalk.MUTANTS,
)
