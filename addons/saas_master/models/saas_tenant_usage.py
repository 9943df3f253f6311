from odoo import api, fields, models
from odoo.tools.misc import formatLang

from .responsible import responsible
from .said import Said

# Beyond so many percent of its storage a tenant is suspended; up to there a banner asks for order.
SUSPEND_PERCENT = 125


class SaasTenantUsage(models.Model):
    """How full a tenant is: counted from outside, held against its plan, with what follows."""

    _inherit = "saas.tenant"

    storage_used_mb = fields.Integer("Storage Used (MB)", compute="_compute_usage")
    storage_used = fields.Char(compute="_compute_usage")
    storage_limit = fields.Char(compute="_compute_usage")
    storage_percent = fields.Float("Storage (%)", compute="_compute_usage")
    users_percent = fields.Float("Users (%)", compute="_compute_usage")
    users_usage = fields.Char("Users", compute="_compute_usage")
    storage_usage = fields.Char("Storage", compute="_compute_usage")

    @api.depends(
        "users", "limit_users", "database_mb", "filestore_mb", "limit_storage_mb", "usage_at"
    )
    @api.depends_context("lang")
    def _compute_usage(self):
        for tenant in self:
            used, limit = tenant.database_mb + tenant.filestore_mb, tenant.limit_storage_mb
            tenant.storage_used_mb = used
            tenant.storage_used = self._megabytes(used)
            tenant.storage_limit = self._megabytes(limit)
            tenant.storage_percent = 100 * used / limit if limit else 0
            users = tenant.limit_users
            tenant.users_percent = 100 * tenant.users / users if users else 0
            tenant.users_usage = tenant._used_words(tenant.users, users)
            tenant.storage_usage = tenant._used_words(tenant.storage_used, tenant.storage_limit)

    def _used_words(self, used, limit):
        """The same words wherever somebody looks; a 0 that nobody has counted is none."""
        if not self.usage_at:
            return self.env._("Not counted yet")
        return self.env._("%(used)s of %(limit)s", used=used, limit=limit)

    @api.model
    def _megabytes(self, megabytes):
        """Such as ``512 MB`` or ``2.5 GB``, with the reader's own decimal sign."""
        if megabytes < 1024:
            return f"{megabytes} MB"
        return f"{formatLang(self.env, megabytes / 1024, digits=1)} GB"

    def _take_usage(self, usage):
        """:param usage: counted from outside: ``users``, ``database_mb``, ``filestore_mb``"""
        self.ensure_one()
        names = ("users", "database_mb", "filestore_mb")
        values = {name: usage[name] for name in names if self[name] != usage[name]}
        self.status_id.write({**values, "usage_at": fields.Datetime.now()})
        if values:
            self._usage_changed()

    def _usage_changed(self):
        """Usage or limits are others than before: warn, suspend or lift."""
        for tenant in self.sudo().filtered(lambda tenant: tenant.desired != "deleted"):
            over = (
                tenant.users > tenant.limit_users
                or tenant.storage_used_mb > tenant.limit_storage_mb
            )
            if over != tenant.over_limit:
                tenant.status_id.over_limit = over
                tenant._tell_over_limit(over)
            tenant._refresh_notice()
            if tenant._storage_is_far_over():
                tenant.with_context(saas_action=Said("storage_limit"))._hold(
                    "storage", tenant._in_words_of_first_user()._storage_words()
                )
            else:
                tenant.with_context(saas_action=Said("storage_limit"))._lift_storage()

    def _lift_storage(self):
        if self.suspend_cause == "storage":
            self._lift("storage")

    def _storage_is_far_over(self):
        return self.storage_used_mb * 100 > self.limit_storage_mb * SUSPEND_PERCENT

    def _tell_over_limit(self, over):
        self.ensure_one()
        used = self.env._(
            "Users: %(users)s of %(user_limit)s. Storage: %(storage)s of %(storage_limit)s.",
            users=self.users,
            user_limit=self.limit_users,
            storage=self.storage_used,
            storage_limit=self.storage_limit,
        )
        action = "over_limit" if over else "within_limits"
        self.env["saas.audit.entry"]._log(self, action, reason=used)
        summary = self.env._("Over the limits of its plan")
        if over:
            self.activity_schedule(
                "mail.mail_activity_data_todo",
                summary=summary,
                note=used,
                user_id=self._responsible().id,
            )
        else:
            self.activity_ids.filtered(lambda todo: todo.summary == summary).unlink()

    def _responsible(self):
        """Who looks after the customer: the salesperson, else one of the owners."""
        return responsible(self, self.order_id.user_id, self.partner_id.user_id)

    def _limit_notice(self):
        """The level and the words of the banner, both "" while all is within the plan."""
        self.ensure_one()
        if self.storage_used_mb > self.limit_storage_mb:
            return "warning", self.env._(
                "Your storage is full: your plan includes %(limit)s. Delete data that you no "
                "longer need, or choose a larger plan. If usage grows much further, this Odoo is "
                "suspended.",
                limit=self.storage_limit,
            )
        if self.users > self.limit_users:
            return "warning", self.env._(
                "There are more active users than the %s in your plan, so the newest ones are "
                "deactivated. Choose a larger plan to have more users.",
                self.limit_users,
            )
        return "", ""

    def _storage_words(self):
        # No figure that changes from look to look: each other reason is a new spec.
        return self.env._(
            "This Odoo uses far more than the %s of storage in its plan. No data is lost. Choose a "
            "larger plan in our portal or contact us to use it again.",
            self.storage_limit,
        )
