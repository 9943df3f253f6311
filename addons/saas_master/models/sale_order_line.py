from odoo import models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from .language import spoken


class SaleOrderLine(models.Model):
    _inherit = "sale.order.line"

    def _saas_subscriptions(self):
        return self.env["saas.subscription"].sudo().search([("order_line_id", "in", self.ids)])

    def _saas_is_provided(self):
        """Whether it has a tenant that lives: confirming again makes no second one."""
        self.ensure_one()
        return any(self._saas_subscriptions().tenant_id.mapped(lambda t: t.desired != "deleted"))

    def _saas_withdrawn(self):
        """What a cancelled order had asked for with this line, and that is not gone yet."""
        tenants = self._saas_subscriptions().tenant_id
        return tenants.filtered(lambda t: t.desired == "deleted" and not t.released)

    def _saas_provide(self, slug):
        """The subscription and the tenant that the customer has bought with this line."""
        self.ensure_one()
        # sudo: whoever may confirm an order may make what is bought with it
        Tenant = self.env["saas.tenant"].sudo()
        withdrawn = self.order_id._saas_withdrawn()
        problem = Tenant._slug_problem(slug, besides=withdrawn)
        if problem:
            raise UserError(problem)
        wanted = self._saas_wanted(slug)
        tenant = self._saas_withdrawn().filtered(lambda t: t._can_go_on(wanted))[:1]
        subscription = self._saas_subscribe()
        if tenant:
            tenant._go_on(subscription)
        else:
            host = Tenant._host_of(slug)
            withdrawn.filtered(lambda t: host in t.host_ids.mapped("name"))._give_up_address()
            more = {"name": wanted["bootstrap_company"], "subscription_id": subscription.id}
            tenant = Tenant.create({**wanted, **more})
        subscription.tenant_id = tenant
        subscription._begin()
        return tenant

    def _saas_subscribe(self):
        order, plan = self.order_id, self.product_id.product_tmpl_id
        values = {
            "partner_id": order.partner_id.commercial_partner_id.id,
            "plan_id": plan.id,
            "order_id": order.id,
            "order_line_id": self.id,
            "period": plan.saas_period or "monthly",
            "price": self.price_subtotal,
            "currency_id": order.currency_id.id,
        }
        return self.env["saas.subscription"].sudo().create(values)

    def _saas_wanted(self, slug):
        """Values of the tenant."""
        order = self.order_id
        customer = order.partner_id.commercial_partner_id
        return {
            "slug": slug,
            "partner_id": order.partner_id.id,
            "owner_id": customer.id,
            "plan_id": self.product_id.product_tmpl_id.id,
            "order_id": order.id,
            **self._saas_bootstrap(customer),
        }

    def _saas_bootstrap(self, customer):
        """What the new Odoo is told about its owner."""
        person = self.order_id.partner_id
        country = customer.country_id or self.order_id.company_id.country_id
        return {
            "bootstrap_company": customer.name,
            "bootstrap_country": country.code or "",
            "bootstrap_lang": spoken(self.env, person.lang or self.env.lang),
            "bootstrap_timezone": person.tz or self.env.user.tz or "",
            "bootstrap_user_name": person.name,
            "bootstrap_user_login": email_normalize(person.email),
        }
