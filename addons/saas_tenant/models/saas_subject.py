from odoo import api, models

from ..login import comparable
from ..operator_token import TokenRefused

# The person for whom this Odoo was made.
FIRST = "first"
PARAMETER = "saas.subject."


class SaasSubject(models.AbstractModel):
    """Which user here somebody is whom the operator signs on.

    An account with the operator has a subject for ever. The user whom it opens first is kept with
    it: a login that one person gives up, here or there, lets no other person in. Parameters keep
    it, so that an Odoo that was made before there were subjects needs no change of its database.
    """

    _name = "saas.subject"
    _description = "Account with the Operator"

    @api.model
    def _user_of(self, subject, login):
        """
        :param login: of the account with the operator; it counts as long as the subject is new here
        :raise TokenRefused: there is no such user, with a sentence for the person
        """
        if not isinstance(subject, str) or not subject:
            raise TokenRefused("malformed", "This message does not say whom it is for.")
        if subject == FIRST:
            user = self.env["res.users"]._saas_owner()
        else:
            user = self._known(subject) or self._take(subject, login)
        if not user.active or user.saas_staff:
            raise TokenRefused(
                "user",
                self.env._(
                    "There is no active user %s. An administrator of this Odoo can invite or "
                    "unarchive the user.",
                    user.login or login,
                ),
            )
        return user

    @api.model
    def _known(self, subject):
        value = self.env["ir.config_parameter"].sudo().get_param(PARAMETER + subject)
        return self.env["res.users"].browse(int(value or 0)).exists()

    @api.model
    def _take(self, subject, login):
        """Whoever was invited here by that login, unless the user is somebody else's already."""
        user = self._with_login(login)
        if not user:
            return user
        if user == self.env["res.users"]._saas_owner() or self._is_taken(user):
            raise TokenRefused(
                "user",
                self.env._(
                    "The user %s here belongs to somebody else. An administrator of this Odoo can"
                    " give you one of your own, with another login.",
                    user.login,
                ),
            )
        self.env["ir.config_parameter"].sudo().set_param(PARAMETER + subject, str(user.id))
        return user

    @api.model
    def _is_taken(self, user):
        mine = [("key", "=like", f"{PARAMETER}%"), ("value", "=", str(user.id))]
        return bool(self.env["ir.config_parameter"].sudo().search_count(mine, limit=1))

    @api.model
    def _with_login(self, login):
        """The user who has it in whatever spelling; nobody where two users have it."""
        pattern = login.strip().replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
        users = self.env["res.users"].search([("login", "=ilike", pattern)])
        users = users.filtered(lambda user: comparable(user.login) == comparable(login))
        exact = users.filtered(lambda user: user.login == login)
        return exact or (users if len(users) == 1 else users.browse())
