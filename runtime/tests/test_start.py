"""What a process gets and loses, whether it was executed or forked."""

import json
import os
import signal
import socket
import sys
import time
import unittest
from pathlib import Path

from .holder_case import SERVER, ForkingCase, HolderCase, Orders, wait_for


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

    @unittest.skipUnless(os.getuid() == 0, "only root has users to end")
    def test_what_an_earlier_run_has_left_ends_before_the_next(self):
        os.chmod(self.folder, 0o711)
        Path(self.log).touch()
        os.chown(self.log, 200902, 200902)
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
        self.assertTrue(self.start(uid=200902, gid=200902)["ok"])
        wait_for(lambda: not os.path.exists(f"/proc/{left}"))
        self.assertEqual(self.ask(), self.tenant()["pid"])

    def test_a_socket_that_a_process_shut_or_used_otherwise_is_there_again(self):
        shut = "import socket; one = socket.socket(fileno=3); one.shutdown(socket.SHUT_RDWR)"
        with socket.create_server((self.address, 0)) as other:
            for code in (shut, f"{shut}; one.connect({other.getsockname()})"):
                with self.subTest(code):
                    self.start(argv=self.python(code))
                    wait_for(lambda: not self.tenant()["running"])
                    pid = self.start()["pid"]
                    self.assertEqual(self.ask(), pid)
                    self.kill(pid)

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
