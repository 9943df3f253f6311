"""A holder that comes after another one."""

import json
import os
import signal
import threading
from pathlib import Path

from .holder_case import HolderCase


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
