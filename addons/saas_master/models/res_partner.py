from odoo import Command, models
from odoo.tools import email_normalize


class ResPartner(models.Model):
    _inherit = "res.partner"

    def _saas_invite(self):
        """Let the customer into the portal with Odoo's own invitation, where they are not yet.

        :return: why that is not possible, or ""
        """
        self.ensure_one()
        partner = self.sudo().with_context(active_test=False)
        if partner.user_ids.filtered(lambda user: user.active and not user._is_public()):
            return ""
        email = email_normalize(partner.email or "")
        other = self.env["res.users"]._saas_with_login(email) if email else partner.user_ids
        other = other.filtered(lambda user: user.partner_id != partner)[:1]
        if other:
            return self.env._(
                "%(email)s already is the login of %(user)s, so %(partner)s was not invited to the "
                "portal. Give them another address and invite them from their contact.",
                email=email,
                user=other.name,
                partner=self.name,
            )
        wizard = self.env["portal.wizard"].sudo().with_context(saas_queue_invitation=True)
        wizard = wizard.create({"partner_ids": [Command.set(self.ids)]})
        wizard.user_ids.filtered(lambda line: line.partner_id == self).action_grant_access()
        return ""
