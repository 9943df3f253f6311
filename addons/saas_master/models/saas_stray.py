from odoo import Command, api, fields, models
from odoo.exceptions import UserError

from .language import spoken
from .saas_subscription import PERIODS
from .saas_tenant_commands import ident
from .said import Said


class SaasStray(models.Model):
    """A tenant that is there and that nobody knows of: the master was restored from a copy that is
    older than it, or it was. It is left as it is until somebody adopts it.
    """

    _name = "saas.stray"
    _description = "Unknown Tenant"
    _rec_name = "ref"
    _order = "target_id, ref"

    target_id = fields.Many2one(
        "saas.target", required=True, readonly=True, index=True, ondelete="cascade"
    )
    ref = fields.Char("Reference", required=True, readonly=True)
    database = fields.Selection(
        [
            ("shared", "On a shared server"),
            ("dedicated", "On a server of its own"),
            ("none", "None was found"),
        ],
        required=True,
        readonly=True,
    )
    server_id = fields.Many2one(
        "saas.database.server", "Database Server", readonly=True, ondelete="set null"
    )
    hosts = fields.Char(
        "Addresses", readonly=True, help="Addresses that lead to it, separated by commas."
    )

    _ref_unique = models.Constraint("UNIQUE(target_id, ref)", "This tenant is already known.")

    @api.model
    def _heard_of(self, targets, strays):
        """Take over what a sidecar found on these targets; what it found no more is forgotten.

        :param targets: their names
        :param strays: those that the sidecar was not told of; it may have been told long ago
        """
        refs = [stray["id"] for stray in strays]
        known = self.env["saas.tenant"].search([("ref", "in", refs), ("released", "=", False)])
        known_refs = set(known.mapped("ref"))
        left = self.search([("target_id.name", "in", targets)])
        for target in self.env["saas.target"].search([("name", "in", targets)]):
            for stray in strays:
                if stray["target"] == target.name and stray["id"] not in known_refs:
                    left -= self._found(target, stray)
        left.unlink()

    @api.model
    def _found(self, target, stray):
        servers = target.server_ids.filtered(lambda server: server.name == stray["server"])
        values = {
            "database": stray["database"],
            "server_id": servers.id,
            "hosts": ", ".join(stray["hosts"]) or False,
        }
        there = self.search([("target_id", "=", target.id), ("ref", "=", stray["id"])])
        if there:
            there.write(values)
            return there
        return self.create({"target_id": target.id, "ref": stray["id"], **values})

    def _host_names(self):
        self.ensure_one()
        return [name for name in (self.hosts or "").split(", ") if name]

    def action_adopt(self):
        self.ensure_one()
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        return {
            "type": "ir.actions.act_window",
            "name": self.env._("Adopt"),
            "res_model": "saas.stray.adopt",
            "view_mode": "form",
            "target": "new",
            "context": {"default_stray_id": self.id},
        }

    def adopt(self, partner_id, plan_id, slug):
        """Make it a tenant like any other.

        :param partner_id: of the customer whose it is
        :param plan_id: of the plan that it gets its limits from
        :return: the id of the tenant
        """
        self.ensure_one()
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        customer = self.env["res.partner"].browse(ident(partner_id)).exists()
        plan = self.env["product.template"].browse(ident(plan_id)).exists()
        if not customer or not plan:
            raise UserError(self.env._("Choose a customer and a plan."))
        (customer + customer.commercial_partner_id).check_access("read")
        plan.check_access("read")
        return self._adopt(customer, plan, self.env["saas.tenant"]._normalize_slug(slug)).id

    def _adopt(self, customer, plan, slug):
        """The tenant that it is from now on. The sidecar then makes all of it as its plan says.

        :param customer: the res.partner whose it is
        :param plan: the product.template that it gets its limits from
        :param slug: its address name, normalized
        """
        self.ensure_one()
        problem = (
            plan._saas_problem(plan.sudo().company_id or self.env.company)
            or self._adoption_problem(plan)
            or self.env["saas.tenant"]._slug_problem(slug)
        )
        if problem:
            raise UserError(problem)
        reason = self.env._("Adopted by %s.", self.env.user.name)
        stray = self.sudo().with_context(saas_action=Said("adopt"), saas_reason=Said(reason))
        tenant = stray._make_tenant(customer, plan, slug)
        subscription = stray._subscribe(tenant)
        subscription._set_state("active", reason)
        self.env["saas.audit.entry"]._log(tenant, "adopt", reason=reason)
        self.env["saas.operation"].sudo()._queue("reconcile", tenant=tenant, reason=reason)
        stray.unlink()
        return tenant

    def _make_tenant(self, customer, plan, slug):
        server = self.server_id or self.target_id.server_ids[:1]
        company = customer.commercial_partner_id
        return self.env["saas.tenant"].create(
            {
                "ref": self.ref,
                "name": company.name,
                "slug": slug,
                "host_ids": self._adopted_hosts(slug),
                "partner_id": customer.id,
                "owner_id": company.id,
                "plan_id": plan.id,
                "target_id": self.target_id.id,
                "server_id": server.id,
                "database_strategy": self.database,
                "placement_reason": self.env._("Existed when it was adopted."),
                "template_id": self.env["saas.template"]._get(plan, server).id,
                "bootstrap_company": company.name,
                "bootstrap_lang": spoken(self.env, customer.lang or self.env.lang),
                # Its customer has long been told of it, and a deletion must not take it for one
                # of which there is nothing in the world yet.
                "ready_at": fields.Datetime.now(),
                "invited": True,
                "welcomed": True,
                "epoch": 1,
            }
        )

    def _subscribe(self, tenant):
        """From today on, without a trial: it was its customer's before."""
        plan, today = tenant.plan_id, fields.Date.context_today(self)
        period = plan.saas_period or "monthly"
        tenant.subscription_id = self.env["saas.subscription"].create(
            {
                "partner_id": tenant.owner_id.id,
                "plan_id": plan.id,
                "tenant_id": tenant.id,
                "period": period,
                "price": plan.list_price,
                "date_start": today,
                "date_end": today + PERIODS[period],
            }
        )
        return tenant.subscription_id

    def _adoption_problem(self, plan):
        """Why it cannot be had with that plan, in words, or ""."""
        # sudo: whoever may adopt need not be let see deleted ones
        before = self.env["saas.tenant"].sudo().search([("ref", "=", self.ref)])
        if before:
            return self.env._(
                "%(ref)s was %(name)s, which has been deleted permanently. Copy the data that is "
                "still needed by hand, then remove what is left.",
                ref=self.ref,
                name=before.name,
            )
        if self.database == "none":
            return self.env._(
                "No database of %s was found. Restore its database under that name first, or "
                "remove the remaining files by hand.",
                self.ref,
            )
        if (plan.saas_database_strategy or "shared") != self.database:
            return self.env._(
                "The plan “%s” has its database elsewhere: on a server of its own, or on a shared "
                "one. Choose a plan of the same kind as what is there.",
                plan.name,
            )
        return ""

    def _adopted_hosts(self, slug):
        """The addresses that it has, and the one that it is given; that one is where people go."""
        Tenant = self.env["saas.tenant"]
        own = Tenant._host_of(slug)
        others = [name for name in self._host_names() if name != own]
        names = [own, *(name for name in others if not Tenant._host_problem(name))]
        return [Command.create({"name": name, "primary": name == own}) for name in names]
