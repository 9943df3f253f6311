from odoo import fields, models


class SaasDialog(models.AbstractModel):
    """What the small dialogs of a tenant's page have in common."""

    _name = "saas.dialog"
    _description = "Dialog about a Tenant"

    # Who may confirm it.
    _group = "saas_master.group_saas_operator"

    tenant_id = fields.Many2one("saas.tenant", required=True, readonly=True, ondelete="cascade")

    def _tenant(self):
        """The tenant, once it is certain that this person may do that to it."""
        self.ensure_one()
        self.tenant_id._check_can_change(self._group)
        return self.tenant_id

    def _close(self):
        return {"type": "ir.actions.act_window_close"}
