from odoo import api, fields, models


class SaasTenantChangeOwner(models.TransientModel):
    _name = "saas.tenant.change.owner"
    _description = "Change the Owner of a Tenant"
    _inherit = ["saas.dialog"]

    owner_id = fields.Many2one(
        "res.partner",
        required=True,
        compute="_compute_owner",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
        help="A company, or a person without a company. Its users see it in the portal.",
    )
    first_user_id = fields.Many2one(
        "res.users",
        compute="_compute_owner",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
        help="Opens it as its administrator. Leave empty to decide later.",
    )
    reason = fields.Char(required=True)

    @api.depends("tenant_id")
    def _compute_owner(self):
        for wizard in self:
            wizard.owner_id = wizard.tenant_id.owner_id
            wizard.first_user_id = wizard.tenant_id.first_user_id

    def action_confirm(self):
        self._tenant().change_owner(self.owner_id.id, self.first_user_id.id, self.reason)
        return self._close()
