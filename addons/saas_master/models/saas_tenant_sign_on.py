import logging

from odoo import models
from odoo.exceptions import AccessError, UserError

from . import sidecar_client
from .free_text import reason_of

_logger = logging.getLogger(__name__)

# Whom every tenant knows from its birth on: its first user. Others have a subject of their own.
FIRST = "first"
# What the sidecar takes.
LONGEST_NAME = 254


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
        if not tenant._is_of(user):
            raise AccessError(self.env._("This Odoo belongs to another customer."))
        login = tenant._login_of(user)
        self.env["saas.audit.entry"]._log(tenant, "sign_on", new=login)
        is_first = user == tenant.first_user_id
        subject = FIRST if is_first else user._saas_subject()
        return tenant._request_sign_on(subject, login, user.name, False, "")

    def _login_of(self, user):
        """As whom the portal user signs on inside."""
        return self.bootstrap_user_login if user == self.first_user_id else user.login

    def _staff_sign_on(self, reason):
        """The token for a member of staff, who gets a user of their own inside.

        :raise UserError: why that cannot be now
        """
        self.ensure_one()
        self._check_can_change()
        reason = reason_of(self.env, reason)
        user, tenant = self.env.user, self.sudo()
        self.env["saas.audit.entry"]._log(tenant, "open", reason=reason)
        known = (tenant.staff_logins or "").split()
        if user.login not in known:
            # Whoever is not on this list would be counted as one of the customer's users.
            tenant.write({"staff_logins": "\n".join([*known, user.login])})
        return tenant._request_sign_on(user._saas_subject(), user.login, user.name, True, reason)

    def _request_sign_on(self, subject, login, name, staff, reason):
        self.ensure_one()
        if self.desired != "running" or self.phase not in ("running", "asleep"):
            raise UserError(
                self.env._("%s is not running right now. Its page says why.", self.name)
            )
        try:
            return sidecar_client.request_sign_on(
                self.ref,
                subject=subject,
                login=login,
                name=(name or "").strip()[:LONGEST_NAME] or login,
                staff=staff,
                reason=reason,
            )
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
