from odoo import api, models
from odoo.exceptions import ValidationError


class SaasSubscriptionRules(models.Model):
    """What is true of a subscription however it is written."""

    _inherit = "saas.subscription"

    @api.model
    def _fields_by_hand(self):
        return frozenset(["cancel_at_period_end"])

    @api.constrains("plan_id", "tenant_id")
    def _check_plan(self):
        for subscription in self:
            tenant = subscription.tenant_id
            is_its_own = tenant.subscription_id == subscription
            if tenant and is_its_own and tenant.plan_id != subscription.plan_id:
                raise ValidationError(
                    self.env._(
                        "%(tenant)s runs on the plan “%(plan)s”. Use “Change Plan” on its page, "
                        "which changes tenant and subscription together.",
                        tenant=tenant.name,
                        plan=tenant.plan_id.name,
                    )
                )

    @api.constrains("price")
    def _check_price(self):
        for subscription in self:
            if subscription.price < 0:
                raise ValidationError(self.env._("The price cannot be negative."))
