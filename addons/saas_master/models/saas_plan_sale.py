from odoo import api, models
from odoo.exceptions import ValidationError

# Fields that count days or minutes, and the most that makes sense.
SPANS = {"saas_trial_days": 366, "saas_sleep_after_min": 60 * 24 * 366}


class SaasPlanSale(models.Model):
    """Whether a plan can be had, and what must not be taken from it while somebody has it."""

    _inherit = "product.template"

    @api.constrains("is_saas_plan")
    def _check_saas_in_use(self):
        had = [("plan_id", "in", self.filtered(lambda plan: not plan.is_saas_plan).ids)]
        tenant = self.env["saas.tenant"].sudo().search([*had, ("released", "=", False)], limit=1)
        if tenant:
            raise ValidationError(
                self.env._(
                    "“%(plan)s” is the plan of %(tenant)s. To stop selling it, archive it: its "
                    "tenants keep it.",
                    plan=tenant.plan_id.name,
                    tenant=tenant.name,
                )
            )

    @api.constrains("company_id")
    def _check_saas_company(self):
        for plan in self.filtered("company_id"):
            had = [("plan_id", "=", plan.id), ("released", "=", False)]
            tenants = self.env["saas.tenant"].sudo().search(had)
            for company in tenants.company_id:
                if not plan.filtered_domain(plan._check_company_domain(company)):
                    raise ValidationError(
                        self.env._(
                            "“%(plan)s” is the plan of tenants sold by %(company)s. Leave it "
                            "available to all companies, or copy it.",
                            plan=plan.name,
                            company=company.name,
                        )
                    )

    @api.constrains("is_saas_plan", *SPANS)
    def _check_saas_spans(self):
        for plan in self.filtered("is_saas_plan"):
            for name, most in SPANS.items():
                if not 0 <= plan[name] <= most:
                    raise ValidationError(
                        self.env._(
                            "“%(field)s” of the plan “%(plan)s” must be from 0 to %(most)s.",
                            field=plan._fields[name]._description_string(self.env),
                            plan=plan.name,
                            most=most,
                        )
                    )

    # The right to edit products alone changes nothing of what tenants get.

    @api.model_create_multi
    def create(self, vals_list):
        plans = super().create(vals_list)
        if plans.filtered("is_saas_plan"):
            self.env["saas.tenant"]._check_group("saas_master.group_saas_viewer")
        return plans

    def write(self, vals):
        ours = any(name.startswith("saas_") or name == "is_saas_plan" for name in vals)
        if ours and (vals.get("is_saas_plan") or any(self.sudo().mapped("is_saas_plan"))):
            self.env["saas.tenant"]._check_group("saas_master.group_saas_viewer")
        return super().write(vals)

    def _saas_problem(self, company):
        """Why it cannot be had now, in words for staff, or "".

        :param company: the one that sells it
        """
        self.ensure_one()
        plan = self.sudo()
        if not plan.is_saas_plan:
            return self.env._("“%s” is not a plan. Choose an Odoo plan.", plan.name)
        if not plan.active:
            return self.env._(
                "The plan “%s” is archived and no longer sold. Choose another one.", plan.name
            )
        if not plan.filtered_domain(plan._check_company_domain(company)):
            return self.env._(
                "The plan “%(plan)s” is sold by %(other)s, not by %(company)s. Choose another one.",
                plan=plan.name,
                other=plan.company_id.name,
                company=company.name,
            )
        if not plan.saas_release_id.active:
            return self.env._(
                "The plan “%(plan)s” uses the release “%(release)s”, which is archived. Set "
                "another release on the plan, or choose another plan.",
                plan=plan.name,
                release=plan.saas_release_id.name,
            )
        return ""
