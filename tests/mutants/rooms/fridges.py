"""Mistakes about simulated fridges: who looks, heat, mixture, faults, and what qubits feel."""

from tests.mutants.mutant import Mutant

_ROOM = "sim_instruments/podium/sim_instruments/physics/cryostat"
_TESTS = "tests/sim_instruments/physics/cryostat"
_PLANT = f"{_TESTS}/test_plant.py"
_FAULTS = f"{_TESTS}/test_faults.py"
_SHEETS = "tests/referees/test_dilution_data_sheets.py"

MUTANTS = (
    Mutant(
        "fridge/readings-move-it",
        f"{_ROOM}/plant.py",
        "            state = self._state.copy()\n            if",
        "            state = self._state\n            if",
        (f"{_PLANT}::test_a_thousand_steps_give_what_one_gives",),
        "a fridge that is read often lives another life than one that is not",
    ),
    Mutant(
        "fridge/events-at-the-grid",
        f"{_ROOM}/plant.py",
        "return min(grid_fs, self._events[0].at_fs) if self._events else grid_fs",
        "return grid_fs",
        (f"{_PLANT}::test_events_happen_at_their_exact_time",),
        "a valve opens up to two minutes late",
    ),
    Mutant(
        "fridge/long-steps-after-an-event",
        f"{_ROOM}/plant.py",
        "self._state.stride_s = SHORTEST_STRIDE_S",
        "self._state.stride_s = self._state.stride_s",
        (f"{_PLANT}::test_steps_are_long_while_nothing_changes_and_short_after_an_event",),
        "a trip is integrated in steps of two minutes",
    ),
    Mutant(
        "fridge/heat-out-of-nothing",
        f"{_ROOM}/heat_balance.py",
        "if abs(change) < 1e-3 * t:",
        "if abs(change) < 1e3 * t:",
        (f"{_PLANT}::test_heat_is_kept_while_heat_capacities_change_hundredfold",),
        "a plate that warms fast takes up more heat than reaches it",
    ),
    Mutant(
        "fridge/mixture-leaks-by-rounding",
        f"{_ROOM}/gas_handling.py",
        "state.liquid_mol += length_s * (state.inflow - evaporated)",
        "state.liquid_mol += length_s * (state.inflow - 0.999 * evaporated)",
        (f"{_PLANT}::test_mixture_is_neither_made_nor_lost",),
        "mixture comes out of nothing",
    ),
    Mutant(
        "fridge/dilution-by-96",
        f"{_ROOM}/helium.py",
        "DILUTION = 84.0",
        "DILUTION = 96.0",
        (f"{_SHEETS}::test_cooling_power_is_that_of_the_data_sheet",),
        "the heat that returning 3He brings is forgotten",
    ),
    Mutant(
        "fridge/compressor-runs-on-hot-oil",
        f"{_ROOM}/machines.py",
        "        if state.errors:\n            commands[signals.PULSE_TUBE] = 0.0",
        "        if state.errors < 0:\n            commands[signals.PULSE_TUBE] = 0.0",
        (f"{_FAULTS}::test_warm_water_stops_the_compressor_by_its_own_limit",),
        "a compressor is simulated that nothing stops",
    ),
    Mutant(
        "fridge/valves-stay-open-without-power",
        f"{_ROOM}/machines.py",
        '("pump.", "valve.", "heater.")',
        '("pump.", "heater.")',
        (f"{_FAULTS}::test_in_a_power_cut_pumps_live_on_the_battery_and_then_valves_close",),
        "valves stay open when nothing holds them",
    ),
    Mutant(
        "fridge/qubits-stay-cold",
        "sim_instruments/podium/sim_instruments/physics/bath.py",
        "    if now_k <= cold_k:",
        "    if now_k >= cold_k:",
        ("tests/sim_instruments/physics/test_bath.py",),
        "qubits do not notice that their fridge is warm",
    ),
)
