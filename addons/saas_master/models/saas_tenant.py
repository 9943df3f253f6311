import base64
import secrets

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError

from . import slug as slugs
from .lifecycle import DESIRED_LABELS, PHASES
from .saas_spec import SPEC_FIELDS, tenant_spec
from .said import Said, said

# What only a command changes and the audit log tells of.
PROTECTED_FIELDS = frozenset(
    "ref slug desired suspend_reason suspend_cause delete_after generation released company_id "
    "owner_id first_user_id partner_id plan_id wished_plan_id subscription_id order_id target_id "
    "server_id database_strategy placement_reason template_id status_id "
    "phase notice_level notice_text limit_cpu_milli limit_memory_mb limit_storage_mb limit_users "
    "limit_connections limit_workers outgoing_mail outgoing_https".split()
)


class SaasTenant(models.Model):
    """One customer's Odoo. It is known for ever by ``ref``; everything else about it may change."""

    _name = "saas.tenant"
    _description = "Tenant"
    _inherit = ["mail.thread", "mail.activity.mixin", "saas.audited.mixin"]
    _inherits = {"saas.tenant.status": "status_id"}
    _order = "id desc"

    status_id = fields.Many2one(
        "saas.tenant.status", required=True, readonly=True, ondelete="restrict"
    )
    # Named here again, because a board asks its own model for its columns.
    phase = fields.Selection(related="status_id.phase", group_expand="_group_expand_phase")
    name = fields.Char(required=True, tracking=True)
    ref = fields.Char(
        "Reference", required=True, readonly=True, copy=False, default=lambda self: new_ref()
    )
    slug = fields.Char("Subdomain", required=True, readonly=True, tracking=True)
    released = fields.Boolean(
        readonly=True, help="Permanently deleted. Its address is available again."
    )
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, index=True, ondelete="restrict"
    )
    plan_id = fields.Many2one(
        "product.template",
        required=True,
        index=True,
        ondelete="restrict",
        domain=[("is_saas_plan", "=", True)],
        tracking=True,
    )
    subscription_id = fields.Many2one("saas.subscription", readonly=True, index=True)
    subscription_state = fields.Selection(related="subscription_id.state")
    order_id = fields.Many2one("sale.order", "Sales Order", readonly=True, index="btree_not_null")
    target_id = fields.Many2one(
        "saas.target", readonly=True, index=True, ondelete="restrict", groups="base.group_user"
    )
    server_id = fields.Many2one(
        "saas.database.server",
        "Database Server",
        readonly=True,
        index=True,
        ondelete="restrict",
        groups="base.group_user",
    )
    database_strategy = fields.Selection(
        [("shared", "Shared database server"), ("dedicated", "Database server of its own")],
        "Database",
        default="shared",
        required=True,
        readonly=True,
        groups="base.group_user",
        help="As in its plan when it was placed.",
    )
    placement_reason = fields.Char("Reason for Placement", readonly=True, groups="base.group_user")
    template_id = fields.Many2one(
        "saas.template", readonly=True, ondelete="restrict", groups="base.group_user"
    )
    desired = fields.Selection(
        DESIRED_LABELS,
        "Desired State",
        default="running",
        required=True,
        readonly=True,
        tracking=True,
    )
    suspend_reason = fields.Char(
        readonly=True, tracking=True, help="The customer sees it in the portal."
    )
    suspend_cause = fields.Selection(
        [("person", "Staff"), ("subscription", "Subscription"), ("storage", "Storage")],
        readonly=True,
        help="What suspended it. Only the same cause can resume it.",
    )
    delete_after = fields.Datetime("Deletion On", readonly=True, tracking=True)
    paused = fields.Boolean(help="No operation starts for it. It stays as it is.")
    generation = fields.Integer(default=1, readonly=True, copy=False)
    host_ids = fields.One2many("saas.tenant.host", "tenant_id", "Addresses")
    operation_ids = fields.One2many("saas.operation", "tenant_id", "Operations")

    limit_cpu_milli = fields.Integer(related="plan_id.saas_cpu_milli", store=True)
    limit_memory_mb = fields.Integer(related="plan_id.saas_memory_mb", store=True)
    limit_storage_mb = fields.Integer(related="plan_id.saas_storage_mb", store=True)
    limit_users = fields.Integer("User Limit", related="plan_id.saas_users", store=True)
    limit_connections = fields.Integer(related="plan_id.saas_connections", store=True)
    limit_workers = fields.Integer(related="plan_id.saas_workers", store=True)
    outgoing_mail = fields.Boolean(related="plan_id.saas_outgoing_mail")
    outgoing_https = fields.Boolean(related="plan_id.saas_outgoing_https")

    bootstrap_company = fields.Char("Company Name")
    bootstrap_country = fields.Char("Country Code", size=2)
    bootstrap_lang = fields.Char("Language", default="en_US")
    bootstrap_timezone = fields.Char("Time Zone")
    bootstrap_user_name = fields.Char("First User's Name")
    bootstrap_user_login = fields.Char("First User's Login")

    banner_level = fields.Selection(
        [("info", "Information"), ("warning", "Warning"), ("danger", "Danger")], default="info"
    )
    banner_text = fields.Char("Banner")
    # What the system itself has to say inside the tenant while nobody has set a banner.
    notice_level = fields.Char(readonly=True)
    notice_text = fields.Char(readonly=True)
    staff_logins = fields.Text(groups="base.group_user")

    _ref_unique = models.Constraint("UNIQUE(ref)", "A tenant with this ID already exists.")
    _slug_unique = models.UniqueIndex(
        "(slug) WHERE released IS NOT TRUE",
        "This address has just been taken. Choose another one.",
    )

    # The lines that make and change it

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            vals["slug"] = slugs.normalize(vals.get("slug"))
        tenants = super().create(vals_list)
        for tenant in tenants:
            if not tenant.host_ids:
                host = {"name": self._host_of(tenant.slug), "primary": True, "tenant_id": tenant.id}
                self.env["saas.tenant.host"].with_context(saas_no_spec=Said("new")).create(host)
        # One that is adopted is somewhere already.
        tenants.filtered(lambda tenant: not tenant.target_id)._place()
        return tenants

    def write(self, vals):
        spec_fields = SPEC_FIELDS.intersection(vals)
        before = {tenant: [tenant[name] for name in spec_fields] for tenant in self}
        result = super().write(vals)
        changed = self.filtered(
            lambda tenant: before[tenant] != [tenant[name] for name in spec_fields]
        )
        if changed:
            changed._spec_changed()
        if vals.get("paused") is False:
            self.env["saas.operation"]._nudge()
        return result

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise UserError(
            self.env._(
                "The record of a tenant cannot be deleted, because its history is kept. To delete "
                "the Odoo itself, schedule its deletion."
            )
        )

    @api.model
    def _audited_fields(self):
        hidden = {"generation", "status_id", "phase", "notice_level", "notice_text", "released"}
        return [*sorted((SPEC_FIELDS | PROTECTED_FIELDS | {"name", "paused"}) - hidden)]

    def _audit_tenant_ref(self):
        return self.ref

    def _spec(self):
        """`TenantSpec` on the wire."""
        self.ensure_one()
        return tenant_spec(self)

    def _summary(self):
        """`TenantSummary` on the wire."""
        self.ensure_one()
        return {
            "id": self.ref,
            "desired": self.desired,
            "epoch": self.epoch,
            "spec": self._spec(),
        }

    def _spec_changed(self):
        """Something else is wanted: raise the generation and make sure that somebody sees to it."""
        if said(self.env, "saas_no_spec"):
            return
        for tenant in self.sudo().filtered(lambda tenant: not tenant.released):
            tenant.write({"generation": tenant.generation + 1})
            if tenant.target_id:
                self.env["saas.operation"].sudo()._queue("reconcile", tenant=tenant)
        self._notify_changed()

    @api.model
    def _group_expand_phase(self, phases, domain):
        """The columns of a board, in the order of a life.

        Where tenants stay is there even when it is empty; what lasts for seconds would only push
        what failed off the screen.
        """
        always = ("running", "suspended", "failed")
        return [phase for phase in PHASES if phase in phases or phase in always]

    # Rights

    @api.model
    def _check_group(self, group):
        """Buttons call public methods, and anybody may call those: each asks first."""
        if not self.env.su and not self.env.user.has_group(group):
            name = self.env.ref(group).sudo().full_name
            raise AccessError(self.env._("Only people of the group “%s” may do this.", name))

    def _check_can_change(self, group="saas_master.group_saas_operator"):
        self._check_group(group)
        self.check_access("read")
        for tenant in self:
            if tenant.desired == "deleted":
                raise UserError(
                    self.env._(
                        "%s is deleted or being deleted: nothing can be changed.", tenant.name
                    )
                )


def new_ref():
    """``t`` and 10 base32 characters: opaque, and safe as it is in SQL, paths and host names."""
    return "t" + base64.b32encode(secrets.token_bytes(7)).decode().lower()[:10]
