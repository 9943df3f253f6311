from odoo import api, models


class ResGroups(models.Model):
    """Groups are the other way to make somebody an internal user."""

    _inherit = "res.groups"

    @api.model_create_multi
    def create(self, vals_list):
        before = self.env["res.users"]._saas_count()
        groups = super().create(vals_list)
        self._saas_check_user_limit(before)
        return groups

    def write(self, vals):
        before = self.env["res.users"]._saas_count()
        result = super().write(vals)
        self._saas_check_user_limit(before)
        return result

    def _saas_check_user_limit(self, before):
        if self.env["res.users"]._saas_count() > before:
            self.env["res.users"]._saas_check_user_limit()
