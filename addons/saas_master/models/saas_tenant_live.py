from odoo import models

from .language import spoken
from .staff_bus import tell_staff


class SaasTenantLive(models.Model):
    """Tells those who look at a tenant that it changed, over Odoo's bus."""

    _inherit = "saas.tenant"

    def _notify_changed(self):
        """Staff see the tenant, its customer the progress; sent only once this is committed."""
        for tenant in self.sudo():
            tell_staff(
                self.env,
                tenant.company_id,
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
        for lang, speakers in self._owner_users().grouped("lang").items():
            progress = self.with_context(lang=spoken(self.env, lang))._progress()
            for user in speakers:
                user.partner_id._bus_send("saas.tenant/progress", progress)

    def _progress(self):
        Operation = self.env["saas.operation"]
        mine = [("tenant_id", "=", self.id)]
        running = Operation.search([*mine, ("state", "=", "running")])
        # What waits behind it has no steps yet.
        operation = running or Operation.search(mine, order="id desc", limit=1)
        return {
            "id": self.id,
            "phase": self.phase,
            # What staff read is not for customers; why it is suspended is.
            "message": self._hold_words() if self.desired == "suspended" else "",
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
