from unittest.mock import Mock, patch

from odoo import Command
from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestCompany(SaasCase):
    """Two companies of the operator sell from one master: each has its own customers and plans."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.first = cls.env.company
        cls.second = cls.env["res.company"].create({"name": "Second of the Operator"})
        cls.ours = cls._make_plan("First's", saas_trial_days=7, company_id=cls.first.id)
        cls.theirs = cls._make_plan("Second's", saas_trial_days=7, company_id=cls.second.id)
        cls.tenant = cls._sell("company-first", plan=cls.ours)
        cls.other = cls._sell_in(cls.second, "company-second", cls.theirs)

    @classmethod
    def _sell_in(cls, company, slug, plan):
        line = {"product_id": plan.product_variant_id.id, "product_uom_qty": 1}
        order = cls.env["sale.order"].with_company(company)
        order = order.create(
            {
                "partner_id": cls._make_customer(slug, company_id=company.id).id,
                "company_id": company.id,
                "saas_slug": slug,
                "order_line": [Command.create(line)],
            }
        )
        order.action_confirm()
        return order.saas_tenant_ids

    def _staff_of(self, company, group="operator"):
        return new_test_user(
            self.env,
            f"staff{company.id}{group}",
            groups=f"base.group_user,saas_master.group_saas_{group}",
            company_id=company.id,
            company_ids=[Command.set(company.ids)],
        )

    def test_it_belongs_to_the_company_that_sold_it(self):
        self.assertEqual(self.tenant.company_id, self.first)
        self.assertEqual(self.other.company_id, self.second)
        self.assertEqual(self.other.subscription_id.company_id, self.second)

    def test_staff_see_and_change_what_their_companies_sold(self):
        for company, mine, foreign in (
            (self.first, self.tenant, self.other),
            (self.second, self.other, self.tenant),
        ):
            person = self._staff_of(company)
            both = self.tenant + self.other
            for own, field in (
                (mine, False),
                (mine.subscription_id, "subscription_id"),
                (mine.operation_ids, "operation_ids"),
                (mine.host_ids, "host_ids"),
                (mine.status_id, "status_id"),
            ):
                all_there = both[field] if field else both
                Model = self.env[own._name].with_user(person)
                self.assertEqual(Model.search([("id", "in", all_there.ids)]), own, own._name)
            entries = self.env["saas.audit.entry"].with_user(person)
            refs = entries.search([("tenant_ref", "in", both.mapped("ref"))]).mapped("tenant_ref")
            self.assertEqual(set(refs), {mine.ref})
            theirs = foreign.with_user(person)
            for act in (
                lambda theirs=theirs: theirs.suspend("Not yours."),
                lambda theirs=theirs: theirs.rename("company-taken"),
                lambda theirs=theirs: theirs.action_retry(),
                lambda theirs=theirs: theirs.action_pause(),
                lambda theirs=theirs: theirs.write({"banner_text": "x"}),
                lambda theirs=theirs: theirs.sudo().subscription_id.sudo(False).action_end(),
                lambda theirs=theirs: theirs.sudo().operation_ids.sudo(False).action_cancel(),
                lambda theirs=theirs: theirs.sudo().host_ids.sudo(False).action_remove(),
            ):
                with self.assertRaises(AccessError):
                    act()
            mine.with_user(person).suspend("By request.")
            self.assertEqual(mine.desired, "suspended")

    def test_the_fleet_page_is_there_for_staff_of_each_company(self):
        self._provision(self.tenant)
        for company, mine in ((self.first, self.tenant), (self.second, self.other)):
            person = self._staff_of(company, "viewer")
            fleet = self.env["saas.fleet"].with_user(person).get_fleet()
            customers = {trial["customer"] for trial in fleet["trials"]}
            self.assertIn(mine.partner_id.display_name, customers)
            self.assertEqual(len(customers & {"Acme", "company-second"}), 1)
            here = next(target for target in fleet["targets"] if target["name"] == "here")
            self.assertGreaterEqual(here["memory"]["used"], 1024, "as full as it is for all")

    def test_what_changes_is_told_to_the_staff_of_its_company(self):
        sent = []

        def send(bus, target, kind, message):
            sent.append((target, kind))

        with patch.object(self.registry["bus.bus"], "_sendone", send):
            self.other.suspend("By request.")
        staff = [target for target, kind in sent if kind == "saas.tenant/changed"]
        self.assertEqual(set(staff), {(self.second, "saas")})
        self.assertIn(((self.second, "saas"), "saas.operation/changed"), sent)

    def _channels_of(self, person):
        with patch("odoo.addons.bus.models.ir_websocket.request", Mock()):
            return self.env["ir.websocket"].with_user(person)._build_bus_channel_list([])

    def test_staff_listen_to_their_companies(self):
        channels = self._channels_of(self._staff_of(self.second))
        self.assertIn((self.second, "saas"), channels)
        self.assertNotIn((self.first, "saas"), channels)
        employee = new_test_user(self.env, "company_employee", groups="base.group_user")
        self.assertNotIn((self.first, "saas"), self._channels_of(employee))

    def test_plans_are_offered_by_their_company(self):
        shared = self.plan
        self.assertIn(shared, self.tenant._other_plans())
        self.assertNotIn(self.theirs, self.tenant._other_plans())
        self.assertIn(shared, self.other._other_plans())
        self.assertNotIn(self.ours, self.other._other_plans())
        with self.assertRaisesRegex(UserError, "no longer available"):
            self.tenant._wish_plan(self.theirs)
        with self.assertRaisesRegex(UserError, "is sold by Second of the Operator"):
            self.tenant.change_plan(self.theirs.id)
        with self.assertRaises(AccessError):
            self.tenant.with_user(self._staff_of(self.first)).change_plan(self.theirs.id)
        for write in (
            lambda: self.tenant.write({"plan_id": self.theirs.id}),
            lambda: self.ours.write({"company_id": self.second.id}),
        ):
            with self.assertRaises(UserError), self.env.cr.savepoint():
                write()

    def test_who_is_told_may_see_it(self):
        first, second = self._staff_of(self.first), self._staff_of(self.second)
        self.other.order_id.user_id = first
        self.assertNotEqual(self.other._responsible(), first)
        self.other.order_id.user_id = second
        self.assertEqual(self.other._responsible(), second)
