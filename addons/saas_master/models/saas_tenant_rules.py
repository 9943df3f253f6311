import pytz

from odoo import api, models
from odoo.exceptions import UserError, ValidationError
from odoo.tools import email_normalize

from .free_text import one_line

# What a person may write by hand; all else changes by a command, with its checks.
BY_HAND = frozenset("name paused banner_level banner_text staff_logins".split())
# What the new Odoo is told about its owner: read once, while it is made.
BOOTSTRAP = frozenset(
    "bootstrap_company bootstrap_country bootstrap_lang bootstrap_timezone bootstrap_user_name "
    "bootstrap_user_login".split()
)
# The most letters of what customers read.
LONGEST = {
    "name": 500,
    "banner_text": 300,
    "suspend_reason": 500,
    "bootstrap_company": 500,
    "bootstrap_user_name": 500,
    "bootstrap_user_login": 254,
    "staff_logins": 10_000,
}


class SaasTenantRules(models.Model):
    """What is true of a tenant however it is written: by a page, by a script or by ourselves."""

    _inherit = "saas.tenant"

    @api.model
    def _fields_by_hand(self):
        return BY_HAND | BOOTSTRAP

    def write(self, vals):
        if not self.env.su:
            self._check_can_write(vals)
        result = super().write(vals)
        if "plan_id" in vals:
            # What is paid is what is had.
            for tenant in self.sudo():
                subscription = tenant.subscription_id
                if subscription and subscription.plan_id != tenant.plan_id:
                    subscription.write({"plan_id": tenant.plan_id.id})
        return result

    def _check_can_write(self, vals):
        if not BOOTSTRAP.isdisjoint(vals):
            self._check_not_made({name: vals[name] for name in BOOTSTRAP.intersection(vals)})
        if not (BY_HAND - {"paused"}).isdisjoint(vals):
            self._check_can_change()
        if "name" in vals and not one_line(vals["name"]):
            raise UserError(self.env._("Enter a name."))

    def _check_not_made(self, vals):
        for tenant in self:
            changed = any(
                (tenant[name] or False) != (value or False) for name, value in vals.items()
            )
            if changed and tenant.sudo().ready_at:
                raise UserError(
                    self.env._(
                        "%s has already been set up, so its first user and company can only be "
                        "changed inside it.",
                        tenant.name,
                    )
                )

    @api.constrains(*LONGEST)
    def _check_texts(self):
        for tenant in self:
            for name, most in LONGEST.items():
                length = len(tenant[name] or "")
                if length > most:
                    raise ValidationError(
                        self.env._(
                            "“%(field)s” has %(length)s characters. Shorten it to %(most)s.",
                            field=self._fields[name]._description_string(self.env),
                            length=length,
                            most=most,
                        )
                    )

    @api.constrains("desired", "suspend_reason")
    def _check_suspend_reason(self):
        for tenant in self:
            if tenant.desired == "suspended" and not one_line(tenant.suspend_reason):
                raise ValidationError(
                    self.env._("Enter the reason: visitors of a suspended Odoo read it.")
                )

    @api.constrains("bootstrap_country", "bootstrap_timezone", "bootstrap_user_login")
    def _check_bootstrap(self):
        for tenant in self:
            country = (tenant.bootstrap_country or "").upper()
            if country and not self.env["res.country"].search_count([("code", "=", country)]):
                raise ValidationError(
                    self.env._(
                        "There is no country with the code “%s”. Enter one such as BE.", country
                    )
                )
            zone = tenant.bootstrap_timezone
            if zone and zone not in pytz.all_timezones_set:
                raise ValidationError(
                    self.env._(
                        "There is no time zone “%s”. Enter one such as Europe/Brussels.", zone
                    )
                )
            login = tenant.bootstrap_user_login
            if login and not email_normalize(login):
                raise ValidationError(
                    self.env._(
                        "“%s” is not an email address. The first user logs in with one.",
                        login,
                    )
                )

    @api.constrains("bootstrap_lang")
    def _check_bootstrap_lang(self):
        known = {code for code, _name in self.env["res.lang"].get_installed()}
        for tenant in self:
            if tenant.bootstrap_lang and tenant.bootstrap_lang not in known:
                raise ValidationError(
                    self.env._(
                        "The language “%s” is not active here. Activate it, or choose another one.",
                        tenant.bootstrap_lang,
                    )
                )
