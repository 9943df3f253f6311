from odoo import api, fields, models
from odoo.exceptions import ValidationError

from . import slug


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    saas_base_domain = fields.Char("Base Domain", config_parameter="saas.base_domain")
    saas_url_scheme = fields.Selection(
        [("http", "http"), ("https", "https")],
        "Scheme",
        config_parameter="saas.url_scheme",
        default="http",
    )
    saas_url_port = fields.Char("Port", config_parameter="saas.url_port")
    saas_paused = fields.Boolean("Pause Everything", config_parameter="saas.paused")
    saas_deletions_per_hour = fields.Integer(
        "Deletions per Hour", config_parameter="saas.deletions_per_hour", default=10
    )

    @api.constrains("saas_base_domain", "saas_url_port", "saas_deletions_per_hour")
    def _check_saas(self):
        for settings in self:
            domain = settings.saas_base_domain
            if domain and not slug.is_host_name(f"name.{domain}"):
                raise ValidationError(
                    self.env._("“%s” is not a domain. Write it like odoo.example.com.", domain)
                )
            port = settings.saas_url_port
            if port and not (port.isdigit() and 0 < int(port) < 65536):
                raise ValidationError(self.env._("“%s” is not a port from 1 to 65535.", port))
            if settings.saas_deletions_per_hour < 0:
                raise ValidationError(self.env._("Deletions per hour cannot be below 0."))
