from odoo import fields, models


class SaasTenantDeleteNow(models.TransientModel):
    _name = "saas.tenant.delete.now"
    _description = "Delete a Tenant Now"
    _inherit = ["saas.dialog"]
    _group = "saas_master.group_saas_owner"

    slug = fields.Char("Its Address", related="tenant_id.slug")
    confirmation = fields.Char("Address")

    def action_confirm(self):
        self._tenant().delete_now(self.confirmation)
        return self._close()
