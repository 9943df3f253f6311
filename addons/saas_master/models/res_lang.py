from odoo import api, models


class ResLang(models.Model):
    _inherit = "res.lang"

    @api.model_create_multi
    def create(self, vals_list):
        languages = super().create(vals_list)
        if any(languages.mapped("active")):
            self._saas_follow()
        return languages

    def write(self, vals):
        result = super().write(vals)
        if "active" in vals:
            self._saas_follow()
        return result

    @api.model
    def _saas_follow(self):
        """Templates hold the languages of the master, before the first customer asks: build them,
        and say so, because a machine is busy with that for minutes.
        """
        building = self.env["saas.template"].sudo()._ensure_for()
        if building:
            message = self.env._(
                "Templates for new Odoos are built again in the background, for the languages that "
                "they are to have: %(count)s, some minutes each. Sales go first, and new Odoos are "
                "made from the templates of before meanwhile. Odoos that exist stay as they are.",
                count=len(building),
            )
            values = {"type": "info", "sticky": True, "message": message}
            self.env.user._bus_send("simple_notification", values)
