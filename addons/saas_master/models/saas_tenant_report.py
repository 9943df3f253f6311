import logging
from datetime import timedelta

from odoo import fields, models

from .lifecycle import ImpossibleChangeError

_logger = logging.getLogger(__name__)

# What failed for good is begun again without a person so seldom: a disk may have room by then.
RETRY_FAILED = timedelta(hours=1)


class SaasTenantReport(models.Model):
    """What is seen of a tenant, inside an operation and outside of any."""

    _inherit = "saas.tenant"

    def _take_status(self, status):
        """:param status: `TenantStatus` of sidecar/domain/tenant.ts, checked"""
        self.ensure_one()
        values = {
            "message": status["message"] or False,
            "additions": "\n".join(status["additions"]) or False,
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

    def _observe(self, status):
        """What was seen outside any operation."""
        self.ensure_one()
        given_up = self._given_up()
        served = self.phase in ("running", "asleep")
        if not status["message"]:
            if status["generation"] >= self.generation:
                self.status_id.well_at = fields.Datetime.now()
        elif given_up:
            # Nobody is on the way: why that is so is what there is to know.
            status = {**status, "message": given_up.message or status["message"]}
        self._take_status(status)
        if given_up and served and self.phase == "failed":
            # It served its people all the same, until now: that is a trouble of its own.
            self._begin_again(self.env._("It is no longer available to its users."))
        self._notify_changed()

    def _ask_again(self, reason):
        """The sidecar wants it to be seen to. False where that is left to people."""
        self.ensure_one()
        if self.released or self._given_up():
            return False
        self._begin_again(reason)
        return True

    def _begin_again(self, reason):
        waiting = self.env["saas.operation"]._waiting(self)
        if waiting.reason == reason and not waiting.not_before:
            return
        self.env["saas.audit.entry"]._log(self, "request", reason=reason)
        self.env["saas.operation"]._queue("reconcile", tenant=self, reason=reason)

    def _given_up(self):
        """The operation after which a person has to decide; empty where none is in the way.

        What was set aside or cancelled, or failed not long ago, would come to the same end if it
        were begun again for the same reason. It is another reason that something newer is wanted,
        or that the tenant was well in between.
        """
        self.ensure_one()
        Operation = self.env["saas.operation"]
        mine = [("tenant_id", "=", self.id)]
        if Operation.search_count([*mine, ("state", "in", ("queued", "running"))], limit=1):
            return Operation
        ended = [*mine, ("ended_at", "!=", False)]
        last = Operation.search(ended, order="ended_at desc, id desc", limit=1)
        if last.state not in ("failed", "set_aside", "cancelled"):
            return Operation
        is_over = (
            last.generation < self.generation
            or (self.well_at and self.well_at > last.ended_at)
            or (last.state == "failed" and last.ended_at <= fields.Datetime.now() - RETRY_FAILED)
        )
        return Operation if is_over else last

    def _tell_many_tries(self, reason):
        """To whoever looks after it: what passes by itself would have passed by now."""
        for tenant in self:
            tenant.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=self._many_tries_summary(),
                note=reason,
                user_id=tenant._responsible().id,
            )

    def _forget_many_tries(self):
        summary = self._many_tries_summary()
        self.activity_ids.filtered(lambda todo: todo.summary == summary).unlink()

    def _many_tries_summary(self):
        return self.env._("Attempted many times without success")

    def _is_worked_on(self):
        """Then what is seen from outside is half of something."""
        running = [("tenant_id", "=", self.id), ("state", "=", "running")]
        return bool(self.env["saas.operation"].search_count(running, limit=1))
