import logging

from odoo import SUPERUSER_ID
from odoo.exceptions import AccessDenied
from odoo.http import Controller, request, route

from .. import operator_token
from ..operator_token import TokenRefused

_logger = logging.getLogger(__name__)


# Where there is a website, its layout surrounds every page.
PAGE = {"type": "http", "auth": "public", "website": True, "multilang": False, "sitemap": False}


class SignOn(Controller):
    """One-time links from the operator's portal. Asking shows a button, posting uses the link up:
    programs that look at every link in a mail use nothing up."""

    @route("/saas/sign-on", methods=["GET"], readonly=True, **PAGE)
    def ask(self, token="", **_params):
        try:
            payload = operator_token.read(token, "sign_on")
        except TokenRefused as refusal:
            return self._refuse(refusal)
        return self._page({"token": token, "name": payload["data"].get("name")})

    @route("/saas/sign-on", methods=["POST"], csrf=False, readonly=False, **PAGE)
    def sign_on(self, token="", **_params):
        env = request.env(user=SUPERUSER_ID, su=True)
        try:
            if "saas.agent" not in env:
                raise AccessDenied()
            data = operator_token.read(token, "sign_on")["data"]
            with env.cr.savepoint():
                user = env["res.users"]._saas_user_to_sign_on(data, request.httprequest.remote_addr)
                request.session.authenticate(
                    request.env, {"type": "saas_token", "login": user.login, "token": token}
                )
        except AccessDenied as refusal:
            return self._refuse(refusal)
        return request.redirect("/odoo" if user._is_internal() else "/my")

    def _refuse(self, refusal):
        _logger.info("A sign-on was refused: %s", refusal)
        return self._page(
            {
                "code": getattr(refusal, "code", "denied"),
                "message": str(refusal),
            },
            status=403,
        )

    @staticmethod
    def _page(values, status=200):
        if "saas.agent" not in request.env:
            return request.make_response(
                "One-time links do not work here, because saas_tenant was uninstalled.", status=409
            )
        response = request.render(
            "saas_tenant.sign_on", {"disable_database_manager": True, **values}, status=status
        )
        # The address holds a token.
        response.headers["Referrer-Policy"] = "no-referrer"
        response.headers["Cache-Control"] = "no-store"
        return response
