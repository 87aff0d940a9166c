"""Ports behind TLS: a certificate for the address, or no port where nothing can sign one."""

import ssl
from functools import partial

from podium.sim_instruments.physics.steady_cryostat import SteadyCryostat
from podium.sim_instruments.servers import serving
from podium.sim_instruments.servers.certificate import self_signed
from podium.sim_instruments.servers.loopback import TlsDoor
from podium.sim_instruments.servers.serving import doors
from podium.sim_instruments.twins.bluefors_control.control_software import BlueforsControl


def shaken(server: ssl.SSLContext, host: str) -> str:
    """Do a handshake in memory; return what the client found wrong."""
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    unverified = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    unverified.check_hostname = False
    unverified.verify_mode = ssl.CERT_NONE
    first = unverified.wrap_bio(to_client, to_server)
    _talk(first, ours)
    shown = first.getpeercert(binary_form=True)
    assert shown is not None
    client = ssl.create_default_context(cadata=shown)
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    ours = server.wrap_bio(to_server, to_client, server_side=True)
    theirs = client.wrap_bio(to_client, to_server, server_hostname=host)
    try:
        _talk(theirs, ours)
    except ssl.SSLCertVerificationError as error:
        return error.verify_message
    return ""


def _talk(client: ssl.SSLObject, server: ssl.SSLObject) -> None:
    waiting = [client, server]
    for _ in range(6):
        for end in tuple(waiting):
            try:
                end.do_handshake()
                waiting.remove(end)
            except ssl.SSLWantReadError:
                continue


def test_the_certificate_is_for_its_address_and_no_other() -> None:
    server = self_signed("127.3.4.5")
    assert shaken(server, "127.3.4.5") == ""
    assert "127.3.4.6" in shaken(server, "127.3.4.6")


def test_a_port_behind_tls_is_left_out_where_nothing_signs(monkeypatch) -> None:
    fridge = SteadyCryostat()
    twin = BlueforsControl("1", fridge.read, fridge.write, {6: "mxc"})
    answer = partial(lambda port: None)
    assert isinstance(doors(twin, answer)["https"], TlsDoor)
    monkeypatch.setattr(serving, "can_sign", lambda: False)
    assert doors(twin, answer).keys() == {"http"}
