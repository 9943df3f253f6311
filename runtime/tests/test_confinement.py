"""What a tenant's process cannot do, whether it was executed or forked."""

import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import unittest
from pathlib import Path

from .holder_case import RUNTIME, ForkingCase, HolderCase, wait_for

# Tries one thing after the other and tells how each went.
ATTEMPTS = """
import ctypes, json, os, socket, subprocess, sys, threading
libc = ctypes.CDLL(None, use_errno=True)
numbers = 0 if os.uname().machine == "x86_64" else 1
def call(*places_and_arguments):
    place, *arguments = places_and_arguments
    if libc.syscall(place[numbers], *arguments) < 0:
        raise OSError(ctypes.get_errno(), "")
    return "done"
def tried(attempt):
    try:
        return str(attempt())
    except OSError as error:
        return type(error).__name__ if error.errno != 38 else "absent"
def listening():
    one = socket.socket()
    one.listen()
def bound(family, address):
    return lambda: socket.socket(family, socket.SOCK_DGRAM).bind(address)
def called():
    with socket.create_connection((sys.argv[1], int(sys.argv[2]))) as talking:
        return talking.send(b"!")
def threaded():
    thread = threading.Thread(target=print, args=("",))
    thread.start()
    thread.join()
refused = {
    "listen": listening,
    "listen anew": lambda: socket.socket(fileno=os.dup(3)).listen(),
    "bind": lambda: socket.socket().bind(("127.0.0.1", 0)),
    "bind of IPv6": lambda: socket.socket(socket.AF_INET6).bind(("::1", 0)),
    "datagrams": bound(socket.AF_INET, ("127.0.0.1", 0)),
    "a neighbour's datagrams": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM),
    "a neighbour's packets": lambda: socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET),
    "packets": lambda: socket.socket(17, socket.SOCK_RAW),
    "virtual machines": lambda: socket.socket(40, socket.SOCK_STREAM),
    "a user namespace": lambda: call((272, 97), 0x10000000),
    "a cloned namespace": lambda: call((56, 220), 0x10000000 | 17, 0, 0, 0, 0),
    "another namespace": lambda: call((308, 268), os.open("/proc/self/ns/ipc", os.O_RDONLY), 0),
    "io_uring": lambda: call((425, 425), 1, ctypes.create_string_buffer(120)),
    "ptrace": lambda: call((101, 117), 0, 0, 0, 0),
    "memory of others": lambda: call((310, 270), os.getpid(), 0, 0, 0, 0, 0),
    "descriptors of others": lambda: call((438, 438), 0, 0, 0),
    "keys": lambda: call((250, 219), 0, -3, 0),
    "mounts": lambda: call((165, 40), 0, 0, 0, 0, 0),
    "programs for the kernel": lambda: call((321, 280), 5, ctypes.create_string_buffer(120), 120),
    "counters": lambda: call((298, 241), ctypes.create_string_buffer(120), 0, -1, -1, 0),
    "page faults": lambda: call((323, 282), 1),
}
absent = {
    "clone3": lambda: call((435, 435), 0, 0),
    "what is not known yet": lambda: call((451, 451), 0),
    "x32": lambda: call((0x40000000 | 39, 451)),
}
done = {
    "a call": called,
    "names": lambda: socket.getaddrinfo("localhost", 80)[0][4][0],
    "networks": lambda: socket.if_nameindex()[0][1],
    "a pair": lambda: socket.socketpair(socket.AF_UNIX, socket.SOCK_DGRAM)[0].close(),
    "a thread": threaded,
    "a program": lambda: subprocess.run(["/bin/true"], check=True).returncode,
}
groups = {"refused": refused, "absent": absent, "done": done}
print(json.dumps({
    name: {what: tried(attempt) for what, attempt in group.items()}
    for name, group in groups.items()
}), flush=True)
"""

# Tells what it sees, and leaves something behind.
LOOK = """
import json, os
for place in ("/tmp", "/var/tmp", "/dev/shm"):
    open(os.path.join(place, "left"), "a").close()
print(json.dumps({
    "pids": [int(name) for name in os.listdir("/proc") if name.isdigit()],
    "own": os.getpid(),
    "temporary": os.listdir("/tmp"),
    "cgroups": os.listdir("/sys/fs/cgroup"),
    "kept": os.path.exists(os.environ["KEPT_FILE"]),
    "ipc": open("/proc/sysvipc/shm").read().count("\\n") - 1,
}), flush=True)
"""


class ConfinementTests:
    def told(self, argv, **order):
        Path(self.log).unlink(missing_ok=True)
        Path(self.log).touch()
        os.chmod(self.folder, 0o711)
        user = {"uid": 200904, "gid": 200904} if os.getuid() == 0 else {}
        if user:
            os.chown(self.log, 200904, 200904)
        started = self.start(argv=argv, **user, **order)
        self.assertTrue(started["ok"], started)
        wait_for(lambda: not self.tenant()["running"])
        return json.loads(self.output().splitlines()[-1])

    def program(self, code):
        path = Path(self.folder, "program")
        path.write_text(code)
        path.chmod(0o644)
        return [sys.executable, str(path)]

    def test_it_makes_no_system_call_that_it_has_no_use_for(self):
        self.assertIsNone(self.orders.give("missing")["missing"]["system_calls"])
        with socket.create_server((self.address, 0)) as server:
            host, port = server.getsockname()
            told = self.told([*self.program(ATTEMPTS), host, str(port)])
        for what, answer in told["refused"].items():
            with self.subTest(what):
                self.assertEqual(answer, "PermissionError")
        for what, answer in told["absent"].items():
            with self.subTest(what):
                self.assertEqual(answer, "absent")
        for what, answer in told["done"].items():
            with self.subTest(what):
                self.assertNotRegex(answer, "Error|absent")

    @unittest.skipUnless(os.getuid() == 0, "only root has rooms to give")
    def test_it_sees_its_own_of_this_machine(self):
        self.assertIsNone(self.orders.give("missing")["missing"]["view"])
        kept = tempfile.mkdtemp(prefix="kept-")
        self.addCleanup(shutil.rmtree, kept)
        os.chmod(kept, 0o755)
        Path(kept, "file").touch(0o644)
        for _ in range(2):
            temporary = tempfile.mkdtemp(dir=self.folder)
            os.chown(temporary, 200904, 200904)
            told = self.told(
                self.program(LOOK),
                env={"PATH": "/usr/bin:/bin", "KEPT_FILE": f"{kept}/file"},
                temporary=temporary,
                kept=[kept, self.folder],
            )
            self.assertEqual(told["pids"], [told["own"]])
            self.assertEqual(told["cgroups"], [])
            self.assertEqual(told["ipc"], 0)
            self.assertTrue(told["kept"])
            self.assertIn("left", told["temporary"])
            self.assertIn("left", os.listdir(temporary))
        self.assertFalse(os.path.exists("/tmp/left"))


class TestExecutedConfinement(ConfinementTests, HolderCase):
    pass


class TestForkedConfinement(ConfinementTests, ForkingCase):
    pass


@unittest.skipUnless(os.getuid() == 0, "only root can become another user")
class TestConfined(unittest.TestCase):
    def test_a_program_that_works_for_a_tenant_is_confined_like_its_own(self):
        code = (
            "import os, socket\n"
            "print(os.getuid(), os.getgid(), os.getgroups())\n"
            "socket.socket().listen()"
        )
        ran = subprocess.run(
            [sys.executable, "-S", "-m", "holder.confined", "200905", sys.executable, "-c", code],
            env={"PYTHONPATH": str(RUNTIME), "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
            cwd="/",
        )
        self.assertEqual(ran.stdout, "200905 200905 []\n", ran.stderr)
        self.assertIn("PermissionError", ran.stderr)
