from odoo import fields, models


class SaasTenantAddHost(models.TransientModel):
    _name = "saas.tenant.add.host"
    _description = "Add an Address to a Tenant"
    _inherit = ["saas.dialog"]

    name = fields.Char("Address", required=True)
    primary = fields.Boolean("Use as Primary Address")

    def action_confirm(self):
        self._tenant().add_host(self.name, self.primary)
        return self._close()
