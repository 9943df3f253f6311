from odoo import models


class ResLang(models.Model):
    _inherit = "res.lang"

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            # Templates hold the languages of the master: before the first customer asks.
            self.env["saas.template"].sudo()._ensure_for()
        return result
