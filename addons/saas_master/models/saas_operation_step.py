from odoo import api, fields, models
from odoo.tools import LazyTranslate

_lt = LazyTranslate(__name__)

# What people read for each `StepKind` of sidecar/domain/plan.ts; a test holds the two equal.
STEP_LABELS = {
    "make_server": _lt("Create its database server"),
    "build_template": _lt("Build the template"),
    "clone_database": _lt("Copy the template"),
    "prepare_database": _lt("Set its own identity"),
    "open_database": _lt("Open the database"),
    "repair_rights": _lt("Set database permissions"),
    "give_connections": _lt("Allow more database connections"),
    "create_files": _lt("Create the file storage"),
    "start_runtime": _lt("Start Odoo"),
    "await_ready": _lt("Wait until Odoo answers"),
    "bootstrap": _lt("Set up company and first user"),
    "apply_settings": _lt("Apply the plan's limits"),
    "route": _lt("Open its address"),
    "divert": _lt("Show a page at its address"),
    "deactivate_users": _lt("Deactivate users beyond the plan"),
    "stop_runtime": _lt("Stop Odoo"),
    "shelve_backup": _lt("Store the last backup"),
    "back_up": _lt("Create a final backup"),
    "verify_backup": _lt("Check the backup"),
    "drop_database": _lt("Delete the database"),
    "remove_files": _lt("Delete the files"),
    "remove_server": _lt("Delete its database server"),
    "remove_route": _lt("Close its address"),
    "start_probes": _lt("Start probes for two tenants"),
    "try_ways": _lt("Check what they can reach"),
    "remove_probes": _lt("Remove the probes"),
}


class SaasOperationStep(models.Model):
    """One idempotent act inside an operation, as the sidecar tells of it while it happens."""

    _name = "saas.operation.step"
    _description = "Step of an Operation"
    _order = "operation_id, number"
    _rec_name = "name"

    operation_id = fields.Many2one(
        "saas.operation", required=True, readonly=True, index=True, ondelete="cascade"
    )
    number = fields.Integer(required=True, readonly=True)
    name = fields.Char("Kind", required=True, readonly=True)
    label = fields.Char("Step", compute="_compute_label")
    state = fields.Selection(
        [("running", "Running"), ("done", "Done"), ("failed", "Failed")],
        default="running",
        required=True,
        readonly=True,
    )
    started_at = fields.Datetime(readonly=True)
    duration_ms = fields.Integer("Duration (ms)", readonly=True)
    message = fields.Text(readonly=True)

    _number_unique = models.Constraint(
        "UNIQUE(operation_id, number)", "An operation has one step of each number."
    )

    @api.depends("name")
    @api.depends_context("lang")
    def _compute_label(self):
        for step in self:
            label = STEP_LABELS.get(step.name)
            step.label = self.env._(label) if label else step.name

    def _live(self):
        """For the bus and the pages that show steps."""
        self.ensure_one()
        return {
            "number": self.number,
            "name": self.name,
            "state": self.state,
            "started_at": utc(self.started_at),
            "duration_ms": self.duration_ms,
            "message": self.message or "",
        }


def utc(moment):
    """ISO 8601 with the zone said, or False."""
    return moment.isoformat(timespec="milliseconds") + "Z" if moment else False
