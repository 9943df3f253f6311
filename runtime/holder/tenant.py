"""What is known of one tenant."""

import collections
import errno
import socket
import time

from .errors import Refused, reason_of

BACKLOG = 511
KEPT_EXITS = 10


class Tenant:
    """What is known of one tenant: its socket, its process and how earlier ones ended."""

    def __init__(self):
        self.listener = None
        self.address = None
        self.pid = None
        self.started = None
        self.exits = collections.deque(maxlen=KEPT_EXITS)

    @property
    def running(self):
        return self.pid is not None

    def hold(self, address):
        if self.listener and self.address == address and self._listens_still():
            return
        self.release()
        listener = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        try:
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(address)
            listener.listen(BACKLOG)
        except (OSError, OverflowError) as error:
            listener.close()
            where = "{}:{}".format(*address)
            if getattr(error, "errno", None) == errno.EADDRINUSE:
                raise Refused(
                    "in_use",
                    f"Another process listens on {where}. Where it is this tenant's own process,"
                    " which could not be taken over, stop that one first.",
                ) from error
            raise Refused("failed", f"Cannot listen on {where}: {reason_of(error)}.") from error
        self.listener, self.address = listener, address

    def _listens_still(self):
        """A process can shut the socket that it was given, and even make another use of it."""
        try:
            self.listener.listen(BACKLOG)
        except OSError:
            return False
        return True

    def release(self):
        if self.listener:
            self.listener.close()
        self.listener = self.address = None

    def ended(self, code):
        self.exits.append({"at": time.time(), "code": code})
        self.pid = self.started = None

    def describe(self):
        return {
            "pid": self.pid,
            "started": self.started,
            "running": self.running,
            "exits": list(self.exits),
            "holding": self.listener is not None,
        }
