"""QDevil's own driver, of `qcodes_contrib_drivers`, unmodified, against the twin of the QDAC-II."""

import pytest
from qcodes_contrib_drivers.drivers.QDevil.QDAC2 import QDac2

from podium.sim_instruments.twins.qdevil_qdac2 import QdevilQdac2


@pytest.fixture
def twin():
    twin = QdevilQdac2("159", noise_seed=3)
    yield twin
    assert twin.tallies()["unknown"] == 0


@pytest.fixture
def client(serve, twin):
    client = QDac2("qdac", serve(twin).visa, visalib="@py")
    yield client
    client.close()


def now_v(twin, servers, channel):
    return twin.levels_v_at(servers.clock.now_fs())[channel]


def test_it_connects_by_reading(client):
    assert client.get_idn() == {
        "vendor": "QDevil",
        "model": "QDAC-II",
        "serial": "159",
        "firmware": "13-1.57",
    }
    assert client.errors() == client.error() == '0, "No error"'
    assert client.n_errors() == 0
    assert client.mac() == "04-91-62-00-00-9F"


def test_every_parameter_that_can_be_read_is_answered(client):
    parts = (client, client.ch07, client.ext3)
    found = [one.get() for part in parts for one in part.parameters.values() if one.gettable]
    assert len([value for value in found if value is not None]) == 26  # others can only be set
    assert client.n_errors() == 0


def test_a_constant_voltage_is_at_the_terminals(client, twin, twin_servers):
    client.ch05.dc_constant_V(1.25)
    assert client.ch05.dc_constant_V() == pytest.approx(1.25, abs=1e-5)
    assert client.ch05.dc_last_V() == 1.25
    assert now_v(twin, twin_servers, "ch05") == pytest.approx(1.25, abs=1e-5)
    assert now_v(twin, twin_servers, "ch06") == 0


def test_a_slew_takes_its_time(client, twin, twin_servers):
    client.ch02.dc_slew_rate_V_per_s(0.5)
    began_fs = twin_servers.clock.now_fs()
    client.ch02.dc_constant_V(-2.0)
    while abs(client.ch02.dc_constant_V() + 2.0) > 1e-4:
        pass  # the clock leaps to where the ramp ends, once somebody has looked
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 4.0


def test_what_is_set_is_read_back(client):
    channel = client.ch11
    channel.output_mode(range="low", filter="dc")
    assert (channel.output_range().lower(), channel.output_filter().lower()) == ("low", "dc")
    assert channel.output_low_range_maximum_V() == 2
    assert channel.output_high_range_minimum_V() == -10
    channel.measurement_range("low")
    channel.measurement_nplc(2)
    assert channel.measurement_range().lower() == "low"
    assert channel.measurement_nplc() == 2
    assert channel.measurement_aperture_s() == 0.04
    client.ext4.width_s(1e-3)
    client.ext4.polarity("inv")
    assert (client.ext4.width_s(), client.ext4.polarity().lower()) == (1e-3, "inv")
    assert client.n_errors() == 0


def test_a_sweep_runs_when_it_is_started_and_ends_at_its_last_point(client, twin, twin_servers):
    sweep = client.ch03.dc_sweep(start_V=-1, stop_V=1, points=11, dwell_s=0.01, repetitions=2)
    assert sweep.points() == 11
    assert sweep.time_s() == pytest.approx(0.11)
    assert sweep.values_V()[0] == -1
    sweep.start()
    began_fs = twin_servers.clock.now_fs()
    while sweep.cycles_remaining():
        pass
    assert (twin_servers.clock.now_fs() - began_fs) / 1e15 >= 0.2
    assert client.ch03.dc_constant_V() == pytest.approx(1, abs=1e-5)
    assert client.n_errors() == 0
    sweep.close()


def test_a_list_that_is_sent_as_a_block_is_the_one_played(client, twin, twin_servers):
    voltages = [0.1, -0.2, 0.3]
    dc_list = client.ch04.dc_list(voltages=voltages, dwell_s=1e-3)
    assert dc_list.values_V() == pytest.approx(voltages)
    dc_list.append([0.4])
    assert dc_list.points() == 4
    assert client.n_errors() == 0
    dc_list.start()
    while dc_list.cycles_remaining():
        pass
    assert client.ch04.dc_constant_V() == pytest.approx(0.4, abs=2e-5)
    dc_list.close()


def test_an_internal_trigger_starts_what_waits_for_it(client):
    trigger = client.allocate_trigger()
    dc_list = client.ch08.dc_list(voltages=[0.5, 0.25], dwell_s=1e-3)
    dc_list.start_on(trigger)
    assert client.ch08.dc_constant_V() == 0
    client.trigger(trigger)
    while dc_list.cycles_remaining():
        pass
    assert client.ch08.dc_constant_V() == pytest.approx(0.25, abs=2e-5)
    dc_list.close()


def test_all_that_waits_for_the_bus_is_started_at_once(client):
    contexts = [getattr(client, f"ch{n:02}").dc_list([0.1 * n], dwell_s=1e-3) for n in (13, 14)]
    client.start_all()
    for n in (13, 14):
        assert client.channel(n).dc_constant_V() == pytest.approx(0.1 * n, abs=2e-5)
    for one in contexts:
        one.close()


def test_currents_are_those_of_what_hangs_there(client, twin, monkeypatch):
    monkeypatch.setattr(twin.channels[0], "load_ohm", 999_950.0)
    monkeypatch.setattr("qcodes_contrib_drivers.drivers.QDevil.QDAC2.sleep_s", lambda seconds: None)
    gates = client.arrange({"plunger": 1, "sensor": 2})
    gates.set_virtual_voltage("plunger", 0.1)
    plunger_a, sensor_a = gates.currents_A(nplc=1)
    assert plunger_a == pytest.approx(0.1e-6, abs=1e-9)
    assert abs(sensor_a) < 1e-9
    assert client.ch01.read_current_A()[0] == pytest.approx(0.1e-6, abs=1e-9)
    gates.close()


def test_a_series_of_measurements_is_kept_until_it_is_removed(client):
    with client.ch09.measurement(aperture_s=1e-3, repetitions=5) as series:
        series.start()
        while series.n_cycles_remaining():
            pass
        assert series.n_available() == 5
        assert len(client.ch09.fetch_current_A()) == 5
        assert series.peek_A() == pytest.approx(series.available_A()[-1])
        assert series.n_available() == 0
