from odoo import api, models


class SaasTarget(models.Model):
    """Whoever looks at the fleet sees how full a target is, and when it was heard of last."""

    _inherit = "saas.target"

    @api.model
    def _heard_of(self, info):
        target = super()._heard_of(info)
        self.env["saas.fleet"]._notify()
        return target

    def write(self, vals):
        result = super().write(vals)
        if "paused" in vals:
            self.env["saas.fleet"]._notify()
        return result


class IrConfigParameter(models.Model):
    """Whoever looks at the fleet sees at once that the brakes are on."""

    _inherit = "ir.config_parameter"

    def _saas_log(self, old, new):
        result = super()._saas_log(old, new)
        self.env["saas.fleet"]._notify()
        return result
