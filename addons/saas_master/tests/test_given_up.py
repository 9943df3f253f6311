from datetime import timedelta

from odoo.tests import tagged

from .common import SaasCase

DRIFTED = "It is not as it should be; next comes route."


@tagged("post_install", "-at_install", "saas_master")
class TestGivenUp(SaasCase):
    """What ended for good is not begun again because the sidecar still sees what was to be done."""

    def _request(self, tenant, reason=DRIFTED):
        return self._control().request(tenant=tenant.ref, kind="reconcile", reason=reason)["ok"]

    def _observe(self, tenant, phase, message="", generation=None):
        tenant.status_id.seq = str(int(tenant.seq or 0) + 1)
        status = self._status(phase, generation or tenant.generation, message)
        seq = str(int(tenant.seq) + 1)
        return self._control().observed(
            tenant=tenant.ref, epoch=tenant.epoch, seq=seq, status=status
        )["ok"]

    def _let_time_pass(self, tenant, **duration):
        """Since its operations ended."""
        for operation in tenant.operation_ids.filtered("ended_at"):
            operation.ended_at -= timedelta(**duration)

    def _fail(self, tenant, kind="failed"):
        claim = self._claim_one(tenant)
        self._finish(claim, kind, reason="The disk is full. Make room.")

    def _set_aside(self, tenant):
        for _worker in range(5):
            self._claim_one(tenant)
            self._let_leases_expire()
        self.assertEqual(self._claim(), [])
        self.assertEqual(tenant.operation_ids[:1].state, "set_aside")

    def _assert_left_alone(self, tenant):
        entries = len(self._audit_of(tenant, "request"))
        self.assertFalse(self._request(tenant))
        self.assertFalse(self._open_operations(tenant))
        self.assertEqual(len(self._audit_of(tenant, "request")), entries)

    def test_what_was_set_aside_waits_for_a_person(self):
        tenant = self._sell("given-aside")
        self._set_aside(tenant)
        self._assert_left_alone(tenant)
        self._let_time_pass(tenant, days=2)
        self._assert_left_alone(tenant)
        tenant.with_user(self._make_staff("operator")).action_retry()
        self._provision(tenant)

    def test_what_was_cancelled_waits_for_a_person(self):
        queued = self._sell("given-cancelled")
        queued.operation_ids.action_cancel()
        running = self._sell("given-cancelled-late")
        self._fail(running, "cancelled")
        for tenant in (queued, running):
            self._assert_left_alone(tenant)
            self._let_time_pass(tenant, days=2)
            self._assert_left_alone(tenant)
            tenant.action_retry()
            self._provision(tenant)

    def test_what_failed_is_tried_again_once_an_hour(self):
        tenant = self._sell("given-failed")
        self._fail(tenant)
        self._assert_left_alone(tenant)
        for _time in range(2):
            self._let_time_pass(tenant, minutes=61)
            self.assertTrue(self._request(tenant))
            self._fail(tenant)
            self._assert_left_alone(tenant)

    def test_a_change_of_what_is_wanted_is_begun(self):
        tenant = self._sell("given-changed")
        self._set_aside(tenant)
        tenant.banner_text = "Hello"
        self.assertTrue(self._open_operations(tenant))
        self.assertTrue(self._request(tenant))
        self._provision(tenant)

    def test_one_that_was_well_since_is_repaired(self):
        for kind in ("failed", "cancelled"):
            tenant = self._sell(f"given-well-{kind}")
            self._provision(tenant)
            tenant.banner_text = "Hello"
            self._fail(tenant, kind)
            self._let_time_pass(tenant, minutes=1)
            self._assert_left_alone(tenant)
            self.assertTrue(self._observe(tenant, "running"))
            self.assertTrue(self._request(tenant, "Its Odoo has ended by itself."))
            self.assertTrue(self._open_operations(tenant))

    def test_well_by_what_was_wanted_before_is_not_well(self):
        tenant = self._sell("given-old")
        self._provision(tenant)
        tenant.banner_text = "Hello"
        self._fail(tenant, "cancelled")
        self._let_time_pass(tenant, minutes=1)
        self.assertTrue(self._observe(tenant, "running", generation=tenant.generation - 1))
        self._assert_left_alone(tenant)

    def test_one_that_serves_in_spite_of_it_is_started_again_when_it_ends(self):
        tenant = self._sell("given-serves")
        self._provision(tenant)
        tenant.banner_text = "Hello"
        self._fail(tenant, "cancelled")
        self.assertTrue(self._observe(tenant, "running", DRIFTED))
        self._assert_left_alone(tenant)
        self.assertTrue(self._observe(tenant, "failed", "Its Odoo has ended by itself."))
        operation = self._open_operations(tenant)
        self.assertEqual(operation.reason, "It is no longer available to its users.")
        self.assertEqual(len(self._audit_of(tenant, "request")), 1)
        self._fail(tenant)
        self.assertTrue(self._observe(tenant, "failed", "Its Odoo has ended by itself."))
        self.assertFalse(self._open_operations(tenant), "it did not serve in between")

    def test_its_page_goes_on_to_say_why(self):
        tenant = self._sell("given-page")
        self._fail(tenant)
        self.assertTrue(self._observe(tenant, "failed", DRIFTED))
        self.assertEqual(tenant.message, "The disk is full. Make room.")

    def test_what_waits_already_is_audited_once(self):
        tenant = self._sell("given-waits")
        self._provision(tenant)
        for _time in range(3):
            self.assertTrue(self._request(tenant))
        self.assertEqual(len(self._audit_of(tenant, "request")), 1)
        self.assertEqual(len(self._open_operations(tenant)), 1)
