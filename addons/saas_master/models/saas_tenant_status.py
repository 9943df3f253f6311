from odoo import fields, models

from .lifecycle import PHASE_LABELS, set_phase


class SaasTenantStatus(models.Model):
    """What the sidecar saw of a tenant. It has a table of its own, so that what it reports all
    the time never gets in the way of somebody who edits the tenant.
    """

    _name = "saas.tenant.status"
    _description = "Status of a Tenant"

    phase = fields.Selection(
        PHASE_LABELS,
        default="pending",
        required=True,
        readonly=True,
        index=True,
    )
    generation_seen = fields.Integer(readonly=True)
    message = fields.Text(readonly=True, help="For staff: the cause and what to do next.")
    additions = fields.Text(
        "Added by Others",
        readonly=True,
        help="Objects that others have added. They are not changed; each says how to remove it.",
    )
    epoch = fields.Integer(
        readonly=True, help="Increases with every claim. Actions with an older epoch are refused."
    )
    # Microseconds since 1970 do not fit Odoo's integers: digits, compared as a number.
    seq = fields.Char("Sequence of the Last Look", readonly=True)
    users = fields.Integer("Users in Use", readonly=True)
    database_mb = fields.Integer("Database (MB)", readonly=True)
    filestore_mb = fields.Integer("Files (MB)", readonly=True)
    usage_at = fields.Datetime(
        "Usage Counted On", readonly=True, help="Empty until the first count."
    )
    over_limit = fields.Boolean("Over a Limit", readonly=True, index=True)
    seen_at = fields.Datetime("Last Seen", readonly=True)
    well_at = fields.Datetime(
        "Last Seen in Order", readonly=True, help="In the desired state, with no operation running."
    )
    ready_at = fields.Datetime("First Ready", readonly=True)
    invited = fields.Boolean("Invited to the Portal", readonly=True)
    welcomed = fields.Boolean("Customer Notified", readonly=True)

    def _set_phase(self, phase):
        """:raise ImpossibleChangeError: the table of phases does not allow it"""
        self.ensure_one()
        return set_phase(self, phase)
