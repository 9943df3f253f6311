from odoo import fields, models


class SaasTenantSuspend(models.TransientModel):
    _name = "saas.tenant.suspend"
    _description = "Suspend a Tenant"
    _inherit = ["saas.dialog"]

    reason = fields.Char(required=True, help="The customer sees it in the portal.")

    def action_confirm(self):
        self._tenant().suspend(self.reason)
        return self._close()
