from dataclasses import dataclass

from odoo import api, models
from odoo.tools import config

from .. import operator_token
from ..operator_token import TokenRefused

PARAMETER = "saas.settings"


@dataclass(frozen=True)
class Settings:
    """What the operator has set. `None` as a limit: unlimited."""

    fingerprint: str
    users: int | None
    storage_mb: int | None
    banner: dict | None
    upgrade_url: str
    # "leaves", or why it waits: "no_relay" or "not_in_plan".
    mail: str
    base_url: str


UNLIMITED = Settings("", None, None, None, "", "leaves", "")


class SaasSettings(models.AbstractModel):
    """The operator's settings, kept as they were signed and verified at every look."""

    _name = "saas.settings"
    _description = "Settings by the Operator"

    @api.model
    def _current(self):
        """The settings, or None when those that are stored were not signed by the operator.

        They stay valid until others come, so their expiry does not count here.
        """
        if not operator_token.is_managed():
            return UNLIMITED
        token = self.env["ir.config_parameter"].sudo().get_param(PARAMETER)
        if not token:
            return None
        try:
            data = operator_token.read(token, "settings", check_expiry=False)["data"]
        except TokenRefused:
            return None
        return Settings(
            fingerprint=data["fingerprint"],
            users=data["limits"]["users"],
            storage_mb=data["limits"]["storage_mb"],
            banner=data["banner"],
            upgrade_url=data["upgrade_url"],
            mail=data["mail"],
            base_url=data["base_url"],
        )

    @api.model
    def _apply(self, token):
        """Store settings whose token was verified by the caller, and what follows from them."""
        parameters = self.env["ir.config_parameter"].sudo()
        before = self._current()
        parameters.set_param(PARAMETER, token)
        settings = self._current()
        if before is None or (before.banner, before.mail) != (settings.banner, settings.mail):
            # Each page asks for itself: who sees what, in which language, is decided there.
            self.env.ref("base.group_user")._bus_send("saas_tenant/notices_changed", {})
        if settings.base_url:
            parameters.set_param("web.base.url", settings.base_url)
            # Otherwise every administrator who signs in would change it to what they came by.
            parameters.set_param("web.base.url.freeze", "True")
        # Reports are printed by a program on this machine that fetches styles and pictures; for it
        # this Odoo has its own address only.
        if internal_url := config.get("saas_internal_url"):
            parameters.set_param("report.url", internal_url)
        return settings

    @api.model
    def _more(self):
        """How to get more, as the end of a sentence that says that there is not enough."""
        settings = self._current()
        if settings and settings.upgrade_url:
            return self.env._("Get more here: %s", settings.upgrade_url)
        return self.env._("Contact the provider of this Odoo for more.")

    @api.model
    def _unverified(self):
        return self.env._(
            "The limits of this Odoo could not be verified, because the operator's settings were "
            "changed. They are restored within minutes. Try again then."
        )
