"""The holder as a process of its own, with small servers in the place of Odoo."""

import contextlib
import json
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import unittest
from pathlib import Path

RUNTIME = Path(__file__).parent.parent
HOLDER = [sys.executable, "-S", "-m", "holder"]
# Answers every request with its own pid, over the socket that it was handed.
SERVER = """
import os, socket
assert os.environ["LISTEN_FDS"] == "1" and os.environ["LISTEN_PID"] == str(os.getpid())
listener = socket.socket(fileno=3)
while True:
    connection, _ = listener.accept()
    connection.recv(100)
    connection.sendall(str(os.getpid()).encode())
    connection.close()
"""

# Forks what does the same: what it has imported, the one that it forks has too.
FORK_SERVER = """
import argparse, os, socket, sys
from holder.forking import end_with, serve
from holder.processes import listen
parser = argparse.ArgumentParser()
parser.add_argument("--socket")
parser.add_argument("--parent", type=int)
options = parser.parse_args()
end_with(options.parent)
os.environ["KEPT"] = "here"
serve(listen(options.socket, socket.SOCK_SEQPACKET), kept=["KEPT"])
exec(sys.argv[1] if sys.argv[0] == "-c" else open(sys.argv[0]).read())
"""


def wait_for(condition, seconds=10):
    """Until it is true: what it answered."""
    end = time.monotonic() + seconds
    while not (answer := condition()):
        if time.monotonic() > end:
            raise AssertionError(f"{condition} did not come true in {seconds} s")
        time.sleep(0.01)
    return answer


class Orders:
    """A connection to the holder."""

    def __init__(self, path):
        self.socket = socket.socket(socket.AF_UNIX)
        self.socket.settimeout(10)
        try:
            self.socket.connect(path)
        except OSError:
            self.socket.close()
            raise
        self._lines = self.socket.makefile("rb")

    def send(self, data):
        self.socket.sendall(data)

    def read(self):
        line = self._lines.readline()
        return json.loads(line) if line else None

    def give(self, op, **order):
        self.send(json.dumps({"op": op, **order}).encode() + b"\n")
        return self.read()

    def close(self):
        self._lines.close()
        self.socket.close()


class HolderCase(unittest.TestCase):
    def setUp(self):
        self.folder = tempfile.mkdtemp(prefix="holder-")
        self.addCleanup(shutil.rmtree, self.folder)
        self.path = os.path.join(self.folder, "holder.sock")
        self.log = os.path.join(self.folder, "log")
        self.absent = os.path.join(self.folder, "absent")
        self.address = "127.66.250.1"
        self.port = self.free_port()
        self.children = set()
        self.addCleanup(self.end_children)
        self.holder = self.start_holder()
        self.orders = self.connect()

    def start_holder(self):
        holder = subprocess.Popen(self.command(), cwd=RUNTIME)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        wait_for(self.answers)
        return holder

    def command(self):
        return [*HOLDER, "--socket", self.path, "--state", self.folder]

    def answers(self):
        with contextlib.suppress(OSError):
            orders = Orders(self.path)
            try:
                return orders.give("ping")
            finally:
                orders.close()

    def connect(self):
        orders = Orders(self.path)
        self.addCleanup(orders.close)
        return orders

    def free_port(self):
        with socket.socket() as probe:
            probe.bind((self.address, 0))
            return probe.getsockname()[1]

    def python(self, code):
        return [sys.executable, "-c", code]

    def start(self, tenant="tabc", epoch=1, argv=(sys.executable, "-c", SERVER), **order):
        answer = self.orders.give(
            "start",
            **{
                "tenant": tenant,
                "epoch": epoch,
                "address": self.address,
                "port": self.port,
                "argv": argv,
                "env": {"PATH": "/usr/bin:/bin"},
                "cwd": self.folder,
                "uid": None,
                "gid": None,
                "cgroups": [],
                "nofile": 256,
                "log": self.log,
                **order,
            },
        )
        if answer["ok"]:
            self.children.add(answer["pid"])
        return answer

    def end_children(self):
        for pid in self.children:
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)

    def tenant(self, name="tabc"):
        return self.orders.give("list")["tenants"][name]

    def kill(self, pid):
        os.kill(pid, signal.SIGKILL)
        wait_for(lambda: not self.tenant()["running"])

    def ask(self):
        """What the tenant answers to a request: its pid."""
        with socket.create_connection((self.address, self.port), 10) as connection:
            connection.sendall(b"?")
            return int(connection.recv(100))

    def output(self):
        return wait_for(lambda: Path(self.log).read_text() if os.path.exists(self.log) else "")


class ForkingCase(HolderCase):
    """Everything that a process gets and loses is the same for one that was forked."""

    # Python that the fork server has run before it forks.
    used = ""

    def setUp(self):
        super().setUp()
        self.warm()

    def warm(self, name="tpl_one"):
        answer = self.orders.give(
            "warm",
            name=name,
            argv=[sys.executable, "-c", self.used + FORK_SERVER],
            env={"PATH": "/usr/bin:/bin", "PYTHONPATH": str(RUNTIME)},
            log=os.path.join(self.folder, "fork-server.log"),
        )
        self.assertEqual(answer, {"ok": True})
        wait_for(lambda: self.fork_servers()[name]["ready"])

    def is_gone(self, pid):
        return not os.path.exists(f"/proc/{pid}")

    def fork_servers(self):
        return self.orders.give("list")["fork_servers"]

    def start(self, **order):
        return super().start(**{"fork_server": "tpl_one", **order})
