from odoo import api, models

PREFIX = "saas."


class IrConfigParameter(models.Model):
    """The brakes and the addresses are parameters: who changed them is in the audit log too."""

    _inherit = "ir.config_parameter"

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
