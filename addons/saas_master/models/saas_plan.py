import re

from odoo import api, fields, models
from odoo.exceptions import ValidationError
from odoo.tools import LazyTranslate

from .app_names import app_names
from .each_alone import each_alone

_lt = LazyTranslate(__name__)

NOT_REACHED = _lt("It could not take over a change of its plan")

MODULE_NAME = re.compile(r"[a-z][a-z0-9_]*")

# Amounts of a plan: there is none without them.
LIMIT_FIELDS = (
    "saas_cpu_milli",
    "saas_memory_mb",
    "saas_storage_mb",
    "saas_users",
    "saas_connections",
    "saas_workers",
)
# The least that makes sense of each, where that is not 1.
LEAST = {"saas_connections": 5, "saas_workers": 0}
MOST_WORKERS = 16
# Fields of a plan that its tenants take over at once when they change.
TENANT_FIELDS = (*LIMIT_FIELDS, "saas_outgoing_mail", "saas_outgoing_https")
# Fields of a plan that say which template a new tenant is cloned from.
TEMPLATE_FIELDS = ("is_saas_plan", "saas_release_id", "saas_module_names", "active")


def connections_for(workers):
    """Each process has its own: four for one that answers requests, five for the one for scheduled
    jobs, four for the one for websockets. sidecar/domain/odoo-conf.ts, which shares them out, says
    what for. Kept equal to it by a test."""
    return workers * 4 + 5 + 4 if workers else LEAST["saas_connections"]


def memory_for(workers):
    """In MB: what they have in common, and what a request that prints or imports takes in each."""
    return 512 + 256 * workers if workers else 1


class SaasPlan(models.Model):
    """A plan is a product: it is quoted, priced and invoiced like every other one."""

    _inherit = "product.template"

    is_saas_plan = fields.Boolean(
        "Odoo Plan", help="Customers who buy this product get an Odoo of their own."
    )
    saas_cpu_milli = fields.Integer("Processor (1/1000)", default=1000)
    saas_memory_mb = fields.Integer("Memory (MB)", default=1024)
    saas_storage_mb = fields.Integer(
        "Storage (MB)", default=5120, help="Database and files together."
    )
    saas_users = fields.Integer(
        "Users",
        default=5,
        help="Active internal users. Portal users and our staff are not counted.",
    )
    saas_connections = fields.Integer(
        "Database Connections", default=10, help="An idle Odoo uses four or five."
    )
    saas_workers = fields.Integer(
        "Worker Processes",
        help="Each worker answers one request at a time, so that several processors are used. 0 "
        "for a single process with threads. Targets that run processes always use a single "
        "process.",
    )
    saas_outgoing_mail = fields.Boolean(
        "Sends Mail",
        default=True,
        help="Through our relay. Without it, outgoing mail waits.",
    )
    saas_outgoing_https = fields.Boolean(
        "Calls Other Services",
        default=True,
        help="Payment providers, carriers, app stores and other services on the Internet. Without "
        "it only our mail relay can be reached.",
    )
    saas_database_strategy = fields.Selection(
        [("shared", "Shared database server"), ("dedicated", "Database server of its own")],
        default="shared",
    )
    saas_database_note = fields.Char(compute="_compute_saas_database_note")
    saas_release_id = fields.Many2one(
        "saas.release", "Release", default=lambda self: self._default_saas_release_id()
    )
    saas_module_names = fields.Char(
        "Apps",
        default="contacts",
        help="Technical names, separated by commas: crm,sale_management,contacts",
    )
    saas_app_names = fields.Char("Included Apps", compute="_compute_saas_app_names")
    saas_trial_days = fields.Integer("Trial", help="Days before the first payment; 0 for none.")
    saas_period = fields.Selection(
        [("monthly", "per month"), ("yearly", "per year")], "Period", default="monthly"
    )
    saas_backup_policy = fields.Selection(
        [("none", "Only before deletion"), ("daily", "Every day"), ("hourly", "Every hour")],
        "Backups",
        default="daily",
    )
    saas_sleep_after_min = fields.Integer(
        "Sleeps After (Minutes)",
        help="It is put to sleep after this time without requests. 0 for never.",
    )

    @api.depends("saas_module_names")
    @api.depends_context("lang")
    def _compute_saas_app_names(self):
        for plan in self:
            plan.saas_app_names = ", ".join(app_names(self.env, plan._saas_modules()))

    @api.depends("saas_database_strategy")
    def _compute_saas_database_note(self):
        able = self.env["saas.target"].sudo().search([("dedicated_servers", "=", True)])
        for plan in self:
            if plan.saas_database_strategy != "dedicated":
                plan.saas_database_note = False
            elif able:
                plan.saas_database_note = self.env._(
                    "Available on these targets: %s.", ", ".join(able.mapped("name"))
                )
            else:
                plan.saas_database_note = plan._saas_dedicated_problem()

    def _saas_dedicated_problem(self):
        return self.env._(
            "No target can create a database server for a single tenant, so this plan cannot be "
            "delivered. Add a Kubernetes target with KUBE_PG_IMAGE, or choose a shared server."
        )

    @api.model
    def _default_saas_release_id(self):
        return self.env["saas.release"].sudo().search([], limit=1)

    @api.constrains("is_saas_plan", "type", "saas_release_id", "saas_module_names", *LIMIT_FIELDS)
    def _check_saas_plan(self):
        for plan in self.filtered("is_saas_plan"):
            if plan.type != "service":
                raise ValidationError(
                    self.env._(
                        "An Odoo plan must be a service. Set the type of “%s” to Service.",
                        plan.name,
                    )
                )
            if not plan.saas_release_id:
                raise ValidationError(
                    self.env._("Choose the release that tenants of the plan “%s” run.", plan.name)
                )
            for name in LIMIT_FIELDS:
                least = LEAST.get(name, 1)
                if plan[name] < least:
                    raise ValidationError(
                        self.env._(
                            "“%(field)s” of the plan “%(plan)s” must be at least %(least)s.",
                            field=plan._fields[name]._description_string(self.env),
                            plan=plan.name,
                            least=least,
                        )
                    )
            for module in plan._saas_modules():
                if not MODULE_NAME.fullmatch(module):
                    raise ValidationError(
                        self.env._(
                            "“%s” is not the technical name of an app. Write names such as "
                            "crm,sale_management with commas between them.",
                            module,
                        )
                    )

    @api.constrains("is_saas_plan", "saas_workers", "saas_connections", "saas_memory_mb")
    def _check_saas_workers(self):
        for plan in self.filtered("is_saas_plan"):
            if plan.saas_workers > MOST_WORKERS:
                raise ValidationError(
                    self.env._(
                        "The plan “%(plan)s” has more than %(most)s worker processes. "
                        "Choose fewer.",
                        plan=plan.name,
                        most=MOST_WORKERS,
                    )
                )
            for name, least in (
                ("saas_connections", connections_for(plan.saas_workers)),
                ("saas_memory_mb", memory_for(plan.saas_workers)),
            ):
                if plan[name] < least:
                    raise ValidationError(
                        self.env._(
                            "With %(workers)s worker processes, “%(field)s” of the plan “%(plan)s” "
                            "must be at least %(least)s. Raise it, or choose fewer of them.",
                            workers=plan.saas_workers,
                            field=plan._fields[name]._description_string(self.env),
                            plan=plan.name,
                            least=least,
                        )
                    )

    def _saas_modules(self):
        """Technical names, each once and sorted, so that the same apps make the same template."""
        self.ensure_one()
        names = (name.strip() for name in (self.saas_module_names or "").split(","))
        return sorted({name for name in names if name})

    @api.model_create_multi
    def create(self, vals_list):
        plans = super().create(vals_list)
        ours = plans.filtered("is_saas_plan")
        if ours:
            self.env["saas.audit.entry"]._log(ours, "create")
            self.env["saas.template"].sudo()._ensure_for(ours)
        return plans

    def write(self, vals):
        names = [name for name in vals if name.startswith("saas_") or name == "is_saas_plan"]
        text_of = self.env["saas.audited.mixin"]._audit_text_of
        before = {
            plan: {name: text_of(plan, name) for name in names}
            for plan in (self if names else self.browse())
        }
        # sudo: whoever may change a plan may change what its tenants get
        tenants = self.env["saas.tenant"].sudo()
        if not set(TENANT_FIELDS).isdisjoint(vals):
            tenants = tenants.search([("plan_id", "in", self.ids)])
        if "saas_connections" in vals:
            tenants._check_room_for(vals["saas_connections"])
        result = super().write(vals)
        for plan, values in before.items():
            plan._saas_log_changes(values)
        each_alone(tenants, self._saas_reach, NOT_REACHED)
        if not set(TEMPLATE_FIELDS).isdisjoint(vals):
            self.env["saas.template"].sudo()._ensure_for(self)
        return result

    @api.model
    def _saas_reach(self, tenant):
        """A tenant takes over what its plan is by now."""
        tenant._spec_changed()
        tenant._usage_changed()

    def _saas_log_changes(self, before):
        self.ensure_one()
        text_of = self.env["saas.audited.mixin"]._audit_text_of
        for name, old in before.items():
            new = text_of(self, name)
            if new != old:
                self.env["saas.audit.entry"]._log(self, "write", field=name, old=old, new=new)
