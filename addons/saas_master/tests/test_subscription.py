from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSubscription(SaasCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.trial_plan = cls._make_plan("Trial for tests", saas_trial_days=14)
        cls.today = fields.Date.today()

    def _on_trial(self, slug, days=14):
        tenant = self._sell(slug, plan=self.trial_plan)
        subscription = tenant.subscription_id
        subscription.trial_end = self.today + timedelta(days=days)
        return tenant, subscription

    def _advance(self):
        self.env["saas.subscription"]._cron_advance()

    def test_a_plan_with_a_trial_begins_with_one(self):
        subscription = self._sell("sub-trial", plan=self.trial_plan).subscription_id
        self.assertEqual(subscription.state, "trial")
        self.assertEqual(subscription.trial_end, self.today + timedelta(days=14))
        self.assertRegex(subscription.name, r"^SUB\d{5}$")

    def test_a_change_that_is_not_in_the_table_is_refused(self):
        subscription = self._sell("sub-table").subscription_id
        with self.assertRaisesRegex(UserError, "cannot become “Trial”"):
            subscription._set_state("trial", "")
        subscription._set_state("ended", "")
        with self.assertRaisesRegex(UserError, "cannot become “Active”"):
            subscription.action_activate()

    def test_suspended_and_active_again_moves_the_tenant(self):
        tenant = self._sell("sub-suspend")
        subscription = tenant.subscription_id
        subscription._set_state("suspended", "Nobody paid.")
        self.assertEqual((tenant.desired, tenant.suspend_cause), ("suspended", "subscription"))
        self.assertIn("payment is overdue", tenant.suspend_reason)
        subscription.action_activate()
        self.assertEqual((tenant.desired, tenant.suspend_reason), ("running", False))

    def test_a_payment_does_not_lift_what_staff_suspended(self):
        tenant = self._sell("sub-abuse")
        subscription = tenant.subscription_id
        subscription._set_state("suspended", "Nobody paid.")
        tenant._hold("person", "Spam was sent from it.")
        self.assertEqual(tenant.suspend_reason, "Spam was sent from it.")
        subscription.action_activate()
        self.assertEqual(tenant.desired, "suspended")
        tenant.action_resume()
        self.assertEqual(tenant.desired, "running")

    def test_staff_do_not_resume_what_is_unpaid(self):
        tenant = self._sell("sub-unpaid")
        tenant.subscription_id._set_state("suspended", "")
        with self.assertRaisesRegex(UserError, "set the subscription"):
            tenant.action_resume()

    def test_when_staff_resume_the_next_cause_takes_over(self):
        tenant = self._sell("sub-next")
        tenant._hold("person", "By request.")
        tenant.subscription_id._set_state("suspended", "")
        tenant.action_resume()
        self.assertEqual((tenant.desired, tenant.suspend_cause), ("suspended", "subscription"))

    def test_the_end_keeps_the_data(self):
        tenant = self._sell("sub-end")
        tenant.subscription_id.action_end()
        self.assertEqual(tenant.desired, "suspended")
        self.assertFalse(tenant.delete_after)

    def test_a_banner_warns_before_a_trial_ends(self):
        tenant, subscription = self._on_trial("sub-warn", days=10)
        self.assertFalse(tenant._spec()["banner"])
        subscription.trial_end = self.today + timedelta(days=2)
        self._advance()
        banner = tenant._spec()["banner"]
        self.assertEqual(banner["level"], "warning")
        self.assertIn(str(subscription.trial_end), banner["text"])
        subscription.action_activate()
        self.assertFalse(tenant._spec()["banner"])

    def test_a_trial_that_is_over_is_past_due_then_suspended(self):
        tenant, subscription = self._on_trial("sub-over", days=-1)
        self._advance()
        self.assertEqual((subscription.state, tenant.desired), ("past_due", "running"))
        self.assertEqual(tenant._spec()["banner"]["level"], "danger")
        subscription.date_past_due = self.today - timedelta(days=15)
        self._advance()
        self.assertEqual((subscription.state, tenant.desired), ("suspended", "suspended"))

    def test_a_cancelled_trial_ends(self):
        tenant, subscription = self._on_trial("sub-cancelled", days=-1)
        subscription.cancel_at_period_end = True
        self._advance()
        self.assertEqual((subscription.state, tenant.desired), ("ended", "suspended"))

    def test_a_period_is_followed_by_the_next_unless_cancelled(self):
        subscription = self._sell("sub-period").subscription_id
        subscription.date_end = self.today - timedelta(days=40)
        self._advance()
        self.assertEqual(subscription.state, "active")
        self.assertGreaterEqual(subscription.date_end, self.today)
        subscription.write(
            {"date_end": self.today - timedelta(days=1), "cancel_at_period_end": True}
        )
        self._advance()
        self.assertEqual(subscription.state, "ended")

    def test_nobody_writes_the_state_by_hand(self):
        subscription = self._sell("sub-hand").subscription_id
        operator = self._make_staff("operator")
        with self.assertRaises(AccessError):
            subscription.with_user(operator).write({"state": "ended"})
        with self.assertRaises(AccessError):
            subscription.with_user(self._make_staff("viewer")).action_end()
        subscription.with_user(operator).action_end()
        entry = self.env["saas.audit.entry"].search(
            [("model", "=", "saas.subscription"), ("field", "=", "state")], limit=1
        )
        self.assertEqual((entry.old, entry.new), ("active", "ended"))
        self.assertEqual(entry.user_id_int, operator.id)
