import psycopg2.errors

from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged
from odoo.tools import mute_logger

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestAudit(SaasCase):
    def test_nobody_changes_or_removes_an_entry_through_odoo(self):
        tenant = self._sell("audit-orm")
        entry = self._audit_of(tenant, "create")[:1]
        for user in (self.env.user, self._make_staff("owner")):
            mine = entry.with_user(user)
            for act in (lambda mine=mine: mine.write({"new": "x"}), mine.unlink):
                with self.assertRaises(UserError):
                    act()
            with self.assertRaises(UserError):
                mine.sudo().unlink()

    def test_nobody_changes_or_removes_an_entry_through_sql(self):
        self._sell("audit-sql")
        self.env.flush_all()
        for statement in (
            "UPDATE saas_audit_entry SET reason = 'x'",
            "DELETE FROM saas_audit_entry",
            "TRUNCATE saas_audit_entry",
        ):
            with (
                mute_logger("odoo.sql_db"),
                self.assertRaisesRegex(psycopg2.errors.RaiseException, "append-only"),
                self.env.cr.savepoint(),
            ):
                self.env.cr.execute(statement)

    def test_an_entry_outlives_a_merge_of_partners(self):
        columns = self.env["saas.audit.entry"]._fields.values()
        self.assertFalse([field.name for field in columns if field.type == "many2one"])

    def test_a_change_says_who_what_from_what_to_what(self):
        tenant = self._sell("audit-who")
        operator = self._make_staff("operator")
        tenant.with_user(operator).write({"banner_text": "Hello", "paused": True})
        entries = {entry.field: entry for entry in self._audit_of(tenant, "write")}
        banner = entries["banner_text"]
        self.assertEqual((banner.old, banner.new), ("", "Hello"))
        self.assertEqual((banner.user_id_int, banner.user_name), (operator.id, operator.name))
        self.assertEqual((banner.actor, banner.model), ("person", "saas.tenant"))
        self.assertEqual((banner.record_id_int, banner.record_name), (tenant.id, tenant.name))
        self.assertEqual((entries["paused"].old, entries["paused"].new), ("False", "True"))

    def test_a_plan_a_brake_and_a_target_are_audited_too(self):
        self.plan.saas_users = 11
        self.target.paused = True
        self.env["ir.config_parameter"].set_param("saas.deletions_per_hour", "3")
        Entry = self.env["saas.audit.entry"]
        plan = Entry.search([("model", "=", "product.template"), ("field", "=", "saas_users")])
        self.assertEqual((plan[:1].old, plan[:1].new), ("10", "11"))
        target = Entry.search([("model", "=", "saas.target"), ("field", "=", "paused")])
        self.assertEqual(target[:1].new, "True")
        setting = Entry.search([("action", "=", "setting")])[:1]
        self.assertEqual((setting.field, setting.new), ("saas.deletions_per_hour", "3"))

    def test_a_context_of_somebodys_own_says_nothing(self):
        tenant = self._sell("audit-context")
        operator = self._make_staff("operator")
        context = {
            "saas_actor": "sidecar",
            "saas_action": "storage_limit",
            "saas_reason": "nobody",
            "saas_no_spec": "new",
        }
        generation = tenant.generation
        tenant.with_user(operator).with_context(**context).write({"banner_text": "Hello"})
        self.assertFalse(self._audit_of(tenant, "storage_limit"))
        entry = self._audit_of(tenant, "write").filtered(lambda it: it.field == "banner_text")
        self.assertEqual((entry.actor, entry.reason), ("person", ""))
        self.assertEqual(tenant.generation, generation + 1)

    def test_the_end_of_a_source_of_addons_is_audited(self):
        release = self.env["saas.release"].create(
            {"name": "Audited", "odoo_version": "19.0", "source_ids": [(0, 0, {"path": "/srv/a"})]}
        )
        owner = self._make_staff("owner")
        source = release.source_ids
        release.with_user(owner).write({"source_ids": [(2, source.id, 0)]})
        entry = self.env["saas.audit.entry"].search([("action", "=", "unlink")])[:1]
        self.assertEqual((entry.model, entry.record_name), ("saas.release.source", "/srv/a"))
        self.assertEqual((entry.record_id_int, entry.user_id_int), (source.id, owner.id))

    def test_limits_are_changed_by_a_plan_only(self):
        tenant = self._sell("audit-limits")
        operator = self._make_staff("operator")
        limits = [name for name in tenant._fields if name.startswith("limit_")]
        self.assertEqual(len(limits), 6)
        for name in limits:
            with self.assertRaisesRegex(AccessError, name):
                tenant.with_user(operator).write({name: 999})
        self.plan.saas_users = 12
        self.assertEqual(tenant.limit_users, 12)

    def test_what_may_leave_a_tenant_is_changed_by_a_plan_only_and_audited(self):
        tenant = self._sell("audit-outgoing")
        operator = self._make_staff("operator")
        for name in ("outgoing_mail", "outgoing_https"):
            with self.assertRaisesRegex(AccessError, name):
                tenant.with_user(operator).write({name: False})
            self.plan[f"saas_{name}"] = False
            self.assertFalse(tenant[name])
            entry = self.env["saas.audit.entry"].search([("field", "=", f"saas_{name}")], limit=1)
            self.assertEqual((entry.record_name, entry.new_text), (self.plan.name, "No"))

    def test_all_that_a_person_writes_of_a_subscription_is_audited(self):
        tenant = self._sell("audit-agreement")
        subscription = tenant.subscription_id
        operator = self._make_staff("operator")
        other = self._make_customer("Other")
        # No page of theirs writes these: a command does, in their name.
        subscription.with_user(operator).sudo().write({"date_start": "2031-01-01", "price": 1.0})
        nobody = self.env["res.users"]
        tenant.with_user(operator)._change_owner(other, nobody, "Sold")
        entries = self.env["saas.audit.entry"].search(
            [
                ("model", "=", "saas.subscription"),
                ("record_id_int", "=", subscription.id),
                ("user_id_int", "=", operator.id),
            ]
        )
        self.assertEqual(set(entries.mapped("field")), {"partner_id", "date_start", "price"})
        partner = entries.filtered(lambda entry: entry.field == "partner_id")
        self.assertEqual((partner.old, partner.new), ("Acme", "Other"))

    def test_what_the_sidecar_tells_is_no_action_of_a_person(self):
        before = self.env["saas.audit.entry"].search_count([("actor", "=", "person")])
        tenant = self._sell("audit-sidecar")
        here = self.env["saas.audit.entry"].search_count([("actor", "=", "person")])
        self._provision(tenant)
        after = self.env["saas.audit.entry"].search_count([("actor", "=", "person")])
        self.assertEqual(after, here)
        self.assertGreaterEqual(here, before)

    def test_an_entry_is_read_in_words(self):
        tenant = self._sell("audit-words")
        entry = self.env["saas.audit.entry"]._log(
            tenant, "suspend", field="desired", old="running", new="suspended"
        )
        self.assertEqual(
            (entry.model_label, entry.field_label, entry.old_text, entry.new_text),
            ("Tenant", "Desired State", "Running", "Suspended"),
        )
        tenant.paused = True
        paused = self._audit_of(tenant, "write").filtered(lambda entry: entry.field == "paused")
        self.assertEqual((paused.old_text, paused.new_text), ("No", "Yes"))
        tenant.subscription_id.trial_end = "2031-05-17"
        day = self._audit_of(tenant, "write").filtered(lambda entry: entry.field == "trial_end")
        self.assertEqual((day.field_label, day.new_text), ("Trial Until", "05/17/2031"))
        self.env["ir.config_parameter"].set_param("saas.grace_days", "3")
        setting = self.env["saas.audit.entry"].search([("action", "=", "setting")], limit=1)
        self.assertEqual((setting.field_label, setting.new_text), ("Days of Grace", "3"))

    def test_an_entry_about_what_is_gone_is_still_read(self):
        entry = self.env["saas.audit.entry"].create(
            {
                "at": "2031-01-01 00:00:00",
                "actor": "person",
                "action": "write",
                "model": "saas.of.long.ago",
                "field": "colour",
                "old": "red",
                "new": "blue",
            }
        )
        self.assertEqual(
            (entry.model_label, entry.field_label, entry.new_text),
            ("saas.of.long.ago", "colour", "blue"),
        )
