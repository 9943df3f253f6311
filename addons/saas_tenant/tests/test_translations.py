from odoo.tests import TransactionCase, tagged

from .translations import TranslationsMixin


@tagged("post_install", "-at_install", "saas_tenant")
class TestTranslations(TranslationsMixin, TransactionCase):
    module = "saas_tenant"
