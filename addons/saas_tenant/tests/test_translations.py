from odoo.tests import TransactionCase, tagged

from .translations import TranslationsMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestTranslations(TranslationsMixin, TransactionCase):
    # Odoo leaves inherited tests out, unless it is told that they are meant.
    allow_inherited_tests_method = True
    module = "saas_tenant"
