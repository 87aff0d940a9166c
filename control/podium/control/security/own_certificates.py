"""Makes certificates for one user's processes on one computer once, for all of them.

They lie in a folder that nobody else may look into. Whoever can read it is this user, or root; so
there is one certificate for each role, and not for each process.
"""

import fcntl
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from podium.control.facility.meeting_point import Endpoint, MeetingPoint
from podium.control.facility.state_folder import certificates_folder
from podium.control.security.access import EVERY, NAMED, ROLES, Member, Role
from podium.control.security.certificates import AUTHORITY, BadCertificate, credentials_of

HOST = "127.0.0.1"
DAYS = 3650
RENEWED_S = 30 * 86_400
"""A certificate that ends sooner is made anew, with all others."""
FOLDER_MODE = 0o700
OTHERS = 0o077
"""Rights of group and others."""


def own_meeting(endpoint: Endpoint) -> MeetingPoint:
    """Return the meeting point of this user's processes at ``endpoint``, which a router holds."""
    folder = certificates_folder()
    return MeetingPoint("router", endpoint, endpoint, folder, clients=(EVERY,), by_role=True)


def member_of_role(role: Role) -> Member:
    """Return who stands for all of a role."""
    return Member(role, EVERY if role in NAMED else "")


def check_private(folder: Path) -> None:
    """Raise :class:`BadCertificate` unless ``folder`` is there, ours, and closed to all others."""
    try:
        found = folder.stat()
    except OSError as error:
        raise BadCertificate(
            f"the certificates of this user are not there ({error}); `podium up` makes them"
        ) from error
    if found.st_uid != os.getuid():
        raise BadCertificate(f"{folder} belongs to another user: what lies in it is not used")
    if found.st_mode & OTHERS:
        raise BadCertificate(
            f"others may look into {folder}, so its keys may be known to them: remove it, and "
            "`podium up` makes new ones"
        )


def own_certificates() -> Path:
    """Return the folder of this user's certificates; what is missing or ends soon is made.

    Raises :class:`BadCertificate` when it is not private, or cannot be written.
    """
    folder = certificates_folder()
    try:
        folder.mkdir(mode=FOLDER_MODE, parents=True, exist_ok=True)
        check_private(folder)
        with _alone(folder):
            if wanted := _wanted(folder):
                _make(folder, wanted)
    except OSError as error:
        raise BadCertificate(
            f"{folder}: certificates cannot be made there ({error}); XDG_STATE_HOME names another "
            "place, and `podium up --insecure` goes without"
        ) from error
    return folder


def _wanted(folder: Path) -> list[Role]:
    """Return the roles that need a certificate: those without; all, where one is no good."""
    missing: list[Role] = []
    for role in ROLES:
        name = member_of_role(role).common_name
        if not any((folder / f"{name}.{end}").exists() for end in ("pem", "key")):
            missing.append(role)
            continue
        try:
            credentials = credentials_of(folder, name, HOST if role == "router" else None)
        except BadCertificate:
            return list(ROLES)
        if credentials.ends_s - time.time() < RENEWED_S:
            return list(ROLES)
    return missing


def _make(folder: Path, roles: list[Role]) -> None:
    from podium.control.security.authority import AUTHORITY_KEY, CannotMake, SmallAuthority

    if len(roles) == len(ROLES):
        for name in (AUTHORITY, AUTHORITY_KEY):
            (folder / name).unlink(missing_ok=True)
    authority = SmallAuthority(folder, DAYS)
    try:
        authority.found("own")
        for role in roles:
            host = HOST if role == "router" else None
            authority.sign(member_of_role(role).common_name, host)
    except CannotMake as error:
        raise BadCertificate(f"{error}; remove {folder}, and all are made anew") from error


@contextmanager
def _alone(folder: Path) -> Iterator[None]:
    """Be the only process that makes certificates in ``folder`` while the context is open."""
    handle = os.open(folder / "lock", os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(handle, fcntl.LOCK_EX)
        yield
    finally:
        os.close(handle)
