import random
from dataclasses import replace

from odoo.tests import TransactionCase

from ..models.placement import (
    LEAST_DISK_MB,
    OBSTACLES,
    REASONS,
    Server,
    Wish,
    fullness,
    obstacle,
    place,
)

GB = 1024


class TestPlacement(TransactionCase):
    """Where a database goes. The properties are tried on some thousand fleets."""

    def fleets(self, number=2000):
        dice = random.Random(20310101)
        for _ in range(number):
            servers = [
                Server(
                    id=key,
                    ready=dice.random() < 0.8,
                    makes_dedicated=dice.random() < 0.3,
                    tenants=dice.randrange(60),
                    max_tenants=dice.choice([0, 20, 50]),
                    promised=dice.randrange(500),
                    max_connections=dice.choice([0, 100, 400]),
                    disk_free_mb=dice.choice([1 * GB, 5 * GB, 80 * GB]),
                    disk_total_mb=dice.choice([0, 100 * GB]),
                )
                for key in range(dice.randrange(6))
            ]
            strategy = dice.choice(["shared", "shared", "dedicated"])
            yield Wish(strategy, dice.choice([5, 10, 40])), servers

    def test_what_is_chosen_has_room_and_nothing_emptier_has(self):
        for wish, servers in self.fleets():
            choice = place(wish, servers)
            self.assertIn(choice.why, REASONS)
            able = [server for server in servers if not obstacle(wish, server)]
            if choice.server is None:
                self.assertFalse(able)
                continue
            chosen = next(server for server in servers if server.id == choice.server)
            self.assertIn(chosen, able)
            self.assertEqual(choice.had_room, len(able))
            grown = [self.with_one_more(wish, server) for server in able]
            least = min(fullness(server) for server in grown)
            self.assertEqual(fullness(self.with_one_more(wish, chosen)), least)

    def test_nothing_is_ever_promised_that_is_not_there(self):
        for wish, servers in self.fleets():
            chosen = place(wish, servers).server
            if chosen is None or wish.strategy == "dedicated":
                continue
            after = self.with_one_more(wish, next(s for s in servers if s.id == chosen))
            self.assertTrue(after.ready)
            self.assertFalse(after.max_tenants and after.tenants > after.max_tenants)
            self.assertFalse(after.max_connections and after.promised > after.max_connections)
            self.assertFalse(after.disk_total_mb and after.disk_free_mb < LEAST_DISK_MB)

    def test_a_refusal_says_what_is_in_the_way_of_each(self):
        for wish, servers in self.fleets():
            choice = place(wish, servers)
            if choice.server is None:
                self.assertEqual(set(choice.obstacles), {server.id for server in servers})
                self.assertLessEqual(set(choice.obstacles.values()), set(OBSTACLES))

    def test_the_order_in_which_servers_are_told_does_not_matter(self):
        for wish, servers in self.fleets(500):
            self.assertEqual(place(wish, servers).server, place(wish, servers[::-1]).server)

    def test_servers_are_filled_evenly_by_their_size(self):
        """Whatever they begin with: when all are full to the same degree, they stay so."""
        servers = [
            Server(1, max_tenants=10, max_connections=1000),
            Server(2, max_tenants=30, max_connections=1000),
            Server(3, tenants=5, max_tenants=20, max_connections=1000),
        ]
        for _ in range(27):
            chosen = place(Wish(), servers).server
            servers = [self.with_one_more(Wish(), s) if s.id == chosen else s for s in servers]
        shares = [server.tenants / server.max_tenants for server in servers]
        self.assertLess(max(shares) - min(shares), 0.11, servers)

    def test_the_last_room_is_given_and_then_no_more(self):
        server = Server(1, max_tenants=50, max_connections=12 * 3)
        for _ in range(3):
            self.assertEqual(place(Wish(connections=10), [server]).why, "only")
            server = self.with_one_more(Wish(), server)
        choice = place(Wish(connections=10), [server])
        self.assertEqual((choice.why, choice.obstacles), ("all_full", {1: "connections"}))

    def test_one_that_is_away_is_not_full(self):
        self.assertEqual(place(Wish(), [Server(1, ready=False)]).why, "none_ready")
        self.assertEqual(place(Wish(), []).why, "none_ready")

    def test_a_server_of_ones_own_needs_a_target_that_makes_one_and_no_room(self):
        full = Server(1, tenants=9, max_tenants=9, makes_dedicated=True)
        self.assertEqual(place(Wish("dedicated"), [full, Server(2)]).server, 1)
        self.assertEqual(place(Wish("dedicated"), [Server(2)]).why, "no_dedicated")

    def with_one_more(self, wish, server):
        if wish.strategy == "dedicated":
            return server
        return replace(
            server, tenants=server.tenants + 1, promised=server.promised + wish.connections + 2
        )
