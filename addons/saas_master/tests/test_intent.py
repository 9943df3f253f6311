from odoo.tests import tagged

from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestIntent(SaasCase):
    """Operations say what they are for: nobody outside reads the word reconcile."""

    def setUp(self):
        super().setUp()
        self.tenant = self._sell("intent")

    def _last(self):
        return self.tenant.operation_ids.sorted("id")[-1:]

    def _carry_out(self, phase):
        claim = self._claim_one(self.tenant)
        status = self._status(phase, claim["spec"]["generation"])
        self.assertTrue(self._finish(claim, status=status))

    def _suspend(self):
        wizard = self.env["saas.tenant.suspend"].create(
            {"tenant_id": self.tenant.id, "reason": "Unpaid."}
        )
        wizard.action_confirm()

    def test_a_life_in_operations(self):
        said = [self._last().intent]
        self._carry_out("running")
        self.tenant.banner_text = "Hello"
        said.append(self._last().intent)
        self._carry_out("running")
        self._suspend()
        said.append(self._last().intent)
        self._carry_out("suspended")
        self.tenant.action_resume()
        said.append(self._last().intent)
        self._carry_out("running")
        self._control().request(tenant=self.tenant.ref, kind="reconcile", reason="It crashed.")
        said.append(self._last().intent)
        self._carry_out("running")
        self.tenant._delete("It is over.")
        said.append(self._last().intent)
        self.assertEqual(said, ["make", "change", "suspend", "resume", "repair", "delete"])

    def test_one_that_waits_follows_what_is_wanted(self):
        self._suspend()
        self.assertEqual(self._last().intent, "suspend")
        self.assertEqual(len(self.tenant.operation_ids), 1)
        self.tenant.action_resume()
        self.assertEqual(self._last().intent, "make", "it has never run")

    def test_what_is_over_keeps_its_words(self):
        making = self._last()
        self._carry_out("running")
        self._suspend()
        self.assertEqual(making.intent, "make")
        self.assertEqual(making.display_name, f"{self.tenant.name}: Set Up")
        timeline = self.env["saas.fleet"].get_timeline("saas.operation", making.id)
        self.assertEqual(timeline["operation"]["title"], "Set Up")
