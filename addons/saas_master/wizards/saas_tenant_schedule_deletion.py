from datetime import timedelta

from odoo import fields, models

NOTICE_DAYS = 7


class SaasTenantScheduleDeletion(models.TransientModel):
    _name = "saas.tenant.schedule.deletion"
    _description = "Schedule the Deletion of a Tenant"
    _inherit = ["saas.dialog"]

    delete_after = fields.Datetime(
        "Delete On",
        required=True,
        default=lambda self: fields.Datetime.now() + timedelta(days=NOTICE_DAYS),
    )
    reason = fields.Char(required=True)

    def action_confirm(self):
        self._tenant().schedule_deletion(self.delete_after, self.reason)
        return self._close()
