from odoo import models

from ..models.language import spoken


class PortalWizardUser(models.TransientModel):
    _inherit = "portal.wizard.user"

    def _send_email(self):
        """Odoo mails at once; a quotation is confirmed without waiting for a mail server."""
        if not self.env.context.get("saas_queue_invitation"):
            return super()._send_email()
        self.ensure_one()
        template = self.env.ref("auth_signup.portal_set_password_email")
        user = self.user_id.sudo()
        user.partner_id.signup_prepare()
        template.with_context(
            dbname=self.env.cr.dbname,
            lang=spoken(self.env, user.lang),
            welcome_message=self.wizard_id.welcome_message,
            medium="portalinvite",
        ).send_mail(user.id, force_send=False)
        return True
