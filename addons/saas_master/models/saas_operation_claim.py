import secrets
from datetime import datetime, timedelta

from odoo import api, fields, models

from . import number
from .each_alone import each_apart

# When so many workers in a row have ended over an operation, and none came to a step that was not
# come to before, no other one is sent there.
MOST_CRASHES = 5
DELETIONS_PER_HOUR = 10
# Epochs are ahead of the seconds since then.
EPOCHS_SINCE = datetime(2025, 1, 1)


class SaasOperationClaim(models.Model):
    """How workers get operations: leased, fenced by an epoch, one of a subject at a time."""

    _inherit = "saas.operation"

    @api.model
    def _claim(self, worker, targets, limit, lease_s, held):
        """Lease up to ``limit`` operations to a worker; answers them as the protocol wants them.

        :param held: leases of what that worker has under way
        """
        now = fields.Datetime.now()
        left = self._deletions_left(now)
        claims, subjects = [], set()

        def lease(operation):
            nonlocal left
            subject = (operation.tenant_id.id, operation.template_id.id, operation.target_id.id)
            if subject in subjects or not operation._take_back():
                return
            braked = operation._is_braked()
            if braked and left < 1:
                return
            if braked:
                operation._pass_brake(now)
            claims.append(operation._lease_to(worker, lease_s, now))
            subjects.add(subject)
            left -= braked

        ready = self._lock_ready(targets, limit, now, left > 0, held)
        each_apart(ready, lease, lambda operation, problem: operation._cannot_be_given(problem))
        if left < 1:
            self._explain_brake()
        return claims

    @api.model
    def _lock_ready(self, targets, limit, now, deletions, held):
        """Operations that wait, or whose worker has not been heard of in time; others' are skipped.

        Templates come last: a tenant that needs one builds it itself, and all others need not wait.

        :param deletions: whether the brake lets more tenants be deleted now
        :param held: leases that whoever asks works under, run out or not
        """
        self.env.flush_all()
        self.env.cr.execute(
            """
            SELECT op.id
              FROM saas_operation op
         LEFT JOIN saas_tenant tenant ON tenant.id = op.tenant_id
         LEFT JOIN saas_template template ON template.id = op.template_id
         LEFT JOIN saas_database_server server ON server.id = template.server_id
              JOIN saas_target target
                ON target.id = COALESCE(op.target_id, tenant.target_id, server.target_id)
             WHERE (
                       op.state = 'queued' AND (op.not_before IS NULL OR op.not_before <= %(now)s)
                    OR op.state = 'running' AND op.lease_expires <= %(now)s
                                            AND NOT op.lease = ANY(%(held)s)
                   )
               AND target.name = ANY(%(targets)s)
               AND target.paused IS NOT TRUE
               AND tenant.paused IS NOT TRUE
               AND (
                       %(deletions)s
                    OR tenant.desired IS DISTINCT FROM 'deleted'
                    OR op.deletion_at IS NOT NULL
                   )
               AND NOT EXISTS (
                       SELECT FROM saas_operation other
                        WHERE other.state = 'running'
                          AND other.id <> op.id
                          AND (
                                  other.tenant_id = op.tenant_id
                               OR other.template_id = op.template_id
                               OR other.target_id = op.target_id
                              )
                   )
          ORDER BY op.kind = 'build_template', op.id
             LIMIT %(limit)s
               FOR UPDATE OF op SKIP LOCKED
            """,
            {
                "now": now,
                "targets": targets,
                "limit": limit,
                "deletions": deletions,
                "held": held,
            },
            # Coming second is nothing to log: the claim starts anew.
            log_exceptions=False,
        )
        return self.browse(row[0] for row in self.env.cr.fetchall())

    def _lease_to(self, worker, lease_s, now):
        self.ensure_one()
        subject = self.tenant_id.status_id or self.template_id or self.target_id
        # A master that was restored from a copy must not give out again what it gave out after that
        # was made: the clock is ahead of all of it.
        subject.epoch = max(subject.epoch + 1, int((now - EPOCHS_SINCE).total_seconds()))
        # What the worker before did is told by what is there now.
        self.step_ids.unlink()
        self.write(
            {
                "state": "running",
                "worker": worker,
                "lease": secrets.token_hex(16),
                "lease_expires": now + timedelta(seconds=lease_s),
                "attempt": self.attempt + 1,
                "generation": self.tenant_id.generation,
                "not_before": False,
                "message": False,
                "started_at": self.started_at or now,
                "ended_at": False,
            }
        )
        self.template_id.write({"state": "building", "message": False})
        self._notify()
        return self._claim_answer(subject.epoch)

    def _cannot_be_given(self, problem):
        """It waits for a person, so that the others are given to workers."""
        reason = self.env._(
            "It could not be given to a worker: %s Correct that, then try again.", problem
        )
        self._end("failed", reason)
        self._subject_failed(reason)

    def _claim_answer(self, epoch):
        base = {
            "operation": self.id,
            "kind": self.kind,
            "lease": self.lease,
            "epoch": epoch,
            "attempt": self.attempt,
        }
        if self.tenant_id:
            return {**base, "spec": self.tenant_id._spec()}
        if self.target_id:
            return {**base, "target": self.target_id.name}
        server = self.template_id.server_id
        return {
            **base,
            "template": self.template_id._spec(),
            "target": server.target_id.name,
            "server": server.name,
        }

    # Workers that ended without a word

    def _take_back(self):
        """Take it from a worker whose lease ran out; False when nobody is to have it next."""
        self.ensure_one()
        if self.state != "running":
            return True
        self.crashes += 1
        if self.cancel_asked:
            self._end("cancelled", self.env._("Cancelled. Its worker stopped responding."))
            self.cancel_asked = False
            return False
        if self.crashes >= MOST_CRASHES:
            self._set_aside()
            return False
        return True

    def _set_aside(self):
        last = self.step_ids.sorted("number")[-1:]
        reason = self.env._(
            "Stopped after repeated failures: the sidecar ended %(crashes)s times in a row during "
            "this operation, without progress. Last step: %(step)s. Look for the cause in the "
            "sidecar's log, then press Retry.",
            crashes=self.crashes,
            step=last.label or self.env._("none"),
        )
        self._end("set_aside", reason)
        self.env["saas.audit.entry"]._log(self, "set_aside", reason=reason)
        self._subject_failed(reason)

    def _subject_failed(self, reason):
        """Say on the page of the tenant or template that nobody goes on by itself; a target's page
        shows the operation.
        """
        self.template_id.write({"state": "failed", "message": reason})
        tenant = self.tenant_id
        if tenant:
            tenant.status_id.message = reason
            if tenant.phase not in ("running", "asleep", "suspended"):
                tenant._see_phase("failed")
            tenant._notify_changed()

    # The brake: deletions that nobody can take back come slowly

    def _is_braked(self):
        return self.tenant_id.desired == "deleted" and not self.deletion_at

    def _pass_brake(self, now):
        self.deletion_at = now
        # Two claims at once must not both count the same deletions: the second one fails to write
        # this row, which every database has, and starts anew. A lock would let it go on with the
        # snapshot that it has.
        self.env.cr.execute(
            "UPDATE ir_config_parameter SET write_date = %s WHERE key = 'database.uuid'",
            [now],
        )

    @api.model
    def _most_deletions(self):
        value = self.env["ir.config_parameter"].get_param("saas.deletions_per_hour", "")
        most = number.whole(value)
        return DELETIONS_PER_HOUR if most is None else most

    @api.model
    def _deletions_left(self, now):
        passed = self.search_count([("deletion_at", ">", now - timedelta(hours=1))])
        return self._most_deletions() - passed

    @api.model
    def _explain_brake(self):
        reason = self.env._(
            "Waiting for the safety limit: at most %s tenants are deleted within an hour. It "
            "continues automatically. An owner can change the limit in the settings.",
            self._most_deletions(),
        )
        held = self.search(
            [
                ("state", "=", "queued"),
                ("tenant_id.desired", "=", "deleted"),
                ("deletion_at", "=", False),
                ("message", "!=", reason),
            ]
        )
        held.write({"message": reason})
        held._notify()
