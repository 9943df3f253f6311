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

    url = fields.Char("Address", compute="_compute_url")
    problem = fields.Char(compute="_compute_url")
    free = fields.Char("Free Address", compute="_compute_url")

    @api.depends("tenant_id")
    def _compute_slug(self):
        for wizard in self:
            wizard.slug = wizard.tenant_id.slug

    @api.depends("slug")
    def _compute_url(self):
        """What the address would be, or why it cannot be had, while it is typed."""
        for wizard in self:
            tenant = wizard.tenant_id
            slug = tenant._normalize_slug(wizard.slug)
            other = slug and slug != tenant.slug
            wizard.problem = tenant._slug_problem(slug, besides=tenant) if other else False
            free = tenant._free_slug(slug, besides=tenant) if wizard.problem else False
            wizard.free = free
            good = slug and not wizard.problem
            wizard.url = tenant._url_of(tenant._host_of(slug)) if good else False

    def action_use_free(self):
        self.ensure_one()
        self.slug = self.free or self.slug
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Rename"),
            "res_model": self._name,
            "res_id": self.id,
            "views": [(False, "form")],
            "target": "new",
        }

    def action_confirm(self):
        self._tenant().rename(self.slug)
        return self._close()
