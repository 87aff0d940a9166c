"""Finds a process's certificate, and tries it before anybody else has to refuse it."""

import ipaddress
import ssl
import time
from dataclasses import dataclass
from pathlib import Path

from podium.control.bus.bus import BusError

AUTHORITY = "authority.pem"
"""Name of the authority's certificate in the folder; it signs all others."""
NO_CHECK_TIME = 0x200000
"""OpenSSL's X509_V_FLAG_NO_CHECK_TIME (x509_vfy.h): the times are looked at here, with their
dates."""
EXPIRED, NOT_YET_VALID = 10, 9
"""OpenSSL's X509_V_ERR_CERT_HAS_EXPIRED and _NOT_YET_VALID."""
UNKNOWN_AUTHORITY = frozenset((18, 19, 20, 21))
"""OpenSSL's errors of a chain that does not end at the authority."""
WRONG_PURPOSE = 26
STEPS_MAX = 10
"""Of a handshake, either side in turn; TLS 1.3 takes three."""


class BadCertificate(BusError):
    """The certificate of this process cannot be used; nothing was connected. Make it anew."""


class Expired(BadCertificate):
    """Its time is over."""


@dataclass(frozen=True, slots=True)
class Credentials:
    """By what a process is known, and knows others. The files were tried and fit together."""

    common_name: str
    authority: Path
    certificate: Path
    key: Path
    ends_s: float
    """When the certificate expires, Unix time."""


def credentials_of(folder: Path, common_name: str, host: str | None = None) -> Credentials:
    """Return the credentials of ``common_name`` in ``folder``; raises :class:`BadCertificate`.

    ``host``: of who listens, the name or address that others connect to.
    """
    authority = folder / AUTHORITY
    certificate, key = folder / f"{common_name}.pem", folder / f"{common_name}.key"
    for file in (authority, certificate, key):
        if not file.is_file():
            raise BadCertificate(f"{file} is not there; podium certificates lists and makes them")
    if key.stat().st_mode & 0o007:
        raise BadCertificate(f"everybody on this machine may read {key}: chmod 600 {key}")
    try:
        said = _tried(authority, certificate, key, listens=host is not None)
    except ssl.SSLCertVerificationError as error:
        raise BadCertificate(f"{certificate}: {_why_not(error, authority)}") from error
    except (ssl.SSLError, OSError) as error:
        reason = getattr(error, "reason", None) or error
        raise BadCertificate(f"{certificate} with {key}: {reason}") from error
    begins_s, ends_s = _times_s(said)
    now_s = time.time()
    if not begins_s <= now_s <= ends_s:
        word = "has expired on" if now_s > ends_s else "is not valid before"
        when = time.strftime("%Y-%m-%d %H:%M UTC", time.gmtime(max(begins_s, min(now_s, ends_s))))
        kind = Expired if now_s > ends_s else BadCertificate
        raise kind(f"{certificate} {word} {when}; podium certificates --make makes a new one")
    if said.get("version") != 3:
        raise BadCertificate(f"{certificate} is not of X.509 version 3; TLS here takes no other")
    name = _common_name(said)
    if name != common_name:
        raise BadCertificate(f"{certificate} has the common name {name!r}, not {common_name!r}")
    if host is not None and not _is_for(said, host):
        raise BadCertificate(f"{certificate} is not for {host}: others would refuse it")
    return Credentials(common_name, authority, certificate, key, ends_s)


def _tried(authority: Path, certificate: Path, key: Path, *, listens: bool) -> dict[str, object]:
    """Return what a certificate says, once a TLS handshake with itself has accepted it."""
    for with_times in (False, True):
        server = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        client = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        client.check_hostname = False
        client.verify_mode = ssl.CERT_NONE
        for side in (server, client):
            side.load_cert_chain(certificate, key)
        judge = client if listens else server
        judge.verify_mode = ssl.CERT_REQUIRED
        judge.load_verify_locations(authority)
        if not with_times:
            judge.verify_flags |= NO_CHECK_TIME
        try:
            said = _shaken(server, client, listens)
        except ssl.SSLCertVerificationError as error:
            begins_s, ends_s = _times_s(said) if with_times else (0.0, 0.0)
            if (
                error.verify_code not in (EXPIRED, NOT_YET_VALID)
                or begins_s <= time.time() <= ends_s
            ):
                raise
            return said  # the certificate itself: told with its date
    return said


def _times_s(said: dict[str, object]) -> tuple[float, float]:
    """Return from when to when a certificate is valid, Unix time."""
    begins, ends = (str(said[key]) for key in ("notBefore", "notAfter"))
    return ssl.cert_time_to_seconds(begins), ssl.cert_time_to_seconds(ends)


def _shaken(server: ssl.SSLContext, client: ssl.SSLContext, listens: bool) -> dict[str, object]:
    """Do a handshake in memory; return the certificate that the judge has accepted."""
    there, back = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(back, there)
    answering = server.wrap_bio(there, back, server_side=True)
    for _ in range(STEPS_MAX):
        done = 0
        for side in (asking, answering):
            try:
                side.do_handshake()
                done += 1
            except ssl.SSLWantReadError:
                continue
        if done == 2:
            break
    return dict((asking if listens else answering).getpeercert() or {})


def _why_not(error: ssl.SSLCertVerificationError, authority: Path) -> str:
    if error.verify_code in UNKNOWN_AUTHORITY:
        return f"it is not signed by {authority}"
    if error.verify_code == EXPIRED:
        return f"{authority} has expired: all certificates have to be made anew"
    if error.verify_code == WRONG_PURPOSE:
        return "it is not for this purpose (clientAuth; of who listens, serverAuth as well)"
    return error.verify_message


def _common_name(said: dict[str, object]) -> str | None:
    subject = said.get("subject", ())
    parts = [part for group in subject for part in group] if isinstance(subject, tuple) else []
    return next((str(value) for kind, value in parts if kind == "commonName"), None)


def _is_for(said: dict[str, object], host: str) -> bool:
    names = said.get("subjectAltName", ())
    for kind, name in names if isinstance(names, tuple) else ():
        if kind == "DNS" and str(name).lower() == host.lower():
            return True
        if kind == "IP Address" and _same_address(str(name), host):
            return True
    return False


def _same_address(one: str, other: str) -> bool:
    try:
        return ipaddress.ip_address(one) == ipaddress.ip_address(other)
    except ValueError:
        return False
