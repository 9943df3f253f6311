from odoo import models


class SaasTenantLive(models.Model):
    """Tells those who look at a tenant that it changed, over Odoo's bus."""

    _inherit = "saas.tenant"

    def _notify_changed(self):
        """Staff see the tenant, its customer the progress; sent only once this is committed."""
        group = self.env.ref("saas_master.group_saas_viewer").sudo()
        for tenant in self.sudo():
            group._bus_send(
                "saas.tenant/changed",
                {
                    "id": tenant.id,
                    "phase": tenant.phase,
                    "desired": tenant.desired,
                    "message": tenant.message or "",
                    "url": tenant.url,
                },
            )
            tenant._notify_customer()

    def _notify_customer(self):
        """To everybody of the customer who can sign on to the portal, in their own language."""
        self.ensure_one()
        customer = self.partner_id.commercial_partner_id
        users = self.env["res.users"].search([("partner_id", "child_of", customer.ids)])
        for user in users:
            user.partner_id._bus_send(
                "saas.tenant/progress", self.with_context(lang=user.lang)._progress()
            )

    def _progress(self):
        running = self.operation_ids.filtered(lambda operation: operation.state == "running")
        # What waits behind it has no steps yet.
        operation = running or self.operation_ids.sorted("id")[-1:]
        return {
            "id": self.id,
            "phase": self.phase,
            # What staff read is not for customers; why it is suspended is.
            "message": self.suspend_reason or "" if self.desired == "suspended" else "",
            "steps": [
                {
                    "number": step.number,
                    "name": step.name,
                    "label": step.label,
                    "state": step.state,
                }
                for step in operation.step_ids
            ],
            "url": self.url,
        }
