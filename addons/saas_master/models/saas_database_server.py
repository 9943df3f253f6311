from odoo import api, fields, models
from odoo.tools import LazyTranslate

from . import placement
from .each_alone import each_alone
from .responsible import responsible

_lt = LazyTranslate(__name__)

NOT_BEGUN_AGAIN = _lt("It could not be begun again, though its database server has room now")

COUNTS = (
    "max_connections",
    "max_databases",
    "databases",
    "promised_connections",
    "connections",
    "disk_free_mb",
    "disk_total_mb",
)
LEVELS = [("fine", "Available"), ("high", "Getting Full"), ("full", "Full")]


class SaasDatabaseServer(models.Model):
    """A PostgreSQL server, shared by many tenants."""

    _name = "saas.database.server"
    _description = "Database Server"
    _inherit = ["mail.thread", "mail.activity.mixin"]
    _order = "target_id, name"
    # Whoever may look may say something, and tick off what they were told to see to.
    _mail_post_access = "read"

    name = fields.Char(required=True, readonly=True)
    target_id = fields.Many2one(
        "saas.target", required=True, readonly=True, index=True, ondelete="restrict"
    )
    ready = fields.Boolean(readonly=True)
    state = fields.Selection(
        [("ready", "Ready"), ("not_ready", "Not Ready")], compute="_compute_state"
    )
    note = fields.Text("Notes", readonly=True)
    max_connections = fields.Integer(
        readonly=True,
        help="Connections available to tenants: PostgreSQL's maximum without those reserved for "
        "itself and the control plane.",
    )
    max_databases = fields.Integer(readonly=True)
    databases = fields.Integer("Tenants", readonly=True)
    promised_connections = fields.Integer(
        "Connections Reserved",
        readonly=True,
        help="Connections that the plans of its tenants allow in total.",
    )
    connections = fields.Integer("Open Connections", readonly=True)
    disk_free_mb = fields.Integer("Free Disk Space (MB)", readonly=True)
    disk_total_mb = fields.Integer("Disk (MB)", readonly=True)
    tenant_ids = fields.One2many(
        "saas.tenant",
        "server_id",
        "Its Tenants",
        domain=[("database_strategy", "=", "shared"), ("released", "=", False)],
    )
    databases_percent = fields.Float("Tenants (%)", compute="_compute_percent")
    connections_percent = fields.Float("Connections (%)", compute="_compute_percent")
    open_percent = fields.Float("Connections Open", compute="_compute_percent")
    disk_percent = fields.Float("Disk (%)", compute="_compute_percent")
    percent = fields.Float("Full", compute="_compute_percent")
    level = fields.Selection(LEVELS, compute="_compute_percent")
    warned = fields.Boolean(readonly=True, help="Staff has been warned that it is getting full.")

    _name_unique = models.Constraint(
        "UNIQUE(target_id, name)", "A database server with this name already exists."
    )

    @api.depends("ready")
    def _compute_state(self):
        for server in self:
            server.state = "ready" if server.ready else "not_ready"

    @api.depends(*COUNTS)
    def _compute_percent(self):
        for server in self:
            disk_used = server.disk_total_mb - server.disk_free_mb
            server.databases_percent = percent(server.databases, server.max_databases)
            server.connections_percent = percent(
                server.promised_connections, server.max_connections
            )
            server.open_percent = percent(server.connections, server.max_connections)
            server.disk_percent = percent(disk_used, server.disk_total_mb)
            server.percent = max(
                server.databases_percent, server.connections_percent, server.disk_percent
            )
            # The smallest plan that there can be: who has no room for that one is full.
            smallest = placement.Wish(connections=5)
            if placement.obstacle(smallest, server._as_placed()) in ("", "not_ready"):
                is_high = server.percent >= placement.HIGH_PERCENT
                server.level = "high" if is_high else "fine"
            else:
                server.level = "full"

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
        values = {"ready": bool(info["ready"]), "note": "\n".join(info["notes"])}
        if info["ready"]:
            # One that is away tells nothing of itself: what it had is still the best that we know.
            values.update({name: info[name] for name in COUNTS})
        server = self.search([("target_id", "=", target.id), ("name", "=", info["name"])])
        if not server:
            return self.create({"name": info["name"], "target_id": target.id, **values})
        before = server._room()
        server.write(values)
        server._warn()
        if server.ready and any(
            now > then for now, then in zip(server._room(), before, strict=True)
        ):
            server._begin_refused_again()
        return server

    def _room(self):
        """What is left, in tenants and in connections."""
        return (
            self.max_databases - self.databases,
            self.max_connections - self.promised_connections,
        )

    def _begin_refused_again(self):
        """What did not fit may fit now: a new tenant, or what a larger plan gives to one."""
        tenants = self.env["saas.tenant"].search(
            [
                ("server_id", "=", self.id),
                ("released", "=", False),
                ("operation_ids.state", "=", "failed"),
            ]
        )
        reason = self.env._("The capacity of the database server %s was increased.", self.name)

        def begin_again(tenant):
            is_unmade = tenant.phase == "failed" and not tenant.ready_at
            if is_unmade or tenant._given_up().state == "failed":
                tenant._begin_again(reason)

        each_alone(tenants, begin_again, NOT_BEGUN_AGAIN)

    # Warned of once, while there is time

    def _warn(self):
        for server in self:
            if server.percent >= placement.HIGH_PERCENT and not server.warned:
                server.warned = True
                server.activity_schedule(
                    "mail.mail_activity_data_todo",
                    summary=server._warning(),
                    note=server._advice(),
                    user_id=server._responsible().id,
                )
            elif server.percent < placement.CALM_PERCENT and server.warned:
                server.warned = False
                server._forget_warning()

    def _forget_warning(self):
        summary = self._warning()
        self.activity_ids.filtered(lambda todo: todo.summary == summary).unlink()

    def _warning(self):
        return self.env._("This database server is getting full")

    def _advice(self):
        return self.env._(
            "%(tenants)s of %(max_tenants)s tenants, %(promised)s of %(max_connections)s "
            "connections reserved, %(disk)d %% of the disk used. Increase its capacity or add a "
            "database server. Once it is full, new tenants are refused.",
            tenants=self.databases,
            max_tenants=self.max_databases,
            promised=self.promised_connections,
            max_connections=self.max_connections,
            disk=self.disk_percent,
        )

    def _responsible(self):
        return responsible(self)


def percent(used, limit):
    """How full something is; 0 when nobody knows its limit."""
    return 100 * used / limit if limit else 0.0
