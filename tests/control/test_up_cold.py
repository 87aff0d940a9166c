"""``podium up`` of a fridge: its supervisor is a process that is restarted and forgets nothing."""

import json
import os
import random
import signal
import time
from collections.abc import Iterator
from pathlib import Path

import httpx
import pytest
from tests.benches.command_line import answer_of, podium_here
from tests.benches.nodes.podium_up import Up, ended, wait_for

COLD = Path(__file__).parents[2] / "examples" / "cold" / "facility.yaml"
LEADER = "fridge_a.compressor_stopped"
KILLS = 3
pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def up(tmp_path_factory) -> Iterator[Up]:
    folder = tmp_path_factory.mktemp("cold")
    without = folder / "facility.yaml"
    without.write_text(
        COLD.read_text().replace("condense, warm_up, recover]", "condense, recover]")
    )
    up = Up(folder, without, instruments=6)
    yield up
    up.close()


def cold(up: Up, *words: object, check: bool = False) -> dict:
    told = podium_here("cold", *words, "--facility", up.facility, "--state", up.state, "--json")
    assert not check or told.returncode == 0, told.stderr
    return json.loads(told.stdout or "{}")


def alarms(up: Up) -> dict[str, tuple[str, str]]:
    told = cold(up, "alarms")["alarms"]
    return {one["name"]: (one["state"], one["by"]) for one in told if one["state"] != "suppressed"}


def test_status_has_readings_alarms_and_no_procedure(up) -> None:
    wait_for(lambda: cold(up, "status")["readings"]["control_a.still"]["quality"] == "good", up.log)
    status = cold(up, "status")
    still = status["readings"]["control_a.still"]
    assert 0.5 < still["value"] < 1.0
    assert (still["unit"], len(still["tai"])) == ("K", 2)
    assert status["procedure"] is None
    told = podium_here("cold", "status", "--facility", up.facility, "--state", up.state)
    assert "This is no safety system" in told.stdout
    assert "control_a.v1                               open" in told.stdout


def test_prometheus_scrapes_where_the_state_says(up) -> None:
    address = json.loads(up.state.read_text())["metrics"]
    assert f"metrics: {address}" in answer_of("status", up.facility, "--state", up.state)
    told = httpx.get(address, timeout=30)
    if told.status_code == 501:
        pytest.skip("prometheus-client is not installed")
    assert "podium_reading{" in told.text


def test_kills_at_random_moments_leave_acknowledgements(up) -> None:
    answer_of("twin", "fault", "compressor_trip", "fridge_a", "--endpoints", up.endpoints)
    wait_for(lambda: alarms(up).get(LEADER, ("", ""))[0] == "unacknowledged", up.log)
    cold(up, "alarms", "acknowledge", LEADER)
    cold(up, "alarms", "shelve", "fridge_a.flow_lost", "--for", "2h")
    cold(up, "alarms", "service", "fridge_a.water_warm", "off")
    by = alarms(up)[LEADER][1]
    assert by
    rng = random.Random(7)
    for _ in range(KILLS):
        victim = up.child("supervision")
        time.sleep(rng.random())  # a moment of the wall, not a wait for something
        os.kill(victim.pid, signal.SIGKILL)
        wait_for(lambda victim=victim: ended(victim), up.log)
        now = alarms(up)  # waits for the next process
        assert now["fridge_a.flow_lost"][0] == "shelved"
        assert now["fridge_a.water_warm"][0] == "out_of_service"
        wait_for(lambda: alarms(up).get(LEADER) == ("acknowledged", by), up.log)
    found = cold(up, "incident")["incidents"]
    assert [one["alarm"] for one in found] == [LEADER]


def test_what_is_recorded_is_told_and_what_is_not_is_named(up) -> None:
    course = cold(up, "history", "control_a.still", "--last", "1h")["courses"]["control_a.still"]
    assert len(course["mean"]) == len(course["tai_s"]) > 0
    told = podium_here(
        "cold", "history", "control_a.stil", "--facility", up.facility, "--state", up.state
    )
    assert told.returncode == 1
    assert "nothing is recorded of 'control_a.stil'" in told.stderr


def test_procedures_are_off_unless_the_file_enables_them(up) -> None:
    words = ("warm_up", "--facility", up.facility, "--state", up.state)
    told = podium_here("cold", "run", *words)
    assert told.returncode == 1
    assert "warm_up is off for fridge_a" in told.stderr
