"""Finds out why a meeting point cannot be reached: Zenoh retries for ever in silence."""

import socket
import ssl
from pathlib import Path

from podium.control.facility.meeting_point import Endpoint
from podium.control.security.certificates import BadCertificate, Credentials, credentials_of

CONNECT_S = 2.0
REFUSAL_S = 0.3
"""In TLS 1.3 a refusal of our certificate comes after the handshake, if it comes."""

OF_THEIRS = {
    10: "its certificate has expired",
    18: "its certificate is of another authority than {authority}",
    19: "its certificate is of another authority than {authority}",
    20: "its certificate is of another authority than {authority}",
    62: "its certificate is not for {host}",
    64: "its certificate is not for {host}",
}
"""By OpenSSL's verify code (x509_vfy.h)."""
OF_OURS = {
    "SSLV3_ALERT_CERTIFICATE_EXPIRED": "it says that our certificate {name} has expired",
    "TLSV1_ALERT_UNKNOWN_CA": "it knows another authority than the one that signed {name}",
    "TLSV13_ALERT_CERTIFICATE_REQUIRED": "it wants a certificate, and we have none",
    "WRONG_VERSION_NUMBER": "what listens there does not speak TLS",
}
"""By OpenSSL's name of the alert that came."""


def diagnose_connection(endpoint: Endpoint, credentials: Credentials | None) -> str:
    """Return why nobody answers at ``endpoint``, found out by a connection of our own.

    It blocks for up to a few seconds. Empty: it can be reached now, as far as TLS goes.
    """
    if credentials is not None:
        try:
            credentials_of(credentials.certificate.parent, credentials.common_name)
        except BadCertificate as error:
            return str(error)
    try:
        with socket.create_connection((endpoint.host, endpoint.port), CONNECT_S) as connection:
            return "" if credentials is None else _why_no_tls(connection, endpoint, credentials)
    except ConnectionRefusedError:
        return "nobody listens there"
    except socket.gaierror:
        return f"nobody here knows the name {endpoint.host}"
    except TimeoutError:
        return f"nothing came back within {CONNECT_S:g} s: a firewall, or a machine that is off"
    except OSError as error:
        return str(error)


def _why_no_tls(connection: socket.socket, endpoint: Endpoint, ours: Credentials) -> str:
    context = _context(ours.authority)
    context.load_cert_chain(ours.certificate, ours.key)
    words = {"host": endpoint.host, "authority": ours.authority, "name": ours.common_name}
    try:
        with context.wrap_socket(connection, server_hostname=endpoint.host) as tls:
            tls.settimeout(REFUSAL_S)
            tls.recv(1)
    except ssl.SSLCertVerificationError as error:
        return OF_THEIRS.get(error.verify_code, error.verify_message).format(**words)
    except ssl.SSLError as error:
        return OF_OURS.get(error.reason or "", f"TLS failed: {error.reason}").format(**words)
    except TimeoutError:
        return ""
    return ""


def _context(authority: Path) -> ssl.SSLContext:
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    context.load_verify_locations(authority)
    return context
