import logging

from odoo import models
from odoo.exceptions import UserError

_logger = logging.getLogger(__name__)


class SaasTenantWelcome(models.Model):
    """What new customers get from us: a way into the portal, and word when their Odoo is ready.

    Neither is waited for: whoever confirms a quotation goes on at once, and so does the making of
    the tenant.
    """

    _inherit = "saas.tenant"

    def _tell_customers_soon(self):
        self.env.ref("saas_master.cron_tell_customers").sudo()._trigger()

    def _cron_tell_customers(self):
        for tenant in self.search([("invited", "=", False), ("released", "=", False)]):
            tenant._each_by_itself(tenant._invite)
            self._let_go()
        ready = [("ready_at", "!=", False), ("welcomed", "=", False), ("released", "=", False)]
        for tenant in self.search(ready):
            tenant._each_by_itself(tenant._tell_ready)
            self._let_go()

    def _let_go(self):
        """One customer a transaction: it locks the row into which the sidecar reports, too."""
        if self.env.context.get("cron_id"):
            self.env["ir.cron"]._commit_progress(1)

    def _each_by_itself(self, act):
        """One customer's broken data must not keep the others waiting."""
        try:
            with self.env.cr.savepoint():
                act()
                self.env.flush_all()
        except Exception as problem:
            _logger.exception("The customer of %s could not be written to", self.ref)
            self._could_not_tell(str(problem))

    def _invite(self):
        self.ensure_one()
        self.status_id.invited = True
        try:
            problem = self.partner_id._saas_invite()
        except UserError as refusal:
            problem = str(refusal)
        if problem:
            self._could_not_tell(problem)

    def _tell_ready(self):
        self.ensure_one()
        self.status_id.welcomed = True
        self.env.ref("saas_master.mail_template_ready").send_mail(self.id)

    def _could_not_tell(self, problem):
        """Where the salesperson looks."""
        self.ensure_one()
        self.status_id.write({"invited": True, "welcomed": bool(self.ready_at)})
        (self.order_id or self).message_post(body=problem)
