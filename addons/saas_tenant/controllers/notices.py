from odoo.http import Controller, request, route


class Notices(Controller):
    """What whoever hosts this Odoo has to say, for pages that are open already."""

    @route("/saas/notices", type="jsonrpc", auth="user", readonly=True)
    def notices(self):
        """A list of {level, text}, as `session_info` has it when a page is loaded."""
        if not request.env.user._is_internal():
            return []
        return request.env["ir.http"]._saas_notices()
