"""The holder as a process of its own, with small servers in the place of Odoo."""

import contextlib
import functools
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
import argparse, os, socket
from holder.forking import end_with, serve
from holder.processes import listen
parser = argparse.ArgumentParser()
parser.add_argument("--socket")
parser.add_argument("--parent", type=int)
options = parser.parse_args()
end_with(options.parent)
os.environ["KEPT"] = "here"
code = serve(listen(options.socket, socket.SOCK_SEQPACKET), kept=["KEPT"])[-1]
exec(code)
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

    def setUp(self):
        super().setUp()
        self.warm()

    def warm(self, name="tpl_one"):
        answer = self.orders.give(
            "warm",
            name=name,
            argv=[sys.executable, "-c", FORK_SERVER],
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


class TestOrders(HolderCase):
    def test_ping(self):
        answer = self.orders.give("ping")
        self.assertEqual(answer, {"ok": True, "version": 2, "pid": self.holder.pid})

    def test_only_its_owner_opens_the_socket(self):
        self.assertEqual(os.stat(self.path).st_mode & 0o777, 0o600)

    def test_there_is_one_holder(self):
        second = subprocess.run(
            self.command(), cwd=RUNTIME, capture_output=True, text=True, timeout=10
        )
        self.assertNotEqual(second.returncode, 0)
        self.assertIn("runs already", second.stderr)
        self.assertEqual(self.orders.give("ping")["pid"], self.holder.pid)

    def test_orders_in_pieces_and_together(self):
        for piece in (b'{"op"', b': "ping"', b'}\n{"op": "list"}\n'):
            self.orders.send(piece)
        self.assertIn("version", self.orders.read())
        self.assertEqual(self.orders.read(), {"ok": True, "tenants": {}, "fork_servers": {}})

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


class StartTests:
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
            ({"cwd": self.absent}, f"enter {self.absent}: No such file"),
            ({"log": f"{self.absent}/log"}, f"write the log {self.absent}/log"),
            ({"cgroups": [self.absent]}, f"join the cgroup {self.absent}"),
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

    def test_a_log_that_is_a_pipe_holds_nobody_up(self):
        os.mkfifo(self.log)
        began = time.monotonic()
        self.assertIn("write the log", self.start()["message"])
        with open(os.open(self.log, os.O_RDONLY | os.O_NONBLOCK), "rb"):
            # One that somebody reads lets itself be opened.
            self.assertIn("It is not a file", self.start()["message"])
        self.assertLess(time.monotonic() - began, 5)

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
        self.start(argv=self.python(code), env={"A": "b", "LC_ALL": "C.UTF-8"})
        wait_for(lambda: not self.tenant()["running"])
        seen = json.loads(self.output())
        self.assertEqual(seen["fds"], [0, 1, 2, 3])
        self.assertEqual(seen["env"], ["A", *self.kept, "LC_ALL", "LISTEN_FDS", "LISTEN_PID"])
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
            argv=self.python(
                "import os; print(os.getuid(), os.getgid(), *os.getgroups(), sep='\\n')\n"
                "print(*[s for s in open('/proc/self/status') if s.startswith('Cap')], sep='')"
            ),
            uid=200900,
            gid=200901,
        )
        wait_for(lambda: not self.tenant()["running"])
        uid, gid, *capabilities = filter(None, self.output().splitlines())
        self.assertEqual((uid, gid), ("200900", "200901"))
        effective = {line.split(":\t")[0]: int(line.split(":\t")[1], 16) for line in capabilities}
        self.assertEqual(effective["CapEff"], 0)
        self.assertEqual(effective["CapPrm"], 0)

    def test_exits_are_remembered(self):
        for code in range(12):
            self.start(argv=self.python(f"raise SystemExit({code})"))
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

    def test_those_who_leave_at_once_with_a_tenant_do_no_harm(self):
        for _ in range(20):
            pid = self.start()["pid"]
            watchers = [Orders(self.path) for _ in range(6)]
            for watcher in watchers:
                watcher.give("watch")
            os.kill(self.holder.pid, signal.SIGSTOP)
            watchers[0].close()
            os.kill(pid, signal.SIGKILL)
            for watcher in watchers[1:]:
                watcher.close()
            os.kill(self.holder.pid, signal.SIGCONT)
            wait_for(lambda: not self.tenant()["running"])

    @unittest.skipUnless(os.getuid() == 0, "only root has users to end")
    def test_everything_of_a_user_ends_whoever_started_it(self):
        os.chmod(self.folder, 0o711)
        log = Path(self.log)
        log.touch()
        os.chown(log, 200902, 200902)
        code = (
            "import os, time\n"
            "if os.fork() == 0:\n"
            "    os.setsid()\n"
            "    print(os.getpid(), flush=True)\n"
            "    time.sleep(600)\n"
        )
        self.start(argv=self.python(code), uid=200902, gid=200902)
        left = int(wait_for(self.output))
        wait_for(lambda: not self.tenant()["running"])
        self.assertEqual(self.orders.give("end", uid=200903)["ok"], True)
        os.kill(left, 0)
        self.assertEqual(self.orders.give("end", uid=200902)["ok"], True)
        wait_for(lambda: not os.path.exists(f"/proc/{left}"))
        for uid in (0, -1, "200902", None):
            self.assertEqual(self.orders.give("end", uid=uid)["error"], "bad_request")

    def test_nothing_leaks(self):
        def open_files():
            return len(os.listdir(f"/proc/{self.holder.pid}/fd"))

        self.kill(self.start()["pid"])
        before = open_files()
        for _ in range(5):
            self.kill(self.start()["pid"])
            self.start(cwd=self.absent)
            self.answers()
        wait_for(lambda: open_files() <= before)


class TestExecuted(StartTests, HolderCase):
    kept = ()

    def test_it_is_not_forked(self):
        self.assertIs(self.start()["forked"], False)

    def test_a_program_that_is_missing_is_an_answer(self):
        for argv, words in (
            ([f"{self.absent}/odoo"], f"{self.absent}/odoo: No such file"),
            ([self.folder], "Permission denied"),
        ):
            with self.subTest(argv):
                answer = self.start(argv=argv)
                self.assertEqual(answer["error"], "failed")
                self.assertIn(words, answer["message"])
                self.assertFalse(self.tenant()["running"])
        self.assertTrue(self.start()["ok"])


class TestForked(StartTests, ForkingCase):
    kept = ("KEPT",)

    def test_it_is_forked(self):
        self.assertIs(self.start()["forked"], True)

    def test_its_command_is_the_one_that_was_asked_for(self):
        argv = [sys.executable, "-c", SERVER]
        pid = self.start(argv=argv)["pid"]
        command = Path(f"/proc/{pid}/cmdline").read_text().rstrip("\0").split("\0")
        self.assertEqual(command, argv)
        self.assertEqual(self.ask(), pid)

    def test_it_is_a_child_of_the_holder(self):
        pid = self.start()["pid"]
        status = Path(f"/proc/{pid}/status").read_text()
        self.assertIn(f"PPid:\t{self.holder.pid}\n", status)

    def test_it_outlives_its_fork_server_and_the_holder(self):
        started = self.start()
        os.kill(self.fork_servers()["tpl_one"]["pid"], signal.SIGKILL)
        wait_for(lambda: not self.fork_servers())
        self.assertEqual(self.ask(), started["pid"])
        self.orders.close()
        self.holder.kill()
        self.holder.wait(10)
        self.holder = self.start_holder()
        self.orders = self.connect()
        self.assertEqual(self.ask(), started["pid"])
        self.assertTrue(self.tenant()["running"])


class TestForkServers(ForkingCase):
    def test_one_that_is_gone_or_was_never_there_is_done_without(self):
        fork_server = self.fork_servers()["tpl_one"]["pid"]
        os.kill(fork_server, signal.SIGSTOP)
        # It takes the connection and does not answer; its answer would come too late.
        stopped = self.start()
        self.assertIs(stopped["forked"], False)
        os.kill(fork_server, signal.SIGCONT)
        self.assertEqual(self.ask(), stopped["pid"])
        self.kill(stopped["pid"])
        os.kill(fork_server, signal.SIGKILL)
        for name in ("tpl_one", "tpl_never"):
            answer = self.start(fork_server=name)
            self.assertIs(answer["forked"], False)
            self.assertEqual(self.ask(), answer["pid"])
            self.kill(answer["pid"])
        self.warm()
        self.assertIs(self.start()["forked"], True)

    def test_a_start_that_it_answers_too_late_starts_nothing(self):
        fork_server = self.fork_servers()["tpl_one"]["pid"]
        os.kill(fork_server, signal.SIGSTOP)
        started = self.start()
        os.kill(fork_server, signal.SIGCONT)
        # Once it answers the next, it has dealt with the one before.
        second = self.start(tenant="tdef", port=self.free_port())
        self.assertIs(second["forked"], True)
        running = subprocess.run(
            ["ps", "-o", "pid=", "--ppid", str(self.holder.pid)], capture_output=True, text=True
        )
        wanted = {started["pid"], second["pid"], fork_server}
        self.assertEqual({int(pid) for pid in running.stdout.split()}, wanted)

    def test_asking_twice_makes_one(self):
        before = self.fork_servers()
        self.warm()
        self.assertEqual(self.fork_servers(), before)

    def test_those_used_last_are_kept(self):
        self.warm("tpl_two")
        evicted = self.fork_servers()["tpl_two"]["pid"]
        self.start()
        self.warm("tpl_three")
        self.assertEqual(set(self.fork_servers()), {"tpl_one", "tpl_three"})
        wait_for(functools.partial(self.is_gone, evicted))

    def test_they_end_with_the_holder(self):
        for number in (signal.SIGTERM, signal.SIGKILL):
            with self.subTest(number):
                pid = self.fork_servers()["tpl_one"]["pid"]
                self.orders.close()
                self.holder.send_signal(number)
                self.holder.wait(10)
                wait_for(functools.partial(self.is_gone, pid))
                self.holder = self.start_holder()
                self.orders = self.connect()
                self.assertEqual(self.fork_servers(), {})
                self.warm()

    def test_only_the_owner_gives_them_orders(self):
        path = os.path.join(self.folder, "fork-servers")
        self.assertEqual(os.stat(path).st_mode & 0o777, 0o700)
        self.assertEqual(os.stat(os.path.join(path, "tpl_one")).st_mode & 0o777, 0o600)

    def test_one_process_knows_nothing_of_the_order_of_another(self):
        self.kill(self.start(env={"SECRET": "of-the-first-tenant"})["pid"])
        # A pattern that does not match itself.
        code = (
            "import re\n"
            "found = set()\n"
            "with open('/proc/self/mem', 'rb', 0) as memory, open('/proc/self/maps') as maps:\n"
            "    for area in maps.read().splitlines():\n"
            "        place, rights, _, _, file = area.split()[:5]\n"
            "        if rights.startswith('rw') and file == '0':\n"
            "            begin, end = (int(part, 16) for part in place.split('-'))\n"
            "            memory.seek(begin)\n"
            "            data = memory.read(end - begin)\n"
            "            found.update(re.findall(rb'of[-]the[-](\\w+)[-]tenant', data))\n"
            "print(sorted(found), flush=True)\n"
        )
        self.start(argv=self.python(code), env={"SECRET": "of-the-second-tenant"})
        self.assertEqual(wait_for(self.output).strip(), "[b'second']")


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
