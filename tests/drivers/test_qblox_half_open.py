"""A cluster that stops answering while it is being connected to leaves nothing open here."""

import asyncio
import socket
import threading
from collections.abc import Iterator

import pytest

from podium.drivers.errors import Unreachable
from podium.drivers.qblox_cluster.connection import open_cluster

IDENTITY = b"Qblox,Cluster,00001,sync_firmware=1.0\n"


@pytest.fixture
def fickle() -> Iterator[int]:
    """Serve the first connection's ``*IDN?``; close all later ones as they ask something."""
    listening = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        answers = [IDENTITY]
        while True:
            try:
                connection, _ = listening.accept()
            except OSError:
                return
            with connection:
                connection.recv(100)
                if answers:
                    connection.sendall(answers.pop())

    thread = threading.Thread(target=serve)
    thread.start()
    yield listening.getsockname()[1]
    listening.shutdown(socket.SHUT_RDWR)
    listening.close()
    thread.join()


def test_the_event_loop_of_a_client_that_could_not_connect_is_closed(fickle, monkeypatch) -> None:
    made = []

    def noted() -> asyncio.AbstractEventLoop:
        made.append(asyncio.get_event_loop_policy().new_event_loop())
        return made[-1]

    monkeypatch.setattr(asyncio, "new_event_loop", noted)
    with pytest.raises(Unreachable):
        open_cluster("trial", "127.0.0.1", {"scpi": fickle, "module_scpi_base": fickle})
    assert [loop.is_closed() for loop in made] == [True]
