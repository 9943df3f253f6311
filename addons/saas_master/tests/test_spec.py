from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSpec(SaasCase):
    def test_the_spec_of_a_new_tenant(self):
        customer = self._make_customer("Spec Ltd", lang="en_US", tz="Europe/Paris")
        tenant = self._sell("spec-new", customer=customer)
        spec = tenant._spec()
        self._assert_wire(spec)
        template = spec.pop("template")
        self.assertRegex(template["key"], r"^[0-9a-f]{10}$")
        self.assertEqual(template["modules"], ["contacts", "crm"])
        self.assertEqual(template["release"]["odoo_version"], "19.0")
        self.assertEqual(
            spec,
            {
                "id": tenant.ref,
                "slug": "spec-new",
                "generation": tenant.generation,
                "desired": "running",
                "target": "here",
                "server": "pg",
                "database": "shared",
                "limits": {
                    "cpu_milli": 1000,
                    "memory_mb": 1024,
                    "storage_mb": 1000,
                    "users": 10,
                    "connections": 10,
                    "workers": 0,
                },
                "outgoing": {"mail": True, "https": True},
                "hosts": [{"name": "spec-new.saas.test", "primary": True}],
                "bootstrap": {
                    "company": "Spec Ltd",
                    "country": self.env.company.country_id.code or "",
                    "lang": "en_US",
                    "timezone": "Europe/Paris",
                    "user_name": "Spec Ltd",
                    "user_login": customer.email,
                },
                "banner": False,
                "staff_logins": [],
                "upgrade_url": f"{tenant.get_base_url()}/my/odoo/{tenant.id}#plans",
            },
        )

    def test_every_change_of_the_spec_raises_the_generation(self):
        tenant = self._sell("spec-raise")
        bigger = self._make_plan("Bigger for tests", saas_users=50)
        changes = [
            lambda: tenant.write({"banner_text": "x"}),
            lambda: tenant.write({"bootstrap_company": "Other"}),
            lambda: tenant.write({"staff_logins": "me"}),
            lambda: tenant._hold("person", "Because."),
            lambda: tenant._lift("person"),
            lambda: tenant._rename("spec-renamed"),
            lambda: tenant._add_host("odoo.spec.example", True),
            lambda: tenant._change_plan(bigger),
            lambda: bigger.write({"saas_users": 60}),
            lambda: bigger.write({"saas_workers": 2, "saas_connections": 17}),
            lambda: bigger.write({"saas_outgoing_mail": False}),
            lambda: bigger.write({"saas_outgoing_https": False}),
        ]
        for number, change in enumerate(changes):
            before, spec = tenant.generation, tenant._spec()
            change()
            self.assertGreater(tenant.generation, before, f"change {number}")
            after = tenant._spec()
            self.assertNotEqual({**spec, "generation": 0}, {**after, "generation": 0}, number)
        self.assertEqual(tenant._spec()["limits"]["users"], 60)
        self.assertEqual(tenant._spec()["outgoing"], {"mail": False, "https": False})

    def test_what_changes_nothing_raises_nothing(self):
        tenant = self._sell("spec-same")
        before = tenant.generation
        tenant.write({"banner_text": tenant.banner_text, "name": "Only for us", "paused": True})
        self.assertEqual(tenant.generation, before)

    def test_a_persons_banner_comes_before_the_systems(self):
        tenant = self._sell("spec-banner")
        tenant.write({"notice_level": "warning", "notice_text": "Full."})
        self.assertEqual(tenant._spec()["banner"], {"level": "warning", "text": "Full."})
        tenant.write({"banner_level": "info", "banner_text": "Hello."})
        self.assertEqual(tenant._spec()["banner"], {"level": "info", "text": "Hello."})

    def test_the_primary_host_comes_first(self):
        tenant = self._sell("spec-hosts")
        tenant._add_host("odoo.hosts.example", True)
        self.assertEqual(
            tenant._spec()["hosts"],
            [
                {"name": "odoo.hosts.example", "primary": True},
                {"name": "spec-hosts.saas.test", "primary": False},
            ],
        )
        self.assertEqual(tenant.url, "http://odoo.hosts.example:8080")

    def test_the_usual_port_is_not_shown(self):
        tenant = self._sell("spec-url")
        params = self.env["ir.config_parameter"]
        params.set_param("saas.url_scheme", "https")
        params.set_param("saas.url_port", "443")
        tenant.invalidate_recordset(["url"])
        self.assertEqual(tenant.url, "https://spec-url.saas.test")
