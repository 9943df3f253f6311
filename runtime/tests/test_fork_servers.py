"""The processes that tenants' are forked from."""

import functools
import os
import signal
import subprocess

from .holder_case import ForkingCase, wait_for


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
