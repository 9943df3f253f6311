"""Over Odoo's bus, to those who look at the fleet: staff hear of what their companies have sold."""

from odoo import models

VIEWER = "saas_master.group_saas_viewer"
CHANNEL = "saas"


def tell_staff(env, company, kind, message):
    """Sent only once this is committed.

    :param company: whose staff hear it; none for what all companies have together
    """
    if company:
        env["bus.bus"]._sendone((company, CHANNEL), kind, message)
    else:
        env.ref(VIEWER).sudo()._bus_send(kind, message)


class IrWebsocket(models.AbstractModel):
    _inherit = "ir.websocket"

    def _build_bus_channel_list(self, channels):
        user = self.env.user
        if user.has_group(VIEWER):
            channels = [*channels, *((company, CHANNEL) for company in user.sudo().company_ids)]
        return super()._build_bus_channel_list(channels)
