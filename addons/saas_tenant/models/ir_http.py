from odoo import api, models


class IrHttp(models.AbstractModel):
    _inherit = "ir.http"

    def session_info(self):
        info = super().session_info()
        if self.env.user._is_internal():
            info["saas_notices"] = self._saas_notices()
        return info

    @api.model
    def _saas_notices(self):
        """What everybody who works here should know: a list of {level, text}."""
        settings = self.env["saas.settings"]._current()
        notices = []
        if settings is None:
            if self.env.user._is_system():
                notices.append(
                    {"level": "warning", "text": self.env["saas.settings"]._unverified()}
                )
        elif settings.banner:
            notices.append({"level": settings.banner["level"], "text": settings.banner["text"]})
        servers = self.env["ir.mail_server"]
        # A relay that is missing is the operator's business: its staff are told, and whoever looks
        # into the settings of this Odoo.
        if servers._saas_waits() and settings and settings.mail == "not_in_plan":
            notices.append({"level": "warning", "text": servers._saas_why_it_waits()})
        return notices
