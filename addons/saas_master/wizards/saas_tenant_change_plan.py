from odoo import api, fields, models


class SaasTenantChangePlan(models.TransientModel):
    _name = "saas.tenant.change.plan"
    _description = "Change the Plan of a Tenant"
    _inherit = ["saas.dialog"]

    plan_id = fields.Many2one(
        "product.template",
        required=True,
        domain=[("is_saas_plan", "=", True)],
        compute="_compute_plan_id",
        store=True,
        readonly=False,
        precompute=True,
        ondelete="cascade",
    )

    @api.depends("tenant_id")
    def _compute_plan_id(self):
        for wizard in self:
            tenant = wizard.tenant_id
            wizard.plan_id = tenant.wished_plan_id or tenant.plan_id

    def action_confirm(self):
        self._tenant().change_plan(self.plan_id.id)
        return self._close()
