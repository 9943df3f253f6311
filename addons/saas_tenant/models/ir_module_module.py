from odoo import models
from odoo.exceptions import UserError

from .. import operator_token


class IrModuleModule(models.Model):
    _inherit = "ir.module.module"

    def button_uninstall(self):
        modules = self | self.downstream_dependencies()
        self._saas_keep(modules)
        return super().button_uninstall()

    def module_uninstall(self):
        self._saas_keep(self)
        return super().module_uninstall()

    def _saas_keep(self, modules):
        if operator_token.is_managed() and "saas_tenant" in modules.mapped("name"):
            raise UserError(
                self.env._(
                    "“Hosted Odoo” connects this Odoo with its provider. It cannot be uninstalled, "
                    "and neither can the modules it depends on."
                )
            )
