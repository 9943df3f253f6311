from odoo import fields, models
from odoo.exceptions import UserError


class SaasTenantDeleteNow(models.TransientModel):
    _name = "saas.tenant.delete.now"
    _description = "Delete a Tenant Now"
    _inherit = ["saas.dialog"]
    _group = "saas_master.group_saas_owner"

    slug = fields.Char("Its Address", related="tenant_id.slug")
    confirmation = fields.Char("Address")

    def action_confirm(self):
        tenant = self._tenant()
        if not tenant.delete_after:
            raise UserError(
                self.env._(
                    "Schedule the deletion of %s first; then it can be done now.", tenant.name
                )
            )
        if (self.confirmation or "").strip().lower() != tenant.slug:
            raise UserError(
                self.env._("Type “%s” to confirm that this is the one you mean.", tenant.slug)
            )
        tenant._delete(self.env._("Confirmed by %s by typing the address.", self.env.user.name))
        return self._close()
