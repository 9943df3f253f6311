from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import config

from .. import operator_token


class IrMailServer(models.Model):
    """Mail leaves through the operator's relay, whatever is configured in here."""

    _inherit = "ir.mail_server"

    @api.model
    def _saas_waits(self):
        """Whether mail waits because the operator has configured no relay."""
        return operator_token.is_managed() and not config.get("smtp_server")

    def _connect__(  # noqa: PLW3201  Odoo's own name
        self, host=None, port=None, user=None, password=None, encryption=None, **options
    ):
        if not operator_token.is_managed():
            return super()._connect__(host, port, user, password, encryption, **options)
        if self._saas_waits():
            raise UserError(
                self.env._(
                    "Outgoing mail waits, because whoever hosts this Odoo has configured no mail"
                    " relay. It is sent once they have."
                )
            )
        # Named, the host keeps Odoo from looking for servers; the rest comes from the
        # configuration file.
        return super()._connect__(
            host=config["smtp_server"],
            smtp_from=options.get("smtp_from"),
            smtp_debug=options.get("smtp_debug", False),
        )
