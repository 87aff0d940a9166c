import time

import pytest

from podium.firmware_interfaces.zurich.node_paths import (
    ListFlags,
    base_channels,
    fits,
    is_expression,
    listed,
    normal,
)

PATHS = (
    "/dev1/a/0/on",
    "/dev1/a/0/range",
    "/dev1/a/1/on",
    "/dev1/b",
)
DEEP = ListFlags.RECURSIVE | ListFlags.ABSOLUTE


def test_case_and_slashes_at_the_ends_do_not_matter():
    assert normal("/DEV1/A/0/ON/") == normal("dev1/a/0/on") == "/dev1/a/0/on"


@pytest.mark.parametrize(
    ("expression", "path", "fit"),
    [
        ("/dev1/a/0/on", "/dev1/a/0/on", True),
        ("/dev1/a", "/dev1/a/0/on", True),
        ("/dev1/a/0/o", "/dev1/a/0/on", False),
        ("/dev1/a/*/on", "/dev1/a/1/on", True),
        ("/dev1/*/on", "/dev1/a/1/on", False),
        ("/dev1/*", "/dev1/a/1/on", True),
        ("/*", "/dev1/b", True),
        ("/dev1/a/*/r*e", "/dev1/a/0/range", True),
        ("/dev1/b,/dev1/a/1", "/dev1/a/1/on", True),
        ("/dev1/b,/dev1/a/1", "/dev1/a/0/on", False),
        ("/dev1/(a|b)", "/dev1/b", False),
    ],
)
def test_an_expression_fits_nodes_and_branches(expression, path, fit):
    assert fits(expression, path) is fit


def test_several_in_one_are_an_expression():
    assert is_expression("/a,/b")
    assert is_expression("/a/*")
    assert not is_expression("/a/b")


def test_without_recursion_the_next_steps_are_listed():
    assert listed("/dev1", PATHS, ListFlags(0)) == ("a", "b")
    assert listed("/dev1", PATHS, ListFlags.ABSOLUTE) == ("/dev1/a", "/dev1/b")
    assert listed("/dev1/a/*", PATHS, ListFlags.ABSOLUTE) == PATHS[:3]
    assert listed("/dev1", PATHS, ListFlags.ABSOLUTE | ListFlags.LEAVES_ONLY) == ("/dev1/b",)
    assert listed("/dev1/b", PATHS, ListFlags.ABSOLUTE) == ("/dev1/b",)


def test_a_node_that_is_a_branch_too_shows_what_stands_below_it():
    paths = ("/zi/devices", "/zi/devices/connected", "/zi/devices/visible")
    assert listed("/zi/devices", paths, ListFlags(0)) == ("connected", "visible")
    assert listed("/zi", paths, ListFlags(0)) == ("devices",)


def test_with_recursion_leaves_are_listed_and_branches_if_wanted():
    assert listed("/dev1", PATHS, DEEP | ListFlags.LEAVES_ONLY) == PATHS
    assert listed("/dev1/a/0", PATHS, DEEP) == PATHS[:2]
    assert "/dev1/a/1" in listed("/dev1/a", PATHS, DEEP)
    relative = ListFlags.RECURSIVE | ListFlags.LEAVES_ONLY
    assert listed("/dev1", PATHS, relative) == ("a/0/on", "a/0/range", "a/1/on", "b")


def test_a_base_channel_is_the_first_of_its_kind():
    assert base_channels(PATHS) == ("/dev1/a/0/on", "/dev1/a/0/range", "/dev1/b")


def test_no_expression_takes_long():
    begin_s = time.process_time()
    assert not fits("/dev1/" + "*a" * 40 + "b", "/dev1/" + "a" * 60)
    assert time.process_time() - begin_s < 0.5
