import time

from odoo.tests import HttpCase, tagged
from odoo.tools import mute_logger

from .common import OperatedMixin, Operator


@tagged("post_install", "-at_install", "saas_tenant")
class TestControl(OperatedMixin, HttpCase):
    def setUp(self):
        super().setUp()
        self.env["ir.config_parameter"].search([("key", "=", "saas.settings")]).unlink()

    def say(self, token):
        answer = self.url_open("/saas/control", data=token, headers={"Content-Type": "text/plain"})
        return answer.status_code, answer.json()

    @mute_logger("odoo.addons.saas_tenant.controllers.control")
    def assertRefused(self, token, code):
        status, answer = self.say(token)
        self.assertEqual((status, answer["ok"], answer["code"]), (403, False, code), answer)
        self.assertTrue(answer["error"].endswith("."))

    def test_state_is_answered(self):
        status, answer = self.say(self.operator.token("state"))
        self.assertEqual(status, 200, answer)
        self.assertEqual(answer["ok"], True)
        self.assertEqual(answer["settings"], "")
        self.assertEqual(answer["users"], self.count_users())

    def test_a_message_works_once(self):
        token = self.operator.token("state")
        self.assertEqual(self.say(token)[0], 200)
        self.assertRefused(token, "used")

    def test_a_failed_message_may_be_said_again(self):
        token = self.operator.token("deactivate_users", {"keep": 1})
        self.assertRefused(token, "malformed")
        self.assertRefused(token, "malformed")

    def test_an_old_message_is_refused(self):
        then = int(time.time()) - 120
        self.assertRefused(self.operator.token("state", iat=then, exp=then + 60), "expired")

    def test_a_message_of_the_future_is_refused(self):
        then = int(time.time()) + 120
        self.assertRefused(self.operator.token("state", iat=then, exp=then + 60), "expired")

    def test_a_message_that_lives_for_long_is_refused(self):
        now = int(time.time())
        self.assertRefused(self.operator.token("state", iat=now, exp=now + 3600), "malformed")

    def test_a_message_for_another_tenant_is_refused(self):
        self.assertRefused(self.operator.token("state", aud="tzzzzzzzzzz"), "audience")

    def test_a_message_by_somebody_else_is_refused(self):
        self.assertRefused(Operator().token("state"), "signature")

    def test_a_changed_message_is_refused(self):
        signed, signature = self.operator.token("state").split(".")
        other = self.operator.token("usage").split(".")[0]
        self.assertRefused(f"{other}.{signature}", "signature")
        self.assertRefused(f"{signed}.{signature[:-4]}AAAA", "signature")

    @mute_logger("odoo.addons.saas_tenant.controllers.control")
    def test_garbage_is_refused(self):
        for garbage in (" ", ".", "a.b.c", "ä.ö", "e30." + "A" * 86, "{}"):
            with self.subTest(garbage):
                status, answer = self.say(garbage.encode())
                self.assertEqual(status, 403)
                self.assertIn(answer["code"], ("malformed", "signature"))

    def test_a_sign_on_is_not_for_this_endpoint(self):
        self.assertRefused(self.operator.sign_on("admin"), "act")

    def test_without_an_operator_nothing_is_believed(self):
        self.configure(saas_public_key="")
        self.assertRefused(self.operator.token("state"), "unmanaged")

    def test_settings_are_applied_and_told(self):
        self.configure(saas_internal_url="http://127.0.0.1:18069")
        status, answer = self.say(self.operator.settings())
        self.assertEqual((status, answer["settings"]), (200, "0123456789abcdef"))
        parameter = self.env["ir.config_parameter"].get_param
        self.assertEqual(parameter("web.base.url"), "http://acme.example:8080")
        self.assertEqual(parameter("web.base.url.freeze"), "True")
        self.assertEqual(parameter("report.url"), "http://127.0.0.1:18069")
        self.assertEqual(self.say(self.operator.token("state"))[1]["settings"], "0123456789abcdef")

    def test_changed_settings_are_told_as_none(self):
        self.say(self.operator.settings())
        stored = self.env["ir.config_parameter"].search([("key", "=", "saas.settings")])
        stored.value = Operator().settings(users=1000)
        self.assertEqual(self.say(self.operator.token("state"))[1]["settings"], "")

    def test_usage_is_counted(self):
        usage = self.say(self.operator.token("usage"))[1]
        self.assertEqual(usage["users"], self.count_users())
        self.assertGreater(usage["storage_mb"], 5)
