import logging

from odoo import fields, models

from .lifecycle import ImpossibleChangeError

_logger = logging.getLogger(__name__)


class SaasTenantReport(models.Model):
    """What is seen of a tenant, inside an operation and outside of any."""

    _inherit = "saas.tenant"

    def _take_status(self, status):
        """:param status: `TenantStatus` of sidecar/domain/tenant.ts, checked"""
        self.ensure_one()
        values = {
            "message": status["message"] or False,
            "seen_at": fields.Datetime.now(),
            "generation_seen": max(self.generation_seen, status["generation"]),
        }
        self.status_id.write(values)
        self._see_phase(status["phase"])
        if status["usage"]:
            self._take_usage(status["usage"])

    def _see_phase(self, phase):
        """A phase that cannot follow is not taken over. The rest of the report counts all the
        same: an operation must never hang because of a word.
        """
        self.ensure_one()
        before = self.phase
        try:
            changed = self.status_id._set_phase(phase)
        except ImpossibleChangeError as problem:
            _logger.warning("Tenant %s is not taken to be %s: %s", self.ref, phase, problem)
            return
        if not changed:
            return
        if phase == "running" and not self.ready_at:
            self.status_id.ready_at = fields.Datetime.now()
            self._tell_customers_soon()
        if phase == "failed" or before == "failed":
            self.env["saas.audit.entry"]._log(
                self, "phase", field="phase", old=before, new=phase, reason=self.message or ""
            )

    def _is_worked_on(self):
        """Then what is seen from outside is half of something."""
        running = [("tenant_id", "=", self.id), ("state", "=", "running")]
        return bool(self.env["saas.operation"].search_count(running, limit=1))
