"""Processes that have imported an Odoo already, of which a tenant's is forked (fork_server.py)."""

import collections
import contextlib
import json
import os
import signal
import socket

from .orders import environment, field, name_in, strings

# Of those used last: each keeps about 130 MB.
KEPT = 2
ANSWER_SECONDS = 5


class ForkServers:
    """None is ever needed: whatever they are asked for, they may answer that they cannot."""

    def __init__(self, folder):
        self._folder = folder
        os.makedirs(folder, mode=0o700, exist_ok=True)
        # Pids by name, those used last at the end.
        self._pids = collections.OrderedDict()

    def warm(self, order):
        """Has one ready in some seconds; the one that nobody used for longest makes room for it."""
        name = name_in(order, "name")
        argv, env = strings(order, "argv"), environment(order)
        log = field(order, "log", str)
        if name in self._pids:
            return
        while len(self._pids) >= KEPT:
            _, oldest = self._pids.popitem(last=False)
            # It has no requests and no children of its own.
            with contextlib.suppress(ProcessLookupError):
                os.kill(oldest, signal.SIGKILL)
        with contextlib.suppress(FileNotFoundError):
            os.unlink(self._path(name))
        self._pids[name] = os.posix_spawn(
            argv[0],
            [*argv, "--socket", self._path(name), "--parent", str(os.getpid())],
            env,
            file_actions=[
                (os.POSIX_SPAWN_OPEN, 0, os.devnull, os.O_RDONLY, 0),
                (os.POSIX_SPAWN_OPEN, 1, log, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600),
                (os.POSIX_SPAWN_DUP2, 1, 2),
            ],
            setsid=True,
            setsigdef=[signal.SIGPIPE, signal.SIGXFSZ, signal.SIGHUP],
        )

    def fork(self, name, order, listener):
        """A new process that waits for its go: (connection, pid); or None, and nothing began."""
        if name not in self._pids:
            return None
        connection = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        connection.settimeout(ANSWER_SECONDS)
        try:
            connection.connect(self._path(name))
            socket.send_fds(connection, [json.dumps(order).encode()], [listener.fileno()])
            pid = int(connection.recv(20))
        except (OSError, ValueError):
            # It imports still, or it has ended. Without a go its child, if there is one, ends too.
            connection.close()
            return None
        self._pids.move_to_end(name)
        return connection, pid

    def ended(self, pid):
        for name in [name for name, known in self._pids.items() if known == pid]:
            del self._pids[name]

    def describe(self):
        return {
            name: {"pid": pid, "ready": os.path.exists(self._path(name))}
            for name, pid in self._pids.items()
        }

    def _path(self, name):
        return os.path.join(self._folder, name)
