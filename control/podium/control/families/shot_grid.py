"""Lets shots last a whole number of the grids on which controllers begin waveforms.

A shot that does not leaves the next one beside the grid: what is the same in each shot is then
stored once for each place on it, and read out by other integrators. Where several makers play a
run, one's routine does not know of the other's grid.
"""

import math
from dataclasses import replace

import numpy as np

from podium.control.compilers.placing import place_in_fs
from podium.control.facility.facility import Facility
from podium.control.facility.instrument_models import model_of
from podium.control.families.result_lines import controllers_of_ports
from podium.control.program.program import Barrier, Delay, Program, played_ports
from podium.firmware_interfaces.exact_time import FS_PER_NS


def on_shot_grid(program: Program, facility: Facility) -> Program:
    """Return the program with a wait behind each shot that ends it on all its controllers' grids.

    As it is where a shot's length depends on the point by no whole number of them: a wait that is
    the same at all points would not help. Raises what :func:`.place_in_fs` raises.
    """
    controllers = controllers_of_ports(facility)
    playing = {controllers[port] for port in played_ports(program) if port in controllers}
    grids_ns = [model_of(facility.instruments[name]).shot_grid_ns for name in playing]
    grid_fs = math.lcm(*grids_ns) * FS_PER_NS
    if grid_fs <= FS_PER_NS:  # whole nanoseconds: nothing is stored by the place on them
        return program
    over_fs = np.unique(place_in_fs(program).shot_fs % grid_fs)
    if over_fs.size != 1 or not over_fs[0]:
        return program
    every = tuple(one.name for one in program.frames)
    rest = Delay(every, grid_fs - int(over_fs[0]))
    return replace(program, body=(*program.body, Barrier(every), rest, Barrier(every)))
