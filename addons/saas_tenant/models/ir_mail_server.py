import base64
import smtplib
import ssl

from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

from odoo.addons.base.models.ir_mail_server import SMTP_TIMEOUT

from .. import operator_token


class IrMailServer(models.Model):
    """Mail leaves through the operator's relay, whatever is configured in here."""

    _inherit = "ir.mail_server"

    @api.model
    def _saas_waits(self):
        """Whether mail waits: the operator names no relay to an Odoo whose mail does not leave."""
        return operator_token.is_managed() and not config.get("smtp_server")

    @api.model
    def _saas_why_it_waits(self):
        settings = self.env["saas.settings"]
        current = settings._current()
        if current and current.mail == "not_in_plan":
            return self.env._(
                "Outgoing mail is waiting, because the plan of this Odoo does not include outgoing "
                "mail. %(more)s",
                more=settings._more(),
            )
        return self.env._(
            "Outgoing mail is waiting, because the provider of this Odoo has not set up a mail "
            "relay yet. It is sent as soon as the relay is set up."
        )

    def _connect__(  # noqa: PLW3201  Odoo's own name
        self, host=None, port=None, user=None, password=None, encryption=None, **options
    ):
        if not operator_token.is_managed():
            return super()._connect__(host, port, user, password, encryption, **options)
        if self._saas_waits():
            raise UserError(self._saas_why_it_waits())
        smtp_from, debug = options.get("smtp_from"), options.get("smtp_debug", False)
        encryption = config.get("saas_smtp_encryption") or "none"
        if encryption != "none":
            return self._saas_connect_encrypted(encryption, smtp_from, debug)
        # Named, the host keeps Odoo from looking for servers; the rest comes from the
        # configuration file.
        return super()._connect__(host=config["smtp_server"], smtp_from=smtp_from, smtp_debug=debug)

    def _saas_connect_encrypted(self, encryption, smtp_from, debug):
        """As Odoo connects; but to a server that is named in the configuration file it knows
        STARTTLS only, and gives the password to whoever answers."""
        if self._disable_send():
            return None
        relay = (config["smtp_server"], config["smtp_port"])
        trusted = config.get("saas_smtp_ca")
        context = ssl.create_default_context(
            cadata=base64.b64decode(trusted).decode() if trusted else None
        )
        if encryption == "ssl":
            connection = smtplib.SMTP_SSL(*relay, timeout=SMTP_TIMEOUT, context=context)
        else:
            connection = smtplib.SMTP(*relay, timeout=SMTP_TIMEOUT)
        connection.set_debuglevel(debug)
        if encryption == "starttls":
            connection.starttls(context=context)
        if config["smtp_user"]:
            self._smtp_login__(connection, config["smtp_user"], config["smtp_password"] or "")
        connection.ehlo_or_helo_if_needed()
        # Odoo looks for these where it prepares the message.
        connection.from_filter = self._get_default_from_filter()
        connection.smtp_from = smtp_from
        return connection
