from odoo import fields, models

from ..models.said import Said


class SaasTenantSuspend(models.TransientModel):
    _name = "saas.tenant.suspend"
    _description = "Suspend a Tenant"
    _inherit = ["saas.dialog"]

    reason = fields.Char(required=True, help="The customer sees it in the portal.")

    def action_confirm(self):
        tenant = self._tenant().sudo().with_context(saas_action=Said("suspend"))
        tenant._hold("person", self.reason.strip())
        return self._close()
