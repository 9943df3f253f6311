from odoo.tests import tagged

from .common import NOW, SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestUsage(SaasCase):
    def _use(self, tenant, users=1, database_mb=100, filestore_mb=0, at=NOW):
        sample = {
            "tenant": tenant.ref,
            "at": at,
            "users": users,
            "database_mb": database_mb,
            "filestore_mb": filestore_mb,
        }
        answer = self._control().ingest_usage(samples=[sample])
        self.assertEqual(answer, {"ok": True})

    def test_usage_is_held_against_the_plan(self):
        tenant = self._sell("usage-plain")
        self._use(tenant, users=5, database_mb=200, filestore_mb=50)
        self.assertEqual(tenant.storage_used_mb, 250)
        self.assertEqual((tenant.users_percent, tenant.storage_percent), (50, 25))
        self.assertFalse(tenant.over_limit)

    def test_what_nobody_has_counted_is_no_zero(self):
        tenant = self._sell("usage-none")
        self.assertFalse(tenant.usage_at)
        self.assertEqual(tenant.users_usage, "Not counted yet")
        self.assertEqual(tenant.storage_usage, "Not counted yet")
        self._use(tenant, users=0, database_mb=0)
        self.assertEqual(tenant.users_usage, "0 of 10")

    def test_the_youngest_of_several_samples_counts(self):
        tenant = self._sell("usage-young")
        counts = {"tenant": tenant.ref, "database_mb": 1, "filestore_mb": 1}
        self._control().ingest_usage(
            samples=[
                {**counts, "at": "2031-01-02T00:00:00.000Z", "users": 7},
                {**counts, "at": "2031-01-01T00:00:00.000Z", "users": 3},
            ]
        )
        self.assertEqual(tenant.users, 7)

    def test_samples_of_strangers_are_left_out(self):
        counts = {"at": NOW, "users": 1, "database_mb": 1, "filestore_mb": 1}
        answer = self._control().ingest_usage(samples=[{"tenant": "tgone", **counts}])
        self.assertEqual(answer, {"ok": True})

    def test_over_the_limit_there_is_a_banner_and_somebody_is_told(self):
        tenant = self._sell("usage-over")
        self._provision(tenant)
        self._use(tenant, database_mb=1100)
        self.assertTrue(tenant.over_limit)
        self.assertEqual(tenant._spec()["banner"]["level"], "warning")
        self.assertEqual(len(self._open_operations(tenant)), 1)
        self.assertIn("Over the limits of its plan", tenant.activity_ids.mapped("summary"))
        self.assertEqual(len(self._audit_of(tenant, "over_limit")), 1)
        generation = tenant.generation
        self._use(tenant, database_mb=1101)
        self.assertEqual(tenant.generation, generation, "a little more is no new spec")
        self._use(tenant, database_mb=900)
        self.assertFalse(tenant._spec()["banner"])
        self.assertFalse(tenant.activity_ids)

    def test_too_many_users_are_told_too(self):
        tenant = self._sell("usage-users")
        self._use(tenant, users=11)
        self.assertIn("10 in your plan", tenant._spec()["banner"]["text"])

    def test_far_over_it_is_suspended_until_there_is_room(self):
        tenant = self._sell("usage-far")
        self._use(tenant, database_mb=1250)
        self.assertEqual(tenant.desired, "running", "up to 125 % a banner asks")
        self._use(tenant, database_mb=1000, filestore_mb=251)
        self.assertEqual((tenant.desired, tenant.suspend_cause), ("suspended", "storage"))
        self.assertIn("Choose a larger plan", tenant.suspend_reason)
        self._use(tenant, database_mb=1000, filestore_mb=240)
        self.assertEqual(tenant.desired, "running")

    def test_a_bigger_plan_lifts_it_at_once(self):
        tenant = self._sell("usage-bigger")
        self._use(tenant, database_mb=2000)
        self.assertEqual(tenant.desired, "suspended")
        tenant._change_plan(self._make_plan("Bigger for usage", saas_storage_mb=5000))
        self.assertEqual((tenant.desired, tenant.over_limit), ("running", False))
        self.assertFalse(tenant._spec()["banner"])

    def test_storage_does_not_lift_what_staff_suspended(self):
        tenant = self._sell("usage-staff")
        tenant._hold("person", "By request.")
        self._use(tenant, database_mb=2000)
        self.assertEqual(tenant.suspend_reason, "By request.")
        self._use(tenant, database_mb=10)
        self.assertEqual(tenant.desired, "suspended")
