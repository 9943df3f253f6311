from odoo import api, models
from odoo.exceptions import UserError, ValidationError


class SaleOrderRules(models.Model):
    """What an order with an Odoo plan must be like, however it is written."""

    _inherit = "sale.order"

    def write(self, vals):
        if "saas_slug" in vals and not self.env.su:
            self.check_access("write")
            self._check_saas_slug_is_open(vals["saas_slug"])
        return super().write(vals)

    def _check_saas_slug_is_open(self, slug):
        for order in self:
            given = order.sudo().saas_tenant_ids.filtered(lambda t: t.desired != "deleted")
            same = self.env["saas.tenant"]._normalize_slug(slug) == (order.saas_slug or "")
            if order.state == "sale" and given and not same:
                raise UserError(
                    self.env._(
                        "%s already has its Odoo. To change the address, use “Rename” on the page "
                        "of the tenant.",
                        order.name,
                    )
                )

    def _check_saas(self, lines):
        for product in lines.product_id:
            problem = self._saas_archived(product)
            if problem:
                raise UserError(problem)
        return super()._check_saas(lines)

    def _saas_archived(self, product):
        """What of the quotation is not there any more, in words, or ""."""
        plan, customer = product.product_tmpl_id, self.partner_id
        if plan.active and not product.active:
            return self.env._(
                "“%s” is archived and no longer sold. Choose another plan.",
                product.display_name,
            )
        if not customer.active or not customer.commercial_partner_id.active:
            return self.env._(
                "The contact %s is archived. Unarchive it, or choose another customer.",
                customer.name,
            )
        if self.pricelist_id and not self.pricelist_id.active:
            return self.env._(
                "The pricelist “%s” is archived. Choose another one and update the prices, then "
                "confirm again.",
                self.pricelist_id.name,
            )
        return plan._saas_problem(self.company_id)


class SaleOrderLineRules(models.Model):
    """A line that was confirmed stands for the Odoo that was made for it."""

    _inherit = "sale.order.line"

    def write(self, vals):
        if "product_id" in vals:
            self._check_saas_product_stays(vals["product_id"])
        return super().write(vals)

    def _check_saas_product_stays(self, product_id):
        for line in self.filtered(lambda line: line.product_id.id != product_id):
            if line.state == "sale" and line._saas_is_provided():
                raise UserError(
                    self.env._(
                        "An Odoo was set up for the line “%s”. Keep the line, and use “Change "
                        "Plan” on the page of the tenant.",
                        line.product_id.display_name,
                    )
                )

    @api.constrains("product_id", "product_uom_qty")
    def _check_saas_confirmed(self):
        plans = self.filtered(lambda line: line.state == "sale" and line.product_id.is_saas_plan)
        for line in plans:
            provided = bool(line._saas_subscriptions())
            if not provided and line.order_id.sudo().saas_tenant_ids:
                raise ValidationError(
                    self.env._(
                        "%s is confirmed, so adding a plan to it sets up no Odoo. Use a new order "
                        "for it.",
                        line.order_id.name,
                    )
                )
            if provided and line.product_uom_qty > 1:
                raise ValidationError(
                    self.env._(
                        "Each Odoo needs an address of its own. Keep the quantity of “%s” at 1, "
                        "and use a new order for each further one.",
                        line.product_id.display_name,
                    )
                )
