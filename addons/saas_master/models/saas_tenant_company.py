from odoo import api, fields, models


class SaasTenantCompany(models.Model):
    """Which of the operator's companies has sold it: only its staff see and change it."""

    _inherit = "saas.tenant"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        precompute=True,
        index=True,
    )
    plan_id = fields.Many2one(check_company=True)

    @api.depends("order_id")
    def _compute_company_id(self):
        for tenant in self:
            tenant.company_id = (
                tenant.order_id.company_id
                or tenant.company_id
                or tenant.plan_id.company_id
                or self.env.company
            )


class SaasTenantStatusCompany(models.Model):
    _inherit = "saas.tenant.status"

    # The other way round, for the rule that says who sees it.
    tenant_ids = fields.One2many("saas.tenant", "status_id")


class SaasSubscriptionCompany(models.Model):
    _inherit = "saas.subscription"
    _check_company_auto = True

    company_id = fields.Many2one(
        "res.company",
        compute="_compute_company_id",
        store=True,
        precompute=True,
        index=True,
    )
    plan_id = fields.Many2one(check_company=True)

    @api.depends("order_id", "tenant_id")
    def _compute_company_id(self):
        for subscription in self:
            subscription.company_id = (
                subscription.order_id.company_id
                or subscription.tenant_id.company_id
                or subscription.company_id
                or subscription.plan_id.company_id
                or self.env.company
            )
