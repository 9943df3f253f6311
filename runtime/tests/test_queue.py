"""Visitors of a tenant that does not run."""

import threading

from .holder_case import HolderCase


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
