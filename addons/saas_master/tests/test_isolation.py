from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from ..models.saas_operation_claim import MOST_CRASHES
from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestIsolation(SaasCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls._say_hello(kind="kubernetes", missing_isolation=[], checks_isolation=True)

    def _way(self, to, wanted="shut", found="shut", name="", **ends):
        return {"from": "tenant", "to": to, "name": name, "wanted": wanted, "found": found, **ends}

    def _ways(self, *changed):
        """What a check finds where all is well, with some ways in the place of theirs."""
        ways = [
            self._way("itself", "open", "open"),
            self._way("database", "open", "open", name="pg"),
            self._way("other_tenant"),
            self._way("cluster"),
            self._way("metadata"),
            self._way("tenant", "open", "open", **{"from": "sidecar"}),
        ]
        other = {way["to"]: way for way in changed}
        return [other.get(way["to"], way) for way in ways]

    def _check(self, *changed):
        """A person asks for it, and a worker does it."""
        self.target.with_user(self._make_staff("operator")).action_check_isolation()
        [claim] = self._claim()
        self.assertTrue(self._finish(claim, "checked", ways=self._ways(*changed)))
        return claim

    def _operations(self):
        return self.target.operation_ids

    def _entries(self, action):
        return self.env["saas.audit.entry"].search(
            [
                ("model", "=", "saas.target"),
                ("record_id_int", "=", self.target.id),
                ("action", "=", action),
            ]
        )

    def test_a_target_that_was_never_checked_says_so(self):
        self.assertEqual(self.target.isolation, "unchecked")
        self.assertIn("has not been checked yet", self.target.isolation_headline)
        self.assertIn("Check Isolation", self.target.isolation_note)
        self.assertFalse(self.target.isolation_verdict)

    def test_an_operator_has_it_checked_and_a_worker_is_told_of_what(self):
        operator = self._make_staff("operator")
        self.target.with_user(operator).action_check_isolation()
        operation = self._operations()
        self.assertEqual((operation.kind, operation.state), ("check_isolation", "queued"))
        self.assertEqual(operation.subject, "here")
        self.assertTrue(self.target.is_checking_isolation)
        [claim] = self._claim()
        self.assertEqual((claim["kind"], claim["target"]), ("check_isolation", "here"))
        self.assertEqual((claim["epoch"], claim["attempt"]), (self.target.epoch, 1))
        self.assertGreater(claim["epoch"], 0)
        entry = self._entries("check_isolation")
        self.assertEqual((entry.user_name, entry.record_name), (operator.name, "here"))

    def test_viewers_see_what_was_found_and_ask_for_nothing(self):
        self._check()
        viewer = self._make_staff("viewer")
        with self.assertRaises(AccessError):
            self.target.with_user(viewer).action_check_isolation()
        self.assertEqual(len(self.target.with_user(viewer).way_ids), 6)
        with self.assertRaises(AccessError):
            self.target.way_ids.with_user(viewer).write({"found": "open"})

    def test_tenants_that_are_kept_apart(self):
        self._check()
        self.assertEqual(self.target.isolation, "kept")
        self.assertTrue(self.target.isolation_checked_at)
        self.assertIn("Tenants are isolated", self.target.isolation_verdict)
        self.assertFalse(self.target.isolation_headline)
        self.assertEqual(self._operations().state, "done")
        self.assertFalse(self.target.is_checking_isolation)
        self.assertEqual(
            [(way.origin_label, way.aim_label, way.wanted) for way in self.target.way_ids][1:3],
            [
                ("A tenant", "The database server pg", "open"),
                ("A tenant", "Another tenant", "shut"),
            ],
        )

    def test_a_cluster_that_enforces_nothing_is_told_with_what_to_do(self):
        self._check(self._way("other_tenant", found="open"), self._way("cluster", found="open"))
        self.assertEqual(self.target.isolation, "not_enforced")
        self.assertRegex(
            self.target.isolation_verdict,
            "^This cluster does not enforce network policies.* Calico",
        )
        self.assertIn("not fully isolated", self.target.isolation_headline)
        self.assertEqual(self.target.isolation_note, self.target.isolation_verdict)
        self.assertEqual(
            self.target.way_ids.filtered("is_wrong").mapped("aim"), ["other_tenant", "cluster"]
        )

    def test_what_tenants_need_and_lack_is_no_leak(self):
        self._check(self._way("database", "open", "shut", name="pg"))
        self.assertEqual(self.target.isolation, "wrong")
        self.assertIn("cannot reach a service", self.target.isolation_headline)

    def test_which_ways_are_wrong_is_told(self):
        self._check(
            self._way("metadata", found="open"),
            self._way("database", "open", "shut", name="pg"),
        )
        self.assertEqual(self.target.isolation, "wrong")
        verdict = self.target.isolation_verdict
        self.assertIn("Reachable, but should be blocked: A tenant → The cloud's metadata.", verdict)
        self.assertIn(
            "Blocked, but should be reachable: A tenant → The database server pg.", verdict
        )

    def test_the_next_check_takes_the_place_of_the_one_before_and_the_log_keeps_both(self):
        self._check(self._way("other_tenant", found="open"))
        self._check()
        self.assertEqual(self.target.isolation, "kept")
        self.assertEqual(len(self.target.way_ids), 6)
        self.assertFalse(self.target.way_ids.filtered("is_wrong"))
        last, first = self._entries("isolation")
        self.assertEqual((first.old, first.new), ("unchecked", "not_enforced"))
        self.assertEqual((last.old, last.new), ("not_enforced", "kept"))
        self.assertIn("does not enforce network policies", first.reason)
        self.assertEqual((last.actor, last.new_text), ("sidecar", "Isolated"))
        self.assertEqual(len(self._operations()), 2)

    def test_what_another_sidecar_says_of_itself_leaves_what_was_found(self):
        self._check()
        self._say_hello(kind="kubernetes", missing_isolation=[], checks_isolation=True)
        self.assertEqual(self.target.isolation, "kept")
        self.assertFalse(self.target.isolation_headline)

    def test_a_worker_that_was_killed_is_followed_by_another_with_a_higher_epoch(self):
        self.target.action_check_isolation()
        [first] = self._claim()
        self._report(first, self._step("start_probes", "running"))
        self._let_leases_expire()
        [second] = self._claim(worker="w2")
        self.assertGreater(second["epoch"], first["epoch"])
        self.assertFalse(self._finish(first, "checked", ways=self._ways()))
        self.assertFalse(self.target.way_ids, "a stale worker changes nothing")
        self.assertTrue(self._finish(second, "checked", ways=self._ways()))
        self.assertTrue(self._finish(second, "checked", ways=self._ways()), "safe to repeat")
        self.assertEqual(len(self._entries("isolation")), 1)

    def test_what_kills_its_workers_is_set_aside(self):
        self.target.action_check_isolation()
        for _crash in range(MOST_CRASHES):
            [claim] = self._claim()
            self._report(claim, self._step("start_probes", "running"))
            self._let_leases_expire()
        self.assertEqual(self._claim(), [])
        self.assertEqual(self._operations().state, "set_aside")
        self.assertIn("Start probes", self._operations().message)

    def test_a_check_that_failed_is_tried_again_on_the_fleet_page(self):
        self.target.action_check_isolation()
        [claim] = self._claim()
        self._finish(claim, "failed", reason="The image cannot be pulled.")
        fleet = self.env["saas.fleet"].with_user(self._make_staff("operator"))
        timeline = fleet.get_timeline("saas.target", self.target.id)["operation"]
        self.assertEqual(timeline["message"], "The image cannot be pulled.")
        [failure] = [row for row in fleet.get_fleet()["failures"] if row["subject"] == "here"]
        self.assertEqual((failure["id"], failure["target_id"]), (timeline["id"], self.target.id))
        fleet.retry(failure["id"])
        [again] = self._claim()
        self.assertEqual(again["kind"], "check_isolation")
        self.assertGreater(again["epoch"], claim["epoch"])
        self._finish(again, "checked", ways=self._ways())
        self.assertNotIn("here", [row["subject"] for row in fleet.get_fleet()["failures"]])

    def test_a_cancelled_one_finds_nothing(self):
        self.target.action_check_isolation()
        [claim] = self._claim()
        self._operations().action_cancel()
        lease = {"operation": claim["operation"], "lease": claim["lease"]}
        answer = self._control().renew(leases=[lease], lease_s=30)
        self.assertEqual(answer["cancelled"], [claim["operation"]])
        self._finish(claim, "cancelled", reason="Cancelled.")
        self.assertEqual(self._operations().state, "cancelled")
        self.assertEqual(self.target.isolation, "unchecked")

    def test_one_check_at_a_time(self):
        self.target.action_check_isolation()
        with self.assertRaisesRegex(UserError, "already running"):
            self.target.action_check_isolation()
        self.assertEqual(len(self._operations()), 1)

    def test_where_nothing_can_be_tried_nobody_asks_for_it(self):
        self._say_hello()
        with self.assertRaisesRegex(UserError, "here cannot check isolation"):
            self.target.action_check_isolation()
        self.assertIn("Missing: own uid", self.target.isolation_note)

    def test_a_report_of_nothing_proves_nothing(self):
        self.target.action_check_isolation()
        [claim] = self._claim()
        with self.assertRaisesRegex(UserError, "nothing was checked"):
            self._finish(claim, "checked", ways=[self._way("itself", "open", "open")])
        self.assertEqual(self.target.isolation, "unchecked")

    def test_only_a_check_of_a_target_has_such_an_end(self):
        tenant = self._sell("isolation-tenant")
        claim = self._claim_one(tenant)
        with self.assertRaisesRegex(UserError, "about no target"):
            self._finish(claim, "checked", ways=self._ways())
