"""Constants of three dry dilution refrigerators, each with where it comes from.

A fridge is scaled from the LD400. What the maker's data sheets publish stands in
tests/referees/test_dilution_data_sheets.py, which judges these numbers; the method of the two
numbers for the mixing chamber (flow and rest of heat) is in docs/explanation/the-fridge.md.
"""

from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Stages:
    """Masses, conductances and loads between room temperature and the mixing chamber."""

    masses_kg: tuple[float, float, float, float, float]
    """Copper that stores as much heat as all that hangs at each stage, from warm to cold.
    # ASSUMED: fitted to 24 h (LD) and 36 to 48 h (XLD) of the data sheets."""
    radiation_room: float = 3.5e-9
    """W/K^4 from room temperature to the first stage, through 2 to 3 m^2 of superinsulation.
    # ASSUMED: 26 W at 40 K, of 0.5 to 1.5 W/m^2 and the wiring's 0.2 to 0.3 W each 50 lines
    (Krinner et al., EPJ Quantum Technol. 6 (2019) 2, table 2)."""
    conduction_room: float = 0.02
    """W/K from room temperature to the first stage: supports, lines. # ASSUMED"""
    radiation_first: float = 1.0e-9
    """W/K^4 from first to second stage. # ASSUMED"""
    conduction_first: float = 0.004
    """W/K from first to second stage: supports, lines. # ASSUMED: 1 mW for each line."""
    conduction_second: float = 1.2e-4
    """W/K^2, of T1^2 - T2^2, second stage to still. # ASSUMED: 1 mW, 2.5 uW for each line."""
    conduction_still: float = 2.5e-5
    """W/K^2, still to cold plate. # ASSUMED: 15 uW, 0.2 uW for each line."""
    conduction_cold_plate: float = 1.2e-5
    """W/K^2, cold plate to mixing chamber. # ASSUMED: 0.1 uW, 4 to 10 nW for each line."""
    second_stage_load_w: float = 0.1
    """Of amplifiers that are always on. # ASSUMED: ten HEMTs of 10 mW."""
    heat_switch: float = 0.35
    """W/K between the second stage and each colder one, closed, above 50 K. # ASSUMED"""
    idle_room: float = 0.06
    """W/K through a pulse tube that stands still, room to first stage. # ASSUMED"""
    idle_first: float = 0.05
    """The same, first to second stage. # ASSUMED"""


@dataclass(frozen=True, slots=True)
class Dilution:
    """The dilution unit and what circulates through it."""

    mixture_mol: float
    """All 3He and 4He. # ASSUMED: 80 kPa in the tank."""
    helium3_mol: float
    """3He in the mixing chamber's dilute phase. # ASSUMED"""
    exchanger: float
    """Share of the 3He's circulation that cools the mixing chamber by 84 n T^2: the rest is what
    heat exchangers lose. Fitted to the data sheet's powers at 20 and 100 mK."""
    residual_w: float
    """Heat that reaches the mixing chamber in any case. Fitted to the base temperature."""
    most_flow: float
    """What the pumps can take, mol/s. # ASSUMED"""
    still_heater_w: float
    """For the usual operation."""
    helium3_activity: float = 0.03
    """Partial pressure of 3He over the still in that of pure 3He: 1 % of it, three times as
    active as in an ideal solution. # ASSUMED"""
    inlet_heat: float = 8.0
    """J/mol that what returns brings to the still. # ASSUMED"""
    condenser_heat: float = 250.0
    """J/mol that what returns leaves at the second stage. # ASSUMED: a quarter of the way from
    50 K; the rest is left along the regenerator."""


@dataclass(frozen=True, slots=True)
class GasHandling:
    """Volumes, pumps and flow resistances of the mixture's circuit."""

    tank_m3: float
    still_line_m3: float = 0.05
    back_m3: float = 0.004
    condensing_m3: float = 0.004
    turbo_m3_s: float = 0.25
    """At the still, with the pumping line. # ASSUMED: of 0.7 m^3/s (HiPace 700), by its line."""
    scroll_m3_s: float = 3.3e-3
    """# ASSUMED: 12 m^3/h."""
    compressor_m3_s: float = 1.5e-3
    """# ASSUMED: 5 m^3/h."""
    impedance: float = 1.1e-8
    """mol/(s Pa) from the condensing line into the fridge. # ASSUMED: 0.6 bar in operation."""
    valve: float = 2e-7
    """mol/(s Pa) of an open valve. # ASSUMED"""
    metering: float = 5e-8
    """mol/(s Pa) of the tank's metering valve. # ASSUMED: 1.5 to 3 h to condense."""
    relief_pa: float = 2.3e5
    """Where check valves let the mixture back into the tank. # ASSUMED"""
    burst_pa: float = 3.5e5
    """Where a disc bursts and mixture is lost. # ASSUMED"""
    can_m3: float = 0.3
    can_scroll_m3_s: float = 5e-3
    can_turbo_m3_s: float = 0.1
    """# ASSUMED, both."""


@dataclass(frozen=True, slots=True)
class HeliumCompressor:
    """The compressor of the pulse tube (Cryomech CPA class), with its cooling water."""

    power_w: float = 7.5e3
    """# ASSUMED: in operation, of the maker's 7.2 to 9.2 kW."""
    water_w_k: float = 700.0
    """# ASSUMED: 10 l/min of water."""
    heat_capacity: float = 5e4
    """J/K of heat exchangers and oil. # ASSUMED: trips two minutes after the water fails."""
    static_pa: float = 15.2e5
    high_pa: float = 20.5e5
    low_pa: float = 6.9e5
    """# ASSUMED, all three: 220, 300 and 100 psi."""
    current_a: float = 15.5
    """# ASSUMED"""


@dataclass(frozen=True, slots=True)
class Turbo:
    """A turbomolecular pump with its drive (Pfeiffer TC 400 class)."""

    full_hz: float = 820.0
    """HiPace 700, data sheet."""
    run_up_s: float = 120.0
    """1/e time. # ASSUMED: 4 to 5 min to 90 %."""
    run_down_s: float = 600.0
    """1/e time when nothing drives it. # ASSUMED"""
    volts: float = 48.0
    """TC 400, data sheet."""
    idle_a: float = 0.6
    full_a: float = 8.0
    """# ASSUMED, both: at speed and while it runs up."""


@dataclass(frozen=True, slots=True)
class Settled:
    """The steady state of usual operation, computed by this model of it."""

    temperatures_k: tuple[float, float, float, float, float]
    still_pa: float
    back_pa: float
    condensing_pa: float
    tank_pa: float
    flow: float
    """mol/s"""


@dataclass(frozen=True, slots=True)
class CryostatParameters:
    """One model of fridge."""

    model: str
    stages: Stages
    dilution: Dilution
    gas: GasHandling
    settled: Settled
    pulse_tubes: int = 1
    pulse_tube_scale: float = 1.0
    """Powers of each pulse tube in those of a PT415."""
    compressor: HeliumCompressor = field(default_factory=HeliumCompressor)
    turbo: Turbo = field(default_factory=Turbo)
    ups_s: float = 1800.0
    """How long pumps and valves run on the battery. # ASSUMED"""
    magnet_henry: float = 10.0
    """Of each axis of a magnet, where one is built in. # ASSUMED"""


LD250 = CryostatParameters(
    model="LD250",
    stages=Stages((60.0, 45.0, 9.5, 5.0, 7.0)),
    dilution=Dilution(2.6, 0.2, 0.7533, 0.851e-6, 0.8e-3, 8e-3),
    gas=GasHandling(tank_m3=0.08, turbo_m3_s=0.18),
    settled=Settled((43.13, 2.986, 0.718, 0.06366, 5.88e-3), 6.36, 42.73e3, 40.5e3, 3e3, 0.4456e-3),
)
LD400 = CryostatParameters(
    model="LD400",
    stages=Stages((60.0, 46.0, 11.0, 5.5, 8.0)),
    dilution=Dilution(3.9, 0.3, 0.8209, 1.951e-6, 1.1e-3, 12e-3),
    gas=GasHandling(tank_m3=0.12),
    settled=Settled(
        (43.15, 3.047, 0.7249, 0.0634, 7.05e-3), 6.571, 61.02e3, 57.84e3, 3e3, 0.6362e-3
    ),
)
XLD1000 = CryostatParameters(
    model="XLD1000",
    stages=Stages(
        (240.0, 230.0, 40.0, 20.0, 35.0),
        radiation_room=7e-9,
        conduction_room=0.04,
        radiation_first=2e-9,
        conduction_first=0.008,
        conduction_second=2.4e-4,
        conduction_still=5e-5,
        conduction_cold_plate=2.4e-5,
        second_stage_load_w=0.2,
        heat_switch=0.7,
    ),
    dilution=Dilution(9.0, 0.7, 0.823, 5.896e-6, 2.4e-3, 33e-3),
    gas=GasHandling(
        tank_m3=0.28,
        still_line_m3=0.1,
        turbo_m3_s=0.6,
        scroll_m3_s=7e-3,
        compressor_m3_s=3.5e-3,
        impedance=2.7e-8,
        metering=1.2e-7,
    ),
    settled=Settled(
        (40.82, 2.969, 0.7498, 0.06515, 7.73e-3), 7.22, 68.34e3, 60.21e3, 3e3, 1.6257e-3
    ),
    pulse_tubes=2,
    pulse_tube_scale=1.25,
)

MODELS = {one.model: one for one in (LD250, LD400, XLD1000)}
