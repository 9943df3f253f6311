from odoo.exceptions import UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestWish(SaasCase):
    """A customer asks for another plan, and somebody grants it."""

    def setUp(self):
        super().setUp()
        self.bigger = self._make_plan("Bigger", saas_users=50, list_price=99.0)
        self.tenant = self._sell("wish")
        self.seller = self._make_staff("operator")
        self.tenant.order_id.user_id = self.seller

    def _to_dos(self):
        return self.tenant.activity_ids.filtered(lambda todo: "Bigger" in (todo.note or ""))

    def test_whoever_looks_after_the_customer_is_told_once(self):
        self.tenant._wish_plan(self.bigger)
        self.tenant._wish_plan(self.bigger)
        self.assertEqual(self.tenant.wished_plan_id, self.bigger)
        self.assertEqual(self._to_dos().user_id, self.seller)
        self.assertEqual(len(self._to_dos()), 1)
        self.assertEqual(len(self._audit_of(self.tenant, "wish_plan")), 1)
        self.assertEqual(self.tenant.plan_id, self.plan, "a wish changes nothing yet")

    def test_the_dialog_proposes_it_and_granting_it_settles_it(self):
        self.tenant._wish_plan(self.bigger)
        dialog = self.env["saas.tenant.change.plan"].with_user(self.seller)
        wizard = dialog.create({"tenant_id": self.tenant.id})
        self.assertEqual(wizard.plan_id, self.bigger)
        wizard.action_confirm()
        self.assertEqual(self.tenant.plan_id, self.bigger)
        self.assertFalse(self.tenant.wished_plan_id)
        self.assertFalse(self._to_dos())

    def test_only_what_is_sold_can_be_asked_for(self):
        self.bigger.sale_ok = False
        for plan in (self.bigger, self.plan):
            with self.assertRaises(UserError, msg=plan.name):
                self.tenant._wish_plan(plan)
