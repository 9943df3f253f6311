import psycopg2.errors

from odoo import api, fields, models
from odoo.exceptions import ConcurrencyError, UserError
from odoo.tools import SQL

from . import sidecar_client
from .saas_operation_step import utc
from .staff_bus import tell_staff

KINDS = [
    ("reconcile", "Apply Changes"),
    ("build_template", "Build a Template"),
    ("check_isolation", "Check Isolation"),
    ("backup", "Back Up"),
    ("restore", "Restore"),
    ("clone", "Clone"),
    ("upgrade", "Upgrade"),
    ("move", "Move"),
]


class SaasOperation(models.Model):
    """One durable unit of work for the sidecar, about one tenant, one template or one target."""

    _name = "saas.operation"
    _description = "Operation"
    _order = "id desc"

    tenant_id = fields.Many2one("saas.tenant", readonly=True, ondelete="restrict")
    template_id = fields.Many2one("saas.template", readonly=True, ondelete="restrict")
    target_id = fields.Many2one("saas.target", readonly=True, ondelete="restrict")
    kind = fields.Selection(KINDS, required=True, readonly=True)
    state = fields.Selection(
        [
            ("queued", "Queued"),
            ("running", "Running"),
            ("done", "Done"),
            ("failed", "Failed"),
            ("cancelled", "Cancelled"),
            ("set_aside", "Stopped after repeated failures"),
        ],
        default="queued",
        required=True,
        readonly=True,
    )
    reason = fields.Char(
        readonly=True, help="Who or what requested it. Empty for a change of the desired state."
    )
    message = fields.Text(
        readonly=True, help="Why it is waiting or has failed, and what to do next."
    )
    attempt = fields.Integer("Attempts", readonly=True)
    crashes = fields.Integer(
        readonly=True, help="Workers that ended in a row during this operation, without progress."
    )
    progress = fields.Char(readonly=True, help="Kinds of steps reached so far.")
    not_before = fields.Datetime(readonly=True)
    lease = fields.Char(readonly=True, groups="base.group_system")
    lease_expires = fields.Datetime(readonly=True)
    ended_lease = fields.Char(
        readonly=True, groups="base.group_system", help="The lease that was finished last."
    )
    cancel_asked = fields.Boolean(readonly=True)
    deletion_at = fields.Datetime(
        readonly=True, help="When the limit of deletions per hour allowed it."
    )
    worker = fields.Char(readonly=True)
    generation = fields.Integer(
        readonly=True, help="The version of the specification that its worker uses."
    )
    started_at = fields.Datetime("Started", readonly=True)
    ended_at = fields.Datetime("Ended", readonly=True)
    step_ids = fields.One2many("saas.operation.step", "operation_id", "Steps")

    _one_subject = models.Constraint(
        "CHECK (num_nonnulls(tenant_id, template_id, target_id) = 1)",
        "An operation is about one tenant, one template or one target.",
    )
    _running_tenant_unique = models.UniqueIndex(
        "(tenant_id) WHERE state = 'running' AND tenant_id IS NOT NULL"
    )
    _running_template_unique = models.UniqueIndex(
        "(template_id) WHERE state = 'running' AND template_id IS NOT NULL"
    )
    _running_target_unique = models.UniqueIndex(
        "(target_id) WHERE state = 'running' AND target_id IS NOT NULL"
    )
    _queued_tenant_unique = models.UniqueIndex(
        "(tenant_id, kind) WHERE state = 'queued' AND tenant_id IS NOT NULL"
    )
    _queued_template_unique = models.UniqueIndex(
        "(template_id, kind) WHERE state = 'queued' AND template_id IS NOT NULL"
    )
    _queued_target_unique = models.UniqueIndex(
        "(target_id, kind) WHERE state = 'queued' AND target_id IS NOT NULL"
    )
    _open_index = models.Index("(state, id) WHERE state IN ('queued', 'running')")
    _tenant_index = models.Index("(tenant_id, id)")
    _template_index = models.Index("(template_id, id)")
    _target_index = models.Index("(target_id, id)")
    _deletion_index = models.Index("(deletion_at) WHERE deletion_at IS NOT NULL")

    @api.depends("intent", "subject")
    @api.depends_context("lang")
    def _compute_display_name(self):
        intents = dict(self._fields["intent"]._description_selection(self.env))
        for operation in self:
            intent = intents.get(operation.intent, "")
            operation.display_name = f"{operation.subject or ''}: {intent}"

    @api.model
    def _queue(self, kind, tenant=None, template=None, target=None, reason=""):
        """Make sure that such an operation waits, and is not taken before this is committed.

        Changes of one moment come together in one. One that waits to be tried again is tried at
        once. A change while another one runs is queued behind it: should the running one see to it,
        as it is told to, then this one finds nothing left to do.
        """
        about = {"tenant_id": tenant, "template_id": template, "target_id": target}
        [(subject, ident)] = [(name, record.id) for name, record in about.items() if record]
        self.flush_model()
        # The lock keeps it from being claimed with the spec of before this transaction.
        self.env.cr.execute(
            SQL(
                """
                SELECT id
                  FROM saas_operation
                 WHERE %s = %s AND kind = %s AND state = 'queued'
                   FOR UPDATE
                """,
                SQL.identifier(subject),
                ident,
                kind,
            )
        )
        row = self.env.cr.fetchone()
        if row:
            operation = self.browse(row[0])
            operation.write(
                {
                    "not_before": False,
                    "message": False,
                    "reason": reason or operation.reason,
                    "intent": self._intent_of(kind, operation.tenant_id),
                    "write_date": fields.Datetime.now(),
                }
            )
        else:
            values = {subject: ident, "kind": kind, "reason": reason}
            try:
                with self.env.cr.savepoint():
                    operation = self.create(values)
            except psycopg2.errors.UniqueViolation as problem:
                # Somebody queued it in the same instant: what they queued is seen when tried again.
                raise ConcurrencyError("The operation was queued by somebody else.") from problem
        operation._notify()
        self._nudge()
        return operation

    def _end(self, state, message=""):
        """Nobody works on it any more."""
        self.write(
            {
                "state": state,
                "message": message,
                "ended_at": fields.Datetime.now(),
                "not_before": False,
                "lease": False,
                "lease_expires": False,
            }
        )
        self._notify()

    # What people do

    def action_retry(self):
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        reason = self.env._("%s requested a retry.", self.env.user.name)
        for operation in self.sudo():
            if operation.state not in ("failed", "set_aside", "cancelled", "queued"):
                raise UserError(self.env._("Only a failed or stopped operation can be retried."))
            self.env["saas.audit.entry"]._log(operation, "retry")
            operation.tenant_id._check_can_change_or_delete()
            self.sudo()._queue(
                operation.kind,
                tenant=operation.tenant_id,
                template=operation.template_id,
                target=operation.target_id,
                reason=reason,
            )
            operation.template_id.write({"state": "pending", "message": False})
        return True

    def action_cancel(self):
        """A queued one ends at once; a running one is told to, and ends when its worker has."""
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        for operation in self.sudo():
            if operation.state == "queued":
                # What is called off is all that is wanted by now.
                operation.generation = operation.tenant_id.generation
                operation._end("cancelled", self.env._("Cancelled by %s.", self.env.user.name))
            elif operation.state == "running":
                operation.cancel_asked = True
                operation.message = self.env._("Being cancelled by %s.", self.env.user.name)
                operation._notify()
            else:
                raise UserError(self.env._("This operation has already ended."))
            self.env["saas.audit.entry"]._log(operation, "cancel")
        self._nudge()
        return True

    def _audit_tenant_ref(self):
        return self.tenant_id.ref or ""

    # Who is told

    def _notify(self):
        for operation in self.sudo():
            company = operation.tenant_id.company_id
            tell_staff(self.env, company, "saas.operation/changed", operation._live())

    def _live(self):
        """For the bus and the pages that show operations."""
        self.ensure_one()
        return {
            "id": self.id,
            "tenant_id": self.tenant_id.id,
            "template_id": self.template_id.id,
            "target_id": self.target_id.id,
            "intent": self.intent,
            "state": self.state,
            "message": self.message or "",
            "started_at": utc(self.started_at),
            "steps": [step._live() for step in self.step_ids.sorted("number")],
        }

    @api.model
    def _nudge(self):
        """Once this is committed, hint to the sidecar that there is something to do."""
        postcommit = self.env.cr.postcommit
        if not postcommit.data.get("saas_nudge"):
            postcommit.data["saas_nudge"] = True
            postcommit.add(sidecar_client.nudge)
