"""A certificate authority for one facility, made with the command ``openssl``.

Its private key signs whoever is let in: it stays where it was made, and travels with nobody.
"""

import ipaddress
import secrets
import shutil
import subprocess
import tempfile
from dataclasses import dataclass
from pathlib import Path

from podium.control.bus.certificates import AUTHORITY

AUTHORITY_KEY = "authority.key"
AUTHORITY_DAYS = 3650
"""The authority is good for ten years: all certificates have to be made anew after it."""
SERIAL_BITS = 120
CURVE = "P-256"

REQUEST = "[req]\ndistinguished_name = name\nprompt = no\n[name]\n"
OF_AUTHORITY = """\
basicConstraints = critical, CA:TRUE
keyUsage = critical, keyCertSign, cRLSign
subjectKeyIdentifier = hash
"""
OF_PROCESS = """\
basicConstraints = critical, CA:FALSE
keyUsage = critical, digitalSignature
extendedKeyUsage = {purposes}
subjectKeyIdentifier = hash
authorityKeyIdentifier = keyid
"""


class CannotMake(Exception):
    """No certificate can be made here; what was there before is as it was."""


@dataclass(frozen=True, slots=True)
class SmallAuthority:
    """The authority in a folder. ``days``: how long what it signs is good for."""

    folder: Path
    days: int

    def found(self, facility: str) -> bool:
        """Make the authority unless it is there; return whether it was made.

        Raises :class:`CannotMake` when only its certificate is here.
        """
        certificate, key = self.folder / AUTHORITY, self.folder / AUTHORITY_KEY
        if certificate.exists():
            if not key.exists():
                raise CannotMake(f"{key} is not here: make certificates on the machine that has it")
            return False
        if key.exists():
            raise CannotMake(f"{key} is here, and {certificate} is not: bring it back")
        self.folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            config = Path(scratch) / "request"
            config.write_text(f"{REQUEST}CN = {facility} authority\n[ca]\n{OF_AUTHORITY}")
            made = Path(scratch) / AUTHORITY
            words = ["-x509", "-config", config, "-extensions", "ca", "-days", AUTHORITY_DAYS]
            _openssl("req", *words, *_new_key(Path(scratch) / AUTHORITY_KEY), "-out", made)
            (Path(scratch) / AUTHORITY_KEY).replace(key)
            _publish(made, certificate)
        return True

    def sign(self, common_name: str, host: str | None) -> None:
        """Make a key and a certificate; ``host``: it listens there, for others to connect."""
        with tempfile.TemporaryDirectory(dir=self.folder) as scratch:
            config, request = Path(scratch) / "config", Path(scratch) / "request"
            extensions, made = Path(scratch) / "extensions", Path(scratch) / "made.pem"
            config.write_text(f"{REQUEST}CN = {common_name}\n")
            purposes = "clientAuth" if host is None else "serverAuth, clientAuth"
            names = "" if host is None else f"subjectAltName = {_alternative(host)}\n"
            extensions.write_text(OF_PROCESS.format(purposes=purposes) + names)
            key = Path(scratch) / "made.key"
            _openssl("req", "-new", "-config", config, *_new_key(key), "-out", request)
            by = ["-CA", self.folder / AUTHORITY, "-CAkey", self.folder / AUTHORITY_KEY]
            serial = hex(1 + secrets.randbits(SERIAL_BITS))
            how = ["-set_serial", serial, "-days", self.days, "-extfile", extensions]
            _openssl("x509", "-req", "-in", request, *by, *how, "-out", made)
            key.replace(self.folder / f"{common_name}.key")
            _publish(made, self.folder / f"{common_name}.pem")


def _publish(made: Path, to: Path) -> None:
    """Put a certificate in its place; unlike a key, everybody may read it."""
    made.chmod(0o644)
    made.replace(to)


def _alternative(host: str) -> str:
    try:
        return f"IP:{ipaddress.ip_address(host)}"
    except ValueError:
        return f"DNS:{host}"


def _new_key(file: Path) -> list[object]:
    return ["-newkey", "ec", "-pkeyopt", f"ec_paramgen_curve:{CURVE}", "-nodes", "-keyout", file]


def _openssl(*words: object) -> None:
    program = shutil.which("openssl")
    if program is None:
        raise CannotMake("there is no command openssl (Debian, Ubuntu: sudo apt install openssl)")
    ended = subprocess.run(
        [program, *map(str, words)], capture_output=True, text=True, check=False, umask=0o077
    )
    if ended.returncode != 0:
        raise CannotMake(
            f"openssl {words[0]} ended with {ended.returncode}: {ended.stderr.strip()}"
        )
