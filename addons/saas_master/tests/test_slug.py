from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import slug as slugs
from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSlug(SaasCase):
    def test_every_problem_is_a_sentence_that_says_what_to_do(self):
        Tenant = self.env["saas.tenant"]
        for slug in ("", "ab", "a" * 41, "-acme", "xn--acme", "müller", "www"):
            words = Tenant._slug_problem(slug)
            self.assertRegex(words, r"(Use|Choose|Enter) ", slug)
            self.assertTrue(words.endswith("."), words)

    def test_what_people_type_is_made_comparable(self):
        order = self._quote("  ACME-Tests ")
        self.assertEqual(order.saas_slug, "acme-tests")

    def test_a_taken_one_is_refused_with_one_that_is_free(self):
        self._sell("slug-taken")
        words = self.env["saas.tenant"]._slug_problem("slug-taken")
        self.assertIn("slug-taken-2", words)
        with self.assertRaisesRegex(UserError, "is taken"):
            self._sell("slug-taken")

    def test_a_host_of_somebody_else_is_taken_too(self):
        tenant = self._sell("slug-first")
        tenant._add_host("slug-second.saas.test", False)
        self.assertIn("is taken", self.env["saas.tenant"]._slug_problem("slug-second"))

    def test_the_database_refuses_what_two_people_ask_in_the_same_instant(self):
        tenant = self._sell("slug-race")
        values = {"name": "Other", "slug": "slug-race", "plan_id": self.plan.id}
        with (
            self.assertRaises(Exception) as refusal,
            mute_logger("odoo.sql_db"),
            self.env.cr.savepoint(),
        ):
            self.env["saas.tenant"].create({**values, "partner_id": tenant.partner_id.id})
            self.env.flush_all()
        words = self.env["saas.tenant"]._sql_error_to_message(refusal.exception)
        self.assertIn("Choose another one", words)

    def test_a_bad_one_never_gets_into_the_database(self):
        with self.assertRaises(ValidationError):
            self.env["saas.tenant"].create(
                {
                    "name": "Bad",
                    "slug": "api",
                    "plan_id": self.plan.id,
                    "partner_id": self._make_customer().id,
                }
            )

    def test_what_is_not_an_address_is_answered_with_one_that_can_be_had(self):
        Tenant = self.env["saas.tenant"]
        self._sell("mueller-soehne")
        for typed in ("Müller & Söhne", "müller_söhne"):
            words = Tenant._slug_problem(Tenant._normalize_slug(typed))
            self.assertIn("“mueller-soehne-2”", words)
        self.assertIn("“odoo”", Tenant._slug_problem("аcme"))  # noqa: RUF001 that is what is tested

    def test_many_customers_of_one_name_each_get_an_address(self):
        for number in range(2, 40):
            self.env["saas.tenant"].create(
                {
                    "name": "日本",
                    "slug": f"odoo-{number}",
                    "plan_id": self.plan.id,
                    "partner_id": self._make_customer("日本").id,
                }
            )
        self._sell("odoo", customer=self._make_customer("日本"))
        with self.assertQueryCount(10):
            self.assertEqual(self.env["saas.tenant"]._free_slug("日本"), "odoo-40")

    def test_a_whole_address_that_was_pasted_is_its_first_part(self):
        for typed in (
            "https://Pasted.saas.test/",
            "pasted.saas.test:8080",
            " pasted.SAAS.test. ",
            "http://pasted.saas.test:8080/web/login?next=/",
        ):
            self.assertEqual(self._quote(typed).saas_slug, "pasted", typed)
        self.assertEqual(self._quote("pasted.elsewhere.test").saas_slug, "pasted.elsewhere.test")

    def test_the_address_of_the_master_is_reserved(self):
        self.env["ir.config_parameter"].set_param("web.base.url", "https://Our-ERP.saas.test:8443")
        Tenant = self.env["saas.tenant"]
        self.assertIn("reserved", Tenant._slug_problem("our-erp"))
        self.assertEqual(Tenant._free_slug("Our ERP"), "our-erp-2")
        with self.assertRaisesRegex(UserError, "reserved"):
            self._sell("our-erp")

    def test_odd_names_of_customers_make_an_odoo_all_the_same(self):
        for name in (
            'O\'Neil & Söhne "GmbH" <b>x</b>',
            "x" * 300,
            "شركة الاختبار",
            "株式会社テスト",
            "   ",
            "None",
            "False",
            "100 % Test",
        ):
            tenant = self._sell(False, customer=self._make_customer(name))
            self.assertEqual(slugs.problem_of(tenant.slug), "", name)
            self.assertEqual(tenant._spec()["bootstrap"]["company"].strip(), name.strip())
