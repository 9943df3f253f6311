import logging
from datetime import timedelta

from odoo import SUPERUSER_ID, api, fields, models
from odoo.exceptions import UserError, ValidationError

from .. import operator_token
from ..authority import as_operator, is_operator
from ..operator_token import TokenRefused

_logger = logging.getLogger(__name__)

STAFF_HOURS = 8
# What makes a staff user more than a guest who was let in for a stated reason.
STAFF_FIELDS = {"active", "login", "password", "new_password", "group_ids", "partner_id"}


class ResUsers(models.Model):
    _inherit = "res.users"

    saas_staff = fields.Boolean(
        "Operator Staff",
        readonly=True,
        copy=False,
        help="A member of the operator's staff, logged in for the reason in the log of operator "
        "access. Does not count as one of your users.",
    )
    saas_staff_until = fields.Datetime("Staff Access Until", readonly=True, copy=False)

    @api.model
    def _saas_domain(self):
        """The users that a plan counts: active, internal, not staff, not Odoo's own robot."""
        return [
            ("share", "=", False),
            ("saas_staff", "=", False),
            ("id", "!=", SUPERUSER_ID),
        ]

    @api.model
    def _saas_count(self):
        return self.sudo().search_count(self._saas_domain())

    @api.model
    def _saas_owner(self):
        """The first user; nobody where somebody has deleted it."""
        return self.env.ref("base.user_admin", raise_if_not_found=False) or self.browse()

    @api.constrains("active", "share")
    def _check_saas_user_limit(self):
        # Archiving and the like must work when there are too many already.
        if self.sudo().filtered_domain([("active", "=", True), *self._saas_domain()]):
            self._saas_check_user_limit()

    @api.model
    def _saas_check_user_limit(self):
        if is_operator():
            return
        settings = self.env["saas.settings"]._current()
        if settings is None:
            raise ValidationError(self.env["saas.settings"]._unverified())
        if settings.users is None or self._saas_count() <= settings.users:
            return
        raise ValidationError(
            self.env._(
                "Your plan includes %(limit)s users, and all of them are in use. Archive a user who"
                " is no longer needed. %(more)s",
                limit=settings.users,
                more=self.env["saas.settings"]._more(),
            )
        )

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            self.browse()._saas_check_staff_fields(vals)
        return super().create(vals_list)

    def write(self, vals):
        self._saas_check_staff_fields(vals)
        return super().write(vals)

    def _saas_check_staff_fields(self, vals):
        if is_operator() or not operator_token.is_managed():
            return
        if vals.get("saas_staff") or vals.get("saas_staff_until"):
            raise UserError(self.env._("Only the operator can mark users as its staff."))
        changed = STAFF_FIELDS & vals.keys()
        if changed - ({"active"} if not vals.get("active") else set()):
            if self.sudo().filtered("saas_staff"):
                raise UserError(
                    self.env._(
                        "This user belongs to the operator's staff. You may archive it at any time;"
                        " only the operator can change it."
                    )
                )

    def _check_credentials(self, credential, env):
        if credential.get("type") != "saas_token":
            return super()._check_credentials(credential, env)
        payload = operator_token.read(credential.get("token"), "sign_on")
        self.env["saas.token.used"]._consume(payload)
        if not self._saas_is_meant(payload["data"]):
            raise TokenRefused("user", "This message was made for another user.")
        return {"uid": self.env.user.id, "auth_method": "saas_token", "mfa": "skip"}

    def _saas_is_meant(self, data):
        user = self.env.user
        if data["staff"]:
            return user.saas_staff and user.login == data["login"]
        subjects = self.env["saas.subject"].sudo()
        return subjects._user_of(data.get("subject"), data["login"]) == user

    def _notify_security_setting_update(self, subject, content, mail_values=None, **kwargs):
        # A new owner is not to be told by mail that somebody changed the login of "admin".
        if is_operator():
            return self.env["mail.mail"]
        return super()._notify_security_setting_update(subject, content, mail_values, **kwargs)

    @api.model
    def _saas_user_to_sign_on(self, data, address):
        """The user whom a verified sign-on message names; staff users are made or woken here."""
        if data["staff"]:
            return self._saas_wake_staff(data, address)
        return self.env["saas.subject"]._user_of(data.get("subject"), data["login"])

    @api.model
    def _saas_wake_staff(self, data, address):
        login, reason = data["login"], data["reason"]
        if not reason:
            raise TokenRefused("malformed", "Staff sign on for a reason only.")
        owner = self._saas_owner()
        values = {
            "name": self.env._("%s (operator staff)", data["name"] or login),
            "active": True,
            "saas_staff": True,
            "saas_staff_until": fields.Datetime.now() + timedelta(hours=STAFF_HOURS),
            "group_ids": [
                fields.Command.set((owner.group_ids | self.env.ref("base.group_system")).ids)
            ],
            "company_ids": [
                fields.Command.set((owner.company_ids | self.env.ref("base.main_company")).ids)
            ],
        }
        user = self.with_context(active_test=False).search([("login", "=", login)], limit=1)
        if user and not user.saas_staff:
            raise TokenRefused(
                "user",
                self.env._("The login %s is already used in this Odoo. Choose another one.", login),
            )
        with as_operator():
            if user:
                user.write(values)
            else:
                user = self.with_context(no_reset_password=True).create(
                    {
                        **values,
                        "login": login,
                        "company_id": self.env.ref("base.main_company").id,
                        "notification_type": "inbox",
                    }
                )
            self.env["saas.access.log"]._record("sign_on", reason, user, address)
        self.env.ref("saas_tenant.ir_cron_end_staff_access")._trigger(at=user.saas_staff_until)
        return user

    @api.model
    def _saas_end_staff_access(self):
        """Cron: staff are here for a reason and for hours, not for ever."""
        over = self.sudo().search(
            [("saas_staff", "=", True), ("saas_staff_until", "<=", fields.Datetime.now())]
        )
        with as_operator():
            for user in over:
                user.active = False
                self.env["saas.access.log"]._record(
                    "sign_on_ended", self.env._("The time of this access is over."), user
                )
