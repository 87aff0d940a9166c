"""The clients of Network UPS Tools, as Debian builds them, against the twin of a UPS."""

import subprocess

import pytest

from podium.sim_instruments.twins.nut_ups import NutUps

pytestmark = pytest.mark.nut


@pytest.fixture
def shown() -> dict[str, float]:
    return {"mains.on": 1.0, "ups.charge": 1.0}


@pytest.fixture
def at(serve, shown):
    served = serve(NutUps("4711", lambda name, now_fs: shown[name]), "nut")
    return f"{served.host}:{served.port}"


def run(*words: str, fails: bool = False) -> str:
    done = subprocess.run(words, capture_output=True, text=True, timeout=20, check=False)
    assert (done.returncode != 0) == fails, done.stderr
    return done.stderr if fails else done.stdout


def test_upsc_lists_supplies_and_variables(at, shown) -> None:
    assert run("upsc", "-l", at) == "ups\n"
    said = dict(line.split(": ", 1) for line in run("upsc", f"ups@{at}").splitlines())
    assert said["ups.status"] == "OL"
    assert said["device.serial"] == "4711"
    assert float(said["battery.charge"]) == 100
    shown |= {"mains.on": 0.0, "ups.charge": 0.15}
    assert run("upsc", f"ups@{at}", "ups.status") == "OB DISCHRG LB\n"
    assert run("upsc", f"ups@{at}", "battery.charge") == "15\n"


def test_upsc_hears_refusals(at) -> None:
    assert "Unknown UPS" in run("upsc", f"other@{at}", fails=True)
    assert "Variable not supported by UPS" in run("upsc", f"ups@{at}", "no.such", fails=True)


def test_there_is_nothing_to_set_or_command(at) -> None:
    assert run("upsrw", f"ups@{at}").strip() == ""
    assert "Instant commands supported on UPS [ups]:" in run("upscmd", "-l", f"ups@{at}")
    refused = run("upscmd", "-u", "a", "-p", "b", f"ups@{at}", "shutdown.return", fails=True)
    assert "ERR CMD-NOT-SUPPORTED" in refused  # asked for before the user is
