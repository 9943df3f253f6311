from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import host_name


class SaasTenantHost(models.Model):
    """A host name under which a tenant answers: one primary, and any number of others."""

    _name = "saas.tenant.host"
    _description = "Address of a Tenant"
    _inherit = ["saas.audited.mixin"]
    _order = "primary desc, id"

    name = fields.Char("Host", required=True)
    primary = fields.Boolean(help="Visitors are redirected to this address.")
    tenant_id = fields.Many2one("saas.tenant", required=True, index=True, ondelete="cascade")

    _name_unique = models.Constraint(
        "UNIQUE(name)",
        "This address is already taken. Choose another one.",
    )
    _primary_unique = models.UniqueIndex(
        '(tenant_id) WHERE "primary"', "A tenant has one primary address."
    )

    @api.constrains("name")
    def _check_name(self):
        for host in self:
            problem = host.tenant_id._host_problem(host.name)
            if problem:
                raise ValidationError(problem)

    @api.depends("name")
    def _compute_display_name(self):
        """As people write it; routers and browsers know it in the letters of the DNS."""
        for host in self:
            host.display_name = host_name.in_letters(host.name or "")

    @api.model
    def _audited_fields(self):
        return ("name", "primary")

    def _audit_tenant_ref(self):
        return self.tenant_id.ref

    @api.model_create_multi
    def create(self, vals_list):
        hosts = super().create(vals_list)
        hosts.tenant_id._spec_changed()
        return hosts

    def write(self, vals):
        result = super().write(vals)
        self.tenant_id._spec_changed()
        return result

    def unlink(self):
        tenants = self.tenant_id
        result = super().unlink()
        tenants._spec_changed()
        return result

    def action_make_primary(self):
        self.ensure_one()
        self.tenant_id._check_can_change()
        self.sudo().tenant_id._make_primary(self.sudo())
        return True

    def action_remove(self):
        self.ensure_one()
        self.tenant_id._check_can_change()
        if self.primary:
            raise ValidationError(
                self.env._("%s is the primary address. Make another one primary first.", self.name)
            )
        self.sudo().unlink()
        return True
