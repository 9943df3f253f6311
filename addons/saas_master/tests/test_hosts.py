from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestHosts(SaasCase):
    """Addresses of tenants: which can be had, and what a rename does to them."""

    def setUp(self):
        super().setUp()
        params = self.env["ir.config_parameter"]
        params.set_param("saas.base_domain", "cloud.operator.test")
        params.set_param("web.base.url", "https://erp.operator.test")
        self.tenant = self._sell("acme")

    def _hosts(self):
        return {host.name: host.primary for host in self.tenant.host_ids}

    def test_a_rename_leaves_the_customers_own_primary_address(self):
        self.tenant._add_host("acme.com", True)
        self.tenant._rename("acme2")
        self.assertEqual(self._hosts(), {"acme.com": True, "acme2.cloud.operator.test": False})
        self.assertEqual(self.tenant.url, "http://acme.com:8080")

    def test_a_rename_leaves_all_other_addresses(self):
        self.tenant._add_host("acme.com", False)
        self.tenant._add_host("acme.cloud.elsewhere.test", False)
        self.tenant._rename("acme2")
        self.assertEqual(
            self._hosts(),
            {
                "acme.com": False,
                "acme.cloud.elsewhere.test": False,
                "acme2.cloud.operator.test": True,
            },
        )

    def test_a_rename_to_an_address_that_it_has_drops_the_old_one(self):
        self.tenant._add_host("acme2.cloud.operator.test", False)
        self.tenant._rename("acme2")
        self.assertEqual(self._hosts(), {"acme2.cloud.operator.test": True})

    def test_a_rename_after_the_domain_has_changed_keeps_what_it_was_found_at(self):
        self.env["ir.config_parameter"].set_param("saas.base_domain", "new.operator.test")
        self.tenant._rename("acme2")
        self.assertEqual(
            self._hosts(),
            {"acme.cloud.operator.test": True, "acme2.new.operator.test": False},
        )

    def test_what_must_lead_nowhere_else_is_refused_with_a_sentence(self):
        self.env["website"].search([], limit=1).domain = "https://www.operator-shop.test"
        refused = {
            "1.2.3.4": "IP address",
            "[::1]:8069": "IP address",
            "1.2.3": "IP address",
            "2130706433": "IP address",
            "0x7f.1": "IP address",
            "１.２.３.４": "IP address",  # noqa: RUF001 that is what is tested
            "localhost": "within one network",
            "acme": "within one network",
            "acme.localhost": "within one network",
            "printer.local": "within one network",
            "db.internal": "within one network",
            "cloud.operator.test": "whoever runs this",
            "operator.test": "whoever runs this",
            "erp.operator.test": "leads to this Odoo",
            "ERP.Operator.test:443": "leads to this Odoo",
            "www.operator-shop.test": "leads to this Odoo",
            "operator-shop.test": "leads to this Odoo",
            "www.cloud.operator.test": "reserved",
            "a.b.cloud.operator.test": "cannot be an address",
            "*.acme.example": "not a host name",
            "xn--a.example": "not a host name",
            "me@acme.example": "not a host name",
            "a\nb.example": "not a host name",
            "   ": "Enter the address",
            'O\'Neil & Söhne "GmbH" <b>x</b>': "not a host name",
            "x" * 300 + ".example": "not a host name",
        }
        for name, words in refused.items():
            with self.assertRaisesRegex(UserError, words, msg=name):
                self.tenant._add_host(name, False)
        self.assertEqual(self._hosts(), {"acme.cloud.operator.test": True})

    def test_no_way_leads_past_that(self):
        Host = self.env["saas.tenant.host"]
        for name in ("1.2.3", "operator.test", "erp.operator.test", "münchen.example", "Acme.com"):
            with self.assertRaises(ValidationError, msg=name):
                Host.create({"name": name, "tenant_id": self.tenant.id})
            with self.assertRaises(ValidationError, msg=name):
                self.tenant.host_ids[:1].name = name
            self.env.invalidate_all(flush=False)

    def test_the_masters_own_label_is_refused_below_the_domain(self):
        self.env["ir.config_parameter"].set_param("web.base.url", "https://erp.cloud.operator.test")
        with self.assertRaisesRegex(UserError, "leads to this Odoo"):
            self.tenant._add_host("erp.cloud.operator.test", False)
        with self.assertRaisesRegex(UserError, "reserved"):
            self.tenant._rename("erp")

    def test_what_is_meant_well_is_taken(self):
        for typed, name in (
            ("münchen.example", "xn--mnchen-3ya.example"),
            ("https://Shop.Acme.Example:8443/", "shop.acme.example"),
            ("acme.example.", "acme.example"),
        ):
            self.tenant._add_host(typed, False)
            self.assertIn(name, self._hosts())
        with self.assertRaisesRegex(UserError, "taken already"):
            self.tenant._add_host("xn--mnchen-3ya.example", False)
        host = self.tenant.host_ids.filtered(lambda host: host.name.startswith("xn--"))
        self.assertEqual(host.display_name, "münchen.example")
