from odoo import fields, models

from ..models.free_text import reason_of


class SaasTenantOpen(models.TransientModel):
    _name = "saas.tenant.open"
    _description = "Open a Tenant as Staff"
    _inherit = ["saas.dialog"]

    reason = fields.Char(required=True, help="The customer can see it.")

    def action_confirm(self):
        """On to the page that signs on: the token is made there, so that it is never seen twice."""
        self._tenant()
        reason_of(self.env, self.reason)
        return {
            "type": "ir.actions.act_url",
            "url": f"/saas/open/{self.id}",
            "target": "new",
            "close": True,
        }

    def _sign_on(self):
        """A one-time token for whoever filled in this dialog.

        :raise UserError: why that cannot be now
        """
        return self._tenant()._staff_sign_on(self.reason)
