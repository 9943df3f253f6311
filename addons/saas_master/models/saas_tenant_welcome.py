from odoo import api, models
from odoo.exceptions import UserError
from odoo.tools import LazyTranslate

from .each_alone import each_due
from .language import spoken

_lt = LazyTranslate(__name__)

NOT_INVITED = _lt("The customer could not be invited to the portal")
NOT_TOLD = _lt("The customer could not be told that their Odoo is ready")


class SaasTenantWelcome(models.Model):
    """What new customers get from us: a way into the portal, and word when their Odoo is ready.

    Neither is waited for: whoever confirms a quotation goes on at once, and so does the making of
    the tenant.
    """

    _inherit = "saas.tenant"

    def _tell_customers_soon(self):
        self.env.ref("saas_master.cron_tell_customers").sudo()._trigger()

    @api.model
    def _cron_tell_customers(self):
        uninvited = [("invited", "=", False), ("released", "=", False)]
        each_due(self, uninvited, lambda tenant: tenant._invite(), NOT_INVITED)
        ready = [("ready_at", "!=", False), ("welcomed", "=", False), ("released", "=", False)]
        each_due(self, ready, lambda tenant: tenant._tell_ready(), NOT_TOLD)

    def _invite(self):
        for tenant in self:
            tenant.status_id.invited = True
            if not tenant.partner_id.active:
                # Nobody is invited whom staff have put away; their Odoo is made all the same.
                continue
            try:
                problem = tenant.partner_id._saas_invite()
            except UserError as refusal:
                problem = str(refusal)
            if problem:
                tenant._could_not_tell(problem)

    def _tell_ready(self):
        for tenant in self:
            tenant.status_id.welcomed = True
            tenant._send_to_customer("saas_master.mail_template_ready")

    def _send_to_customer(self, template):
        """Queue a mail in the customer's language, as far as it is spoken here.

        :param template: the name of a mail template for tenants
        """
        self.ensure_one()
        lang = spoken(self.env, self.contact_id.lang)
        template = self.env.ref(template).sudo().with_context(template_preview_lang=lang)
        template.send_mail(self.id)

    def _could_not_tell(self, problem):
        """Where the salesperson looks."""
        self.ensure_one()
        self.status_id.write({"invited": True, "welcomed": bool(self.ready_at)})
        (self.order_id or self).message_post(body=problem)
