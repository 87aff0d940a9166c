"""The certificate that an instrument with TLS has signed itself, as such boxes come."""

import ssl
from datetime import UTC, datetime, timedelta
from functools import cache
from importlib.util import find_spec
from ipaddress import ip_address
from pathlib import Path

SIGNER = "cryptography"
"""What signs; it comes with the extra ``lab``."""
VALID_DAYS = 3650


def can_sign() -> bool:
    """Tell whether what signs is installed."""
    return find_spec(SIGNER) is not None


@cache
def self_signed(host: str) -> ssl.SSLContext:
    """Return a server's context with a key and a certificate of its own for an IP address."""
    from tempfile import TemporaryDirectory

    from cryptography import x509
    from cryptography.hazmat.primitives import hashes, serialization
    from cryptography.hazmat.primitives.asymmetric import ec

    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(x509.NameOID.COMMON_NAME, host)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(days=1))
        .not_valid_after(now + timedelta(days=VALID_DAYS))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(host))]), False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), True)
        .sign(key, hashes.SHA256())
    )
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    with TemporaryDirectory() as folder:  # where only its maker can look: ssl reads files alone
        file = Path(folder) / "own.pem"
        file.write_bytes(
            key.private_bytes(
                serialization.Encoding.PEM,
                serialization.PrivateFormat.PKCS8,
                serialization.NoEncryption(),
            )
            + certificate.public_bytes(serialization.Encoding.PEM)
        )
        context.load_cert_chain(file)
    return context
