from odoo import fields, models
from odoo.exceptions import UserError
from odoo.fields import Domain

from .language import spoken
from .said import Said


class SaasTenantWish(models.Model):
    """A customer asks for another plan in the portal; whoever looks after them carries it out."""

    _inherit = "saas.tenant"

    wished_plan_id = fields.Many2one(
        "product.template", "Requested Plan", readonly=True, ondelete="set null"
    )

    def _other_plans(self):
        """What its customer could have instead, from the cheapest on."""
        self.ensure_one()
        Plan = self.env["product.template"]
        on_sale = Domain("is_saas_plan", "=", True) & Domain("sale_ok", "=", True)
        on_sale &= Domain(Plan._check_company_domain(self.sudo().company_id))
        plans = Plan.search(on_sale, order="list_price, id")
        return plans - self.plan_id

    def _wish_plan(self, plan):
        """:raise UserError: it is not one that can be had"""
        self.ensure_one()
        if self.desired == "deleted" or plan not in self._other_plans():
            raise UserError(self.env._("This plan is no longer available. Choose another one."))
        if plan == self.wished_plan_id:
            return
        self._drop_wish()
        self.with_context(saas_action=Said("wish_plan")).write({"wished_plan_id": plan.id})
        self.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=self._wish_summary(),
            note=self.env._(
                "%(person)s requested the plan “%(plan)s” in the portal. Agree on it with the "
                "customer, then use “Change Plan”.",
                person=self.env.user.name,
                plan=plan.name,
            ),
            user_id=self._responsible().id,
        )

    def _drop_wish(self):
        """It was granted, or is another one now."""
        for tenant in self.filtered("wished_plan_id"):
            tenant.wished_plan_id = False
            tenant.activity_ids.filtered_domain([("summary", "=", tenant._wish_summary())]).unlink()

    def _wish_summary(self):
        """In the language of who reads it, whoever asks."""
        reader = self.with_context(lang=spoken(self.env, self._responsible().lang))
        return reader.env._("Another plan was requested")
