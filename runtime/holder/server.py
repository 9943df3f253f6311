"""The loop: how orders arrive, and how answers and events leave."""

import functools
import json
import os
import selectors
import signal
import socket

from .errors import refusal
from .processes import listen

MAX_LINE = 1 << 20
# What a client may have left unread before it is dropped.
MAX_PENDING = 4 << 20


class Client:
    """A connection to whoever gives orders."""

    def __init__(self, connection):
        self.connection = connection
        self.received = bytearray()
        self.pending = bytearray()
        self.watching = False
        # Says no more and goes once everything was sent.
        self.closing = False

    def say(self, answer):
        self.pending += json.dumps(answer).encode() + b"\n"


class Server:
    """The loop: orders in, answers and events out, children reaped."""

    def __init__(self, holder, path):
        self._holder = holder
        self._selector = selectors.DefaultSelector()
        self._clients = set()
        self._running = True
        self._wake, wakened = socket.socketpair()
        for end in (self._wake, wakened):
            end.setblocking(False)
        signal.set_wakeup_fd(wakened.fileno(), warn_on_full_buffer=False)
        self._wakened = wakened
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, self._stop)
        # The terminal of whoever started us may go away.
        signal.signal(signal.SIGHUP, signal.SIG_IGN)
        self._listener = listen(path, socket.SOCK_STREAM | socket.SOCK_NONBLOCK)
        self._selector.register(self._wake, selectors.EVENT_READ, self._reap)
        self._selector.register(self._listener, selectors.EVENT_READ, self._accept)
        for tenant, process in holder.adopt():
            # Readable once the process has ended.
            ended = functools.partial(self._adopted_ended, tenant, process)
            self._selector.register(process, selectors.EVENT_READ, ended)

    def run(self):
        """Until SIGTERM. Children run on."""
        while self._running:
            for key, events in self._selector.select():
                if isinstance(key.data, Client):
                    self._serve(key.data, events)
                else:
                    key.data()

    def _stop(self, number, frame):
        self._running = False

    def _reap(self):
        try:
            while self._wake.recv(4096):
                pass
        except BlockingIOError:
            pass
        for ended in self._holder.reap():
            self._tell(*ended)

    def _adopted_ended(self, tenant, process):
        self._selector.unregister(process)
        os.close(process)
        self._tell(*self._holder.adopted_ended(tenant))

    def _tell(self, tenant, pid, code):
        for client in [client for client in self._clients if client.watching]:
            client.say({"event": "exit", "tenant": tenant, "pid": pid, "code": code})
            self._send(client)

    def _accept(self):
        try:
            connection, _ = self._listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        connection.setblocking(False)
        client = Client(connection)
        self._clients.add(client)
        self._selector.register(connection, selectors.EVENT_READ, client)

    def _serve(self, client, events):
        if client not in self._clients:
            # Dropped since the selector named it.
            return
        if events & selectors.EVENT_READ:
            self._receive(client)
        if client in self._clients:
            self._send(client)

    def _receive(self, client):
        try:
            data = client.connection.recv(65536)
        except BlockingIOError:
            return
        except OSError:
            self._drop(client)
            return
        if not data:
            client.closing = True
        client.received += data
        while b"\n" in client.received:
            line, _, rest = bytes(client.received).partition(b"\n")
            client.received[:] = rest
            if line.strip():
                self._answer(client, line)
        if len(client.received) > MAX_LINE:
            client.say(refusal("bad_request", f"A line has at most {MAX_LINE} bytes."))
            client.received.clear()
            client.closing = True

    def _answer(self, client, line):
        try:
            order = json.loads(line)
        except ValueError as error:
            client.say(refusal("bad_request", f"This is not JSON: {error}."))
            return
        if not isinstance(order, dict):
            client.say(refusal("bad_request", "An order is a JSON object."))
        elif order.get("op") == "watch":
            client.watching = True
            client.say({"ok": True})
        else:
            client.say(self._holder.carry_out(order))

    def _send(self, client):
        try:
            while client.pending:
                sent = client.connection.send(client.pending)
                del client.pending[:sent]
        except BlockingIOError:
            pass
        except OSError:
            self._drop(client)
            return
        if (client.closing and not client.pending) or len(client.pending) > MAX_PENDING:
            self._drop(client)
            return
        events = 0 if client.closing else selectors.EVENT_READ
        if client.pending:
            events |= selectors.EVENT_WRITE
        self._selector.modify(client.connection, events, client)

    def _drop(self, client):
        self._clients.discard(client)
        self._selector.unregister(client.connection)
        client.connection.close()
