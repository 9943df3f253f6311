from datetime import timedelta

from odoo import fields
from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestDeletion(SaasCase):
    def _running(self, slug):
        tenant = self._sell(slug)
        self._provision(tenant)
        return tenant

    def _schedule(self, tenant, user=None, days=7):
        wizard = self.env["saas.tenant.schedule.deletion"].with_user(user or self.env.user)
        wizard = wizard.create(
            {
                "tenant_id": tenant.id,
                "reason": "The customer cancelled.",
                "delete_after": fields.Datetime.now() + timedelta(days=days),
            }
        )
        wizard.action_confirm()

    def _delete_now(self, tenant, user, confirmation):
        wizard = self.env["saas.tenant.delete.now"].with_user(user)
        wizard = wizard.create({"tenant_id": tenant.id, "confirmation": confirmation})
        return wizard.action_confirm()

    def test_a_scheduled_deletion_is_announced_and_can_be_cancelled(self):
        tenant = self._running("del-schedule")
        operator = self._make_staff("operator")
        self._schedule(tenant, operator)
        self.assertEqual(tenant.desired, "running")
        self.assertEqual(tenant._spec()["banner"]["level"], "danger")
        mail = self.env["mail.mail"].search(
            [("model", "=", "saas.tenant"), ("res_id", "=", tenant.id)]
        )
        self.assertIn("will be deleted on", mail.subject)
        self.assertEqual(mail.state, "outgoing")
        entry = self._audit_of(tenant, "schedule_deletion")
        self.assertEqual(entry[:1].reason, "The customer cancelled.")
        tenant.with_user(operator).action_cancel_deletion()
        self.assertFalse(tenant.delete_after)
        self.assertFalse(tenant._spec()["banner"])
        self.assertTrue(self._audit_of(tenant, "cancel_deletion"))

    def test_the_day_must_be_ahead(self):
        tenant = self._running("del-past")
        with self.assertRaisesRegex(UserError, "in the future"):
            self._schedule(tenant, days=-1)

    def test_it_is_deleted_when_its_day_has_come(self):
        tenant = self._running("del-due")
        self._schedule(tenant)
        self.env["saas.tenant"]._cron_delete_due()
        self.assertEqual(tenant.desired, "running")
        tenant.delete_after = fields.Datetime.now() - timedelta(minutes=1)
        self.env["saas.tenant"]._cron_delete_due()
        self.assertEqual(tenant.desired, "deleted")
        self.assertEqual(tenant.subscription_id.state, "ended")
        claim = self._claim_one(tenant)
        self.assertEqual(claim["spec"]["desired"], "deleted")
        self._finish(claim, status=self._status("deleted", tenant.generation))
        self.assertEqual((tenant.phase, tenant.released), ("deleted", True))
        self.assertFalse(tenant.host_ids)
        self.assertEqual(self._sell("del-due").slug, "del-due", "its address is free")

    def test_only_an_owner_deletes_finally_and_types_the_address(self):
        tenant = self._running("del-now")
        owner = self._make_staff("owner")
        with self.assertRaisesRegex(UserError, "Schedule the deletion"):
            self._delete_now(tenant, owner, "del-now")
        self._schedule(tenant)
        with self.assertRaises(AccessError):
            self._delete_now(tenant, self._make_staff("operator"), "del-now")
        with self.assertRaises(AccessError):
            tenant.with_user(self._make_staff("operator")).action_delete_now()
        with self.assertRaisesRegex(UserError, "Type “del-now”"):
            self._delete_now(tenant, owner, "del-then")
        self._delete_now(tenant, owner, " DEL-now ")
        self.assertEqual(tenant.desired, "deleted")
        self.assertEqual(self._audit_of(tenant, "delete")[:1].user_id_int, owner.id)
        with self.assertRaisesRegex(UserError, "nothing can be changed"):
            tenant.with_user(owner).action_cancel_deletion()

    def test_what_nobody_ever_worked_on_goes_at_once(self):
        tenant = self._sell("del-untouched")
        tenant._delete("never needed")
        self.assertEqual((tenant.phase, tenant.released), ("deleted", True))
        self.assertEqual(self._claim(), [])

    def test_the_brake_lets_few_pass_within_an_hour(self):
        self.env["ir.config_parameter"].set_param("saas.deletions_per_hour", "2")
        tenants = [self._running(f"del-brake-{number}") for number in range(4)]
        for tenant in tenants:
            tenant._delete("test")
        claims = self._claim()
        self.assertEqual([claim["spec"]["id"] for claim in claims], [t.ref for t in tenants[:2]])
        held = self._open_operations(tenants[2])
        self.assertEqual(held.state, "queued")
        self.assertIn("at most 2 tenants", held.message)
        self.assertEqual(self._claim(), [])
        # A try that is repeated is the same deletion.
        self._finish(claims[0], "retry", after_seconds=0, reason="again")
        self.assertEqual(len(self._claim()), 1)
        passed = self.env["saas.operation"].search([("deletion_at", "!=", False)])
        passed.write({"deletion_at": fields.Datetime.now() - timedelta(hours=2)})
        self.assertEqual(len(self._claim()), 2)

    def test_the_brake_holds_up_nobody_else(self):
        self.env["ir.config_parameter"].set_param("saas.deletions_per_hour", "0")
        doomed = self._running("del-doomed")
        doomed._delete("test")
        other = self._sell("del-other")
        self.assertEqual([claim["spec"]["id"] for claim in self._claim()], [other.ref])

    def test_the_settings_can_stop_all_deletions(self):
        Settings = self.env["saas.configuration"].with_user(self._make_staff("owner"))
        Settings.create({"deletions_per_hour": 0}).execute()
        self._running("del-stopped")._delete("test")
        self.assertEqual(self._claim(), [])
        self.assertEqual(Settings.create({}).deletions_per_hour, 0)

    def test_the_settings_show_the_brake_that_holds_without_any(self):
        key = [("key", "=", "saas.deletions_per_hour")]
        self.env["ir.config_parameter"].search(key).unlink()
        Settings = self.env["saas.configuration"].with_user(self._make_staff("owner"))
        self.assertEqual(Settings.create({}).deletions_per_hour, 10)

    def test_a_running_operation_is_not_turned_into_a_deletion(self):
        tenant = self._sell("del-moved")
        claim = self._claim_one(tenant)
        tenant._delete("test")
        lease = {"operation": claim["operation"], "lease": claim["lease"]}
        self.assertFalse(self._control().renew(leases=[lease], lease_s=30)["moved"])
        self._finish(claim)
        again = self._claim_one(tenant)
        self.assertEqual(again["spec"]["desired"], "deleted")

    def test_a_tenants_record_is_kept(self):
        tenant = self._sell("del-record")
        with self.assertRaisesRegex(UserError, "schedule its deletion"):
            tenant.unlink()
