from odoo import api, models
from odoo.exceptions import ValidationError

from . import host_name, number

PREFIX = "saas."
# Parameters that count something.
AMOUNTS = ("saas.deletions_per_hour", "saas.grace_days")


class IrConfigParameter(models.Model):
    """The brakes and the addresses are parameters: who changed them is in the audit log too, and
    nonsense is refused however they are written.
    """

    _inherit = "ir.config_parameter"

    @api.constrains("key", "value")
    def _check_saas_value(self):
        for record in self._saas_ours():
            problem = self._saas_problem(record.key, record.value)
            if problem:
                raise ValidationError(problem)

    @api.model
    def _saas_problem(self, key, value):
        """What is wrong with the value of a parameter of ours, in words, or ""."""
        value = value or ""
        if key == "saas.base_domain":
            return self._saas_domain_problem(value)
        if key == "saas.url_scheme" and value not in ("http", "https"):
            return self.env._("“%s” is not a scheme. Enter http or https.", value)
        if key == "saas.url_port" and value and number.whole(value, 1, 65535) is None:
            return self.env._("“%s” is not a port from 1 to 65535.", value)
        if key in AMOUNTS and value and number.whole(value, 0, 1_000_000) is None:
            return self.env._("“%s” is not a number of 0 or more.", value)
        return ""

    @api.model
    def _saas_domain_problem(self, domain):
        if host_name.problem_of(f"name.{domain}"):
            return self.env._("“%s” is not a domain. Write it like odoo.example.com.", domain)
        # sudo: whether it is an address of a tenant must not depend on who asks
        taken = self.env["saas.tenant.host"].sudo().search([("name", "=", domain)])
        if taken:
            return self.env._(
                "“%(domain)s” is an address of %(tenant)s. Remove it there first, or choose "
                "another domain.",
                domain=domain,
                tenant=taken.tenant_id.name,
            )
        return ""

    @api.model_create_multi
    def create(self, vals_list):
        records = super().create(vals_list)
        for record in records._saas_ours():
            record._saas_log("", record.value)
        return records

    def write(self, vals):
        before = {record: record.value for record in self._saas_ours()}
        result = super().write(vals)
        for record, old in before.items():
            if record.value != old:
                record._saas_log(old, record.value)
        return result

    def unlink(self):
        for record in self._saas_ours():
            record._saas_log(record.value, "")
        return super().unlink()

    def _saas_ours(self):
        return self.filtered(lambda record: (record.key or "").startswith(PREFIX))

    def _saas_log(self, old, new):
        self.env["saas.audit.entry"]._log(self, "setting", field=self.key, old=old, new=new)
        # An installation that is no longer paused has work waiting.
        self.env["saas.operation"]._nudge()
