from odoo import api, fields, models


class SaasStrayAdopt(models.TransientModel):
    """Asks whose it is."""

    _name = "saas.stray.adopt"
    _description = "Adopt an Unknown Tenant"

    stray_id = fields.Many2one(
        "saas.stray", "Unknown Tenant", required=True, readonly=True, ondelete="cascade"
    )
    hosts = fields.Char(related="stray_id.hosts")
    partner_id = fields.Many2one("res.partner", "Customer", required=True, ondelete="cascade")
    plan_id = fields.Many2one(
        "product.template",
        required=True,
        domain=[("is_saas_plan", "=", True)],
        ondelete="cascade",
    )
    slug = fields.Char(
        "Subdomain",
        required=True,
        compute="_compute_slug",
        store=True,
        readonly=False,
        precompute=True,
    )

    @api.depends("stray_id")
    def _compute_slug(self):
        """Where people find it already, if that is below the operator's own domain."""
        domain = self.env["saas.tenant"]._host_of("")
        for wizard in self:
            names = wizard.stray_id._host_names() if wizard.stray_id else []
            slugs_there = [name.removesuffix(domain) for name in names if name.endswith(domain)]
            wizard.slug = slugs_there[0] if slugs_there else wizard.slug

    def action_confirm(self):
        self.ensure_one()
        tenant = self.stray_id.adopt(self.partner_id.id, self.plan_id.id, self.slug)
        return self.env["saas.tenant"].browse(tenant)._get_records_action()
