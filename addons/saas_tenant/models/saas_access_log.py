from odoo import api, fields, models
from odoo.exceptions import AccessError

from ..authority import is_operator


class SaasAccessLog(models.Model):
    """What the operator did in here, for the eyes of the owner. Nobody changes or deletes it."""

    _name = "saas.access.log"
    _description = "Operator Access"
    _order = "id desc"
    _rec_name = "create_date"

    kind = fields.Selection(
        [
            ("sign_on", "Staff logged in"),
            ("sign_on_ended", "Staff access ended"),
            ("users_archived", "Users archived"),
        ],
        required=True,
        readonly=True,
    )
    # Names instead of links: the entry outlives the user.
    user_name = fields.Char("Person", readonly=True)
    user_login = fields.Char("Login", readonly=True)
    reason = fields.Char(required=True, readonly=True)
    address = fields.Char("IP Address", readonly=True)

    @api.model
    def _record(self, kind, reason, user=None, address=None):
        return self.sudo().create(
            {
                "kind": kind,
                "reason": reason,
                "user_name": user.name if user else False,
                "user_login": user.login if user else False,
                "address": address,
            }
        )

    @api.model_create_multi
    def create(self, vals_list):
        if not is_operator():
            raise AccessError(self.env._("Only actions of the operator are written to this log."))
        return super().create(vals_list)

    def write(self, vals):  # pylint: disable=method-required-super
        raise AccessError(self.env._("Entries of this log cannot be changed."))

    @api.ondelete(at_uninstall=False)
    def _unlink_never(self):
        raise AccessError(self.env._("Entries of this log cannot be deleted."))
