from datetime import datetime, timedelta

from odoo import fields, models
from odoo.exceptions import UserError

from .free_text import reason_of
from .said import Said

OWNER = "saas_master.group_saas_owner"
# Whom it concerns must have time to object. Only an owner deletes sooner, and confirms that.
LEAST_NOTICE = timedelta(days=1)


class SaasTenantCommands(models.Model):
    """What a person can have done to a tenant: each command says who may, looks at what it is given
    and gives a reason when it refuses. Dialogs, portal and scripts call the same ones.
    """

    _inherit = "saas.tenant"

    def suspend(self, reason):
        """:param reason: for whoever visits it meanwhile"""
        self.ensure_one()
        self._check_can_change()
        tenant = self.sudo().with_context(saas_action=Said("suspend"))
        tenant._hold("person", reason_of(self.env, reason))
        return True

    def rename(self, slug):
        self.ensure_one()
        self._check_can_change()
        self._rename(slug)
        return True

    def add_host(self, name, primary=False):
        """:param primary: whether people are sent there from now on"""
        self.ensure_one()
        self._check_can_change()
        self._add_host(name, primary)
        return True

    def change_plan(self, plan_id):
        """:param plan_id: of the product.template; its subscription changes with it"""
        self.ensure_one()
        self._check_can_change()
        plan = self.env["product.template"].browse(ident(plan_id)).exists()
        if not plan:
            raise UserError(self.env._("This plan no longer exists. Choose another one."))
        plan.check_access("read")
        self._change_plan(plan)
        return True

    def change_owner(self, owner_id, first_user_id, reason):
        """
        :param owner_id: the res.partner whose it is from now on
        :param first_user_id: the account that opens it as its administrator, or False
        :param reason: for the audit log
        """
        self.ensure_one()
        self._check_can_change()
        owner = self.env["res.partner"].browse(ident(owner_id)).exists()
        first_user = self.env["res.users"].browse(ident(first_user_id) or []).exists()
        if not owner or (first_user_id and not first_user):
            raise UserError(self.env._("Choose the new owner, and one of its portal users."))
        owner.check_access("read")
        self._change_owner(owner, first_user, reason_of(self.env, reason))
        return True

    def schedule_deletion(self, delete_after, reason):
        """
        :param delete_after: in UTC, as a datetime or as Odoo writes one
        :param reason: for the audit log
        """
        self.ensure_one()
        self._check_can_change()
        moment, reason = self._moment(delete_after), reason_of(self.env, reason)
        if moment < fields.Datetime.now() + LEAST_NOTICE:
            raise UserError(
                self.env._(
                    "Choose a day in the future, at least one day from now, so that the customer "
                    "has time to object."
                )
            )
        self._schedule_deletion(moment, reason)
        return True

    def delete_now(self, confirmation):
        """:param confirmation: its address name, typed by who means this one"""
        self.ensure_one()
        self._check_can_change(OWNER)
        if not self.delete_after:
            raise UserError(
                self.env._("Schedule the deletion of %s first; then it can be done now.", self.name)
            )
        is_text = isinstance(confirmation, str)
        if not is_text or self._normalize_slug(confirmation) != self.slug:
            raise UserError(
                self.env._("Type “%s” to confirm that this is the one you mean.", self.slug)
            )
        self._delete(self.env._("Confirmed by %s by typing the address.", self.env.user.name))
        return True

    def _moment(self, value):
        try:
            moment = fields.Datetime.to_datetime(value)
        except (TypeError, ValueError):
            moment = None
        if not isinstance(moment, datetime):
            raise UserError(self.env._("Enter the date of the deletion."))
        return moment


def ident(value):
    """An id as scripts send one; 0, of which there is no record, for anything else."""
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
