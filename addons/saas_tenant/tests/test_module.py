from odoo.exceptions import UserError
from odoo.tests import TransactionCase, tagged

from .common import OperatedMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestModule(OperatedMixin, TransactionCase):
    def test_it_cannot_be_uninstalled(self):
        modules = self.env["ir.module.module"]
        for name in ("saas_tenant", "mail"):
            module = modules.search([("name", "=", name)])
            with self.subTest(name), self.assertRaisesRegex(UserError, "cannot be uninstalled"):
                module.button_uninstall()
        self.assertEqual(modules.search([("name", "=", "saas_tenant")]).state, "installed")
