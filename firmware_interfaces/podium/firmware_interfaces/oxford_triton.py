"""Oxford Triton dilution refrigerator: the nouns of its control computer.

Source: QCoDeS 0.58, ``oxford.triton``; see :mod:`.oxford_grammar`. What gauges, valves and actions
are is known as public programs of laboratories use them: frappy (PSI) ``frappy_psi/triton.py``,
``triton_pressure.py`` (D. Wong, 2018), ``warmup_until`` of anti_qsweepy, ``high_temp_mode`` and
``pressurize_precool`` of drivers made of QCoDeS's; QTMtoolbox (University of Twente) and ISIS's
programs for the names of thermometers and for whose loop is found. A magnet is not controlled
through it here.
"""

TCP_PORT = 33576
IDENTITY = ("OI", "TRITON")
THERMOMETERS = tuple(range(1, 17))  # DEV:T1 ... T16
PRESSURES = tuple(range(1, 7))  # DEV:P1 ... P6, mB
GAUGES = {"P1": "p5", "P2": "p3", "P3": "p2", "P5": "p4", "P6": "p1"}
"""By gauge what a fridge calls it: tank, condensing line, still, forepump's outlet before the trap,
outer vacuum can. P4 is between turbo and forepump, where a fridge here has none."""
FORELINE = "foreline"
"""P4 likewise: of no signal of a fridge."""
CLIENTS_MAX = 1
"""Further connections are refused: notes of ISIS on Tritons (``ibex_developers_manual``)."""
VALVES = tuple(f"V{number}" for number in range(1, 10))
PANEL = {"V1": "v9", "V4": "v2", "V5": "v4", "V7": "v12", "V8": "v13", "V9": "v1"}
"""By valve what a fridge calls it. V9 joins still and turbo, V4 goes around the turbo: above 1.25 K
programs shut V9, open V4 and stop the turbo. V1, V5 and V9 are open while it circulates; V7 lets
the condensing line's pressure down. ASSUMED: that V1 leads into the fridge, V5 away from the
forepump, V8 from the tank. V2, V3 and V6 are not of this circuit: V2 and V3 of the precooling loop,
which the simulated fridge has not."""
PUMPS = {"TURB1": "turbo1", "TURB2": "turbo2", "COMP": "compressor", "FP": "scroll1"}
"""DEV:...:PUMP and what a fridge calls it; FP is the forepump."""
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
NAMES = ("STIL", "MC", "COOL", "PT1", "PT2", "CLDP", "SORB")
"""Their order in the answer to SYS:DR:CHAN, each with its thermometer, as QTMtoolbox reads it.
ASSUMED: those after PT2, and that one without a thermometer is left out."""
COOL = "COOL"
"""SYS:DR:CHAN: the thermometer that a cooldown goes by."""
ACTIONS = ("NONE", "PCL", "EPCL", "COND", "COLL", "CLDN", "PCOND", "RCOND", "WARM")
"""SYS:DR:ACTN: nothing, precool, empty the precooling loop, condense, collect, full cooldown, pause
and resume the precooling, warm up."""
STOP = "STOP"
"""Is written to end an action; NONE is read then."""
RANGES_MA = (0.316, 1.0, 3.16, 10.0, 31.6, 100.0)
"""LOOP:RANGE: full-scale current of H1."""
HEATER_LOAD_OHM = 120.0
"""ASSUMED."""
HEATER_MAX_W = HEATER_LOAD_OHM * (RANGES_MA[-1] * 1e-3) ** 2
GAIN_MAX = 1000.0  # P, I, D; QCoDeS
SETPOINT_MAX_K = 300.0
"""ASSUMED."""
