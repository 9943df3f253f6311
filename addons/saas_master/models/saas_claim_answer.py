import json
from datetime import timedelta

from odoo import api, fields, models

KEEP_HOURS = 1


class SaasClaimAnswer(models.Model):
    """What a claim was answered, by the id of its request: asked again, it gets the same answer."""

    _name = "saas.claim.answer"
    _description = "Answer to a Claim"
    _log_access = False

    request_id = fields.Char(required=True, readonly=True)
    answer = fields.Text(required=True, readonly=True)
    at = fields.Datetime(required=True, readonly=True, index=True)

    _request_unique = models.Constraint(
        "UNIQUE(request_id)", "This claim has already been answered."
    )

    @api.model
    def _recall(self, request_id):
        """The stored answer, or None."""
        known = self.search([("request_id", "=", request_id)])
        return json.loads(known.answer) if known else None

    @api.model
    def _keep(self, request_id, claims):
        self.create(
            {
                "request_id": request_id,
                "answer": json.dumps(claims),
                "at": fields.Datetime.now(),
            }
        )

    @api.autovacuum
    def _forget(self):
        too_old = fields.Datetime.now() - timedelta(hours=KEEP_HOURS)
        self.search([("at", "<", too_old)]).unlink()
