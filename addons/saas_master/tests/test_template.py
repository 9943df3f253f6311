from contextlib import contextmanager
from unittest.mock import patch

from odoo.exceptions import ValidationError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestTemplate(SaasCase):
    def _templates(self, key=None):
        domain = [("server_id", "=", self.server.id)]
        return self.env["saas.template"].search(domain + ([("key", "=", key)] if key else []))

    def test_a_plan_has_its_template_built_before_anybody_buys_it(self):
        before = self._templates()
        self._make_plan("Template plan", saas_module_names="project")
        template = self._templates() - before
        self.assertEqual((template.module_names, template.state), ("project", "pending"))
        self.assertEqual(template.operation_ids.kind, "build_template")
        claim = next(claim for claim in self._claim() if claim["kind"] == "build_template")
        self.assertEqual(claim["template"], template._spec())
        self.assertEqual((claim["target"], claim["server"]), ("here", "pg"))
        self.assertEqual(template.state, "building")
        self._finish(claim, steps=[self._step("build_template")])
        self.assertEqual(template.state, "ready")

    def test_the_same_apps_share_a_template(self):
        before = self._templates()
        self._make_plan("Same one", saas_module_names="contacts,crm")
        self._make_plan("Same two", saas_module_names=" crm , contacts,,crm ")
        self.assertEqual(self._templates(), before)

    def test_the_key_says_what_is_in_it(self):
        release = self.env["saas.release"].create({"name": "Key", "odoo_version": "19.0"})
        Template = self.env["saas.template"]
        key = Template._key_of(release, ["crm"], [])
        self.assertNotEqual(Template._key_of(release, ["crm"], ["de_DE"]), key)
        release.name = "Another name"
        self.assertEqual(Template._key_of(release, ["crm"], []), key)
        self.assertNotEqual(Template._key_of(release, ["crm", "project"], []), key)
        release.source_ids = [(0, 0, {"path": "/srv/addons", "pin": "1"})]
        pinned = Template._key_of(release, ["crm"], [])
        release.source_ids.pin = "2"
        self.assertEqual(len({key, pinned, Template._key_of(release, ["crm"], [])}), 3)

    def test_a_language_of_the_master_gets_into_templates_at_once(self):
        self._make_plan("Plan of many tongues", saas_module_names="project")
        before = self._templates()
        self.env["res.lang"]._activate_lang("nl_NL")
        added = self._templates() - before
        self.assertTrue(added)
        for template in added:
            self.assertIn("nl_NL", template._spec()["languages"])
            self.assertNotIn("en_US", template._spec()["languages"])
            self.assertEqual(template.operation_ids.state, "queued")

    def test_a_language_is_announced_and_nobody_waits_for_its_templates(self):
        self.env["res.partner"].search([("lang", "!=", "en_US")]).lang = "en_US"
        made = self.env["saas.template"]._get(self.plan, self.server)
        made._build()
        for claim in self._claim():
            self._finish(claim)
        self.assertEqual(made.state, "ready")
        with self._said_on_the_bus() as said:
            self.env["res.lang"]._activate_lang("nl_NL")
        self.assertIn("built again in the background", said[0]["message"])
        # Nothing new is to be built: nothing to say.
        with self._said_on_the_bus() as said:
            self.env["res.lang"]._activate_lang("nl_NL")
        self.assertEqual(said, [])
        tenants = self._sell("speaks-english") + self._sell("speaks-it-too")
        self.assertEqual(tenants.template_id, made)
        self.assertEqual(
            self.env["saas.template"]._for_new(self.plan, self.server, "nl_NL"),
            self.env["saas.template"]._get(self.plan, self.server),
        )
        kinds = [claim["kind"] for claim in self._claim()]
        self.assertEqual(kinds, sorted(kinds, key=lambda kind: kind == "build_template"))
        self.assertEqual(kinds[:2], ["reconcile", "reconcile"])

    @contextmanager
    def _said_on_the_bus(self):
        said = []

        def take(_user, kind, message, **_options):
            if kind == "simple_notification":
                said.append(message)

        with patch.object(self.env.registry["res.users"], "_bus_send", take):
            yield said

    def test_a_failed_build_says_why_and_is_built_again(self):
        before = self._templates()
        self._make_plan("Failing plan", saas_module_names="no_such_module")
        template = self._templates() - before
        claim = next(claim for claim in self._claim() if claim["kind"] == "build_template")
        self._finish(claim, "failed", reason="There is no module no_such_module.")
        self.assertEqual(template.state, "failed")
        self.assertEqual(template.message, "There is no module no_such_module.")
        template.with_user(self._make_staff("operator")).action_build()
        self.assertEqual((template.state, template.message), ("pending", False))
        [again] = self._claim()
        self.assertGreater(again["epoch"], claim["epoch"])

    def test_who_was_sold_a_plan_with_a_mistake_gets_the_corrected_one(self):
        plan = self._make_plan("Misspelt plan", saas_module_names="contakts")
        tenant = self._sell("misspelt", plan=plan)
        for claim in self._claim():
            self._finish(claim, "failed", reason="There is no module contakts.")
        plan.saas_module_names = "contacts"
        tenant.with_user(self._make_staff("operator")).action_retry()
        self.assertEqual(self._claim_one_spec(tenant)["template"]["modules"], ["contacts"])

    def test_who_runs_keeps_the_template_that_it_was_made_of(self):
        tenant = self._sell("keeps-template")
        self._provision(tenant)
        made_of = tenant.template_id
        made_of.state = "failed"
        self.plan.saas_module_names = "contacts"
        tenant.with_user(self._make_staff("operator")).action_retry()
        self.assertEqual(tenant.template_id, made_of)

    def _claim_one_spec(self, tenant):
        specs = [claim["spec"] for claim in self._claim() if "spec" in claim]
        return next(spec for spec in specs if spec["id"] == tenant.ref)

    def test_nobody_but_a_person_builds_again_what_was_given_up(self):
        before = self._templates()
        self._make_plan("Given up plan", saas_module_names="no_such_module")
        template = self._templates() - before
        for kind in ("failed", "cancelled"):
            claim = next(claim for claim in self._claim() if claim["kind"] == "build_template")
            self._finish(claim, kind, reason="No.")
            self._say_hello()
            self.assertEqual(self._claim(), [], kind)
            template.action_build()

    def test_a_plan_must_make_sense(self):
        for values in (
            {"saas_users": 0},
            {"saas_storage_mb": -1},
            {"saas_connections": 2},
            {"saas_workers": -1},
            {"saas_workers": 17, "saas_connections": 1000, "saas_memory_mb": 64000},
            {"saas_workers": 2, "saas_connections": 16},
            {"saas_workers": 2, "saas_connections": 17, "saas_memory_mb": 1023},
            {"saas_module_names": "crm;rm -rf"},
            {"type": "consu"},
            {"saas_release_id": False},
        ):
            with self.assertRaises(ValidationError, msg=str(values)):
                self._make_plan("Bad", **values)
