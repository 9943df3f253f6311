from datetime import timedelta
from functools import partial

from odoo import fields
from odoo.tests import tagged
from odoo.tools import SQL, mute_logger

from .common import NOW, SaasCase

quietly = partial(mute_logger, "odoo.addons.saas_master.models.each_alone")
BROKEN = "odd"


@tagged("post_install", "-at_install", "saas_master")
class TestAlone(SaasCase):
    """What one customer's record cannot, the others do not wait for."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.today = fields.Date.today()
        cls.env["res.lang"]._activate_lang("fr_BE")
        cls._end_templates()

    @classmethod
    def _end_templates(cls):
        """Languages make new ones; what is claimed here are operations of tenants."""
        building = [("template_id", "!=", False), ("state", "=", "queued")]
        cls.env["saas.operation"].search(building)._end("done")

    def _three(self, prefix):
        """The one in the middle is the one with which something is wrong."""
        tenants = self.env["saas.tenant"]
        for number in range(3):
            tenants += self._sell(f"{prefix}-{number}")
        return tenants

    def _switch_language_off(self, tenants):
        """The one in the middle keeps it as text, and so does the contact of its customer."""
        tenants[1].bootstrap_lang = "fr_BE"
        tenants[1].partner_id.with_context(active_test=False).lang = "fr_BE"
        self.env.flush_all()
        self.env["res.partner"].search([("lang", "=", "fr_BE")]).active = False
        self.env["res.lang"].search([("code", "=", "fr_BE")]).active = False
        self._end_templates()
        return tenants

    def _provision_all(self):
        for claim in self._claim():
            self._finish(claim, status=self._status("running", claim["spec"]["generation"]))

    def _break(self, record, field, value):
        """As a hand in the database leaves it."""
        self.env.flush_all()
        self.env.cr.execute(
            SQL(
                "UPDATE %s SET %s = %s WHERE id = %s",
                SQL.identifier(record._table),
                SQL.identifier(field),
                value,
                record.id,
            )
        )
        self.env.invalidate_all()

    def _break_end(self, tenant):
        """Cancelled for a day that is not there: its banner can speak of none."""
        tenant.subscription_id.cancel_at_period_end = True
        self._break(tenant.subscription_id, "date_end", None)

    def _usage(self, tenants, megabytes=2000):
        samples = [
            {"tenant": ref, "at": NOW, "users": 1, "database_mb": megabytes, "filestore_mb": 0}
            for ref in tenants.mapped("ref")
        ]
        return self._control().ingest_usage(samples=samples)

    # A language that was switched off

    def test_trials_end_though_a_language_was_switched_off(self):
        tenants = self._switch_language_off(self._three("alone-trial"))
        subscriptions = tenants.subscription_id
        subscriptions.write({"state": "trial", "trial_end": self.today - timedelta(days=1)})
        self.env["saas.subscription"]._cron_advance()
        self.assertEqual(subscriptions.mapped("state"), ["past_due"] * 3)
        self.assertEqual(tenants.mapped("notice_level"), ["danger"] * 3)
        self.assertFalse(tenants.activity_ids | subscriptions.activity_ids)

    def test_deletions_are_scheduled_and_begun_though_a_language_was_switched_off(self):
        tenants = self._switch_language_off(self._three("alone-del"))
        self._provision_all()
        for tenant in tenants:
            tenant._schedule_deletion(fields.Datetime.now() + timedelta(days=7), "They left.")
        mails = self.env["mail.mail"].search(
            [("model", "=", "saas.tenant"), ("res_id", "in", tenants.ids)]
        )
        self.assertEqual(len(mails), 3)
        tenants.write({"delete_after": fields.Datetime.now() - timedelta(minutes=1)})
        self.env["saas.tenant"]._cron_delete_due()
        self.assertEqual(tenants.mapped("desired"), ["deleted"] * 3)

    def test_usage_counts_though_a_language_was_switched_off(self):
        tenants = self._switch_language_off(self._three("alone-usage"))
        self._usage(tenants)
        self.assertEqual(tenants.mapped("suspend_cause"), ["storage"] * 3)

    def test_customers_are_told_though_a_language_was_switched_off(self):
        tenants = self._switch_language_off(self._three("alone-told"))
        self._provision_all()
        self.env["saas.tenant"]._cron_tell_customers()
        self.assertEqual(tenants.mapped("welcomed"), [True] * 3)

    # Whatever else it may be

    def test_one_subscription_that_cannot_go_on_stops_no_other(self):
        tenants = self._three("alone-sub")
        subscriptions = tenants.subscription_id.sorted("id")
        subscriptions.write({"date_end": self.today - timedelta(days=1)})
        self._break(subscriptions[1], "period", BROKEN)
        for _run in range(2):
            with quietly():
                self.env["saas.subscription"]._cron_advance()
            on_time = [end >= self.today for end in subscriptions.mapped("date_end")]
            self.assertEqual(on_time, [True, False, True])
            todo = subscriptions[1].activity_ids
            self.assertEqual(len(todo), 1, "told once, whatever the run")
        self.assertIn("could not go on", todo.summary)
        self.assertIn(BROKEN, todo.note)
        subscriptions[1].period = "monthly"
        self.env["saas.subscription"]._cron_advance()
        self.assertGreaterEqual(subscriptions[1].date_end, self.today)
        self.assertFalse(subscriptions[1].activity_ids, "it is well again")

    def test_one_deletion_that_cannot_begin_stops_no_other(self):
        tenants = self._three("alone-due")
        self._break(tenants[1].subscription_id, "state", BROKEN)
        tenants.write({"delete_after": fields.Datetime.now() - timedelta(minutes=1)})
        with quietly():
            self.env["saas.tenant"]._cron_delete_due()
        self.assertEqual(tenants.mapped("desired"), ["deleted", "running", "deleted"])
        self.assertIn("could not be begun", tenants[1].activity_ids.summary)

    def test_usage_of_one_that_cannot_be_taken_over_stops_no_other(self):
        tenants = self._three("alone-count")
        self._break_end(tenants[1])
        with quietly():
            self._usage(tenants, 1100)
        self.assertEqual([bool(tenant.over_limit) for tenant in tenants], [True, False, True])
        self.assertIn("could not be taken over", tenants[1].activity_ids.summary)

    def test_a_plan_reaches_its_tenants_but_for_the_one_that_cannot(self):
        tenants = self._three("alone-plan")
        generations = tenants.mapped("generation")
        self._break_end(tenants[1])
        with quietly():
            self.plan.saas_users = 11
        raised = [
            now > then for now, then in zip(tenants.mapped("generation"), generations, strict=True)
        ]
        self.assertEqual(raised, [True, False, True])
        self.assertIn("change of its plan", tenants[1].activity_ids.summary)

    def test_one_plan_that_cannot_be_prepared_keeps_nobody_waiting(self):
        self._say_hello(ready=False)
        broken = self._make_plan("Broken for tests")
        stuck = self._sell("alone-stuck", plan=broken)
        waits = self._sell("alone-waits", plan=self._make_plan("Whole", saas_module_names="crm"))
        self._break(broken, "saas_release_id", None)
        with quietly():
            self._say_hello()
        self.assertTrue(waits.target_id)
        self.assertFalse(stuck.target_id)
        self.assertIn("No target", stuck.activity_ids.summary)
        self.assertIn("No template", broken.activity_ids.summary)

    def test_one_that_cannot_be_described_keeps_no_worker_from_the_others(self):
        tenants = self._three("alone-claim")
        self._break(tenants[1], "template_id", None)
        with quietly():
            claims = self._claim()
            told = self._control().tenants(targets=["here"], only=False)
        others = {tenants[0].ref, tenants[2].ref}
        self.assertEqual({claim["spec"]["id"] for claim in claims}, others)
        self.assertEqual({one["id"] for one in told} & set(tenants.mapped("ref")), others)
        self.assertEqual(tenants[1].operation_ids.state, "failed")
        self.assertIn("Correct that", tenants[1].message)
