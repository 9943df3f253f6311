from odoo import api, models
from odoo.exceptions import UserError

from . import placement


class SaasDatabaseServerPlace(models.Model):
    """Which server has room: for a new tenant, and for more than a tenant has."""

    _inherit = "saas.database.server"

    # What its tenants get beside what they have

    def _check_can_promise(self, more):
        """
        :param more: connections that nobody was promised yet
        :raise UserError: there are not so many left
        """
        self.ensure_one()
        placed = self._as_placed()
        left = placed.max_connections - placed.promised
        if not placed.max_connections or more <= max(left, 0):
            return
        raise UserError(
            self.env._(
                "The database server %(server)s does not have enough connections: %(promised)s of "
                "%(max_connections)s are reserved for tenants, and this plan needs %(more)s more. "
                "Increase max_connections, or choose a plan with fewer connections.",
                server=self.name,
                promised=placed.promised,
                max_connections=placed.max_connections,
                more=more,
            )
        )

    # Where a new tenant goes

    @api.model
    def _place(self, plan):
        """The chosen one, or none, and why in words for staff.

        :param plan: the product.template of the tenant to be
        """
        servers = self.search([])
        wish = placement.Wish(plan.saas_database_strategy or "shared", plan.saas_connections)
        choice = placement.place(wish, [server._as_placed() for server in servers])
        return self.browse(choice.server or []), self._words_of(choice)

    def _as_placed(self):
        """With those that were given to it since it was last heard of, or are still to be made."""
        self.ensure_one()
        # sudo: it is as full as it is, whichever company's tenants are on it
        [(tenants, connections)] = (
            self.env["saas.tenant"]
            .sudo()
            ._read_group(
                [
                    ("server_id", "in", self.ids),
                    ("released", "=", False),
                    ("database_strategy", "=", "shared"),
                ],
                aggregates=["__count", "limit_connections:sum"],
            )
        )
        placed = (connections or 0) + tenants * placement.OWN_CONNECTIONS
        return placement.Server(
            id=self.id,
            ready=self.ready and self.target_id.state == "ready",
            makes_dedicated=self.target_id.dedicated_servers,
            tenants=max(self.databases, tenants),
            max_tenants=self.max_databases,
            promised=max(self.promised_connections, placed),
            max_connections=self.max_connections,
            disk_free_mb=self.disk_free_mb,
            disk_total_mb=self.disk_total_mb,
        )

    @api.model
    def _words_of(self, choice):
        """Why it is that one, or why none, and what to do then."""
        server = self.browse(choice.server or [])
        match choice.why:
            case "only":
                return self.env._(
                    "%(server)s is the only database server with capacity left. With this tenant "
                    "it is %(percent)s %% full.",
                    server=server.name,
                    percent=choice.percent,
                )
            case "emptiest":
                return self.env._(
                    "%(server)s has the most capacity left of %(count)s database servers. With "
                    "this tenant it is %(percent)s %% full.",
                    server=server.name,
                    count=choice.had_room,
                    percent=choice.percent,
                )
            case "dedicated":
                return self.env._(
                    "Its plan includes a database server of its own, which is created on "
                    "%(target)s from a template of %(server)s.",
                    target=server.target_id.name,
                    server=server.name,
                )
            case "no_dedicated":
                return self.env._(
                    "Its plan includes a database server of its own, and no ready target can "
                    "create one. Add a Kubernetes target with KUBE_PG_IMAGE, or choose a plan on a "
                    "shared server. It continues automatically as soon as a target can."
                )
            case "all_full":
                return self.env._(
                    "All database servers are full: %(list)s. Increase the capacity of one, or add "
                    "one. It then continues automatically.",
                    list=", ".join(self._obstacles(choice)),
                )
        return self.env._(
            "No target is ready for it. Check SaaS ▸ Infrastructure ▸ Targets. It continues "
            "automatically as soon as one is ready."
        )

    @api.model
    def _obstacles(self, choice):
        words = {
            "not_ready": self.env._("not ready"),
            "tenants": self.env._("no more tenants"),
            "connections": self.env._("no connections left"),
            "disk": self.env._("too little disk space"),
            "no_dedicated": self.env._("none of a tenant's own"),
        }
        for server in self.browse(choice.obstacles):
            yield f"{server.name} ({words[choice.obstacles[server.id]]})"
