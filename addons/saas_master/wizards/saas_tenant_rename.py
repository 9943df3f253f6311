from odoo import api, fields, models


class SaasTenantRename(models.TransientModel):
    _name = "saas.tenant.rename"
    _description = "Rename a Tenant"
    _inherit = ["saas.dialog"]

    slug = fields.Char(
        "New Address",
        required=True,
        compute="_compute_slug",
        store=True,
        readonly=False,
        precompute=True,
    )

    @api.depends("tenant_id")
    def _compute_slug(self):
        for wizard in self:
            wizard.slug = wizard.tenant_id.slug

    def action_confirm(self):
        self._tenant()._rename(self.slug)
        return self._close()
