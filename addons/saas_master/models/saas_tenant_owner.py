from odoo import api, fields, models
from odoo.exceptions import UserError

from .login import comparable
from .said import Said


class SaasTenantOwner(models.Model):
    """Whose it is: the company that bought it, and the account that opens it as its first user.

    Both are kept from the purchase on. Where a contact works, which logins it has and what becomes
    of it may change every day; none of that gives the Odoo to anybody else.
    """

    _inherit = "saas.tenant"

    owner_id = fields.Many2one(
        "res.partner",
        required=True,
        readonly=True,
        index=True,
        ondelete="restrict",
        help="The company, or a person without a company, that bought it. Its users see it in the "
        "portal.",
    )
    first_user_id = fields.Many2one(
        "res.users",
        readonly=True,
        copy=False,
        ondelete="set null",
        help="The user who opens it as its administrator.",
    )
    contact_id = fields.Many2one(
        "res.partner",
        compute="_compute_contact_id",
        compute_sudo=True,
        help="Receives our messages about it.",
    )
    is_mine = fields.Boolean(compute="_compute_is_mine", search="_search_is_mine")

    @api.model_create_multi
    def create(self, vals_list):
        Partner = self.env["res.partner"]
        for vals in vals_list:
            if not vals.get("owner_id"):
                vals["owner_id"] = Partner.browse(vals.get("partner_id")).commercial_partner_id.id
        tenants = super().create(vals_list)
        tenants._know_first_user()
        return tenants

    @api.depends("partner_id.commercial_partner_id", "owner_id")
    def _compute_contact_id(self):
        """Who bought it, as long as they are with its owner."""
        for tenant in self:
            buyer, owner = tenant.partner_id, tenant.owner_id
            is_with_owner = owner in (buyer, buyer.commercial_partner_id)
            tenant.contact_id = buyer if is_with_owner else owner

    @api.depends("owner_id")
    @api.depends_context("uid")
    def _compute_is_mine(self):
        for tenant in self:
            tenant.is_mine = tenant.sudo()._is_of(self.env.user)

    @api.model
    def _search_is_mine(self, operator, _value):
        """A field of its own, because what a rule says of the user is worked out once for many
        requests, and a contact may move to another company in between.
        """
        if operator != "in":
            return NotImplemented
        return [("owner_id", "in", self._companies_of(self.env.user).ids)]

    @api.model
    def _companies_of(self, user):
        # sudo: where somebody works is asked here, not shown
        partner = user.sudo().partner_id
        return partner | partner.commercial_partner_id

    def _is_of(self, user):
        """Whether that is one of the owner's people."""
        return self.owner_id in self._companies_of(user)

    def _owner_users(self):
        self.ensure_one()
        owner = self.owner_id
        # sudo: their accounts are not for everybody to see
        people = [
            "|",
            ("partner_id", "=", owner.id),
            ("partner_id.commercial_partner_id", "=", owner.id),
        ]
        users = self.env["res.users"].sudo().search(people, order="id")
        return users.filtered(lambda user: not user._is_public())

    # The first user

    def _invite(self):
        result = super()._invite()
        self._know_first_user()
        return result

    def _know_first_user(self):
        """Keep who it is, as soon as the buyer has an account here."""
        for tenant in self.sudo().filtered(lambda tenant: not tenant.first_user_id):
            user = tenant._buyers_account()
            if user:
                tenant.first_user_id = user

    def _buyers_account(self):
        """That of the contact who bought it, else the one with the contact's address as login."""
        users = self._owner_users()
        named = users.filtered(
            lambda user: comparable(user.login) == comparable(self.bootstrap_user_login)
        )
        own = users.filtered(lambda user: user.partner_id == self.partner_id)
        return ((own & named) or own or named)[:1]

    # Another owner

    def action_change_owner(self):
        return self._wizard("saas.tenant.change.owner", self.env._("Change Owner"))

    def _change_owner(self, owner, first_user, reason):
        """Give it to another company or person, or to another first user of the same.

        :param first_user: the account that opens it as its administrator; may be empty
        """
        self.ensure_one()
        reason = (reason or "").strip()
        owner = owner.commercial_partner_id
        if not reason:
            raise UserError(
                self.env._("Enter the reason for the change of owner. It is kept in the audit log.")
            )
        if first_user and owner not in self._companies_of(first_user):
            raise UserError(
                self.env._(
                    "%(user)s does not belong to %(owner)s. Choose one of its portal users, or "
                    "leave the first user empty.",
                    user=first_user.name,
                    owner=owner.display_name,
                )
            )
        tenant = self.sudo().with_context(
            saas_action=Said("change_owner"), saas_reason=Said(reason)
        )
        values = {"owner_id": owner.id, "first_user_id": first_user.id}
        if owner != tenant.owner_id or first_user:
            values["partner_id"] = first_user.sudo().partner_id.id or owner.id
        tenant.write(values)
        tenant.subscription_id.write({"partner_id": owner.id})
        tenant._notify_changed()
