from odoo import api, fields, models
from odoo.exceptions import UserError
from odoo.tools import email_normalize

from .language import spoken


class SaleOrder(models.Model):
    _inherit = "sale.order"

    saas_slug = fields.Char(
        "Requested Address",
        copy=False,
        help="The first part of the address of the customer's Odoo.",
    )
    has_saas_plan = fields.Boolean(compute="_compute_has_saas_plan")
    saas_url_preview = fields.Char("Address", compute="_compute_saas_slug_problem")
    saas_slug_problem = fields.Char("Problem", compute="_compute_saas_slug_problem")
    saas_slug_free = fields.Char("Free Address", compute="_compute_saas_slug_problem")
    saas_tenant_ids = fields.One2many("saas.tenant", "order_id", "Odoos", copy=False)
    saas_tenant_count = fields.Integer(compute="_compute_saas_tenant_count")

    @api.depends("order_line.product_id.is_saas_plan")
    def _compute_has_saas_plan(self):
        for order in self:
            order.has_saas_plan = bool(order._saas_lines())

    @api.depends("saas_slug", "state", "partner_id", "order_line.product_id.is_saas_plan")
    def _compute_saas_slug_problem(self):
        Tenant = self.env["saas.tenant"]
        for order in self:
            slug = Tenant._normalize_slug(order.saas_slug)
            asked = order._saas_lines_to_provide() and order.state not in ("sale", "cancel")
            besides = order._saas_withdrawn()
            is_wished = asked and slug and not order._saas_has_address(slug)
            problem = is_wished and Tenant._slug_problem(slug, besides=besides)
            order.saas_slug_problem = problem or False
            free = Tenant._free_slug(slug, besides=besides) if problem else False
            order.saas_slug_free = free
            if asked and order.partner_id and not slug:
                # What it will be is told before, not found out afterwards.
                slug = order._saas_suggest_slug()
            good = slug and not order.saas_slug_problem
            order.saas_url_preview = Tenant._url_of(Tenant._host_of(slug)) if good else False

    @api.depends("saas_tenant_ids")
    def _compute_saas_tenant_count(self):
        for order in self:
            order.saas_tenant_count = len(order.sudo().saas_tenant_ids)

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("saas_slug"):
                vals["saas_slug"] = self.env["saas.tenant"]._normalize_slug(vals["saas_slug"])
        return super().create(vals_list)

    def write(self, vals):
        if vals.get("saas_slug"):
            vals = {**vals, "saas_slug": self.env["saas.tenant"]._normalize_slug(vals["saas_slug"])}
        return super().write(vals)

    def action_use_free_slug(self):
        self.ensure_one()
        self.saas_slug = self.saas_slug_free or self.saas_slug

    def _saas_lines(self):
        return self.order_line.filtered(lambda line: line.product_id.is_saas_plan)

    # Confirmed

    def _action_confirm(self):
        result = super()._action_confirm()
        for order in self:
            order._saas_forget_cancelled()
            order._saas_provision()
        return result

    def _saas_forget_cancelled(self):
        """What a person was to decide on is decided."""
        to_dos = self.sudo().saas_tenant_ids.activity_ids
        for to_do in to_dos:
            reader = self.with_context(lang=spoken(self.env, to_do.user_id.lang))
            if to_do.summary in (reader._saas_cancelled_summary(), self._saas_cancelled_summary()):
                to_do.unlink()

    def _saas_provision(self):
        """A subscription and a tenant for each plan on the order that has none yet."""
        self.ensure_one()
        lines = self._saas_lines_to_provide()
        if not lines:
            return
        self._check_saas(lines)
        slug = self.saas_slug or self._saas_suggest_slug()
        if not self.saas_slug:
            self.saas_slug = slug
        is_used = self._saas_has_address(slug)
        for number, line in enumerate(lines, start=1):
            # Nobody chose the addresses of the others, so that none may be in the way.
            before = line._saas_withdrawn()[:1].slug
            other = before or self.env["saas.tenant"]._free_slug(slug)
            line._saas_provide(slug if number == 1 and not is_used else other)
        self.env["saas.tenant"]._tell_customers_soon()

    def _saas_lines_to_provide(self):
        return self._saas_lines().filtered(lambda line: not line._saas_is_provided())

    def _saas_has_address(self, slug):
        """Whether one of its tenants lives there."""
        tenants = self._origin.sudo().saas_tenant_ids - self._saas_withdrawn()
        return slug in tenants.filtered(lambda t: not t.released).mapped("slug")

    def _saas_withdrawn(self):
        """Its tenants that are being deleted because it was cancelled; they are in nobody's way."""
        # sudo: whoever may confirm an order may have what was made for it go on
        tenants = self._origin.sudo().saas_tenant_ids
        return tenants.filtered(lambda t: t.desired == "deleted" and not t.released)

    def _check_saas(self, lines):
        self.ensure_one()
        if not email_normalize(self.partner_id.email or ""):
            raise UserError(
                self.env._(
                    "%s has no valid e-mail address, which the customer needs to log in. Enter it "
                    "in the contact, then confirm again.",
                    self.partner_id.name,
                )
            )
        for line in lines:
            if line.product_uom_qty != 1:
                raise UserError(
                    self.env._(
                        "The line “%(plan)s” has the quantity %(quantity)g, but each Odoo needs "
                        "an address of its own. Set it to 1, and use a line or an order for each "
                        "further one.",
                        plan=line.product_id.display_name,
                        quantity=line.product_uom_qty,
                    )
                )
        Target = self.env["saas.target"].sudo()
        can_make = not Target.search_count([]) or Target.search_count(
            [("dedicated_servers", "=", True)]
        )
        for plan in lines.product_id.product_tmpl_id:
            if plan.saas_database_strategy == "dedicated" and not can_make:
                raise UserError(
                    self.env._(
                        "“%(plan)s” cannot be delivered: %(problem)s",
                        plan=plan.name,
                        problem=plan._saas_dedicated_problem(),
                    )
                )
        is_wished = self.saas_slug and not self._saas_has_address(self.saas_slug)
        problem = is_wished and self.env["saas.tenant"]._slug_problem(
            self.saas_slug, besides=self._saas_withdrawn()
        )
        if problem:
            raise UserError(problem)

    def _saas_suggest_slug(self):
        name = self.partner_id.commercial_partner_id.name
        return self.env["saas.tenant"]._free_slug(name, besides=self._saas_withdrawn())

    # Cancelled

    def _action_cancel(self):
        result = super()._action_cancel()
        for order in self:
            for tenant in order.sudo().saas_tenant_ids:
                order._saas_withdraw(tenant)
        return result

    def _saas_withdraw(self, tenant):
        """What never ran goes at once; what was worked in is for a person to decide."""
        self.ensure_one()
        if tenant.desired == "deleted":
            return
        if not tenant.ready_at:
            tenant._delete(self.env._("The order %s was cancelled.", self.name))
            return
        note = self.env._(
            "%(tenant)s (%(url)s) was kept, because the customer has used it already. To remove "
            "it, end the subscription %(subscription)s or schedule the deletion.",
            tenant=tenant.name,
            url=tenant.url,
            subscription=tenant.subscription_id.name,
        )
        self.message_post(body=note)
        tenant.activity_schedule(
            "mail.mail_activity_data_todo",
            summary=self._saas_cancelled_summary(),
            note=note,
            user_id=(self.user_id or self.env.user).id,
        )

    @api.model
    def _saas_cancelled_summary(self):
        return self.env._("The order was cancelled")

    def action_view_saas_tenants(self):
        self.ensure_one()
        self.env["saas.tenant"]._check_group("saas_master.group_saas_viewer")
        return self.saas_tenant_ids._get_records_action(name=self.env._("Odoos of the Order"))
