import logging

from odoo import models
from odoo.exceptions import UserError

from . import sidecar_client

_logger = logging.getLogger(__name__)


class SaasTenantSignOn(models.Model):
    """Opening a tenant without a password: the sidecar signs a one-time token for one person."""

    _inherit = "saas.tenant"

    def _portal_sign_on(self):
        """The token for the customer who asks, as the user that they have, or get, inside.

        :raise UserError: why that cannot be now
        """
        self.ensure_one()
        # sudo: whether it runs is not for customers to read elsewhere
        user, tenant = self.env.user, self.sudo()
        login = tenant._login_of(user)
        self.env["saas.audit.entry"]._log(tenant, "sign_on", new=login)
        return tenant._request_sign_on(login, user.name, False, "")

    def _login_of(self, user):
        """As whom the portal user signs on inside."""
        return self.bootstrap_user_login if self._is_first_user(user) else user.login

    def _is_first_user(self, user):
        """The portal user of the very person for whom it was made signs on as its administrator.

        An e-mail address proves nothing: in the portal everybody writes their own.
        """
        return user.login == self.bootstrap_user_login or user.partner_id == self.partner_id

    def _staff_sign_on(self, reason):
        """The token for a member of staff, who gets a user of their own inside.

        :raise UserError: why that cannot be now
        """
        self.ensure_one()
        self._check_can_change()
        user, tenant = self.env.user, self.sudo()
        self.env["saas.audit.entry"]._log(tenant, "open", reason=reason)
        known = (tenant.staff_logins or "").split()
        if user.login not in known:
            # Whoever is not on this list would be counted as one of the customer's users.
            tenant.write({"staff_logins": "\n".join([*known, user.login])})
        return tenant._request_sign_on(user.login, user.name, True, reason)

    def _request_sign_on(self, login, name, staff, reason):
        self.ensure_one()
        if self.desired != "running" or self.phase not in ("running", "asleep"):
            raise UserError(
                self.env._("%s is not running right now. Its page says why.", self.name)
            )
        try:
            return sidecar_client.request_sign_on(self.ref, login, name, staff, reason)
        except sidecar_client.SidecarAwayError as problem:
            _logger.warning("Nobody can sign on to %s: %s", self.ref, problem)
            raise UserError(
                self.env._(
                    "The login service does not answer. The Odoo itself is not affected. Try again "
                    "in a minute, or log in there with a password if you have set one."
                )
            ) from problem
        except sidecar_client.SidecarRefusedError as problem:
            raise UserError(str(problem)) from problem
