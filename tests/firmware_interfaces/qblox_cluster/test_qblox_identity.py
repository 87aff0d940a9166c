import json

import pytest

from podium.firmware_interfaces.qblox_cluster.command_table import COMMANDS
from podium.firmware_interfaces.qblox_cluster.identity import (
    MODULE_MODELS,
    NEWEST,
    RELEASES,
    cluster_description,
    identification,
)


def test_releases_are_in_the_order_of_their_versions_and_the_last_is_the_usual_one() -> None:
    versions = [tuple(map(int, name.split("."))) for name in RELEASES]
    assert versions == sorted(versions)
    assert list(RELEASES.values())[-1] is NEWEST


def test_what_came_later_came_with_a_release_that_there_is() -> None:
    assert {entry.since for entry in COMMANDS} == {"", "0.13.0", "2.1.0"}
    assert {entry.since for entry in COMMANDS} - {""} <= set(RELEASES)


def test_an_identification_is_the_one_that_the_client_of_its_time_compares_with() -> None:
    # qblox-instruments 1.0.3, scpi/cluster.py, build_ref
    assert identification("Cluster MM", "7", RELEASES["0.13.0"]) == (
        "Qblox,Cluster MM,7,fwVersion=0.12.0 fwBuild=26/09/2025-09:02:05 fwHash=0x0C12F6CC "
        "fwDirty=0 kmodVersion=0.13.0 kmodBuild=22/10/2025-12:58:39 kmodHash=0x28A9548B "
        "kmodDirty=0 swVersion=0.13.0 swBuild=22/10/2025-12:58:39 swHash=0x28A9548B swDirty=0 "
        "cfgManVersion=0.12.0 cfgManBuild=22/10/2025-12:58:39 cfgManHash=0x28A9548B cfgManDirty=0"
    )
    assert identification("Cluster MM", "7").endswith("swSCPIVersion=1.2 cfgManSCPIVersion=1.1")


@pytest.mark.parametrize("release", RELEASES.values(), ids=RELEASES)
def test_a_description_has_builds_and_features_of_its_release(release) -> None:
    modules = {2: MODULE_MODELS["QRM-RF"]}
    said = json.loads(cluster_description(modules, "7", release))
    assert said["sw"]["version_full"] == release.name
    assert said["fw"]["hash"] == release.firmware.commit
    assert said["kmod"]["build"] > 1_700_000_000
    newer = release.scpi_version is not None
    assert ("sw_compat" in said) is newer
    assert ("features" in said["modules"]["2"]) is newer
    assert said["modules"]["2"]["is_rf"] is True
