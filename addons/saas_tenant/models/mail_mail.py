import logging

from odoo import models

_logger = logging.getLogger(__name__)


class MailMail(models.Model):
    _inherit = "mail.mail"

    def send(self, auto_commit=False, raise_exception=False, post_send_callback=None):
        if self.env["ir.mail_server"]._saas_waits():
            # It stays in the queue: failures would have to be retried one by one, by hand.
            _logger.info("%s mails wait: the operator has configured no relay.", len(self))
            return None
        return super().send(auto_commit, raise_exception, post_send_callback)
