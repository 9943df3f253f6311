from unittest.mock import patch

from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestReport(SaasCase):
    def test_steps_are_kept_by_their_number(self):
        tenant = self._sell("report-steps")
        claim = self._claim_one(tenant)
        self._report(claim, self._step("clone_database", "running"))
        self._report(claim, self._step("clone_database"), self._step("route", "running", 2))
        steps = tenant.operation_ids.step_ids
        self.assertEqual(
            [(step.number, step.name, step.state) for step in steps],
            [(1, "clone_database", "done"), (2, "route", "running")],
        )
        self.assertEqual(steps[0].label, "Copy the template")
        self.assertEqual(steps[0].duration_ms, 12)

    def test_a_new_try_begins_its_steps_anew(self):
        tenant = self._sell("report-anew")
        claim = self._claim_one(tenant)
        self._report(claim, self._step("clone_database"), self._step("route", "failed", 2))
        self._finish(claim, "retry", after_seconds=0, reason="again")
        self._claim_one(tenant)
        self.assertFalse(tenant.operation_ids.step_ids)

    def test_the_status_is_the_tenants(self):
        tenant = self._sell("report-status")
        claim = self._claim_one(tenant)
        usage = {"users": 2, "database_mb": 50, "filestore_mb": 7}
        self._report(claim, status=self._status("provisioning", 1, "Soon.", usage))
        self.assertEqual(tenant.phase, "provisioning")
        self.assertEqual(tenant.message, "Soon.")
        self.assertEqual((tenant.users, tenant.database_mb, tenant.filestore_mb), (2, 50, 7))
        self.assertEqual(tenant.generation_seen, 1)
        self.assertTrue(tenant.seen_at)

    def test_what_others_have_added_is_told_until_it_is_gone(self):
        tenant = self._sell("report-additions")
        claim = self._provision(tenant)
        self.assertFalse(tenant.additions)
        status = self._status("running", claim["spec"]["generation"], additions=["One.", "Two."])
        observe = {"tenant": tenant.ref, "epoch": tenant.epoch}
        self._control().observed(**observe, seq="1", status=status)
        self.assertEqual(tenant.additions, "One.\nTwo.")
        self.assertFalse(self._open_operations(tenant), "nothing is done about it")
        status["additions"] = []
        self._control().observed(**observe, seq="2", status=status)
        self.assertFalse(tenant.additions)

    @mute_logger("odoo.addons.saas_master.models.saas_tenant_report")
    def test_an_impossible_phase_is_left_out_and_the_end_still_counts(self):
        tenant = self._sell("report-impossible")
        self._provision(tenant)
        tenant._spec_changed()
        claim = self._claim_one(tenant)
        self.assertTrue(self._finish(claim, status=self._status("pending")))
        self.assertEqual(tenant.phase, "running")
        self.assertFalse(self._open_operations(tenant))

    def test_finishing_twice_is_as_good_as_once(self):
        tenant = self._sell("report-twice")
        claim = self._claim_one(tenant)
        self.assertTrue(self._finish(claim))
        self.assertTrue(self._finish(claim), "the first reply was lost")
        self.assertEqual(tenant.operation_ids.mapped("state"), ["done"])

    def test_finishing_twice_after_a_retry_takes_nothing_from_the_next_worker(self):
        tenant = self._sell("report-retry")
        old = self._claim_one(tenant)
        self._finish(old, "retry", after_seconds=0, reason="again")
        new = self._claim_one(tenant, worker="w2")
        self.assertTrue(self._finish(old, "retry", after_seconds=600, reason="again"))
        self.assertEqual(tenant.operation_ids.state, "running")
        self.assertTrue(self._report(new, self._step("route")))

    def test_a_spec_that_changed_meanwhile_is_seen_to(self):
        tenant = self._sell("report-behind")
        claim = self._claim_one(tenant)
        tenant.banner_text = "Hello"
        self.assertTrue(self._finish(claim, generation=claim["spec"]["generation"]))
        self.assertEqual(self._open_operations(tenant).mapped("state"), ["queued"])
        again = self._claim_one(tenant)
        self.assertEqual(again["spec"]["banner"]["text"], "Hello")

    def test_a_change_that_the_running_one_saw_to_needs_no_other(self):
        tenant = self._sell("report-moved")
        claim = self._claim_one(tenant)
        tenant.banner_text = "Hello"
        moved = self._renew(claim)["moved"]
        self.assertEqual([move["operation"] for move in moved], [claim["operation"]])
        self.assertEqual(moved[0]["spec"]["generation"], tenant.generation)
        self.assertTrue(self._renew(claim)["moved"], "told again, until the worker speaks of it")
        self._report(claim, status=self._status("provisioning", tenant.generation))
        self.assertFalse(self._renew(claim)["moved"])
        self.assertTrue(self._finish(claim, generation=tenant.generation))
        self.assertFalse(self._open_operations(tenant))

    def test_what_somebody_asked_for_is_not_dropped_with_it(self):
        tenant = self._sell("report-asked")
        claim = self._claim_one(tenant)
        self.env["saas.operation"]._queue("reconcile", tenant=tenant, reason="It crashed.")
        self._finish(claim)
        self.assertEqual(self._open_operations(tenant).reason, "It crashed.")

    def test_changes_of_one_moment_come_together(self):
        tenant = self._sell("report-coalesce")
        self._provision(tenant)
        before = tenant.generation
        tenant.banner_text = "One"
        tenant.banner_text = "Two"
        self.assertEqual(tenant.generation, before + 2)
        self.assertEqual(len(self._open_operations(tenant)), 1)

    def test_a_failure_is_shown_and_tried_again_by_a_person(self):
        tenant = self._sell("report-fail")
        claim = self._claim_one(tenant)
        self._finish(claim, "failed", reason="The disk is full. Make room.")
        self.assertEqual((tenant.phase, tenant.message), ("failed", "The disk is full. Make room."))
        self.assertFalse(self._open_operations(tenant))
        self.assertTrue(tenant.can_retry)
        tenant.action_retry()
        self._provision(tenant)
        self.assertFalse(tenant.message)
        entry = self._audit_of(tenant, "phase")[-1:]
        self.assertEqual((entry.old, entry.new), ("pending", "failed"))

    def test_a_failed_change_of_one_that_serves_leaves_it_running(self):
        tenant = self._sell("report-serves")
        self._provision(tenant)
        tenant.banner_text = "x"
        self._finish(self._claim_one(tenant), "failed", reason="Refused.")
        self.assertEqual((tenant.phase, tenant.message), ("running", "Refused."))

    def test_given_back_does_not_count_as_a_try(self):
        tenant = self._sell("report-released")
        before = self._claim_one(tenant)
        self._finish(before, "released")
        claim = self._claim_one(tenant, worker="w2")
        self.assertEqual(claim["attempt"], 1)
        self.assertGreater(claim["epoch"], before["epoch"])

    def test_what_is_tried_in_vain_is_told_to_a_person_once(self):
        tenant = self._sell("report-vain")
        for attempt in range(1, 13):
            self.assertEqual(len(tenant.activity_ids), int(attempt > 10), attempt)
            claim = self._claim_one(tenant)
            self._finish(claim, "retry", after_seconds=0, reason="The address is in use.")
        self.assertIn("The address is in use.", tenant.activity_ids.note)
        self.assertEqual(len(self._audit_of(tenant, "many_tries")), 1)
        shown = self.env["saas.fleet"].get_fleet()["failures"]
        self.assertIn(tenant.operation_ids.id, [row["id"] for row in shown])
        self._provision(tenant)
        self.assertFalse(tenant.activity_ids)

    def test_the_page_says_why_it_waits_though_nothing_of_it_was_seen(self):
        tenant = self._sell("report-unseen")
        claim = self._claim_one(tenant)
        self._finish(claim, "retry", after_seconds=0, reason="The cluster does not answer.")
        self.assertEqual(tenant.message, "The cluster does not answer.")
        self.assertEqual(tenant.phase, "pending")
        self._provision(tenant)
        self.assertFalse(tenant.message)

    def test_a_running_one_is_cancelled_by_its_worker(self):
        tenant = self._sell("report-cancel")
        claim = self._claim_one(tenant)
        tenant.operation_ids.action_cancel()
        self.assertEqual(self._renew(claim)["cancelled"], [claim["operation"]])
        self._finish(claim, "cancelled", reason="Cancelled.")
        self.assertEqual(tenant.operation_ids.state, "cancelled")
        self.assertTrue(self._audit_of(tenant, "cancel"))

    def test_a_cancel_that_its_worker_did_not_hear_of_counts(self):
        for kind, outcome in (
            ("retry", {"after_seconds": 0, "reason": "PostgreSQL is away."}),
            ("released", {}),
        ):
            tenant = self._sell(f"report-cancel-{kind}")
            claim = self._claim_one(tenant)
            tenant.operation_ids.action_cancel()
            self.assertTrue(self._finish(claim, kind, **outcome))
            self.assertEqual(tenant.operation_ids.state, "cancelled", kind)
            self.assertFalse(tenant.operation_ids.cancel_asked)
            self.assertEqual(self._claim(), [])

    def test_a_cancelled_one_whose_worker_is_gone_ends_too(self):
        tenant = self._sell("report-cancel-gone")
        self._claim_one(tenant)
        tenant.operation_ids.action_cancel()
        self._let_leases_expire()
        self.assertEqual(self._claim(), [])
        self.assertEqual(tenant.operation_ids.state, "cancelled")

    def test_a_queued_one_is_cancelled_at_once(self):
        tenant = self._sell("report-cancel-queued")
        tenant.operation_ids.action_cancel()
        self.assertEqual(tenant.operation_ids.state, "cancelled")
        self.assertEqual(self._claim(), [])

    def test_a_retry_behind_which_a_newer_one_waits_gives_way(self):
        tenant = self._sell("report-way")
        claim = self._claim_one(tenant)
        tenant.banner_text = "x"
        self._finish(claim, "retry", after_seconds=3600, reason="PostgreSQL is away.")
        self.assertEqual(len(self._open_operations(tenant)), 1)
        self._claim_one(tenant)

    def test_what_was_seen_outside_counts_when_it_is_newer(self):
        tenant = self._sell("report-seen")
        claim = self._provision(tenant)
        self.assertTrue(self._observe(tenant, claim["epoch"], 200, "asleep"))
        self.assertEqual(tenant.phase, "asleep")
        self.assertFalse(self._observe(tenant, claim["epoch"], 199, "running"), "older")
        self.assertFalse(self._observe(tenant, claim["epoch"] - 1, 300, "running"), "stale")
        self.assertEqual(tenant.phase, "asleep")
        # As a text, 1000 is before 200.
        self.assertTrue(self._observe(tenant, claim["epoch"], 1000, "running"))

    def test_what_is_seen_of_one_that_is_worked_on_is_half_of_something(self):
        tenant = self._sell("report-busy")
        claim = self._claim_one(tenant)
        self.assertFalse(self._observe(tenant, claim["epoch"], 1, "failed"))
        self.assertEqual(tenant.phase, "pending")

    def test_staff_and_customer_are_told(self):
        tenant = self._sell("report-told")
        claim = self._claim_one(tenant)
        self.env["saas.tenant"]._cron_tell_customers()
        sent = []
        bus = self.registry["bus.bus"]

        def send(bus, target, kind, message):
            record = target[0] if isinstance(target, tuple) else target
            sent.append((record._name, record.id, kind, message))

        with patch.object(bus, "_sendone", send):
            self._report(claim, self._step("clone_database"), status=self._status("provisioning"))
        company = tenant.company_id
        messages = {(model, ident, kind): message for model, ident, kind, message in sent}
        operation = messages["res.company", company.id, "saas.operation/changed"]
        self.assertEqual(operation["tenant_id"], tenant.id)
        self.assertEqual(operation["steps"][0]["name"], "clone_database")
        changed = messages["res.company", company.id, "saas.tenant/changed"]
        self.assertEqual(changed["phase"], "provisioning")
        progress = messages["res.partner", tenant.partner_id.id, "saas.tenant/progress"]
        self.assertEqual(progress["steps"][0]["label"], "Copy the template")

    def _renew(self, claim):
        lease = {"operation": claim["operation"], "lease": claim["lease"]}
        answer = self._control().renew(leases=[lease], lease_s=30)
        self._assert_wire(answer)
        return answer

    def _observe(self, tenant, epoch, seq, phase):
        return self._control().observed(
            tenant=tenant.ref, epoch=epoch, seq=str(seq), status=self._status(phase)
        )["ok"]

    def test_a_lease_of_nobody_is_lost(self):
        answer = self._control().renew(
            leases=[{"operation": 2**31 - 1, "lease": "none"}], lease_s=30
        )
        self.assertEqual(answer["lost"], [2**31 - 1])

    def test_the_customer_is_told_once_when_it_first_runs(self):
        tenant = self._sell("report-welcome")
        trigger = self.env["ir.cron.trigger"]
        self.env["saas.tenant"]._cron_tell_customers()
        cron = self.env.ref("saas_master.cron_tell_customers")
        before = trigger.search_count([("cron_id", "=", cron.id)])
        self._provision(tenant)
        self.assertEqual(trigger.search_count([("cron_id", "=", cron.id)]), before + 1)
        self.assertTrue(tenant.ready_at)
        for _time in range(2):
            self.env["saas.tenant"]._cron_tell_customers()
        mail = self.env["mail.mail"].search(
            [("model", "=", "saas.tenant"), ("res_id", "=", tenant.id)]
        )
        self.assertEqual(mail.mapped("subject"), ["Your Odoo is ready"])
        self.assertEqual(mail.recipient_ids, tenant.partner_id)
        self.assertIn(f"/my/odoo/{tenant.id}", mail.body_html)
        self.assertNotIn("password is", mail.body_html)
