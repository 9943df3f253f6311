from odoo import fields, models

from .language import spoken
from .lifecycle import SUBSCRIPTION_DESIRED
from .said import Said

# Whoever stands further left keeps the word: what staff suspended, no payment lifts.
CAUSES = ("person", "subscription", "storage")


class SaasTenantHolds(models.Model):
    """Why a tenant is suspended, and by whom. There may be several causes at a time: when one is
    lifted, the next one takes over.
    """

    _inherit = "saas.tenant"

    def _hold(self, cause, reason):
        """Suspend it, unless something weightier did already."""
        self.ensure_one()
        if self.desired == "deleted":
            return
        held = self.suspend_cause if self.desired == "suspended" else False
        if held and CAUSES.index(held) < CAUSES.index(cause):
            return
        self.with_context(saas_reason=Said(reason)).write(
            {"desired": "suspended", "suspend_cause": cause, "suspend_reason": reason}
        )

    def _lift(self, cause):
        """That cause is gone. It runs again unless there is another one."""
        self.ensure_one()
        if self.desired != "suspended" or self.suspend_cause not in (cause, False):
            return
        self.write(self._next_hold(cause))

    def _next_hold(self, lifted):
        subscription = self.subscription_id
        if lifted != "subscription" and SUBSCRIPTION_DESIRED.get(subscription.state) == "suspended":
            cause, reason = "subscription", subscription._in_words_of_tenant()._suspend_words()
        elif lifted != "storage" and self._storage_is_far_over():
            cause, reason = "storage", self._in_words_of_first_user()._storage_words()
        else:
            return {"desired": "running", "suspend_cause": False, "suspend_reason": False}
        return {"desired": "suspended", "suspend_cause": cause, "suspend_reason": reason}

    def _hold_words(self):
        """Why it is suspended, in the language of who reads it; what staff wrote stays as it is."""
        self.ensure_one()
        match self.suspend_cause:
            case "subscription":
                return self.subscription_id._suspend_words()
            case "storage":
                return self._storage_words()
        return self.suspend_reason or ""

    def _in_words_of_first_user(self):
        return self.with_context(lang=spoken(self.env, self.bootstrap_lang))

    def _refresh_notice(self):
        """What the system has to say inside the tenant now, in the language of its first user."""
        for tenant in self.sudo():
            level, text = tenant._in_words_of_first_user()._notice()
            if (tenant.notice_level or "", tenant.notice_text or "") != (level, text):
                tenant.write({"notice_level": level, "notice_text": text})

    def _notice(self):
        """The gravest first: only one banner is shown."""
        self.ensure_one()
        if self.delete_after and self.desired != "deleted":
            day = fields.Date.to_string(self.delete_after.date())
            return "danger", self.env._(
                "This Odoo and all its data will be deleted on %s. Contact us to keep it.", day
            )
        words = self.subscription_id._notice() if self.subscription_id else ("", "")
        return words if words[1] else self._limit_notice()
