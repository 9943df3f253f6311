from odoo.exceptions import UserError, ValidationError
from odoo.tests import tagged
from odoo.tools import mute_logger

from ..models import slug as slugs
from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSlug(SaasCase):
    def test_good_ones(self):
        for slug in ("acme", "a1b", "acme-west-2", "4you", "a" * 40):
            self.assertEqual(slugs.problem_of(slug), "", slug)

    def test_bad_ones(self):
        expected = {
            "": "empty",
            "ab": "short",
            "a" * 41: "long",
            "-acme": "characters",
            "acme-": "characters",
            "ac me": "characters",
            "acme.com": "characters",
            "ac_me": "characters",
            "Acme": "characters",
            "xn--acme": "punycode",
            "аcme": "not_ascii",  # noqa: RUF001 that is what is tested
            "müller": "not_ascii",
            "ａcme": "not_ascii",
            "www": "reserved",
            "admin": "reserved",
            "api": "reserved",
            "mail": "reserved",
        }
        for slug, problem in expected.items():
            self.assertEqual(slugs.problem_of(slug), problem, slug)

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

    def test_suggestions_are_valid_and_free(self):
        names = {
            "Acme Corporation": "acme",
            "Müller & Söhne GmbH": "muller-sohne",
            "  ---  ": "odoo",
            "日本": "odoo",
            "AB": "odoo-ab",
            "API": "odoo-api",
        }
        for name, slug in names.items():
            self.assertEqual(slugs.suggest(name), slug, name)
        long = slugs.suggest("x" * 90)
        self.assertEqual(slugs.problem_of(long), "")
        self.assertEqual(slugs.suggest("Acme", {"acme", "acme-2"}.__contains__), "acme-3")

    def test_host_names(self):
        for name in ("odoo.acme.example", "acme.localhost", "x.y"):
            self.assertTrue(slugs.is_host_name(name), name)
        for name in ("acme", "http://acme.example", "acme..example", "-a.example", "A.example"):
            self.assertFalse(slugs.is_host_name(name), name)
