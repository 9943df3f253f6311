"""The last metre of single sign-on: a page that posts a one-time token to the tenant.

The token travels in the body of a POST, so that it stands in no log, no history and no referrer.
"""

from odoo import http
from odoo.exceptions import UserError
from odoo.http import request


def sign_on_page(tenant, ask, back):
    """Answer the page that signs on to ``tenant``, or the one that says why that cannot be now.

    :param ask: called without arguments, answers the token; a ``UserError`` says why there is none
    :param back: where the person came from
    """
    values = {"tenant": tenant, "back": back}
    try:
        values.update(token=ask(), action=f"{tenant.url}/saas/sign-on")
    except UserError as refusal:
        values["reason"] = str(refusal)
        response = request.render("saas_master.sign_on_refused", values)
        response.status_code = 503
    else:
        response = request.render("saas_master.sign_on", values)
    response.headers["Cache-Control"] = "no-store"
    response.headers["Referrer-Policy"] = "no-referrer"
    return response


class SaasSignOn(http.Controller):
    """Staff come here from the wizard that asked them for a reason."""

    @http.route(
        "/saas/open/<int:wizard_id>", type="http", auth="user", methods=["GET"], readonly=False
    )
    def open_as_staff(self, wizard_id, **kwargs):
        wizard = request.env["saas.tenant.open"].search([("id", "=", wizard_id)])
        if not wizard or wizard.create_uid != request.env.user:
            raise request.not_found()
        tenant = wizard.tenant_id
        return sign_on_page(tenant, wizard._sign_on, back=f"/odoo/saas-tenants/{tenant.id}")
