from odoo import api, fields, models

from .said import said

INTENTS = [
    ("make", "Set Up"),
    ("change", "Apply Changes"),
    ("suspend", "Suspend"),
    ("resume", "Resume"),
    ("repair", "Check and Repair"),
    ("delete", "Delete"),
    ("build_template", "Build a Template"),
    ("check_isolation", "Check Isolation"),
    ("backup", "Back Up"),
    ("restore", "Restore"),
    ("clone", "Clone"),
    ("upgrade", "Upgrade"),
    ("move", "Move"),
]


class SaasOperationIntent(models.Model):
    """What an operation is for, in a person's words. To the sidecar a making, a suspension and a
    deletion are all the same: another state is wanted.
    """

    _inherit = "saas.operation"

    # Only what never changes is depended on: a finished operation keeps the words it had.
    intent = fields.Selection(
        INTENTS, "What", compute="_compute_intent", store=True, precompute=True
    )

    subject = fields.Char("About", compute="_compute_subject")

    @api.depends("tenant_id.name", "template_id.name", "target_id.name")
    @api.depends_context("lang")
    def _compute_subject(self):
        for operation in self:
            operation.subject = (
                operation.tenant_id.name or operation.template_id.name or operation.target_id.name
            )

    @api.depends("kind", "tenant_id")
    def _compute_intent(self):
        for operation in self:
            operation.intent = self._intent_of(operation.kind, operation.tenant_id)

    @api.model
    def _intent_of(self, kind, tenant):
        """Read from what is wanted of the tenant now, and from how it is."""
        if kind != "reconcile" or not tenant:
            return kind
        if tenant.desired == "deleted":
            return "delete"
        if tenant.desired == "suspended" and tenant.phase != "suspended":
            return "suspend"
        if not tenant.ready_at:
            return "make"
        if tenant.desired == "running" and tenant.phase == "suspended":
            return "resume"
        found_by_sidecar = said(self.env, "saas_actor") == "sidecar"
        return "repair" if found_by_sidecar or tenant.phase == "failed" else "change"
