"""Signs certificates for one facility, or for one user of one computer.

Its private key signs whoever is let in: it stays where it was made, and travels with nobody.
"""

import datetime
import ipaddress
import os
from dataclasses import dataclass
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from podium.control.security.certificates import AUTHORITY

AUTHORITY_KEY = "authority.key"
AUTHORITY_DAYS = 3650
"""The authority is good for ten years: all certificates have to be made anew after it."""
BEFORE = datetime.timedelta(hours=1)
"""Certificates are good from so long ago: clocks of computers differ."""
KEY_MODE, CERTIFICATE_MODE = 0o600, 0o644

PrivateKey = ec.EllipticCurvePrivateKey


class CannotMake(Exception):
    """No certificate can be made here; what was there before is as it was."""


@dataclass(frozen=True, slots=True)
class SmallAuthority:
    """The authority in a folder. ``days``: how long what it signs is good for."""

    folder: Path
    days: int

    def found(self, facility: str) -> bool:
        """Make the authority unless it is there; return whether it was made.

        Raises :class:`CannotMake` when only its certificate is here, and OSError.
        """
        certificate, key = self.folder / AUTHORITY, self.folder / AUTHORITY_KEY
        if certificate.exists():
            if not key.exists():
                raise CannotMake(f"{key} is not here: make certificates on the machine that has it")
            return False
        if key.exists():
            raise CannotMake(f"{key} is here, and {certificate} is not: bring it back")
        self.folder.mkdir(parents=True, exist_ok=True)
        own = ec.generate_private_key(ec.SECP256R1())
        name = _named(f"{facility} authority")
        usage = _usage(signs=True)
        made = (
            _begun(name, name, own.public_key(), AUTHORITY_DAYS)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(usage, critical=True)
        )
        _write(key, _pem_of(own), KEY_MODE)
        _write(certificate, _signed(made, own), CERTIFICATE_MODE)
        return True

    def sign(self, common_name: str, host: str | None) -> None:
        """Make a key and a certificate; ``host``: it listens there, for others to connect.

        Raises :class:`CannotMake` when the authority cannot be read, and OSError.
        """
        try:
            authority = x509.load_pem_x509_certificate((self.folder / AUTHORITY).read_bytes())
            key = serialization.load_pem_private_key(
                (self.folder / AUTHORITY_KEY).read_bytes(), password=None
            )
        except (ValueError, TypeError) as error:
            raise CannotMake(f"{self.folder}: its authority cannot be read: {error}") from error
        if not isinstance(key, PrivateKey):
            raise CannotMake(f"{self.folder / AUTHORITY_KEY} is no key of an elliptic curve")
        own = ec.generate_private_key(ec.SECP256R1())
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if host is not None:
            purposes.insert(0, ExtendedKeyUsageOID.SERVER_AUTH)
        made = (
            _begun(_named(common_name), authority.subject, own.public_key(), self.days)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(key.public_key()),
                critical=False,
            )
        )
        if host is not None:
            names = x509.SubjectAlternativeName([_alternative(host)])
            made = made.add_extension(names, critical=False)
        _write(self.folder / f"{common_name}.key", _pem_of(own), KEY_MODE)
        _write(self.folder / f"{common_name}.pem", _signed(made, key), CERTIFICATE_MODE)


def _begun(
    subject: x509.Name, issuer: x509.Name, key: ec.EllipticCurvePublicKey, days: int
) -> x509.CertificateBuilder:
    now = datetime.datetime.now(datetime.UTC)
    return (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key)
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - BEFORE)
        .not_valid_after(now + datetime.timedelta(days=days))
        .add_extension(x509.SubjectKeyIdentifier.from_public_key(key), critical=False)
    )


def _named(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs,
        key_cert_sign=signs,
        crl_sign=signs,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _alternative(host: str) -> x509.GeneralName:
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def _signed(made: x509.CertificateBuilder, by: PrivateKey) -> bytes:
    return made.sign(by, hashes.SHA256()).public_bytes(serialization.Encoding.PEM)


def _pem_of(key: PrivateKey) -> bytes:
    return key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )


def _write(file: Path, content: bytes, mode: int) -> None:
    """Put ``content`` in its place at once; it is never there with wider rights than ``mode``."""
    draft = file.with_name(f".{file.name}.{os.getpid()}")
    draft.unlink(missing_ok=True)
    handle = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    with open(handle, "wb") as out:
        out.write(content)
    draft.replace(file)
