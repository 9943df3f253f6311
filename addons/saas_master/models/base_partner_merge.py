from odoo import api, models


class BasePartnerMerge(models.TransientModel):
    """Merged companies are one; that an Odoo changes hands by it is in the audit log."""

    _inherit = "base.partner.merge.automatic.wizard"

    @api.model
    def _update_foreign_keys(self, src_partners, dst_partner):
        # sudo: who merges contacts need not see tenants
        Tenant = self.env["saas.tenant"].sudo()
        owners = {
            tenant: tenant.owner_id.display_name
            for tenant in Tenant.search([("owner_id", "in", src_partners.ids)])
        }
        result = super()._update_foreign_keys(src_partners, dst_partner)
        for tenant, before in owners.items():
            self.env["saas.audit.entry"]._log(
                tenant,
                "change_owner",
                field="owner_id",
                old=before,
                new=dst_partner.display_name,
                reason=self.env._("The two contacts were merged."),
            )
        return result
