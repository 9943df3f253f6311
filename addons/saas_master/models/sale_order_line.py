from odoo import models
from odoo.exceptions import UserError
from odoo.tools import email_normalize


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _saas_subscriptions(self):
        return self.env["saas.subscription"].sudo().search([("order_line_id", "in", self.ids)])

    def _saas_is_provided(self):
        """Whether it has a tenant that lives: confirming again makes no second one."""
        self.ensure_one()
        return any(self._saas_subscriptions().tenant_id.mapped(lambda t: t.desired != "deleted"))

    def _saas_provide(self, slug):
        """The subscription and the tenant that the customer has bought with this line."""
        self.ensure_one()
        order, plan = self.order_id, self.product_id.product_tmpl_id
        problem = self.env["saas.tenant"]._slug_problem(slug)
        if problem:
            raise UserError(problem)
        customer = order.partner_id.commercial_partner_id
        # sudo: whoever may confirm an order may make what is bought with it
        subscription = (
            self.env["saas.subscription"]
            .sudo()
            .create(
                {
                    "partner_id": customer.id,
                    "plan_id": plan.id,
                    "order_id": order.id,
                    "order_line_id": self.id,
                    "period": plan.saas_period or "monthly",
                    "price": self.price_subtotal,
                    "currency_id": order.currency_id.id,
                }
            )
        )
        tenant = (
            self.env["saas.tenant"]
            .sudo()
            .create(
                {
                    "name": customer.name,
                    "slug": slug,
                    "partner_id": order.partner_id.id,
                    "owner_id": customer.id,
                    "plan_id": plan.id,
                    "subscription_id": subscription.id,
                    "order_id": order.id,
                    **self._saas_bootstrap(customer),
                }
            )
        )
        subscription.tenant_id = tenant
        subscription._begin()
        return tenant

    def _saas_bootstrap(self, customer):
        """What the new Odoo is told about its owner."""
        person = self.order_id.partner_id
        country = customer.country_id or self.order_id.company_id.country_id
        return {
            "bootstrap_company": customer.name,
            "bootstrap_country": country.code or "",
            "bootstrap_lang": person.lang or self.env.lang or "en_US",
            "bootstrap_timezone": person.tz or self.env.user.tz or "",
            "bootstrap_user_name": person.name,
            "bootstrap_user_login": email_normalize(person.email),
        }
