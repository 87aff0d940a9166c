"""A certificate is tried before it is used: what is wrong with it is told with its file."""

import shutil
import socket
import ssl
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest
import trustme
from tests.benches.security.certificates import DAY, HOST, NOW, Authority, free_port

from podium.control.bus.connection_diagnosis import diagnose_connection
from podium.control.facility.meeting_point import Endpoint
from podium.control.security.certificates import BadCertificate, Credentials, credentials_of


@pytest.fixture(scope="module")
def made(tmp_path_factory) -> Authority:
    authority = Authority(tmp_path_factory.mktemp("made"))
    authority.sign("router", "agent.node_a", "client.ann")
    return authority


@pytest.fixture
def authority(made, tmp_path) -> Authority:
    """Give a copy to spoil."""
    shutil.copytree(made.folder, tmp_path / "c")
    return Authority(tmp_path / "c", made.ca)


def test_a_good_certificate_says_who_it_is_for_and_how_long(authority) -> None:
    found = credentials_of(authority.folder, "agent.node_a")
    assert found.common_name == "agent.node_a"
    assert found.certificate == authority.folder / "agent.node_a.pem"
    assert found.ends_s > time.time()
    assert credentials_of(authority.folder, "router", HOST).common_name == "router"


@pytest.mark.parametrize("file", ["authority.pem", "agent.node_a.pem", "agent.node_a.key"])
def test_a_file_that_is_missing_is_named(authority, file) -> None:
    (authority.folder / file).unlink()
    with pytest.raises(BadCertificate, match=rf"{file} is not there; podium certificates lists"):
        credentials_of(authority.folder, "agent.node_a")


def test_one_that_has_expired_says_when(authority) -> None:
    authority.sign_expired("agent.node_a")
    with pytest.raises(BadCertificate, match=r"agent.node_a.pem has expired on 20\d\d-\d\d-\d\d"):
        credentials_of(authority.folder, "agent.node_a")


def test_one_that_begins_tomorrow_says_when(authority) -> None:
    authority.sign("agent.node_a", not_before=NOW + DAY, not_after=NOW + 9 * DAY)
    with pytest.raises(BadCertificate, match=r"agent.node_a.pem is not valid before 20\d\d-"):
        credentials_of(authority.folder, "agent.node_a")


def test_one_of_another_authority_is_not_taken(authority, tmp_path) -> None:
    trustme.CA().cert_pem.write_to_path(str(authority.folder / "authority.pem"))
    with pytest.raises(BadCertificate, match=r"it is not signed by .*authority.pem"):
        credentials_of(authority.folder, "agent.node_a")
    with pytest.raises(BadCertificate, match=r"it is not signed by .*authority.pem"):
        credentials_of(authority.folder, "router", HOST)


def test_a_key_of_another_is_not_taken(authority) -> None:
    shutil.copy(authority.folder / "client.ann.key", authority.folder / "agent.node_a.key")
    with pytest.raises(BadCertificate, match=r"agent.node_a.pem with .*agent.node_a.key: KEY_VAL"):
        credentials_of(authority.folder, "agent.node_a")


def test_one_that_is_no_certificate_is_not_taken(authority) -> None:
    (authority.folder / "agent.node_a.pem").write_text("hello\n")
    with pytest.raises(BadCertificate, match=r"agent.node_a.pem with "):
        credentials_of(authority.folder, "agent.node_a")


def test_a_copy_under_another_name_is_not_taken(authority) -> None:
    authority.sign("agent.node_a", file="agent.node_b")
    with pytest.raises(
        BadCertificate, match=r"the common name 'agent\.node_a', not 'agent\.node_b"
    ):
        credentials_of(authority.folder, "agent.node_b")


def test_who_listens_needs_one_for_its_host(authority) -> None:
    with pytest.raises(BadCertificate, match=r"router.pem is not for rack-a.lab"):
        credentials_of(authority.folder, "router", "rack-a.lab")
    authority.sign("router", host="rack-a.lab")
    assert credentials_of(authority.folder, "router", "rack-a.lab")


def test_a_key_that_everybody_can_read_is_not_taken(authority) -> None:
    key = authority.folder / "agent.node_a.key"
    key.chmod(0o644)
    with pytest.raises(BadCertificate, match=rf"everybody .* may read .*: chmod 600 {key}"):
        credentials_of(authority.folder, "agent.node_a")


# Why a meeting point is not reached


@contextmanager
def listening(authority: Authority | None, name: str = "router") -> Iterator[Endpoint]:
    """Answer one TLS handshake (or none, with bytes that are no TLS) on a free port."""
    server = socket.create_server((HOST, 0))

    def answer() -> None:
        with suppress(OSError):
            connection, _ = server.accept()
            with connection:
                if authority is None:
                    connection.sendall(b"220 mail.lab ready\r\n")
                    return
                context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
                file = authority.folder / name
                context.load_cert_chain(f"{file}.pem", f"{file}.key")
                context.verify_mode = ssl.CERT_REQUIRED
                context.load_verify_locations(authority.folder / "authority.pem")
                with context.wrap_socket(connection, server_side=True) as tls:
                    tls.recv(1)

    thread = threading.Thread(target=answer)
    thread.start()
    try:
        yield Endpoint("tls", HOST, server.getsockname()[1])
    finally:
        with suppress(OSError):
            server.shutdown(socket.SHUT_RDWR)
        server.close()
        thread.join()


def ours(authority: Authority) -> Credentials:
    return credentials_of(authority.folder, "agent.node_a")


def test_nothing_is_wrong_with_who_answers(authority) -> None:
    with listening(authority) as endpoint:
        assert diagnose_connection(endpoint, ours(authority)) == ""


def test_nobody_listens(authority) -> None:
    endpoint = Endpoint("tls", HOST, free_port())
    assert diagnose_connection(endpoint, ours(authority)) == "nobody listens there"
    assert diagnose_connection(endpoint, None) == "nobody listens there"


def test_our_own_certificate_has_expired_meanwhile(authority) -> None:
    credentials = ours(authority)
    authority.sign_expired("agent.node_a")
    assert "agent.node_a.pem has expired on" in diagnose_connection(
        Endpoint("tls", HOST, free_port()), credentials
    )


@pytest.mark.parametrize(
    ("spoil", "says"),
    [
        (lambda there: there.sign_expired("router"), "its certificate has expired"),
        (lambda there: there.sign("router", host="rack-b.lab"), "its certificate is not for 127.0"),
    ],
)
def test_their_certificate_is_wrong(authority, made, tmp_path, spoil, says) -> None:
    there = Authority(tmp_path / "there", made.ca)
    spoil(there)
    with listening(there) as endpoint:
        assert says in diagnose_connection(endpoint, ours(authority))


def test_they_have_another_authority(authority, tmp_path) -> None:
    there = Authority(tmp_path / "there")
    there.sign("router")
    with listening(there) as endpoint:
        assert "its certificate is of another authority than" in diagnose_connection(
            endpoint, ours(authority)
        )


def test_they_do_not_know_our_authority(authority, made, tmp_path) -> None:
    there = Authority(tmp_path / "there", made.ca)
    there.sign("router")
    trustme.CA().cert_pem.write_to_path(str(there.folder / "authority.pem"))
    with listening(there) as endpoint:
        assert diagnose_connection(endpoint, ours(authority)) == (
            "it knows another authority than the one that signed agent.node_a"
        )


def test_what_listens_there_is_something_else(authority) -> None:
    with listening(None) as endpoint:
        assert diagnose_connection(endpoint, ours(authority)) == (
            "what listens there does not speak TLS"
        )


def test_a_name_that_nobody_knows(authority, monkeypatch) -> None:
    def unknown(*_: object) -> None:
        raise socket.gaierror(socket.EAI_NONAME, "Name or service not known")

    monkeypatch.setattr(socket, "getaddrinfo", unknown)
    endpoint = Endpoint("tls", "rack.invalid", 7447)
    assert (
        diagnose_connection(endpoint, ours(authority)) == "nobody here knows the name rack.invalid"
    )


def test_the_folder_is_told_as_it_is_given(tmp_path: Path) -> None:
    with pytest.raises(BadCertificate, match=str(tmp_path)):
        credentials_of(tmp_path, "page")
