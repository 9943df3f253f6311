from odoo import api, models
from odoo.tools import LazyTranslate

from .each_alone import each_alone

_lt = LazyTranslate(__name__)

NOT_PLACED = _lt("No target could be chosen for it")


class SaasTenantPlace(models.Model):
    """Where a tenant lives, and whether it can have more there."""

    _inherit = "saas.tenant"

    def _place(self):
        """Give it a target, a database server and a template; it waits where there is none yet."""
        Server = self.env["saas.database.server"].sudo()
        Template = self.env["saas.template"].sudo()
        for tenant in self.sudo():
            server, reason = Server._place(tenant.plan_id)
            if not server:
                tenant.status_id.message = reason
                tenant.placement_reason = reason
                continue
            lang = tenant.bootstrap_lang or "en_US"
            template = Template._for_new(tenant.plan_id, server, lang)
            tenant.status_id.message = False
            tenant.write(
                {
                    "target_id": server.target_id.id,
                    "server_id": server.id,
                    "database_strategy": tenant.plan_id.saas_database_strategy or "shared",
                    "placement_reason": reason,
                    "template_id": template.id,
                }
            )

    @api.model
    def _place_waiting(self):
        waiting = self.search([("target_id", "=", False), ("released", "=", False)], order="id")
        each_alone(waiting, lambda tenant: tenant._place(), NOT_PLACED)

    def _check_room_for(self, connections):
        """Before a plan gives so many to each of them. The sidecar looks again when it gives them.

        :raise UserError: a database server cannot promise them
        """
        sharing = self.sudo().filtered(
            lambda tenant: (
                tenant.server_id and tenant.database_strategy == "shared" and not tenant.released
            )
        )
        for server, tenants in sharing.grouped("server_id").items():
            server._check_can_promise(
                sum(connections - tenant.limit_connections for tenant in tenants)
            )
