from datetime import timedelta

from dateutil.relativedelta import relativedelta

from odoo import api, fields, models
from odoo.exceptions import AccessError, UserError
from odoo.tools import LazyTranslate

from . import number
from .each_alone import each_alone, each_due
from .language import spoken
from .lifecycle import (
    SUBSCRIPTION_CHANGES,
    SUBSCRIPTION_DESIRED,
    SUBSCRIPTION_LABELS,
    ImpossibleChangeError,
    check_change,
)
from .responsible import responsible
from .said import Said

_lt = LazyTranslate(__name__)

NOT_ADVANCED = _lt("The subscription could not go on: see to its trial or period by hand")
NOT_REFRESHED = _lt("Its banner could not be brought up to date")

PERIODS = {"monthly": relativedelta(months=1), "yearly": relativedelta(years=1)}
# The banner inside the tenant speaks of the end of a trial so many days before.
WARN_DAYS = 3
# What is past due for so long ends; `saas.grace_days` says otherwise.
GRACE_DAYS = 14


class SaasSubscription(models.Model):
    """The commercial agreement. Its state, and nothing else of it, suspends and resumes its tenant;
    its dates show in the tenant's banner.
    """

    _name = "saas.subscription"
    _description = "Subscription"
    _inherit = ["mail.thread", "mail.activity.mixin", "saas.audited.mixin"]
    _order = "id desc"

    name = fields.Char(required=True, readonly=True, copy=False, default="/")
    partner_id = fields.Many2one(
        "res.partner", "Customer", required=True, index=True, ondelete="restrict"
    )
    plan_id = fields.Many2one(
        "product.template",
        required=True,
        index=True,
        ondelete="restrict",
        tracking=True,
    )
    tenant_id = fields.Many2one("saas.tenant", readonly=True, index=True, copy=False)
    order_id = fields.Many2one("sale.order", "Sales Order", readonly=True, index=True, copy=False)
    order_line_id = fields.Many2one(
        "sale.order.line", readonly=True, index=True, copy=False, ondelete="set null"
    )
    state = fields.Selection(
        SUBSCRIPTION_LABELS,
        default="draft",
        required=True,
        readonly=True,
        index=True,
        tracking=True,
        copy=False,
    )
    cancel_at_period_end = fields.Boolean("Cancelled at the End of the Period", tracking=True)
    period = fields.Selection(
        [("monthly", "per month"), ("yearly", "per year")], default="monthly", required=True
    )
    date_start = fields.Date("Start")
    date_end = fields.Date("End of Period")
    trial_end = fields.Date("Trial Until")
    date_past_due = fields.Date("Past Due Since", readonly=True)
    currency_id = fields.Many2one(
        "res.currency", required=True, default=lambda self: self.env.company.currency_id
    )
    price = fields.Monetary()

    @api.model_create_multi
    def create(self, vals_list):
        for vals in vals_list:
            if vals.get("name", "/") == "/":
                vals["name"] = self.env["ir.sequence"].next_by_code("saas.subscription")
        return super().create(vals_list)

    def write(self, vals):
        if "partner_id" in vals and not self.env.su:
            raise AccessError(
                self.env._(
                    "The customer of a subscription is whoever owns its Odoo. Use “Change Owner” "
                    "on the page of that."
                )
            )
        result = super().write(vals)
        if not {"trial_end", "date_end", "cancel_at_period_end"}.isdisjoint(vals):
            self.sudo().tenant_id._refresh_notice()
        return result

    @api.model
    def _audited_fields(self):
        return (
            "partner_id",
            "plan_id",
            "tenant_id",
            "order_id",
            "order_line_id",
            "state",
            "cancel_at_period_end",
            "period",
            "date_start",
            "date_end",
            "trial_end",
            "date_past_due",
            "currency_id",
            "price",
        )

    def _audit_tenant_ref(self):
        return self.tenant_id.ref or ""

    def _begin(self):
        """The agreement holds from today on, with a trial if its plan has one."""
        for subscription in self:
            today = fields.Date.context_today(subscription)
            days = subscription.plan_id.saas_trial_days
            values = {"date_start": today, "date_end": today + PERIODS[subscription.period]}
            if days:
                values["trial_end"] = values["date_end"] = today + timedelta(days=days)
            subscription.write(values)
            subscription._set_state("trial" if days else "active", "")

    def _set_state(self, state, reason):
        """The only place where a subscription's state changes, and where it meets its tenant's."""
        for subscription in self.sudo():
            old = subscription.state
            try:
                check_change(SUBSCRIPTION_CHANGES, old, state)
            except ImpossibleChangeError as problem:
                labels = dict(self._fields["state"]._description_selection(self.env))
                raise UserError(
                    self.env._(
                        "%(name)s is “%(old)s” and cannot become “%(new)s”.",
                        name=subscription.name,
                        old=labels[old],
                        new=labels.get(state, state),
                    )
                ) from problem
            if old == state:
                continue
            values = {"state": state}
            if state == "past_due":
                values["date_past_due"] = fields.Date.context_today(subscription)
            elif state == "active":
                values["date_past_due"] = False
            subscription.with_context(saas_reason=Said(reason)).write(values)
            subscription._apply_to_tenant()

    def _apply_to_tenant(self):
        self.ensure_one()
        tenant = self.tenant_id
        if not tenant or tenant.subscription_id != self:
            return
        if SUBSCRIPTION_DESIRED[self.state] == "suspended":
            tenant._hold("subscription", self._in_words_of_tenant()._suspend_words())
        elif tenant.suspend_cause == "subscription":
            tenant._lift("subscription")
        tenant._refresh_notice()

    def _in_words_of_tenant(self):
        """This record in the language of those who use the tenant."""
        return self.with_context(lang=spoken(self.env, self.tenant_id.bootstrap_lang))

    def _suspend_words(self):
        """For the customer, in the language of this environment."""
        self.ensure_one()
        env = self.env
        if self.state == "ended":
            return env._(
                "The subscription has ended. The data is kept for now. Contact us to continue."
            )
        return env._(
            "A payment is overdue. Access is restored as soon as the open invoices are paid."
        )

    def _notice(self):
        """Level and words of the banner inside the tenant; both "" when there is nothing to say."""
        self.ensure_one()
        env = self._in_words_of_tenant().env
        today = fields.Date.context_today(self)
        if self.state == "past_due":
            last = (self.date_past_due or today) + timedelta(days=self._grace_days())
            return "danger", env._(
                "A payment is overdue. Please pay the open invoices before %s, "
                "or this Odoo is suspended.",
                fields.Date.to_string(last),
            )
        soon = today + timedelta(days=WARN_DAYS)
        if self.state == "trial" and self.trial_end and self.trial_end <= soon:
            day = fields.Date.to_string(self.trial_end)
            return "warning", env._(
                "Your trial ends on %s. Subscribe in our portal to continue.", day
            )
        if self.state == "active" and self.cancel_at_period_end and self.date_end <= soon:
            day = fields.Date.to_string(self.date_end)
            return "warning", env._("Your subscription ends on %s.", day)
        return "", ""

    @api.model
    def _grace_days(self):
        value = self.env["ir.config_parameter"].sudo().get_param("saas.grace_days", "")
        days = number.whole(value)
        return GRACE_DAYS if days is None else days

    # What people do

    def action_activate(self):
        """It is paid: whatever its state was, it goes on."""
        return self._by_person("active", self.env._("Set to active by %s.", self.env.user.name))

    def action_set_past_due(self):
        return self._by_person("past_due", self.env._("Set to past due by %s.", self.env.user.name))

    def action_suspend(self):
        return self._by_person("suspended", self.env._("Suspended by %s.", self.env.user.name))

    def action_end(self):
        return self._by_person("ended", self.env._("Ended by %s.", self.env.user.name))

    def _by_person(self, state, reason):
        self.env["saas.tenant"]._check_group("saas_master.group_saas_operator")
        self.check_access("read")
        today = fields.Date.context_today(self)
        for subscription in self.sudo():
            subscription._set_state(state, reason)
            if state == "active" and (not subscription.date_end or subscription.date_end <= today):
                subscription.date_end = today + PERIODS[subscription.period]
        return True

    # What time does

    @api.model
    def _cron_advance(self):
        today = fields.Date.today()
        latest = today - timedelta(days=self._grace_days())
        for domain, work in (
            ([("state", "=", "trial"), ("trial_end", "<", today)], self._end_trials),
            ([("state", "=", "active"), ("date_end", "<", today)], self._end_periods),
            ([("state", "=", "past_due"), ("date_past_due", "<", latest)], self._end_grace),
        ):
            each_due(self, domain, work, NOT_ADVANCED)
        # Banners speak of days: they come with the day, not with a change.
        holding = self.search([("state", "in", ("trial", "active", "past_due"))])
        each_alone(holding.tenant_id, lambda tenant: tenant._refresh_notice(), NOT_REFRESHED)

    @api.model
    def _end_trials(self, trials):
        for trial in trials:
            reason = self.env._("The trial is over.")
            trial._set_state("ended" if trial.cancel_at_period_end else "past_due", reason)

    @api.model
    def _end_periods(self, subscriptions):
        today = fields.Date.today()
        for subscription in subscriptions:
            if subscription.cancel_at_period_end:
                reason = self.env._("Cancelled at the end of its period.")
                subscription._set_state("ended", reason)
                continue
            end = subscription.date_end
            while end < today:
                end += PERIODS[subscription.period]
            subscription.date_end = end

    @api.model
    def _end_grace(self, subscriptions):
        subscriptions._set_state("suspended", self.env._("Payment was not received in time."))

    def _responsible(self):
        """Who is told of what needs a person."""
        tenant = self.tenant_id
        return tenant._responsible() if tenant else responsible(self, self.partner_id.user_id)
