"""Oxford Triton dilution refrigerator: the nouns of its control computer.

Source: QCoDeS 0.58, ``oxford.triton``; see :mod:`.oxford_grammar`. A magnet is not controlled
through it here.
"""

TCP_PORT = 33576
IDENTITY = ("OI", "TRITON")
THERMOMETERS = tuple(range(1, 17))  # DEV:T1 ... T16
PRESSURES = tuple(range(1, 7))  # DEV:P1 ... P6, mB
VALVES = tuple(range(1, 24))
"""DEV:V1 ... ; as many as a fridge has at most. ASSUMED."""
PUMPS = {"TURB1": "turbo1", "TURB2": "turbo2", "COMP": "compressor", "FP": "scroll1"}
"""DEV:...:PUMP and what a fridge calls it. FP, the forepump: ASSUMED."""
HEATERS = {"H1": "mixing_chamber", "H2": "still"}
"""DEV:H1 is that of the control loop, at the mixing chamber."""
STAGES = {
    "mixing_chamber": "MC",
    "cold_plate": "CLDP",
    "still": "STIL",
    "second_stage": "PT2",
    "first_stage": "PT1",
}
"""SYS:DR:CHAN: names of thermometers by stage."""
ACTIONS = ("NONE", "PCL", "EPCL", "COND", "COLL")
"""SYS:DR:ACTN: nothing, precool, empty the precooling loop, condense, collect."""
RANGES_MA = (0.316, 1.0, 3.16, 10.0, 31.6, 100.0)
"""LOOP:RANGE: full-scale current of H1."""
HEATER_LOAD_OHM = 120.0
"""ASSUMED."""
HEATER_MAX_W = HEATER_LOAD_OHM * (RANGES_MA[-1] * 1e-3) ** 2
GAIN_MAX = 1000.0  # P, I, D; QCoDeS
SETPOINT_MAX_K = 300.0
"""ASSUMED."""
