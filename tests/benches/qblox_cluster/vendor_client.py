"""A twin of a cluster on the vendor's ports, for the vendor's client."""

import asyncio
import random
import socket
import threading
from collections.abc import Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager

import numpy as np

from podium.sim_instruments.physics.signals import CaptureAnswer, RunSignals
from podium.sim_instruments.twins.qblox_cluster.cluster import ClusterTwin

MODULES = {2: "QRM-RF", 4: "QCM-RF", 6: "QCM", 8: "QRM"}
WORLD_START_FS = 5_000_000_000_000_000_000


class Echo:
    """A world that reflects every tone on an output of slot 2 to its input, 40 dB weaker.

    It plays in a thread, keeps what was played, and answers with the mean over the window
    of the tone that was on when the window opened.
    """

    def __init__(self) -> None:
        self.pool = ThreadPoolExecutor(1)
        self.played: list[RunSignals] = []
        self.servers: list[Server] = []

    def submit(self, work):
        future = self.pool.submit(work, self.play)
        for server in self.servers:
            future.add_done_callback(lambda _, server=server: server.wake())
        return Ticket(future)

    def stopped(self, run: int, sender: str, at_fs: int) -> None:
        """It plays on: nobody here asks what left a connector."""

    def play(self, signals: RunSignals) -> tuple[CaptureAnswer, ...]:
        self.played.append(signals)
        answers = []
        for capture in signals.captures:
            total = np.zeros(len(capture.start_ns), np.complex128)
            for train in signals.drives:
                if train.line.split(".")[0] != capture.line.split(".")[0]:
                    continue
                at = np.searchsorted(train.start_ns, capture.start_ns, side="right") - 1
                for n, k in enumerate(at):
                    piece = train.pieces[train.piece[k]]
                    window = capture.windows[capture.window[n]]
                    if k >= 0 and piece.carrier_hz == window.demod_hz:
                        into_ns = capture.start_ns[n] - train.start_ns[k]
                        turns = train.phase_turns[k] + piece.carrier_hz * 1e-9 * into_ns
                        turns -= capture.phase_turns[n]
                        total[n] += piece.level * np.exp(2j * np.pi * turns) * 0.01
            trace = None
            if capture.scope:
                trace = np.full(capture.windows[0].duration_ns + 100, total[-1])
            answers.append(CaptureAnswer(total, trace, capture.windows[0].demod_hz))
        return tuple(answers)


class Ticket:
    def __init__(self, future: Future) -> None:
        self.future = future

    def done(self) -> bool:
        return self.future.done()

    def result(self):
        return self.future.result()


class Server:
    """The smallest server that puts a twin on sockets, with a clock that leaps over idle time."""

    def __init__(self, twin: ClusterTwin, ports: dict[str, int]) -> None:
        self.twin = twin
        self.ports = ports
        self.now_fs = WORLD_START_FS
        self.writers: list[asyncio.StreamWriter] = []
        self.sessions: dict[asyncio.StreamWriter, object] = {}
        self.loop: asyncio.AbstractEventLoop | None = None

    async def serve(self, host: str, sockets: dict[str, socket.socket]) -> list[asyncio.Server]:
        return [
            await asyncio.start_server(self.connection(name), sock=sock)
            for name, sock in sockets.items()
        ]

    def wake(self) -> None:
        """Send what has fallen due, once the loop comes to it; called from any thread."""
        self.loop.call_soon_threadsafe(self.poll)

    def poll(self) -> None:
        for writer, session in self.sessions.items():
            if not writer.is_closing():
                writer.write(session.feed(b"", self.now_fs))

    def tick(self) -> int:
        self.now_fs += 1_000_000_000  # every message takes 1 us of world time
        horizon = self.twin.horizon(self.now_fs)
        if not horizon.armed and not horizon.computing and horizon.busy_until_fs is not None:
            self.now_fs = max(self.now_fs, horizon.busy_until_fs)
        return self.now_fs

    def connection(self, name: str):
        async def handle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            session = self.twin.open(name)
            self.writers.append(writer)
            self.sessions[writer] = session
            try:
                while data := await reader.read(1 << 16):
                    replies = session.feed(data, self.tick())
                    if not replies:  # a command may wait for what takes time
                        replies = session.feed(b"", self.tick())
                    writer.write(replies)
                    await writer.drain()
            except ConnectionError:
                pass
            finally:
                writer.close()

        return handle


def bind_all(numbers: dict[str, int]) -> tuple[str, dict[str, socket.socket]]:
    """Draw loopback addresses until all of the vendor's ports are free on one."""
    while True:
        host = f"127.{random.randint(1, 254)}.{random.randint(0, 254)}.{random.randint(2, 254)}"
        sockets: dict[str, socket.socket] = {}
        try:
            for name, number in numbers.items():
                sockets[name] = socket.socket()
                sockets[name].bind((host, number))
            return host, sockets
        except OSError:
            for one in sockets.values():
                one.close()


@contextmanager
def running(twin: ClusterTwin, world: Echo) -> Iterator[tuple[str, Server]]:
    numbers = {"scpi": twin.ports["scpi"]}
    numbers |= {f"slot{s}": twin.ports["module_scpi_base"] + s for s in twin.modules}
    host, sockets = bind_all(numbers)
    server = Server(twin, numbers)
    loop = server.loop = asyncio.new_event_loop()
    world.servers.append(server)
    started = threading.Event()

    async def main() -> None:
        servers = await server.serve(host, sockets)
        stop.append(asyncio.Event())
        started.set()
        await stop[0].wait()
        for one in servers:
            one.close()
        for writer in server.writers:
            writer.close()
        await asyncio.gather(*asyncio.all_tasks() - {asyncio.current_task()})

    stop: list[asyncio.Event] = []
    thread = threading.Thread(target=lambda: loop.run_until_complete(main()))
    thread.start()
    started.wait()
    try:
        yield host, server
    finally:
        world.servers.remove(server)
        loop.call_soon_threadsafe(stop[0].set)
        thread.join()
        loop.close()


def close(client) -> None:
    """Close all a client opened; its own ``close`` forgets the modules and its event loop."""
    for slot in list(client._scpi._slot_connections):
        client._run_in_loop(client._scpi._remove_slot(slot))
    loop = client._transport.loop
    client.close()
    loop.close()


READOUT = {
    "program": """
        wait_sync 4
        set_mrk 2
        upd_param 4
        move 0,R0
    shot: reset_ph
        set_awg_offs 16384,0
        upd_param 200
        acquire 0,R0,1000
        set_awg_offs 0,0
        upd_param 1000
        add R0,1,R0
        nop
        jlt R0,5,@shot
        stop
    """,
    "waveforms": {},
    "weights": {},
    "acquisitions": {"shots": {"num_bins": 5, "index": 0}},
}


DRIVE = {
    "program": """
        wait_sync 4
        set_mrk 1
        upd_param 4
        move 5,R0
    shot: reset_ph
        set_awg_gain 16384,16384
        play 0,1,200
        wait 2000
        loop R0,@shot
        stop
    """,
    "waveforms": {
        "i": {"data": [0.5] * 40, "index": 0},
        "q": {"data": [0.25] * 40, "index": 1},
    },
    "weights": {},
    "acquisitions": {},
}


def set_up_readout(cluster, sequencer: int = 0, nco_hz: float = 100e6):
    module = cluster.module2
    module.out0_in0_lo_freq(7_000_000_000)
    module.out0_att(20)
    seq = module.sequencers[sequencer]
    module.disconnect_outputs()
    module.disconnect_inputs()
    seq.connect_sequencer("io0")
    seq.mod_en_awg(True)
    seq.demod_en_acq(True)
    seq.nco_freq(nco_hz)
    seq.integration_length_acq(800)
    seq.sync_en(True)
    seq.sequence(READOUT)
    return seq


def set_up_drive(cluster):
    module = cluster.module4
    module.out0_lo_freq(5_800_000_000)
    module.disconnect_outputs()
    seq = module.sequencers[0]
    seq.connect_sequencer("out0")
    seq.mod_en_awg(True)
    seq.nco_freq(-200e6)
    seq.sync_en(True)
    seq.sequence(DRIVE)
    return seq
