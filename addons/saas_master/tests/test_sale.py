from unittest.mock import patch

from odoo import Command
from odoo.exceptions import UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSale(SaasCase):
    def test_a_confirmed_plan_makes_a_subscription_and_a_tenant(self):
        customer = self._make_customer(
            "Sale One Ltd",
            lang="en_US",
            tz="Europe/Brussels",
            country_id=self.env.ref("base.be").id,
        )
        tenant = self._sell("sale-one", customer=customer)
        self.assertRegex(tenant.ref, r"^t[a-z2-7]{10}$")
        self.assertEqual(tenant.host_ids.name, "sale-one.saas.test")
        self.assertTrue(tenant.host_ids.primary)
        self.assertEqual(tenant.url, "http://sale-one.saas.test:8080")
        self.assertEqual((tenant.phase, tenant.desired), ("pending", "running"))
        self.assertEqual(tenant.bootstrap_company, "Sale One Ltd")
        self.assertEqual(tenant.bootstrap_country, "BE")
        self.assertEqual(tenant.bootstrap_timezone, "Europe/Brussels")
        self.assertEqual(tenant.bootstrap_user_login, customer.email)
        self.assertEqual(tenant.subscription_id.state, "active")
        self.assertEqual(tenant.subscription_id.tenant_id, tenant)
        self.assertEqual(tenant.subscription_id.price, 49.0)
        self.assertEqual(tenant.operation_ids.mapped("state"), ["queued"])
        self.assertEqual(tenant.operation_ids.kind, "reconcile")
        self.assertEqual((tenant.target_id, tenant.server_id), (self.target, self.server))

    def test_confirming_again_makes_nothing_twice(self):
        order = self._quote("sale-twice")
        order.action_confirm()
        order._action_confirm()
        self.assertEqual(len(order.saas_tenant_ids), 1)
        self.assertEqual(order.saas_tenant_count, 1)
        lines = order.order_line
        self.assertEqual(len(lines._saas_subscriptions()), 1)

    def test_an_order_without_a_plan_makes_nothing(self):
        product = self.env["product.product"].create({"name": "Chair", "type": "consu"})
        order = self.env["sale.order"].create(
            {
                "partner_id": self._make_customer(email=False).id,
                "order_line": [Command.create({"product_id": product.id})],
            }
        )
        self.assertFalse(order.has_saas_plan)
        order.action_confirm()
        self.assertFalse(order.saas_tenant_ids)

    def test_every_plan_on_the_order_makes_its_own(self):
        order = self._quote("sale-many")
        order.order_line = [Command.create({"product_id": self.plan.product_variant_id.id})]
        order.action_confirm()
        self.assertEqual(sorted(order.saas_tenant_ids.mapped("slug")), ["sale-many", "sale-many-2"])
        self.assertEqual(len(order.saas_tenant_ids.subscription_id), 2)

    def test_the_addresses_that_nobody_chose_are_free_ones(self):
        self._sell("sale-more-2")
        order = self._quote("sale-more")
        line = {"product_id": self.plan.product_variant_id.id}
        order.order_line = [Command.create(line), Command.create(line)]
        order.action_confirm()
        slugs = sorted(order.saas_tenant_ids.mapped("slug"))
        self.assertEqual(slugs, ["sale-more", "sale-more-3", "sale-more-4"])

    def test_without_a_wish_the_name_makes_the_address(self):
        order = self._quote(False, customer=self._make_customer("Sale Nameless GmbH"))
        order.action_confirm()
        self.assertEqual(order.saas_tenant_ids.slug, "sale-nameless")
        self.assertEqual(order.saas_slug, "sale-nameless")

    def test_what_the_name_makes_of_the_address_is_told_before(self):
        customer = self._make_customer("Straßenbau Öztürk")
        order = self._quote(False, customer=customer)
        self.assertEqual(order.saas_url_preview, "http://strassenbau-oeztuerk.saas.test:8080")
        self.assertFalse(order.saas_slug_problem)
        order.action_confirm()
        self.assertEqual(order.saas_tenant_ids.slug, "strassenbau-oeztuerk")

    def test_the_customer_needs_a_mail_address(self):
        order = self._quote("sale-mail", customer=self._make_customer(email=False))
        with self.assertRaisesRegex(UserError, "e-mail address"):
            order.action_confirm()

    def test_two_of_a_plan_are_refused(self):
        with self.assertRaisesRegex(UserError, "Set it to 1"):
            self._quote("sale-two", quantity=2).action_confirm()

    def test_a_bad_address_is_shown_before_and_refused_at_confirmation(self):
        order = self._quote("www")
        self.assertIn("reserved", order.saas_slug_problem)
        self.assertFalse(order.saas_url_preview)
        with self.assertRaisesRegex(UserError, "reserved"):
            order.action_confirm()
        order.saas_slug = "sale-good"
        self.assertFalse(order.saas_slug_problem)
        self.assertEqual(order.saas_url_preview, "http://sale-good.saas.test:8080")

    def test_in_place_of_a_taken_address_the_nearest_free_one_is_one_click_away(self):
        self._sell("sale-taken")
        order = self._quote("sale-taken")
        self.assertIn("is taken", order.saas_slug_problem)
        self.assertEqual(order.saas_slug_free, "sale-taken-2")
        order.action_use_free_slug()
        self.assertEqual(order.saas_slug, "sale-taken-2")
        self.assertFalse(order.saas_slug_problem)
        self.assertFalse(order.saas_slug_free)

    def test_a_salesperson_who_has_no_rights_on_tenants_can_sell_one(self):
        seller = self._make_staff("viewer")
        seller.group_ids += self.env.ref("sales_team.group_sale_salesman_all_leads")
        order = self._quote("sale-seller")
        order.with_user(seller).action_confirm()
        self.assertEqual(order.saas_tenant_ids.slug, "sale-seller")
        entry = self._audit_of(order.saas_tenant_ids, "create")
        self.assertIn(seller.id, entry.mapped("user_id_int"))

    def test_the_customer_is_let_into_the_portal_by_a_queued_mail(self):
        customer = self._make_customer("Sale Portal")
        before = self.env["mail.mail"].search_count([])
        self._sell("sale-portal", customer=customer)
        self.assertFalse(customer.user_ids, "nobody who confirms waits for that")
        self.env["saas.tenant"]._cron_tell_customers()
        user = customer.user_ids
        self.assertTrue(user._is_portal())
        self.assertEqual(user.login, customer.email)
        mails = self.env["mail.mail"].search([], limit=1, order="id desc")
        self.assertGreater(self.env["mail.mail"].search_count([]), before)
        self.assertEqual(mails.state, "outgoing", "nobody waits for a mail server")

    def test_a_login_that_somebody_else_has_does_not_stop_the_sale(self):
        taken = self._make_customer("Sale Taken")
        self._sell("sale-taken-1", customer=taken)
        self.env["saas.tenant"]._cron_tell_customers()
        twin = self._make_customer("Sale Twin", email=taken.email)
        order = self._quote("sale-taken-2", customer=twin)
        order.action_confirm()
        self.env["saas.tenant"]._cron_tell_customers()
        self.assertFalse(twin.user_ids)
        self.assertIn("was not invited", " ".join(order.message_ids.mapped("body")))

    def test_cancelling_takes_away_what_never_ran(self):
        order = self._quote("sale-cancel")
        order.action_confirm()
        tenant = order.saas_tenant_ids
        order._action_cancel()
        self.assertEqual((tenant.desired, tenant.phase), ("deleted", "deleted"))
        self.assertEqual(tenant.operation_ids.mapped("state"), ["cancelled"])
        self.assertEqual(tenant.subscription_id.state, "ended")
        order.action_draft()
        order.action_confirm()
        again = order.saas_tenant_ids - tenant
        self.assertEqual(again.slug, "sale-cancel", "the address is free again")

    def test_cancelling_leaves_what_ran_to_a_person(self):
        order = self._quote("sale-keep")
        order.action_confirm()
        tenant = order.saas_tenant_ids
        self._provision(tenant)
        order._action_cancel()
        self.assertEqual((tenant.desired, tenant.phase), ("running", "running"))
        self.assertIn("was kept", " ".join(order.message_ids.mapped("body")))
        self.assertIn("The order was cancelled", tenant.activity_ids.mapped("summary"))

    def test_a_sale_waits_for_a_place(self):
        self._say_hello(ready=False)
        tenant = self._sell("sale-waits")
        self.assertFalse(tenant.target_id)
        self.assertIn("No target is ready", tenant.message)
        self.assertFalse(tenant.operation_ids)
        self._say_hello(ready=True)
        self.assertEqual(tenant.target_id, self.target)
        self.assertFalse(tenant.message)
        self.assertEqual(tenant.operation_ids.mapped("state"), ["queued"])

    def test_what_goes_wrong_with_one_customer_holds_up_no_other(self):
        broken = self._sell("sale-broken")
        good = self._sell("sale-whole", customer=self._make_customer("Sale Whole"))
        invite = type(self.env["res.partner"])._saas_invite

        def fail(partner):
            if partner == broken.partner_id:
                raise ValueError("something is broken")
            return invite(partner)

        with (
            patch.object(self.registry["res.partner"], "_saas_invite", fail),
            mute_logger("odoo.addons.saas_master.models.each_alone"),
        ):
            self.env["saas.tenant"]._cron_tell_customers()
        self.assertTrue(good.partner_id.user_ids)
        self.assertFalse(broken.invited, "it is tried again")
        self.assertIn("something is broken", " ".join(broken.activity_ids.mapped("note")))
