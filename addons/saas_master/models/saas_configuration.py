from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import host_name

# Each field's parameter.
PARAMETERS = {
    "base_domain": "saas.base_domain",
    "url_scheme": "saas.url_scheme",
    "url_port": "saas.url_port",
    "paused": "saas.paused",
    "deletions_per_hour": "saas.deletions_per_hour",
    "grace_days": "saas.grace_days",
}


class SaasConfiguration(models.TransientModel):
    """The settings of this product. Odoo's own settings are for its administrators only; who owns
    the tenants need not be one of those.
    """

    _name = "saas.configuration"
    _description = "SaaS Settings"

    base_domain = fields.Char()
    url_scheme = fields.Selection([("http", "http"), ("https", "https")], "Scheme")
    url_port = fields.Char("Port")
    paused = fields.Boolean("Pause Everything")
    deletions_per_hour = fields.Integer()
    grace_days = fields.Integer("Days of Grace")

    @api.model
    def default_get(self, fields_list):
        self.check_access("read")
        values = super().default_get(fields_list)
        for name in fields_list:
            if name in PARAMETERS:
                values[name] = self._read_parameter(name)
        return values

    @api.model
    def _read_parameter(self, name):
        # sudo: the access rights of this model say who may look
        env = self.sudo().env
        match name:
            case "paused":
                return env["saas.control"]._is_paused()
            # Without a parameter these have a value all the same.
            case "deletions_per_hour":
                return env["saas.operation"]._most_deletions()
            case "grace_days":
                return env["saas.subscription"]._grace_days()
        return env["ir.config_parameter"].get_param(PARAMETERS[name], "")

    @api.constrains("base_domain", "url_port", "deletions_per_hour", "grace_days")
    def _check_values(self):
        Parameter = self.env["ir.config_parameter"]
        for settings in self:
            for name in ("base_domain", "url_port", "deletions_per_hour", "grace_days"):
                value = "" if settings[name] is False else str(settings[name])
                if name == "base_domain":
                    value = host_name.normalize(value)
                problem = Parameter._saas_problem(PARAMETERS[name], value)
                if problem:
                    raise ValidationError(problem)

    def execute(self):
        """Save: the name is the one that Odoo's settings form calls."""
        self.ensure_one()
        self.env["saas.tenant"]._check_group("saas_master.group_saas_owner")
        # sudo: an owner need not be an administrator; the audit log names the person all the same
        Parameter = self.env["ir.config_parameter"].sudo()
        self.base_domain = host_name.normalize(self.base_domain)
        for name, key in PARAMETERS.items():
            if self[name] != self._read_parameter(name):
                # 0 is a value: it stops all deletions.
                value = "" if self[name] is False else str(self[name])
                Parameter.set_param(key, value)
        return self._reopen()

    def cancel(self):
        self.env["saas.tenant"]._check_group("saas_master.group_saas_owner")
        return self._reopen()

    @api.model
    def _reopen(self):
        return self.env["ir.actions.act_window"]._for_xml_id("saas_master.saas_settings_action")
