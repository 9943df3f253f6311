import base64
import secrets

from odoo import api, fields, models

from .login import comparable


class ResUsers(models.Model):
    _inherit = "res.users"

    saas_subject = fields.Char(
        "Known in Customers' Odoos As",
        readonly=True,
        copy=False,
        groups="base.group_system",
        help="Identifies the account in customers' Odoos, even if its login changes.",
    )

    _saas_subject_unique = models.Constraint(
        "UNIQUE(saas_subject)", "Another account is known by that already."
    )

    def _saas_subject(self):
        """``u`` and 16 base32 characters: as `isSubject` of sidecar/domain/names.ts wants it."""
        self.ensure_one()
        user = self.sudo()
        if not user.saas_subject:
            user.saas_subject = f"u{base64.b32encode(secrets.token_bytes(10)).decode().lower()}"
        return user.saas_subject

    @api.model
    def _saas_with_login(self, login):
        """Those who have it in whatever spelling, archived ones too."""
        # sudo: whether a login is in use must not depend on who asks
        users = self.sudo().with_context(active_test=False)
        pattern = login.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        users = users.search([("login", "=ilike", pattern)])
        return users.filtered(lambda user: comparable(user.login) == comparable(login))
