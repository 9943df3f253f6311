from odoo import api, fields, models

COUNTS = ("max_connections", "max_databases", "databases", "connections", "disk_free_mb")


class SaasDatabaseServer(models.Model):
    """A PostgreSQL server, shared by many tenants."""

    _name = "saas.database.server"
    _description = "Database Server"
    _order = "target_id, name"

    name = fields.Char(required=True, readonly=True)
    target_id = fields.Many2one(
        "saas.target", required=True, readonly=True, index=True, ondelete="restrict"
    )
    ready = fields.Boolean(readonly=True)
    state = fields.Selection(
        [("ready", "Ready"), ("not_ready", "Not Ready")], compute="_compute_state"
    )
    note = fields.Text("What to Know", readonly=True)
    max_connections = fields.Integer(readonly=True)
    max_databases = fields.Integer(readonly=True)
    databases = fields.Integer(readonly=True)
    connections = fields.Integer(readonly=True)
    disk_free_mb = fields.Integer("Free Disk Space (MB)", readonly=True)
    databases_percent = fields.Float("Databases Full", compute="_compute_percent")
    connections_percent = fields.Float("Connections Full", compute="_compute_percent")

    _name_unique = models.Constraint(
        "UNIQUE(target_id, name)", "There is a database server of that name already."
    )

    @api.depends("ready")
    def _compute_state(self):
        for server in self:
            server.state = "ready" if server.ready else "not_ready"

    @api.depends(*COUNTS)
    def _compute_percent(self):
        for server in self:
            server.databases_percent = percent(server.databases, server.max_databases)
            server.connections_percent = percent(server.connections, server.max_connections)

    @api.model
    def _heard_of(self, info):
        """Take over what a sidecar tells of a server; an unknown one is made.

        :raise ValueError: it is of an unknown target
        """
        target = self.env["saas.target"].search([("name", "=", info["target"])])
        if not target:
            raise ValueError(
                f"The database server {info['name']} is said to be of the target {info['target']}, "
                "which nobody has told of. Tell of a target before, or together with, its servers."
            )
        values = {name: info[name] for name in COUNTS}
        values.update(ready=bool(info["ready"]), note="\n".join(info["notes"]))
        server = self.search([("target_id", "=", target.id), ("name", "=", info["name"])])
        if server:
            server.write(values)
            return server
        return self.create({"name": info["name"], "target_id": target.id, **values})

    @api.model
    def _choose(self):
        """The ready one with most room left, of a target that is ready; empty when none is."""
        servers = self.search([("ready", "=", True), ("target_id.state", "=", "ready")])
        servers = servers.filtered(
            lambda server: not server.max_databases or server.databases < server.max_databases
        )
        return servers.sorted(lambda server: (server.databases_percent, server.id))[:1]


def percent(used, limit):
    """How full something is; 0 when nobody knows its limit."""
    return 100 * used / limit if limit else 0.0
