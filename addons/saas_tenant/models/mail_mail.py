import logging

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        servers = self.env["ir.mail_server"]
        if servers._saas_waits():
            # It stays in the queue: failures would have to be retried one by one, by hand.
            _logger.info("%s mails wait. %s", len(self), servers._saas_why_it_waits())
            return None
        return super().send(auto_commit, raise_exception, post_send_callback)
