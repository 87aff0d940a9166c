"""The unmodified QCoDeS drivers against the twins of the Oxford Triton and Mercury iPS."""

import pytest
from qcodes.instrument_drivers.oxford import OxfordMercuryiPS, OxfordTriton
from qcodes.math_utils import FieldVector

from podium.sim_instruments.twins.oxford_mercury_ips import OxfordMercuryIps
from podium.sim_instruments.twins.oxford_triton import OxfordTriton as Triton

STAGES = {2: "second_stage", 3: "still", 5: "cold_plate", 8: "mixing_chamber"}
TEMPERATURES_K = {2: 3.1, 3: 0.82, 5: 0.09, 8: 0.0102}


class Fridge:
    def __init__(self):
        self.outputs = {
            **{f"pressure.p{n}": 150.0 * n for n in range(1, 7)},
            **{f"valve.v{n}.open": 0.0 for n in range(1, 24)},
            "turbo1.speed": 819.6,
            "turbo1.power": 160.0,
            "pump.turbo1.on": 1.0,
            "pump.compressor.on": 0.0,
            "temperature.first_stage": 42.0,
            "temperature.second_stage": 3.9,
        }

    def read(self, name, now_fs):
        return self.outputs[name]

    def write(self, name, value, now_fs):
        self.outputs[name] = value


@pytest.fixture
def fridge():
    return Fridge()


# --- Triton


@pytest.fixture
def twin(fridge):
    return Triton(
        STAGES, "66012", lambda channel, now_fs: TEMPERATURES_K[channel], fridge.read, fridge.write
    )


@pytest.fixture
def triton(serve, twin):
    address = serve(twin, "control")
    driver = OxfordTriton("triton", address=address.host, port=address.port, timeout=3)
    yield driver
    driver.close()


def test_triton_is_connected_and_its_stages_have_names(triton, twin):
    assert triton.get_idn() == {
        "vendor": "OI",
        "model": "TRITON",
        "serial": "66012",
        "firmware": "2.5",
    }
    assert triton.magnet_available is False
    assert triton.chan_alias == {"PT2": "T2", "STIL": "T3", "CLDP": "T5", "MC": "T8"}
    assert triton.MC() == pytest.approx(0.0102, rel=6e-3)
    assert triton.STIL() == triton.T3() == pytest.approx(0.82, rel=6e-3)
    assert triton.T9() is None
    assert triton.action() == "Circulating"  # nothing is under way and the mixing chamber is cold
    assert twin.tallies()["unknown"] == 0


def test_triton_reads_pressures_and_pumps(triton, fridge):
    # QCoDeS calls millibars times 1000 bar. P1 is the tank, P2 the condensing line, P3 the still.
    assert triton.P1() == pytest.approx(7.5 * 1e3)
    assert triton.P2() == pytest.approx(4.5 * 1e3)
    assert triton.P3() == pytest.approx(3.0 * 1e3)
    assert triton.turb1_speed() == pytest.approx(819.6)
    assert (triton.turb1_state(), triton.comp_state()) == ("on", "off")
    triton.comp_state("on")
    assert fridge.outputs["pump.compressor.on"] == 1.0
    triton.turb1_state("off")
    assert fridge.outputs["pump.turbo1.on"] == 0.0


def test_tritons_thermometers_are_switched(triton):
    assert triton.T8_state() == "on"
    triton.T8_state("off")
    assert triton.T8_state() == "off"
    assert triton.T8() == 0.0


def test_tritons_loop_regulates(triton, twin, fridge):
    triton.pid_control_channel(8)
    assert triton.pid_control_channel() == 8
    triton.pid_p(12)
    triton.pid_i(30)
    triton.pid_d(1)
    triton.pid_range(3.16)
    triton.pid_ramp("off")
    triton.pid_rate(0.25)
    triton.pid_setpoint(0.05)
    triton.pid_mode("on")
    assert (triton.pid_p(), triton.pid_i(), triton.pid_d()) == (12.0, 30.0, 1.0)
    assert (triton.pid_range(), triton.pid_rate()) == (3.16, 0.25)
    assert (triton.pid_setpoint(), triton.pid_mode()) == (0.05, "on")
    twin.advance(2**62)  # long after; this mixing chamber stays cold
    assert fridge.outputs["heater.mixing_chamber.power"] == pytest.approx(3.16e-3**2 * 120)
    triton.pid_mode("off")
    assert triton.pid_mode() == "off"
    assert fridge.outputs["heater.mixing_chamber.power"] == 0.0


def test_a_full_snapshot_of_triton_is_answered(triton, twin):
    parameters = triton.snapshot(update=True)["parameters"]
    assert parameters["T8"]["value"] == pytest.approx(0.0102, rel=6e-3)
    assert parameters["P6"]["value"] == pytest.approx(1.5e3)
    assert twin.tallies()["unknown"] == 0


# --- Mercury iPS


@pytest.fixture(params=["2.5.09.000", "2.6.04.000"])
def supply(request, fridge):
    return OxfordMercuryIps("1234", request.param, fridge.read, fridge.write)


@pytest.fixture
def mercury(serve, supply):
    driver = OxfordMercuryiPS("mercury", serve(supply, "control").visa, visalib="@py")
    yield driver
    driver.close()


def test_mercury_is_connected_and_a_snapshot_answered(mercury, supply):
    assert mercury.get_idn()["model"] == "MERCURY IPS"
    assert mercury.field_measured().norm() == 0.0
    snapshot = mercury.snapshot(update=True)
    axis = snapshot["submodules"]["GRPZ"]["parameters"]
    assert axis["ramp_status"]["value"] == "HOLD"
    assert axis["ATOB"]["value"] == 14.5
    assert axis["field_ramp_rate"]["value"] == pytest.approx(0.1 / 60)
    assert mercury.magnet_temp() == mercury.pt2_temp() == 3.9
    assert mercury.pt1_temp() == 42.0
    assert supply.tallies()["unknown"] == 0


def test_mercury_ramps_its_axes_one_after_the_other(mercury, fridge):
    mercury.field_ramp_rate(FieldVector(x=0.2 / 60, y=0.2 / 60, z=0.4 / 60))
    assert mercury.GRPX.field_ramp_rate() == pytest.approx(0.2 / 60, rel=1e-3)
    mercury.field_target(FieldVector(x=0.1, y=-0.2, z=1.5))
    mercury.ramp("safe")
    measured = mercury.field_measured()
    assert (measured.x, measured.y, measured.z) == pytest.approx((0.1, -0.2, 1.5))
    assert mercury.GRPZ.current() == pytest.approx(1.5 * 14.5)
    assert fridge.outputs["magnet.z.current"] == pytest.approx(1.5 * 14.5)
    assert fridge.outputs["magnet.y.current"] == pytest.approx(-0.2 * 60)
    mercury.GRPZ.ramp_status("TO ZERO")
    assert mercury.GRPZ.ramp_status() in ("TO ZERO", "HOLD")


def test_mercurys_switch_keeps_the_field(mercury):
    axis = mercury.GRPX
    axis.field_target(0.3)
    axis.field_ramp_rate(0.4 / 60)
    axis.ramp_to_target()
    while mercury.is_ramping():
        pass
    axis.heater_switch("OFF")
    axis.ramp_status("TO ZERO")
    while mercury.is_ramping():
        pass
    assert (axis.field(), axis.field_persistent()) == (0.0, 0.3)
    axis.heater_switch("ON")  # QCoDeS logs that it is refused: 0 A into a magnet with 0.3 T
    assert axis.heater_switch() == "OFF"


def test_mercurys_clamp_is_left_by_a_hold(mercury):
    axis = mercury.GRPY
    axis.ramp_status("CLAMP")
    assert axis.ramp_status() == "CLAMP"
    with pytest.raises(ValueError, match="clamped"):
        axis.ramp_status("TO SET")
    axis.field_target(0.1)
    axis.ramp_to_target()  # QCoDeS holds first
    assert axis.ramp_status() in ("TO SET", "HOLD")
