import json
from pathlib import Path

from odoo.tests import BaseCase, tagged

from ..models import host_name, slug


@tagged("post_install", "-at_install", "saas_master")
class TestNames(BaseCase):
    """The sidecar is held against the same cases, by tests/sidecar/names.test.ts."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        file = Path(__file__).with_name("names.json")
        cls.cases = json.loads(file.read_text(encoding="utf-8"))

    def test_what_a_host_may_be_called(self):
        for case in self.cases["hosts"]:
            self.assertEqual(host_name.problem_of(case["name"]), case["problem"], case["name"])

    def test_what_people_type_is_the_host_that_they_mean(self):
        for case in self.cases["typed"]:
            self.assertEqual(host_name.normalize(case["typed"]), case["name"], case["typed"])

    def test_people_read_it_in_its_own_letters(self):
        self.assertEqual(host_name.in_letters("xn--mnchen-3ya.example"), "münchen.example")
        self.assertEqual(host_name.in_letters("xn--a.example"), "xn--a.example")

    def test_what_an_address_may_be_called(self):
        for case in self.cases["slugs"]:
            self.assertEqual(slug.problem_of(case["slug"]), case["problem"], case["slug"])

    def test_suggestions_are_valid_and_free(self):
        for case in self.cases["suggestions"]:
            self.assertEqual(slug.suggest(case["name"]), case["slug"], case["name"])
            self.assertEqual(slug.problem_of(case["slug"]), "")
        self.assertEqual(slug.problem_of(slug.suggest("x" * 300)), "")
        self.assertEqual(slug.suggest("Acme", {"acme", "acme-2"}.__contains__), "acme-3")
