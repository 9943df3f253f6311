from datetime import timedelta

from odoo import api, fields, models

from .each_alone import each_apart

# After so many tries a person hears of it; it is tried on all the same.
MANY_TRIES = 10


class SaasOperationReport(models.Model):
    """What a worker tells of an operation that it holds, and how it ends."""

    _inherit = "saas.operation"

    @api.model
    def _locked(self, ident):
        """The operation, locked until this is committed; empty when there is none."""
        self.env.cr.execute("SELECT id FROM saas_operation WHERE id = %s FOR UPDATE", [ident])
        row = self.env.cr.fetchone()
        return self.browse(row[0]) if row else self.browse()

    @api.model
    def _renew(self, leases, lease_s):
        """Prolong these leases; answers what their worker must know, as the protocol wants it."""
        expires = fields.Datetime.now() + timedelta(seconds=lease_s)
        lost, cancelled, moved, behind = [], [], [], self.browse()
        for lease in leases:
            operation = self._locked(lease["operation"])
            if not operation._is_held(lease["lease"]):
                lost.append(lease["operation"])
                continue
            operation.lease_expires = expires
            if operation.cancel_asked:
                cancelled.append(operation.id)
            elif operation._has_moved():
                behind += operation

        def tell(operation):
            moved.append({"operation": operation.id, "spec": operation.tenant_id._spec()})

        each_apart(behind, tell, lambda operation, problem: None)
        return {"lost": lost, "cancelled": cancelled, "moved": moved}

    def _has_moved(self):
        """Whether its worker must hear of a newer spec: until it speaks of that one itself.

        A deletion is not begun like this: it goes past the brake, which stands before a claim.
        """
        tenant = self.tenant_id
        if not tenant or tenant.generation <= self.generation:
            return False
        return tenant.desired != "deleted" or bool(self.deletion_at)

    def _is_held(self, lease):
        """Whether that lease is the one under which it runs. A lease that ran out and that nobody
        else was given is as good as before: its worker was only slow, or the master was away.
        """
        return bool(self) and self.state == "running" and self.lease == lease

    def _take_report(self, steps, status):
        """Steps and status so far, of a worker that holds the lease."""
        self.ensure_one()
        for step in steps:
            self._take_step(step)
        if steps:
            self._see_progress()
        tenant = self.tenant_id
        if tenant and status:
            # The worker has heard of that spec: no need to tell it again.
            if status["generation"] > self.generation:
                self.generation = status["generation"]
            tenant._take_status(status)
        if steps:
            self._notify()
        if tenant and (steps or status):
            tenant._notify_changed()

    def _take_step(self, values):
        known = self.step_ids.filtered(lambda step: step.number == values["number"])
        if known:
            known.write(values)
        else:
            self.step_ids.create({"operation_id": self.id, **values})

    def _see_progress(self):
        """A kind of step that it never came to before is progress: crashes count from there."""
        before = set((self.progress or "").split())
        seen = before.union(self.step_ids.mapped("name"))
        if seen != before:
            self.write({"progress": " ".join(sorted(seen)), "crashes": 0})

    def _finish(self, outcome):
        """:param outcome: `Outcome` of sidecar/odoo/port.ts, checked"""
        self.ensure_one()
        if self.cancel_asked and outcome["kind"] in ("retry", "released"):
            # Its worker had not heard of that yet: nobody goes on with it all the same.
            outcome = {"kind": "cancelled", "reason": self.env._("Cancelled.")}
        finish = {
            "done": self._finish_done,
            "checked": self._finish_checked,
            "retry": self._finish_retry,
            "failed": self._finish_failed,
            "cancelled": self._finish_cancelled,
            "released": self._finish_released,
        }[outcome["kind"]]
        self.write({"ended_lease": self.lease, "crashes": 0})
        finish(outcome)
        self.cancel_asked = False

    def _finish_done(self, outcome):
        self._end("done")
        self.template_id.write({"state": "ready", "message": False})
        tenant = self.tenant_id
        if not tenant:
            return
        tenant._forget_many_tries()
        if tenant.template_id.state != "ready":
            # It was cloned from it, so it is there.
            tenant.template_id.write({"state": "ready", "message": False})
        if outcome["generation"] < tenant.generation:
            self._queue("reconcile", tenant=tenant)
            return
        # What waits behind it for no other reason than a change that was seen to by now.
        self._waiting(tenant).filtered(lambda waiting: not waiting.reason)._end(
            "done", self.env._("Already done by the previous operation.")
        )
        if tenant.desired == "deleted" and tenant.phase == "deleted":
            tenant._retire()

    def _finish_checked(self, outcome):
        if not self.target_id:
            raise ValueError(f"Operation {self.id} is about no target, so it checks nothing.")
        self._end("done")
        self.target_id._take_isolation(outcome["ways"])

    def _waiting(self, tenant):
        return self.search(
            [("tenant_id", "=", tenant.id), ("kind", "=", "reconcile"), ("state", "=", "queued")]
        )

    def _finish_retry(self, outcome):
        self._back_to_queue(outcome["after_seconds"], outcome["reason"])
        tenant = self.tenant_id
        if tenant and self.state == "queued" and tenant.message != outcome["reason"]:
            # Its worker did not get as far as to look at the tenant, and so has told no status.
            tenant.status_id.message = outcome["reason"]
            tenant._notify_changed()
        if self.attempt == MANY_TRIES and self.state == "queued":
            self.env["saas.audit.entry"]._log(self, "many_tries", reason=outcome["reason"])
            self.tenant_id._tell_many_tries(outcome["reason"])

    def _finish_released(self, _outcome):
        self.attempt -= 1
        self._back_to_queue(0, "")

    def _back_to_queue(self, after_s, message):
        twin = self.search(
            [
                ("tenant_id", "=", self.tenant_id.id),
                ("template_id", "=", self.template_id.id),
                ("target_id", "=", self.target_id.id),
                ("kind", "=", self.kind),
                ("state", "=", "queued"),
            ]
        )
        if twin:
            # It does all that this one would do. What is newly wanted need not wait for a backoff.
            self._end("cancelled", self.env._("Continued in the next operation."))
            return
        not_before = fields.Datetime.now() + timedelta(seconds=after_s) if after_s else False
        self.write(
            {
                "state": "queued",
                "not_before": not_before,
                "message": message,
                "lease": False,
                "lease_expires": False,
            }
        )
        self._notify()
        if not after_s:
            self._nudge()

    def _finish_failed(self, outcome):
        self._end("failed", outcome["reason"])
        self._subject_failed(outcome["reason"])

    def _finish_cancelled(self, outcome):
        self._end("cancelled", outcome["reason"])
        self.template_id.write({"state": "pending", "message": outcome["reason"]})
