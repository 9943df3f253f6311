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
import threading
import time
import unittest
from pathlib import Path

HOLDER = Path(__file__).parent.parent / "holder.py"
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
        self.address = "127.66.250.1"
        self.port = self.free_port()
        self.children = set()
        self.addCleanup(self.end_children)
        self.holder = self.start_holder()
        self.orders = self.connect()

    def start_holder(self):
        command = [sys.executable, "-S", HOLDER, "--socket", self.path, "--state", self.folder]
        holder = subprocess.Popen(command)
        self.addCleanup(holder.wait)
        self.addCleanup(holder.kill)
        wait_for(self.answers)
        return holder

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


class TestOrders(HolderCase):
    def test_ping(self):
        answer = self.orders.give("ping")
        self.assertEqual(answer, {"ok": True, "version": 1, "pid": self.holder.pid})

    def test_only_its_owner_opens_the_socket(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_there_is_one_holder(self):
        command = [sys.executable, "-S", HOLDER, "--socket", self.path, "--state", self.folder]
        second = subprocess.run(command, capture_output=True, text=True, timeout=10)
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("runs already", second.stderr)
        self.assertEqual(self.orders.give("ping")["pid"], self.holder.pid)

    def test_orders_in_pieces_and_together(self):
        for piece in (b'{"op"', b': "ping"', b'}\n{"op": "list"}\n'):
            self.orders.send(piece)
        self.assertIn("version", self.orders.read())
        self.assertEqual(self.orders.read(), {"ok": True, "tenants": {}})

    def test_the_last_order_of_a_connection_is_answered(self):
        self.orders.send(b'{"op": "ping"}\n')
        self.orders.socket.shutdown(socket.SHUT_WR)
        self.assertEqual(self.orders.read()["pid"], self.holder.pid)
        self.assertIsNone(self.orders.read())

    def test_garbage_is_answered_and_harms_nobody(self):
        for line in (b"garbage\n", b"[]\n", b"\xff\n", b'{"op": "dance"}\n', b'{"op": {}}\n'):
            with self.subTest(line):
                self.orders.send(line)
                answer = self.orders.read()
                self.assertEqual(answer["ok"], False)
                self.assertTrue(answer["message"])
        self.assertTrue(self.orders.give("ping")["ok"])

    def test_a_line_without_end_is_cut_off(self):
        flood = self.connect()
        with self.assertRaises(OSError):
            for _ in range(100):
                flood.send(b"x" * (1 << 16))
        self.assertTrue(self.orders.give("ping")["ok"])

    def test_fields_are_checked(self):
        for order in (
            {"tenant": "../../etc/passwd"},
            {"tenant": 7},
            {"epoch": "1"},
            {"epoch": True},
            {"argv": []},
            {"argv": "sh"},
            {"env": {"A": 1}},
            {"uid": 1},
        ):
            with self.subTest(order):
                self.assertEqual(self.start(**order)["error"], "bad_request")

    def test_an_address_that_cannot_be(self):
        for order in ({"port": 70000}, {"address": "192.0.2.1"}, {"address": "nowhere.invalid"}):
            with self.subTest(order):
                answer = self.start(**order)
                self.assertEqual(answer["error"], "failed")
                self.assertIn("Cannot listen", answer["message"])

    def test_an_address_of_somebody_else(self):
        with socket.socket() as other:
            other.bind((self.address, self.port))
            other.listen()
            answer = self.start()
        self.assertEqual(answer["error"], "in_use")
        self.assertIn(f"{self.address}:{self.port}", answer["message"])


class TestStart(HolderCase):
    def test_it_serves(self):
        answer = self.start()
        self.assertEqual(self.ask(), answer["pid"])
        self.assertEqual(
            self.tenant(),
            {
                "pid": answer["pid"],
                "started": answer["started"],
                "running": True,
                "exits": [],
                "holding": True,
            },
        )

    def test_one_process_a_tenant(self):
        self.start()
        self.assertEqual(self.start(epoch=2)["error"], "running")

    def test_an_older_epoch_is_refused(self):
        self.kill(self.start(epoch=5)["pid"])
        self.assertEqual(self.start(epoch=4)["error"], "stale_epoch")
        self.assertEqual(
            self.orders.give("release", tenant="tabc", epoch=4)["error"], "stale_epoch"
        )
        self.assertTrue(self.start(epoch=5)["ok"])

    def test_a_refused_start_raises_the_epoch(self):
        self.start(epoch=1)
        self.start(epoch=7)
        self.assertEqual(
            self.orders.give("release", tenant="tabc", epoch=6)["error"], "stale_epoch"
        )

    def test_what_cannot_start_says_why(self):
        for order, words in (
            ({"argv": ["/nonexistent/odoo"]}, "/nonexistent/odoo: No such file"),
            ({"cwd": "/nonexistent"}, "enter /nonexistent: No such file"),
            ({"log": "/nonexistent/log"}, "write the log /nonexistent/log"),
            ({"cgroups": ["/nonexistent"]}, "join the cgroup /nonexistent"),
            ({"argv": [self.folder]}, "Permission denied"),
        ):
            with self.subTest(order):
                answer = self.start(**order)
                self.assertEqual(answer["error"], "failed")
                self.assertIn(words, answer["message"])
                self.assertFalse(self.tenant()["running"])
        self.assertTrue(self.start()["ok"])

    def test_a_log_that_is_a_link_is_not_followed(self):
        os.symlink("/dev/null", self.log)
        self.assertIn("symbolic links", self.start()["message"])

    def test_the_process_gets_what_it_needs_and_no_more(self):
        code = (
            "import os, json, resource, signal\n"
            "print(json.dumps({"
            "'fds': sorted(int(fd) for fd in os.listdir('/proc/self/fd'))[:-1],"
            "'env': sorted(os.environ), 'session': os.getsid(0) == os.getpid(),"
            "'nofile': resource.getrlimit(resource.RLIMIT_NOFILE),"
            "'status': open('/proc/self/status').read(),"
            "'cwd': os.getcwd(), 'stdin': os.readlink('/proc/self/fd/0')}), flush=True)"
        )
        self.start(argv=[sys.executable, "-c", code], env={"A": "b", "LC_ALL": "C.UTF-8"})
        wait_for(lambda: not self.tenant()["running"])
        seen = json.loads(self.output())
        self.assertEqual(seen["fds"], [0, 1, 2, 3])
        self.assertEqual(seen["env"], ["A", "LC_ALL", "LISTEN_FDS", "LISTEN_PID"])
        self.assertTrue(seen["session"])
        self.assertEqual(seen["nofile"], [256, 256])
        self.assertEqual(seen["cwd"], self.folder)
        self.assertEqual(seen["stdin"], "/dev/null")
        status = dict(line.split(":\t", 1) for line in seen["status"].splitlines() if ":\t" in line)
        self.assertEqual(status["NoNewPrivs"], "1")
        self.assertEqual(int(status["SigBlk"], 16), 0)

    @unittest.skipUnless(os.getuid() == 0, "only root can become another user")
    def test_the_process_becomes_another_user(self):
        Path(self.log).touch()
        os.chown(self.log, 200900, 200901)
        os.chmod(self.folder, 0o711)
        self.start(
            argv=["/bin/sh", "-c", "id -u; id -g; id -G; grep ^Cap /proc/self/status"],
            uid=200900,
            gid=200901,
        )
        wait_for(lambda: not self.tenant()["running"])
        uid, gid, groups, *capabilities = self.output().splitlines()
        self.assertEqual((uid, gid, groups), ("200900", "200901", "200901"))
        effective = {line.split(":\t")[0]: int(line.split(":\t")[1], 16) for line in capabilities}
        self.assertEqual(effective["CapEff"], 0)
        self.assertEqual(effective["CapPrm"], 0)

    def test_exits_are_remembered(self):
        for code in range(12):
            self.start(argv=["/bin/sh", "-c", f"exit {code}"])
            wait_for(lambda: not self.tenant()["running"])
        exits = self.tenant()["exits"]
        self.assertEqual([exit["code"] for exit in exits], list(range(2, 12)))
        self.assertAlmostEqual(exits[-1]["at"], time.time(), delta=10)
        self.kill(self.start()["pid"])
        self.assertEqual(self.tenant()["exits"][-1]["code"], -signal.SIGKILL)

    def test_a_watcher_is_told_of_exits(self):
        watcher = self.connect()
        self.assertEqual(watcher.give("watch"), {"ok": True})
        pid = self.start()["pid"]
        os.kill(pid, signal.SIGTERM)
        self.assertEqual(
            watcher.read(), {"event": "exit", "tenant": "tabc", "pid": pid, "code": -15}
        )

    def test_releasing_closes_the_address(self):
        self.kill(self.start()["pid"])
        self.assertTrue(self.tenant()["holding"])
        self.orders.give("release", tenant="tabc", epoch=1)
        self.assertFalse(self.tenant()["holding"])
        with self.assertRaises(ConnectionRefusedError):
            self.ask()

    def test_nothing_leaks(self):
        def open_files():
            return len(os.listdir(f"/proc/{self.holder.pid}/fd"))

        self.kill(self.start()["pid"])
        before = open_files()
        for _ in range(5):
            self.kill(self.start()["pid"])
            self.start(argv=["/nonexistent"])
            self.answers()
        wait_for(lambda: open_files() <= before)


class TestQueue(HolderCase):
    def test_requests_wait_while_nothing_runs(self):
        first = self.start()["pid"]
        self.assertEqual(self.ask(), first)
        answers, failures = [], []

        def request():
            try:
                answers.append(self.ask())
            except OSError as error:
                failures.append(error)

        self.kill(first)
        threads = [threading.Thread(target=request) for _ in range(200)]
        for thread in threads:
            thread.start()
        self.assertEqual(answers, [])
        second = self.start()["pid"]
        for thread in threads:
            thread.join(20)
        self.assertEqual(failures, [])
        self.assertEqual(answers, [second] * 200)


class TestHolderRestart(HolderCase):
    def restart(self, number):
        self.orders.close()
        self.holder.send_signal(number)
        self.holder.wait(10)
        self.holder = self.start_holder()
        self.orders = self.connect()

    def test_children_outlive_it_and_are_found_again(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                if "tabc" in self.orders.give("list")["tenants"]:
                    self.kill(self.tenant()["pid"])
                started = self.start()
                self.restart(number)
                self.assertEqual(self.ask(), started["pid"])
                tenant = self.tenant()
                self.assertEqual(tenant["pid"], started["pid"])
                self.assertEqual(tenant["started"], started["started"])
                self.assertTrue(tenant["running"] and tenant["holding"])
                self.assertEqual(self.start()["error"], "running")

    def test_a_child_of_an_earlier_holder_ends(self):
        pid = self.start()["pid"]
        self.restart(signal.SIGKILL)
        watcher = self.connect()
        watcher.give("watch")
        os.kill(pid, signal.SIGKILL)
        self.assertEqual(
            watcher.read(), {"event": "exit", "tenant": "tabc", "pid": pid, "code": 255}
        )
        answers = []
        waiting = threading.Thread(target=lambda: answers.append(self.ask()))
        waiting.start()
        second = self.start()["pid"]
        waiting.join(10)
        self.assertEqual(answers, [second])

    def test_a_pid_that_is_somebody_elses_by_now_is_left_alone(self):
        pid = self.start()["pid"]
        record = Path(self.folder, "running", "tabc")
        changed = {**json.loads(record.read_text()), "started": "1"}
        self.orders.close()
        self.holder.kill()
        self.holder.wait(10)
        record.write_text(json.dumps(changed))
        self.holder = self.start_holder()
        self.orders = self.connect()
        self.assertEqual(self.orders.give("list")["tenants"], {})
        answer = self.start()
        self.assertEqual(answer["error"], "in_use")
        self.assertIn("stop that one first", answer["message"])
        os.kill(pid, 0)

    def test_epochs_are_remembered(self):
        self.kill(self.start(epoch=9)["pid"])
        self.restart(signal.SIGTERM)
        self.assertEqual(self.start(epoch=8)["error"], "stale_epoch")


if __name__ == "__main__":
    unittest.main()
