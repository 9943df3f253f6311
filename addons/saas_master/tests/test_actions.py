from odoo.exceptions import AccessError, UserError
from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestActions(SaasCase):
    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.tenant = cls._sell("act-one")

    def setUp(self):
        super().setUp()
        self.operator = self._make_staff("operator")

    def _do(self, model, **values):
        wizard = self.env[model].with_user(self.operator)
        wizard.create({"tenant_id": self.tenant.id, **values}).action_confirm()

    def test_suspend_with_a_reason_and_resume(self):
        self._do("saas.tenant.suspend", reason="An invoice is unpaid.")
        spec = self.tenant._spec()
        self.assertEqual(spec["desired"], "suspended")
        self.assertEqual(self.tenant.suspend_reason, "An invoice is unpaid.")
        self.assertNotIn("An invoice is unpaid.", str(spec), "visitors are not told")
        entry = self._audit_of(self.tenant, "suspend").filtered(lambda e: e.field == "desired")
        self.assertEqual((entry.old, entry.new), ("running", "suspended"))
        self.assertEqual(entry.reason, "An invoice is unpaid.")
        self.assertEqual(entry.user_id_int, self.operator.id)
        self.tenant.with_user(self.operator).action_resume()
        spec = self.tenant._spec()
        self.assertEqual(spec["desired"], "running")
        self.assertFalse(self.tenant.suspend_reason)
        self.assertTrue(self._audit_of(self.tenant, "resume"))

    def test_resuming_what_runs_is_refused(self):
        with self.assertRaisesRegex(UserError, "is not suspended"):
            self.tenant.with_user(self.operator).action_resume()

    def test_rename_moves_the_address_and_frees_the_old_one(self):
        self._do("saas.tenant.rename", slug=" Act-NEW ")
        self.assertEqual(self.tenant.slug, "act-new")
        self.assertEqual(self.tenant.host_ids.name, "act-new.saas.test")
        self.assertEqual(self.env["saas.tenant"]._slug_problem("act-one"), "")
        entries = self._audit_of(self.tenant, "rename")
        self.assertEqual(set(entries.mapped("field")), {"slug", "name"})

    def test_a_bad_or_taken_name_is_refused(self):
        self._sell("act-other")
        for slug, words in (("act-other", "is taken"), ("api", "reserved"), ("act-one", "already")):
            with self.assertRaisesRegex(UserError, words):
                self._do("saas.tenant.rename", slug=slug)
        self.assertEqual(self.tenant.slug, "act-one")

    def test_in_place_of_a_taken_name_the_nearest_free_one_is_one_click_away(self):
        self._sell("act-other")
        wizard = self.env["saas.tenant.rename"].with_user(self.operator)
        dialog = wizard.create({"tenant_id": self.tenant.id, "slug": "act-other"})
        self.assertEqual(dialog.free, "act-other-2")
        self.assertEqual(dialog.action_use_free()["res_id"], dialog.id)
        self.assertEqual((dialog.slug, dialog.problem, dialog.free), ("act-other-2", "", False))
        dialog.action_confirm()
        self.assertEqual(self.tenant.slug, "act-other-2")

    def test_a_name_that_was_given_up_can_be_taken_back(self):
        self._do("saas.tenant.rename", slug="act-away")
        self._do("saas.tenant.rename", slug="act-one")
        self.assertEqual(self.tenant.host_ids.name, "act-one.saas.test")

    def test_add_make_primary_and_remove_a_host(self):
        self._do("saas.tenant.add.host", name=" Odoo.Act.Example. ", primary=True)
        added = self.tenant.host_ids.filtered("primary")
        self.assertEqual(added.name, "odoo.act.example")
        self.assertEqual(len(self.tenant.host_ids), 2)
        first = (self.tenant.host_ids - added).with_user(self.operator)
        with self.assertRaisesRegex(UserError, "Make another one primary"):
            added.with_user(self.operator).action_remove()
        first.action_make_primary()
        added.with_user(self.operator).action_remove()
        self.assertEqual(self.tenant.host_ids.name, "act-one.saas.test")
        self.assertTrue(self._audit_of(self.tenant, "unlink"))

    def test_bad_hosts_are_refused(self):
        self._sell("act-taken")
        for name, words in (
            ("act-taken.saas.test", "is taken"),
            ("x_y.example", "not a host name"),
            ("localhost", "within one network"),
            ("api.saas.test", "reserved"),
        ):
            with self.assertRaisesRegex(UserError, words):
                self._do("saas.tenant.add.host", name=name)

    def test_change_plan_changes_limits_and_subscription(self):
        plan = self._make_plan("Act bigger", saas_users=77, list_price=99.0)
        self._do("saas.tenant.change.plan", plan_id=plan.id)
        self.assertEqual(self.tenant._spec()["limits"]["users"], 77)
        self.assertEqual(self.tenant.subscription_id.plan_id, plan)
        entry = self._audit_of(self.tenant, "change_plan").filtered(lambda e: e.field == "plan_id")
        self.assertEqual(entry[:1].new, "Act bigger")

    def test_only_a_plan_can_be_the_plan(self):
        chair = self.env["product.template"].create({"name": "Chair"})
        with self.assertRaisesRegex(UserError, "not a plan"):
            self._do("saas.tenant.change.plan", plan_id=chair.id)

    def test_pause_and_unpause(self):
        tenant = self.tenant.with_user(self.operator)
        tenant.action_pause()
        self.assertEqual(self._claim(), [])
        tenant.action_unpause()
        self.assertEqual(len(self._claim()), 1)

    def test_every_action_opens_its_dialog(self):
        tenant = self.tenant.with_user(self._make_staff("owner"))
        for name in (
            "suspend",
            "rename",
            "add_host",
            "change_plan",
            "schedule_deletion",
            "delete_now",
            "open",
        ):
            action = getattr(tenant, f"action_{name}")()
            self.assertEqual(action["res_model"], f"saas.tenant.{name.replace('_', '.')}")
            self.assertEqual(action["context"]["default_tenant_id"], tenant.id)

    def test_viewers_do_nothing(self):
        tenant = self.tenant.with_user(self._make_staff("viewer"))
        for name in (
            "suspend",
            "resume",
            "rename",
            "add_host",
            "change_plan",
            "retry",
            "schedule_deletion",
            "cancel_deletion",
            "delete_now",
            "open",
            "pause",
            "unpause",
        ):
            with self.assertRaises(AccessError, msg=name):
                getattr(tenant, f"action_{name}")()
        with self.assertRaises(AccessError):
            tenant.operation_ids.action_cancel()
        with self.assertRaises(AccessError):
            tenant.operation_ids.action_retry()
        with self.assertRaises(AccessError):
            tenant.host_ids.action_make_primary()

    def test_what_actions_change_is_not_written_by_hand(self):
        tenant = self.tenant.with_user(self._make_staff("owner"))
        for name, value in (("desired", "deleted"), ("slug", "mine"), ("generation", 1)):
            with self.assertRaises(AccessError, msg=name):
                tenant.write({name: value})
        with self.assertRaises(AccessError):
            tenant.write({"phase": "running"})
