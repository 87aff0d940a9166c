"""Certificates that ``podium up`` makes for the processes of one user, without being asked."""

import asyncio
import os
import stat
import time
from pathlib import Path

import pytest

from podium.control.bus.memory import matches
from podium.control.security.access import ROLES, Member, rules_of
from podium.control.security.authority import SmallAuthority
from podium.control.security.certificates import BadCertificate, credentials_of
from podium.control.security.own_certificates import (
    HOST,
    check_private,
    member_of_role,
    own_certificates,
)

NAMES = {"router", "coordinator", "page", "supervisor", "records", "agent", "client"}


@pytest.fixture
def folder(tmp_path, monkeypatch) -> Path:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    return own_certificates()


def content(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir()}


def mode(file: Path) -> int:
    return stat.S_IMODE(file.stat().st_mode)


def test_each_role_has_one_that_is_good(folder) -> None:
    assert {member_of_role(role).common_name for role in ROLES} == NAMES
    for name in NAMES:
        found = credentials_of(folder, name, HOST if name == "router" else None)
        assert found.ends_s > time.time() + 5 * 365 * 86_400


def test_nobody_else_may_look_into_the_folder_or_read_a_key(folder) -> None:
    assert mode(folder) == 0o700
    keys = list(folder.glob("*.key"))
    assert len(keys) == len(NAMES) + 1
    assert {mode(key) for key in keys} == {0o600}


def test_a_wide_umask_opens_nothing(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    before = os.umask(0)
    try:
        folder = own_certificates()
    finally:
        os.umask(before)
    assert mode(folder) == 0o700
    assert {mode(key) for key in folder.glob("*.key")} == {0o600}


def test_they_are_made_once(folder) -> None:
    before = content(folder)
    assert own_certificates() == folder
    assert content(folder) == before


async def test_those_who_start_at_once_use_the_same(tmp_path, monkeypatch) -> None:
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    await asyncio.gather(*(asyncio.to_thread(own_certificates) for _ in range(8)))
    test_each_role_has_one_that_is_good(tmp_path / "podium" / "certificates")


def test_one_that_is_missing_is_signed_by_the_same_authority(folder) -> None:
    before = content(folder)
    for end in ("pem", "key"):
        (folder / f"page.{end}").unlink()
    own_certificates()
    changed = {name for name, was in before.items() if content(folder)[name] != was}
    assert changed == {"page.pem", "page.key"}
    test_each_role_has_one_that_is_good(folder)


@pytest.mark.parametrize("spoilt", ["agent.pem", "authority.pem", "client.key", "ends soon"])
def test_all_are_made_anew_where_one_is_no_good(folder, spoilt) -> None:
    before = content(folder)
    if spoilt == "ends soon":
        SmallAuthority(folder, 20).sign("agent", None)
    else:
        (folder / spoilt).write_text("no certificate")
    own_certificates()
    assert all(content(folder)[name] != was for name, was in before.items() if name != "lock")
    test_each_role_has_one_that_is_good(folder)


def test_a_folder_that_others_may_look_into_is_not_used(folder) -> None:
    folder.chmod(0o750)
    for use in (own_certificates, lambda: check_private(folder)):
        with pytest.raises(BadCertificate, match=r"others may look into .*podium/certificates, so"):
            use()


def test_where_nothing_can_be_written_the_way_out_is_told(tmp_path, monkeypatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "file"))
    with pytest.raises(BadCertificate, match=r"cannot be made there.*XDG_STATE_HOME.*--insecure"):
        own_certificates()


@pytest.mark.parametrize("role", ["agent", "client"])
def test_who_stands_for_all_of_a_role_may_what_each_of_them_may_and_no_more(role) -> None:
    for_all = rules_of("x", member_of_role(role))
    each = rules_of("x", Member(role, "node_a"))
    for rule in each:
        mine = [one for one in for_all if one.does == rule.does]
        for key in rule.keys:
            assert any(matches(pattern, key) for one in mine for pattern in one.keys)
    foreign = ("coordinator", "events/coordinator", "events/page", "past_events/router", "runs")
    for key in (f"podium/x/{name}" for name in foreign):
        for rule in for_all:
            if rule.does in ("answer", "publish", "announce"):
                assert not any(matches(pattern, key) for pattern in rule.keys)
