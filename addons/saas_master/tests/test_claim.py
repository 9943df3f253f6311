from datetime import timedelta
from unittest.mock import patch

from odoo import fields
from odoo.tests import tagged

from ..models.saas_operation_claim import MOST_CRASHES
from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestClaim(SaasCase):
    def test_a_claim_tells_all_that_the_work_needs(self):
        tenant = self._sell("claim-one")
        claim = self._claim_one(tenant)
        self.assertEqual(claim["kind"], "reconcile")
        self.assertEqual((claim["epoch"], claim["attempt"]), (tenant.epoch, 1))
        self.assertTrue(claim["lease"])
        self.assertEqual(claim["spec"]["generation"], tenant.generation)
        operation = tenant.operation_ids
        self.assertEqual((operation.state, operation.worker), ("running", "w1"))

    def test_what_one_worker_has_no_other_gets(self):
        tenant = self._sell("claim-two")
        self._claim_one(tenant)
        self.assertEqual(self._claim(worker="w2"), [])

    def test_a_tenant_has_one_running_operation_at_a_time(self):
        tenant = self._sell("claim-single")
        self._claim_one(tenant)
        self.env["saas.operation"]._queue("reconcile", tenant=tenant, reason="again")
        self.env["saas.operation"]._queue("backup", tenant=tenant, reason="nightly")
        self.assertEqual(self._claim(), [])

    def test_two_waiting_operations_of_a_tenant_come_one_after_the_other(self):
        tenant = self._sell("claim-order")
        self.env["saas.operation"]._queue("backup", tenant=tenant, reason="nightly")
        claim = self._claim_one(tenant)
        self.assertEqual(claim["kind"], "reconcile")
        self._finish(claim)
        self.assertEqual(self._claim_one(tenant)["kind"], "backup")

    def test_the_limit_holds(self):
        for number in range(3):
            self._sell(f"claim-limit-{number}")
        self.assertEqual(len(self._claim(limit=2)), 2)
        self.assertEqual(len(self._claim(limit=2)), 1)

    def test_only_ones_own_targets_are_claimed(self):
        self._sell("claim-elsewhere")
        claims = self._control().claim(
            request_id="elsewhere", worker="w1", targets=["there"], limit=5, lease_s=30, held=[]
        )
        self.assertEqual(claims, [])

    def test_a_lost_reply_is_asked_for_again(self):
        tenant = self._sell("claim-lost")
        first = self._claim_one(tenant, request_id="lost-reply")
        self.assertEqual(self._claim_one(tenant, request_id="lost-reply"), first)
        self.assertEqual(tenant.epoch, first["epoch"])
        self.assertEqual(tenant.operation_ids.attempt, 1)

    def test_a_lease_does_not_run_out_while_its_answer_is_being_lost(self):
        tenant = self._sell("claim-lost-long")
        first = self._claim_one(tenant, request_id="lost-long")
        self._let_leases_expire()
        self.assertEqual(self._claim_one(tenant, request_id="lost-long"), first)
        self.assertNotIn(tenant.ref, [claim["spec"]["id"] for claim in self._claim(worker="w2")])
        self.assertEqual(tenant.operation_ids.attempt, 1)

    def test_answers_are_forgotten_after_an_hour(self):
        self._sell("claim-forget")
        self._claim(request_id="old")
        answer = self.env["saas.claim.answer"].search([("request_id", "=", "old")])
        self.env["saas.claim.answer"]._forget()
        self.assertTrue(answer.exists())
        answer.at = fields.Datetime.now() - timedelta(hours=2)
        self.env["saas.claim.answer"]._forget()
        self.assertFalse(answer.exists())

    def test_an_expired_lease_goes_to_the_next_worker_with_a_higher_epoch(self):
        tenant = self._sell("claim-expired")
        old = self._claim_one(tenant)
        self._let_leases_expire()
        new = self._claim_one(tenant, worker="w2")
        self.assertGreater(new["epoch"], old["epoch"])
        self.assertNotEqual(new["lease"], old["lease"])
        self.assertEqual(tenant.operation_ids.crashes, 1)
        self.assertFalse(self._report(old, self._step("route")), "a stale lease changes nothing")
        self.assertFalse(self._finish(old))
        self.assertEqual(tenant.operation_ids.state, "running")
        self.assertTrue(self._finish(new))

    def test_a_lease_that_ran_out_but_nobody_took_is_good(self):
        tenant = self._sell("claim-slow")
        claim = self._claim_one(tenant)
        self._let_leases_expire()
        self.assertTrue(self._report(claim, self._step("route")))
        answer = self._control().renew(leases=[self._lease(claim)], lease_s=30)
        self.assertEqual(answer, {"lost": [], "cancelled": [], "moved": []})
        self.assertEqual(self._claim(worker="w2"), [])

    def test_what_a_worker_has_under_way_is_not_given_to_it_once_more(self):
        tenant = self._sell("claim-busy")
        claim = self._claim_one(tenant)
        self._let_leases_expire()
        self.assertEqual(self._claim(held=[claim["lease"]]), [])
        self.assertEqual((tenant.operation_ids.attempt, tenant.operation_ids.crashes), (1, 0))
        self.assertTrue(self._report(claim, self._step("route")))
        self.assertTrue(self._claim_one(tenant, worker="w2"), "another may have it")

    def test_what_a_worker_does_not_know_that_it_has_is_given_to_it_again(self):
        tenant = self._sell("claim-forgotten")
        self._claim_one(tenant)
        self._let_leases_expire()
        self.assertEqual(self._claim_one(tenant, held=["of something else"])["attempt"], 2)

    def test_what_kills_its_workers_is_set_aside(self):
        tenant = self._sell("claim-killer")
        for _crash in range(MOST_CRASHES):
            claim = self._claim_one(tenant)
            self._report(claim, self._step("start_runtime", "running"))
            self._let_leases_expire()
        self.assertEqual(self._claim(), [])
        operation = tenant.operation_ids
        self.assertEqual(operation.state, "set_aside")
        self.assertIn("Start Odoo", operation.message, "the last step is named")
        self.assertEqual(tenant.phase, "failed")
        self.assertEqual(tenant.message, operation.message)
        self.assertTrue(tenant.can_retry)
        tenant.action_retry()
        self.assertEqual(self._claim_one(tenant)["attempt"], 1)

    def test_crashes_with_progress_between_do_not_count(self):
        tenant = self._sell("claim-progress")
        kinds = ("clone_database", "prepare_database", "create_files", "open_database")
        for kind in (*kinds, "start_runtime", "await_ready", "bootstrap"):
            claim = self._claim_one(tenant)
            self._report(claim, self._step(kind, "running"))
            self._let_leases_expire()
        self.assertEqual(tenant.operation_ids.state, "running")
        self._claim_one(tenant)
        self.assertEqual(tenant.operation_ids.crashes, 1)

    def test_the_same_step_done_again_is_no_progress(self):
        tenant = self._sell("claim-circle")
        for _crash in range(MOST_CRASHES + 1):
            for claim in self._claim():
                self._report(claim, self._step("start_runtime", "done"))
            self._let_leases_expire()
        self._claim()
        self.assertEqual(tenant.operation_ids.state, "set_aside")

    def test_paused_is_not_handed_out(self):
        tenant = self._sell("claim-paused")
        params = self.env["ir.config_parameter"]
        for holder, field in ((tenant, "paused"), (self.target, "paused")):
            holder[field] = True
            self.assertEqual(self._claim(), [], holder)
            holder[field] = False
        params.set_param("saas.paused", True)
        self.assertEqual(self._claim(), [])
        params.set_param("saas.paused", False)
        self._claim_one(tenant)

    def test_a_restored_copy_hands_out_nothing_until_confirmed(self):
        tenant = self._sell("claim-copy")
        params = self.env["ir.config_parameter"]
        mine = params.get_param("saas.installation")
        params.set_param("saas.installation", params.get_param("database.uuid"))
        params.set_param("database.uuid", "another-uuid")
        hello = self._say_hello()
        self.assertFalse(hello["confirmed"])
        self.assertEqual(self._claim(), [])
        self.env["saas.control"]._confirm_installation()
        again = self._say_hello()
        self.assertTrue(again["confirmed"])
        self.assertEqual(again["installation"], hello["installation"], "what runs stays its own")
        self.assertTrue(mine)
        self._claim_one(tenant)

    def test_what_waits_to_be_tried_again_is_not_handed_out_before(self):
        tenant = self._sell("claim-later")
        claim = self._claim_one(tenant)
        self._finish(claim, "retry", after_seconds=60, reason="PostgreSQL is away.")
        self.assertEqual(self._claim(), [])
        operation = tenant.operation_ids
        self.assertEqual((operation.state, operation.message), ("queued", "PostgreSQL is away."))
        operation.not_before = fields.Datetime.now() - timedelta(seconds=1)
        self.assertEqual(self._claim_one(tenant)["attempt"], 2)

    def _lease(self, claim):
        return {"operation": claim["operation"], "lease": claim["lease"]}

    def test_a_master_restored_from_a_copy_gives_out_no_epoch_twice(self):
        tenant = self._sell("claim-restored")
        last = 0
        for _time in range(20):
            claim = self._claim_one(tenant)
            self.assertGreater(claim["epoch"], last)
            last = claim["epoch"]
            self._finish(claim, "retry", after_seconds=0, reason="again")
        # The copy was made before all of these, and is confirmed a minute after the last one.
        tenant.status_id.epoch = 0
        later = fields.Datetime.now() + timedelta(minutes=1)
        with patch.object(fields.Datetime, "now", return_value=later):
            self.assertGreater(self._claim_one(tenant)["epoch"], last)
