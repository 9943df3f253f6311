from odoo import api, fields, models


class SaasTarget(models.Model):
    """A place where tenants run, as its sidecar told of it."""

    _name = "saas.target"
    _description = "Target"
    _inherit = ["saas.audited.mixin"]
    _order = "name"

    name = fields.Char(required=True, readonly=True)
    kind = fields.Selection(
        [("process", "This machine"), ("docker", "Docker"), ("kubernetes", "Kubernetes")],
        readonly=True,
    )
    ready = fields.Boolean(readonly=True)
    paused = fields.Boolean(
        help="No operation starts for its tenants. Running tenants stay available."
    )
    state = fields.Selection(
        [("ready", "Ready"), ("not_ready", "Not Ready"), ("paused", "Paused")],
        compute="_compute_state",
        store=True,
    )
    note = fields.Text("Notes", readonly=True)
    missing_isolation = fields.Char(
        readonly=True, help="Kinds of isolation that this target lacks, separated by commas."
    )
    last_hello = fields.Datetime("Last Contact", readonly=True)
    memory_mb = fields.Integer("Memory (MB)", readonly=True)
    cpu_milli = fields.Integer("Processor (1/1000)", readonly=True)
    dedicated_servers = fields.Boolean(
        "Dedicated Database Servers",
        readonly=True,
        help="It can create a database server for a single tenant, if the plan includes one.",
    )
    checks_isolation = fields.Boolean(
        readonly=True, help="Its sidecar can check what tenants can reach."
    )
    epoch = fields.Integer(readonly=True, default=0)
    server_ids = fields.One2many("saas.database.server", "target_id", "Database Servers")
    operation_ids = fields.One2many("saas.operation", "target_id", "Operations")
    tenant_ids = fields.One2many("saas.tenant", "target_id", "Tenants")
    stray_ids = fields.One2many("saas.stray", "target_id", "Unknown Tenants")

    _name_unique = models.Constraint("UNIQUE(name)", "A target with this name already exists.")

    @api.depends("ready", "paused")
    def _compute_state(self):
        for target in self:
            if target.paused:
                target.state = "paused"
            else:
                target.state = "ready" if target.ready else "not_ready"

    @api.model
    def _audited_fields(self):
        return ("paused",)

    @api.model
    def _fields_by_hand(self):
        return frozenset(["paused"])

    def write(self, vals):
        result = super().write(vals)
        if vals.get("paused") is False:
            self.env["saas.operation"]._nudge()
        return result

    @api.model
    def _heard_of(self, info):
        """Take over what a sidecar tells of a target; an unknown one is made."""
        values = {
            "kind": info["kind"],
            "ready": bool(info["ready"]),
            "note": "\n".join(info["notes"]),
            "missing_isolation": ", ".join(info["missing_isolation"]),
            "last_hello": fields.Datetime.now(),
            "memory_mb": info["memory_mb"],
            "cpu_milli": info["cpu_milli"],
            "dedicated_servers": bool(info["dedicated_servers"]),
            "checks_isolation": bool(info["checks_isolation"]),
        }
        target = self.search([("name", "=", info["name"])])
        if target:
            target.write(values)
            return target
        return self.create({"name": info["name"], **values})
