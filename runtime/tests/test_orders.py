"""How orders arrive, and what is refused."""

import os
import socket
import subprocess

from .holder_case import RUNTIME, HolderCase


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
