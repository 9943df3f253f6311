from odoo.exceptions import AccessError, ValidationError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestConfiguration(SaasCase):
    def _open(self, group="owner"):
        Settings = self.env["saas.configuration"].with_user(self._make_staff(group))
        return Settings.create({})

    def test_an_owner_who_is_no_administrator_reads_and_changes_them(self):
        settings = self._open()
        self.assertEqual(settings.base_domain, "saas.test")
        settings.write({"base_domain": "odoo.example.com", "grace_days": 21, "paused": True})
        settings.execute()
        again = self._open()
        self.assertEqual((again.base_domain, again.grace_days), ("odoo.example.com", 21))
        self.assertTrue(self.env["saas.control"]._is_paused())
        entry = self.env["saas.audit.entry"].search([("action", "=", "setting")], limit=3)
        self.assertIn("21", entry.mapped("new"))
        self.assertEqual(entry.mapped("user_id_int"), [settings.create_uid.id] * 3)
        again.paused = False
        again.execute()
        self.assertFalse(self.env["saas.control"]._is_paused())

    def test_what_was_not_changed_is_not_logged(self):
        before = self.env["saas.audit.entry"].search_count([("action", "=", "setting")])
        self._open().execute()
        after = self.env["saas.audit.entry"].search_count([("action", "=", "setting")])
        self.assertEqual(after, before)

    def test_others_do_not_reach_them(self):
        for group in ("viewer", "operator"):
            with self.assertRaises(AccessError, msg=group):
                self._open(group)

    def test_a_domain_is_taken_as_it_is_meant(self):
        settings = self._open()
        settings.base_domain = " https://Odoo.Example.COM./ "
        settings.execute()
        self.assertEqual(self._open().base_domain, "odoo.example.com")

    def test_nonsense_is_refused(self):
        self._sell("config")._add_host("shop.acme.example", False)
        settings = self._open()
        for values in (
            {"base_domain": "not a domain"},
            {"base_domain": False},
            {"base_domain": "203.0.113.7"},
            {"base_domain": "shop.acme.example"},
            {"url_port": "70000"},
            {"deletions_per_hour": -1},
            {"grace_days": -1},
        ):
            with self.assertRaises(ValidationError, msg=values), self.env.cr.savepoint():
                settings.write(values)
