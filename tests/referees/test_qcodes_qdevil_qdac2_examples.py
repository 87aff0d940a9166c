"""QDevil's published examples of its QDAC-II, run with its driver, and with pyvisa alone.

Notebooks of `docs/examples/QDevil/QDAC2` of `qcodes_contrib_drivers`, without their scopes and
plots; what waited for the real instrument lets the twin's clock leap.
"""

import numpy as np
import pytest
import pyvisa
from qcodes_contrib_drivers.drivers.QDevil import QDAC2

from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2

STEP_V = 20 / 2**20


@pytest.fixture
def twin():
    return QdevilQdac2("3", noise_seed=3)


@pytest.fixture
def sleep(qdac, twin_servers):
    """Return what lets time pass, s, once all that was sent has arrived."""

    def pass_by(seconds: float) -> None:
        qdac.ask("*opc?")
        clock = twin_servers.clock
        clock.leap_to(clock.now_fs() + round(seconds * 1e15))

    return pass_by


@pytest.fixture
def qdac(serve, twin, monkeypatch):
    monkeypatch.setattr(QDAC2, "sleep_s", lambda seconds: None)
    qdac = QDAC2.QDac2("QDAC2", visalib="@py", address=serve(twin).visa)
    qdac.reset()
    yield qdac
    assert qdac.errors() == '0, "No error"'
    assert twin.tallies()["unknown"] == 0
    qdac.close()


def test_scan_2d_diode_reads_a_current_at_each_point(qdac, twin, sleep) -> None:
    twin.channels[1].load_ohm = 1e3  # of the diodes' place
    arrangement = qdac.arrange(
        contacts={"diodes_left": 2, "diodes_right": 3}, internal_triggers={"inner"}
    )
    inner_steps = 21
    inner_V = np.linspace(-0.3, 0.4, inner_steps)
    outer_steps = 21
    outer_V = np.linspace(-0.2, 0.5, outer_steps)
    sweep = arrangement.virtual_sweep2d(
        inner_contact="diodes_left",
        inner_voltages=inner_V,
        outer_contact="diodes_right",
        outer_voltages=outer_V,
        inner_step_time_s=20e-3,
        inner_step_trigger="inner",
    )
    assert qdac.errors() == '0, "No error"'
    diodes = qdac.channel(2)
    diodes.clear_measurements()
    measurement = diodes.measurement()
    measurement.start_on(arrangement.get_trigger_by_name("inner"))
    assert qdac.errors() == '0, "No error"'
    sweep.start()
    sleep(10)
    qdac.channel(2).dc_constant_V(0)
    qdac.channel(3).dc_constant_V(0)
    sleep(3)
    raw = measurement.available_A()
    assert len(raw) == 441  # 442 in what is published
    available = [float(x) for x in raw[-(outer_steps * inner_steps) :]]
    currents = np.reshape(available, (-1, inner_steps))
    assert currents.shape == (21, 21)
    for row in currents:
        assert row == pytest.approx(inner_V / 1e3, rel=0.1, abs=5e-6)


def test_gate_leakage_finds_what_is_connected(qdac, twin, sleep) -> None:
    twin.channels[4].load_ohm = 5.6e6
    arrangement = qdac.arrange(contacts={"G1": 1, "G2": 2, "G3": 3, "G4": 4, "O5": 5})
    arrangement.set_virtual_voltages(
        {"G1": 0.01, "G2": 0.015, "G3": 0.013, "G4": 0.021, "O5": 0.005}
    )
    sleep(3)
    leakage_matrix_Ohm = arrangement.leakage(modulation_V=5 / 1000, nplc=10)
    assert leakage_matrix_Ohm.shape == (5, 5)
    assert leakage_matrix_Ohm[4, 4] == pytest.approx(5.6e6, rel=0.2)


def test_sweep_is_told_once_and_without_end(qdac, twin, sleep) -> None:
    with qdac.ch03.dc_sweep(
        repetitions=2, start_V=-1, stop_V=1, points=11, dwell_s=10e-6
    ) as my_list:
        assert my_list.points() == 11
    dc_sweep = qdac.ch03.dc_sweep(
        repetitions=2, stepped=True, start_V=-1, stop_V=1, points=11, dwell_s=10e-6
    )
    dc_sweep.start()
    sleep(1)
    dc_sweep = qdac.ch03.dc_sweep(repetitions=-1, start_V=-1, stop_V=1, points=11, dwell_s=10e-6)
    dc_sweep.start()
    sleep(2)
    dc_sweep.abort()
    assert dc_sweep.cycles_remaining() == 0


def test_generators_of_a_channel_run_together_until_each_is_stopped(
    qdac, twin, sleep, twin_servers
) -> None:
    def highest() -> float:
        now_fs = twin_servers.clock.now_fs()
        return max(twin.levels_v_at(now_fs + n * 10**10)["ch03"] for n in range(200))

    channel = qdac.ch03
    channel.square_wave()
    sine = channel.sine_wave()
    channel.triangle_wave()
    qdac.start_all()
    sleep(1)
    all_three = highest()
    sine.abort()
    sleep(3)
    assert 0 < highest() < all_three
    channel.abort()
    sleep(0)
    assert highest() == 0


def test_pyvisa_awg_adds_a_trace_to_stairs(serve, twin, twin_servers) -> None:
    rm = pyvisa.ResourceManager("@py")
    dac = rm.open_resource(serve(twin).visa)
    dac.write_termination = "\n"
    dac.read_termination = "\n"
    assert dac.query("*idn?").startswith("QDevil, QDAC-II, 3, ")
    dac.write("*rst")
    channel, size, steps, repetitions = 3, 1000, 20, 1_000_000
    dac.write("trac:rem:all")
    dac.write(f'trac:def "mysquare",{size}')
    awg = np.tile(np.repeat([0, 0.01], 5), (size // 10))
    dac.write_binary_values('trac:data "mysquare",', awg)
    dac.write(f'sour{channel}:awg:def "mysquare"')
    dac.write(f"sour{channel}:awg:coun {repetitions}")
    dac.write(f"sour{channel}:awg:trig:sour int1")
    dac.write(f"sour{channel}:awg:init:cont off")
    dac.write(f"sour{channel}:awg:init")
    stairs = np.repeat(np.arange(-2.0, 2.0, 4.0 / steps), (size // steps))
    dac.write_binary_values(f"sour{channel}:list:volt ", stairs)
    dac.write(f"sour{channel}:volt:mode list")
    dac.write(f"sour{channel}:list:dwel 2e-6")
    dac.write(f"sour{channel}:list:coun {repetitions}")
    dac.write(f"sour{channel}:dc:trig:sour int1")
    dac.write(f"sour{channel}:dc:init:cont off")
    dac.write(f"sour{channel}:dc:init")
    assert dac.query("syst:err:all?") == '0, "No error"'
    dac.write("tint 1")
    assert dac.query("syst:err:all?") == '0, "No error"'
    now_fs = twin_servers.clock.now_fs()
    seen = [twin.levels_v_at(now_fs + n * 10**9)["ch03"] for n in range(2000)]
    assert min(seen) == pytest.approx(-2, abs=STEP_V)
    assert max(seen) == pytest.approx(1.81, abs=2 * STEP_V)
    dac.close()
    rm.close()
