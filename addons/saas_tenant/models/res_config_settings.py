from odoo import api, fields, models


class ResConfigSettings(models.TransientModel):
    _inherit = "res.config.settings"

    saas_mail_note = fields.Char(compute="_compute_saas_mail_note")

    @api.depends_context("lang")
    def _compute_saas_mail_note(self):
        servers = self.env["ir.mail_server"]
        self.saas_mail_note = servers._saas_why_it_waits() if servers._saas_waits() else False
