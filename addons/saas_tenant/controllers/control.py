import logging

from odoo import SUPERUSER_ID
from odoo.exceptions import UserError, ValidationError
from odoo.http import Controller, request, route

from .. import operator_token
from ..operator_token import TokenRefused

_logger = logging.getLogger(__name__)

MAX_BYTES = 64 * 1024


class Control(Controller):
    """Where the operator speaks to this Odoo."""

    @route(
        "/saas/control",
        type="http",
        auth="public",
        methods=["POST"],
        csrf=False,
        save_session=False,
        readonly=False,
    )
    def control(self, **_params):
        """Body: a token as text. Answer: JSON with `ok`; when refused, also `error` (a sentence for
        people) and `code`."""
        if (request.httprequest.content_length or 0) > MAX_BYTES:
            return self._refuse(413, "malformed", "This is too long for a message.")
        token = request.httprequest.get_data(as_text=True).strip()
        env = request.env(user=SUPERUSER_ID, su=True)
        if "saas.agent" not in env:
            return self._refuse(409, "uninstalled", "saas_tenant is not installed in here.")
        try:
            payload = operator_token.read(token, env["saas.agent"].ACTS)
            with env.cr.savepoint():
                answer = env["saas.agent"]._carry_out(payload, token)
        except TokenRefused as refusal:
            _logger.warning("A message was refused: %s", refusal)
            return self._refuse(403, refusal.code, str(refusal))
        except (UserError, ValidationError) as error:
            return self._refuse(422, "failed", str(error))
        return request.make_json_response({"ok": True, **answer})

    @staticmethod
    def _refuse(status, code, error):
        return request.make_json_response(
            {"ok": False, "error": error, "code": code}, status=status
        )
