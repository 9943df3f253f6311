from datetime import datetime, timezone

from odoo import api, fields, models

from ..operator_token import TokenRefused


class SaasTokenUsed(models.Model):
    """Remembers, as long as they would be valid, the messages that were used."""

    _name = "saas.token.used"
    _description = "Used Operator Message"
    _rec_name = "jti"

    jti = fields.Char("Identifier", required=True, readonly=True)
    expires = fields.Datetime(required=True, readonly=True, index=True)

    _jti_unique = models.Constraint("unique (jti)", "This message has already been used.")

    @api.model
    def _consume(self, payload):
        """In the transaction of what the message brings about: it is used if and only if that is.

        Of two requests with the same message at once the second waits for the first, and is then
        repeated by Odoo and refused here.
        """
        expires = datetime.fromtimestamp(payload["exp"], timezone.utc).replace(tzinfo=None)
        self.env.cr.execute(
            """
            INSERT INTO saas_token_used (jti, expires) VALUES (%s, %s)
            ON CONFLICT (jti) DO NOTHING RETURNING id
            """,
            (payload["jti"], expires),
            log_exceptions=False,
        )
        if not self.env.cr.rowcount:
            raise TokenRefused("used", "This message has already been used.")

    @api.autovacuum
    def _gc_expired(self):
        # A margin, for clocks that differ.
        self.env.cr.execute(
            "DELETE FROM saas_token_used"
            " WHERE expires < (now() AT TIME ZONE 'UTC') - interval '1 hour'"
        )
