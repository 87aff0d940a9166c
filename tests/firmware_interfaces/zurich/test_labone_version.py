"""Versions of LabOne as the vendor's clients write them."""

import pytest

from podium.firmware_interfaces.zurich.labone_version import LabOneVersion


@pytest.mark.parametrize(
    ("text", "hello", "short", "full", "revision"),
    [
        ("26.7.2.5", "26.7.2", "26.07", "26.07.2.5", 260720005),
        ("25.10.1.4", "25.10.1", "25.10", "25.10.1.4", 251010004),
        ("25.01.0.834", "25.1.0", "25.01", "25.01.0.834", 250100834),
        ("25.1.0.834", "25.1.0", "25.01", "25.01.0.834", 250100834),
        ("25.04", "25.4.0", "25.04", "25.04.0.0", 250400000),
        ("25.4.1", "25.4.1", "25.04", "25.04.1.0", 250410000),
        ("24.10.65175", "24.10.65175", "24.10", "24.10.65175", 241065175),
    ],
)
def test_a_version_is_told_as_clients_tell_theirs(text, hello, short, full, revision):
    version = LabOneVersion.of(text)
    assert (version.hello, version.short) == (hello, short)
    assert (version.full, version.revision) == (full, revision)


@pytest.mark.parametrize("text", ["", "25", "25.13", "25.0", "2025.04", "25.4.x", "25.4.1.17.2"])
def test_what_is_no_version_is_refused(text):
    with pytest.raises(ValueError, match=r"is no version of LabOne: 25\.04, 26\.7\.2\.5 or"):
        LabOneVersion.of(text)


def test_before_2025_there_was_no_patch():
    assert not LabOneVersion.of("24.10").patched
    assert LabOneVersion.of("25.01").patched
    with pytest.raises(ValueError, match=r"before 25\.01 they had no patch"):
        LabOneVersion.of("24.10.1.65175")
