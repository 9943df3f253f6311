from odoo import Command
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestAgain(SaasCase):
    """A quotation is cancelled, set back to draft and confirmed again, whatever was made of it."""

    def setUp(self):
        super().setUp()
        self.order = self._quote("again")
        self.order.action_confirm()
        self.tenant = self.order.saas_tenant_ids

    def _cancel(self):
        self.order._action_cancel()
        self.order.action_draft()
        self.assertFalse(self.order.saas_slug_problem)

    def _confirm_again(self):
        self.order.action_confirm()
        alive = self.order.saas_tenant_ids.filtered(lambda tenant: tenant.desired == "running")
        self.assertEqual(len(alive), 1, "one, and only one")
        self.assertEqual(alive.slug, "again")
        self.assertEqual(alive.host_ids.name, "again.saas.test")
        self.assertEqual(alive.subscription_id.state, "active")
        self.assertEqual(alive.subscription_id.tenant_id, alive)
        return alive

    def _assert_goes_on(self):
        self.assertEqual(self._confirm_again(), self.tenant)
        self.assertEqual(len(self._open_operations(self.tenant)), 1)

    def test_before_anybody_has_begun(self):
        self._cancel()
        self.assertTrue(self.tenant.released)
        self.assertNotEqual(self._confirm_again(), self.tenant)

    def test_while_a_worker_has_it(self):
        claim = self._claim_one(self.tenant)
        self._report(claim, self._step("clone_database"), status=self._status("provisioning"))
        self._cancel()
        self.assertEqual(self._confirm_again(), self.tenant)
        [moved] = self._renew(claim)["moved"]
        self.assertEqual(moved["spec"]["desired"], "running")
        status = self._status("running", self.tenant.generation)
        self._finish(claim, generation=self.tenant.generation, status=status)
        self.assertEqual(self.tenant.phase, "running")

    def _renew(self, claim):
        lease = {"operation": claim["operation"], "lease": claim["lease"]}
        return self._control().renew(leases=[lease], lease_s=30)

    def test_while_it_waits_to_be_tried_again(self):
        claim = self._claim_one(self.tenant)
        status = self._status("provisioning")
        self._finish(claim, "retry", after_seconds=600, reason="No room.", status=status)
        self._cancel()
        self._assert_goes_on()

    def test_after_it_failed(self):
        claim = self._claim_one(self.tenant)
        self._finish(claim, "failed", reason="Broken.", status=self._status("failed"))
        self._cancel()
        self._assert_goes_on()

    def test_while_it_is_deleted(self):
        self._finish(self._claim_one(self.tenant), "retry", after_seconds=0, reason="Later.")
        self._cancel()
        deletion = self._claim_one(self.tenant)
        self._report(deletion, status=self._status("deleting", self.tenant.generation))
        other = self._confirm_again()
        self.assertNotEqual(other, self.tenant, "a deletion that was begun is not called off")
        self.assertEqual(self.tenant.slug, self.tenant.ref)
        self.assertFalse(self.tenant.host_ids)
        # The one came to its address while the other one was still there.
        claim = self._claim_one(other)
        self._finish(claim, "failed", reason="Taken.", status=self._status("failed"))
        generation = self.tenant.generation
        status = self._status("deleted", generation)
        self._finish(deletion, generation=generation, status=status)
        self.assertTrue(self.tenant.released)
        self._provision(other)

    def test_after_it_is_gone(self):
        self._finish(self._claim_one(self.tenant), "retry", after_seconds=0, reason="Later.")
        self._cancel()
        deletion = self._claim_one(self.tenant)
        self._finish(deletion, status=self._status("deleted", self.tenant.generation))
        self.assertTrue(self.tenant.released)
        self.assertNotEqual(self._confirm_again(), self.tenant)

    def test_while_it_runs(self):
        self._provision(self.tenant)
        self._cancel()
        self.assertTrue(self.tenant.activity_ids)
        self.assertEqual(self._confirm_again(), self.tenant)
        self.assertFalse(self.tenant.activity_ids, "nobody has to decide any more")

    def test_a_line_that_is_added_while_it_runs_gets_an_address_of_its_own(self):
        self._provision(self.tenant)
        self._cancel()
        self.order.order_line = [Command.create({"product_id": self.plan.product_variant_id.id})]
        self.assertFalse(self.order.saas_slug_problem)
        self.order.action_confirm()
        slugs = self.order.saas_tenant_ids.mapped("slug")
        self.assertEqual(sorted(slugs), ["again", "again-2"])

    def test_with_another_plan_it_is_another_one(self):
        self._claim_one(self.tenant)
        self._cancel()
        bigger = self._make_plan("Bigger, again")
        self.order.order_line.product_id = bigger.product_variant_id
        other = self._confirm_again()
        self.assertNotEqual(other, self.tenant)
        self.assertEqual(other.plan_id, bigger)

    def test_with_another_line_it_is_another_one(self):
        self._claim_one(self.tenant)
        self._cancel()
        self.order.order_line = [
            Command.clear(),
            Command.create({"product_id": self.plan.product_variant_id.id}),
        ]
        self.assertNotEqual(self._confirm_again(), self.tenant)

    def test_each_of_several_goes_on(self):
        order = self._quote("again-many")
        line = {"product_id": self.plan.product_variant_id.id}
        order.order_line = [Command.create(line), Command.create(line)]
        order.action_confirm()
        tenants = order.saas_tenant_ids
        self._claim()
        order._action_cancel()
        order.action_draft()
        order.action_confirm()
        self.assertEqual(order.saas_tenant_ids, tenants)
        self.assertEqual(set(tenants.mapped("desired")), {"running"})
        self.assertEqual(
            sorted(tenants.mapped("slug")), ["again-many", "again-many-2", "again-many-3"]
        )

    def test_an_address_of_somebody_else_is_taken_all_the_same(self):
        self._claim_one(self.tenant)
        self._cancel()
        stranger = self._quote("again")
        self.assertIn("is taken", stranger.saas_slug_problem)
