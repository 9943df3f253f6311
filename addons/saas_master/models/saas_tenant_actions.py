from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import LazyTranslate

from . import host_name
from .each_alone import each_due
from .said import Said

_lt = LazyTranslate(__name__)

NOT_DELETED = _lt("Its scheduled deletion could not be begun")
OWNER = "saas_master.group_saas_owner"


class SaasTenantActions(models.Model):
    """What people do to a tenant. Each checks who asks, and is audited with its reason."""

    _inherit = "saas.tenant"

    can_retry = fields.Boolean(compute="_compute_can_retry")
    operation_count = fields.Integer(compute="_compute_operation_count")
    audit_count = fields.Integer("Audit Entries", compute="_compute_audit_count")

    @api.depends("operation_ids.state", "phase")
    def _compute_can_retry(self):
        Operation = self.env["saas.operation"]
        for tenant in self:
            # Of all that it ever had, the last one only.
            last = Operation.search([("tenant_id", "in", tenant.ids)], order="id desc", limit=1)
            stuck = last.state in ("failed", "set_aside", "cancelled")
            waits = last.state == "queued" and bool(last.not_before)
            tenant.can_retry = stuck or waits or (not last and bool(tenant.id))

    @api.depends("operation_ids")
    def _compute_operation_count(self):
        counts = dict(
            self.env["saas.operation"]._read_group(
                [("tenant_id", "in", self.ids)], ["tenant_id"], ["__count"]
            )
        )
        for tenant in self:
            tenant.operation_count = counts.get(tenant._origin, 0)

    @api.depends("ref")
    def _compute_audit_count(self):
        for tenant in self:
            tenant.audit_count = self.env["saas.audit.entry"].search_count(
                [("tenant_ref", "=", tenant.ref)]
            )

    # Buttons that ask something first

    def action_suspend(self):
        return self._wizard("saas.tenant.suspend", self.env._("Suspend"))

    def action_rename(self):
        return self._wizard("saas.tenant.rename", self.env._("Rename"))

    def action_add_host(self):
        return self._wizard("saas.tenant.add.host", self.env._("Add an Address"))

    def action_change_plan(self):
        return self._wizard("saas.tenant.change.plan", self.env._("Change Plan"))

    def action_schedule_deletion(self):
        return self._wizard("saas.tenant.schedule.deletion", self.env._("Schedule Deletion"))

    def action_delete_now(self):
        return self._wizard("saas.tenant.delete.now", self.env._("Delete Now"), OWNER)

    def action_open(self):
        return self._wizard("saas.tenant.open", self.env._("Open as Staff"))

    def _wizard(self, model, name, group="saas_master.group_saas_operator"):
        self.ensure_one()
        self._check_can_change(group)
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "form",
            "target": "new",
            "context": {"default_tenant_id": self.id},
        }

    # Buttons that act at once

    def action_resume(self):
        self._check_can_change()
        for tenant in self.sudo():
            if tenant.desired != "suspended":
                raise UserError(self.env._("%s is not suspended.", tenant.name))
            if tenant.suspend_cause == "subscription":
                raise UserError(
                    self.env._(
                        "%(tenant)s is suspended because of its subscription. To resume it, set "
                        "the subscription %(subscription)s to active.",
                        tenant=tenant.name,
                        subscription=tenant.subscription_id.name,
                    )
                )
            if tenant.suspend_cause == "storage":
                raise UserError(
                    self.env._(
                        "%s is suspended because it uses far more storage than its plan includes. "
                        "To resume it, change to a larger plan.",
                        tenant.name,
                    )
                )
            tenant.with_context(saas_action=Said("resume"))._lift("person")
        return True

    def action_retry(self):
        """Try again at once whatever failed or waits."""
        self._check_can_change_or_delete()
        for tenant in self.sudo():
            if not tenant.target_id:
                tenant._place()
            tenant._take_corrected_template()
            self.env["saas.audit.entry"]._log(tenant, "retry")
            if tenant.target_id:
                reason = self.env._("%s requested a retry.", self.env.user.name)
                self.env["saas.operation"].sudo()._queue("reconcile", tenant=tenant, reason=reason)
        return True

    def _take_corrected_template(self):
        """Nothing was ever made of a template that failed: what its plan says by now counts."""
        self.ensure_one()
        if self.template_id.state == "failed" and not self.ready_at and self.desired != "deleted":
            self.template_id = self.env["saas.template"]._get(self.plan_id, self.server_id)

    def action_cancel_deletion(self):
        self._check_can_change()
        for tenant in self.sudo():
            if not tenant.delete_after:
                raise UserError(self.env._("No deletion of %s is scheduled.", tenant.name))
            tenant.with_context(saas_action=Said("cancel_deletion")).write({"delete_after": False})
            tenant._refresh_notice()
        return True

    def action_pause(self):
        self._check_can_change_or_delete()
        self.write({"paused": True})
        return True

    def action_unpause(self):
        self._check_can_change_or_delete()
        self.write({"paused": False})
        return True

    # What the wizards do

    def _rename(self, slug):
        """Move to another slug: the host made of the old one becomes the one made of the new.

        The customer's own addresses, and which one is primary, stay as they are.
        """
        self.ensure_one()
        slug = self._normalize_slug(slug)
        if slug == self.slug:
            raise UserError(self.env._("This is already the address."))
        problem = self._slug_problem(slug, besides=self)
        if problem:
            raise UserError(problem)
        tenant = self.sudo().with_context(saas_action=Said("rename"))
        before, after = self._host_of(tenant.slug), self._host_of(slug)
        host = tenant.host_ids.filtered(lambda host: host.name == before)
        there = tenant.host_ids.filtered(lambda host: host.name == after)
        tenant.write({"slug": slug})
        if not host and not there:
            there.create({"name": after, "tenant_id": tenant.id})
        elif not there:
            host.write({"name": after})
        elif host:
            if host.primary:
                tenant._make_primary(there)
            host.unlink()

    def _add_host(self, name, primary):
        self.ensure_one()
        name = host_name.normalize(name)
        Host = self.env["saas.tenant.host"].sudo().with_context(saas_action=Said("add_host"))
        if Host.search_count([("name", "=", name)], limit=1):
            raise UserError(self.env._("“%s” is taken already. Choose another address.", name))
        problem = self._host_problem(name)
        if problem:
            raise UserError(problem)
        host = Host.create({"name": name, "tenant_id": self.id})
        if primary:
            self.sudo()._make_primary(host)

    def _make_primary(self, host):
        self.ensure_one()
        (self.host_ids - host).filtered("primary").write({"primary": False})
        # One primary at a time, in the database too.
        self.env.flush_all()
        host.write({"primary": True})

    def _change_plan(self, plan):
        self.ensure_one()
        tenant = self.sudo().with_context(saas_action=Said("change_plan"))
        problem = plan._saas_problem(tenant.company_id)
        if problem:
            raise UserError(problem)
        if (plan.saas_database_strategy or "shared") != tenant.database_strategy:
            raise UserError(
                self.env._(
                    "The plan “%s” has its database elsewhere: on a server of its own, or on a "
                    "shared one. A database is not moved from one to the other yet. Choose a plan "
                    "of the same kind, or make a new Odoo and take the data over.",
                    plan.name,
                )
            )
        tenant._check_room_for(plan.saas_connections)
        tenant.write({"plan_id": plan.id})
        tenant._drop_wish()
        tenant.subscription_id.write({"price": plan.list_price})
        tenant._usage_changed()

    def _schedule_deletion(self, delete_after, reason):
        self.ensure_one()
        tenant = self.sudo().with_context(
            saas_action=Said("schedule_deletion"), saas_reason=Said(reason)
        )
        tenant.write({"delete_after": delete_after})
        tenant._refresh_notice()
        tenant._send_to_customer("saas_master.mail_template_deletion_scheduled")

    def _delete(self, reason):
        """The point of no return: a final backup, and then everything goes."""
        for tenant in self.sudo().filtered(lambda tenant: tenant.desired != "deleted"):
            values = {"desired": "deleted", "suspend_reason": False, "suspend_cause": False}
            if not tenant.delete_after:
                values["delete_after"] = fields.Datetime.now()
            tenant.with_context(saas_action=Said("delete"), saas_reason=Said(reason)).write(values)
            if tenant.subscription_id.state != "ended":
                tenant.subscription_id._set_state("ended", reason)
            if tenant._is_untouched():
                tenant._retire()

    def _is_untouched(self):
        """No worker was ever given it, so there is nothing in the world that could be deleted."""
        self.ensure_one()
        return not self.epoch

    def _retire(self):
        """It is gone: what waits for it is dropped, and its address is free."""
        for tenant in self.sudo():
            queued = tenant.operation_ids.filtered(lambda operation: operation.state == "queued")
            queued._end("cancelled", self.env._("The tenant is deleted."))
            tenant.status_id._set_phase("deleted")
            tenant.write({"released": True})
            tenant.host_ids.unlink()
        self._notify_changed()

    @api.model
    def _cron_delete_due(self):
        """Scheduled deletions whose day has come."""
        due = [
            ("delete_after", "<=", fields.Datetime.now()),
            ("desired", "!=", "deleted"),
        ]
        each_due(self, due, lambda tenant: tenant._delete_due(), NOT_DELETED)

    def _delete_due(self):
        for tenant in self:
            day = fields.Datetime.to_string(tenant.delete_after)
            tenant._delete(self.env._("Its deletion was scheduled for %s UTC.", day))

    def _check_can_change_or_delete(self):
        """For what helps a deletion that is under way as well."""
        self._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        for tenant in self:
            if tenant.released:
                raise UserError(self.env._("%s is already deleted.", tenant.name))

    # Where the numbers lead

    def action_view_operations(self):
        self._check_can_see()
        return self._view("saas.operation", self.env._("Operations"), [("tenant_id", "=", self.id)])

    def action_view_audit(self):
        self._check_can_see()
        domain = [("tenant_ref", "=", self.ref)]
        return self._view("saas.audit.entry", self.env._("Audit Log"), domain)

    def action_view_subscription(self):
        self._check_can_see()
        return self.subscription_id._get_records_action()

    def action_view_order(self):
        self._check_can_see()
        return self.order_id._get_records_action()

    def _check_can_see(self):
        self._check_group("saas_master.group_saas_viewer")
        self.check_access("read")

    def _view(self, model, name, domain):
        self.ensure_one()
        return {
            "type": "ir.actions.act_window",
            "name": name,
            "res_model": model,
            "view_mode": "list,form",
            "domain": domain,
        }
