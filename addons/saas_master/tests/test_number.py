from odoo.exceptions import ValidationError
from odoo.tests import HttpCase, new_test_user, tagged

from ..models.number import whole
from ..models.saas_subscription import GRACE_DAYS
from .common import SaasCase

# What somebody may write where a number is expected.
ODD = ("²", "٣", "-1", "+1", "1.5", "1e3", " 1", str(10**30), "9" * 5000, "", "\0", "0x1", "None")


@tagged("post_install", "-at_install")
class TestNumber(SaasCase, HttpCase):
    """Numbers that somebody wrote into an address, a form or a parameter."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        user = new_test_user(cls.env, "counting", groups="base.group_portal", password="counting")
        user.partner_id.parent_id = cls._make_customer("Counting")
        cls.tenant = cls._sell("counting", customer=user.partner_id.parent_id)
        cls.wanted = cls._make_plan("Wanted by number")

    def test_what_is_a_number_and_what_is_not(self):
        self.assertEqual([whole("0"), whole("007"), whole(str(2**31 - 1))], [0, 7, 2**31 - 1])
        self.assertEqual([whole("0", 1), whole("9", 1, 8), whole(str(2**31))], [None] * 3)
        for text in (*ODD, None, False, 1, ["1"]):
            self.assertIsNone(whole(text), repr(text))

    def test_a_form_with_an_odd_number_changes_nothing(self):
        self.authenticate("counting", "counting")
        page = self.url_open(f"/my/odoo/{self.tenant.id}").text
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        path = f"/my/odoo/{self.tenant.id}/plan"
        for plan in (*ODD, str(self.wanted.id + 10**9), ["²", str(self.wanted.id)]):
            form = {"csrf_token": token, "plan_id": plan}
            answer = self.url_open(path, data=form, allow_redirects=False)
            self.assertEqual(answer.status_code, 303, repr(plan))
        uploaded = {"plan_id": ("1", b"1")}
        answer = self.url_open(path, data={"csrf_token": token}, files=uploaded)
        self.assertEqual(answer.status_code, 200)
        self.assertFalse(self.tenant.wished_plan_id)

    def test_an_address_with_an_odd_number_leads_to_no_error(self):
        self.authenticate("counting", "counting")
        for number in ODD:
            if number in ("\0", ""):
                continue
            for path in ("/my/odoo/%s", "/my/odoo/page/%s", "/saas/open/%s"):
                answer = self.url_open(path % number[:1000])
                self.assertLess(answer.status_code, 500, path % number[:40])

    def test_a_parameter_that_is_no_number_stands_for_the_default(self):
        parameters = self.env["ir.config_parameter"].sudo()
        grace = self.env["saas.subscription"]._grace_days
        parameters.set_param("saas.grace_days", "3")
        self.assertEqual(grace(), 3)
        parameter = parameters.search([("key", "=", "saas.grace_days")])
        for text in ("²", "-1", "9" * 5000):
            with self.assertRaises(ValidationError):
                parameters.set_param("saas.grace_days", text)
            # As a database may have it from before there was a rule.
            self.env.cr.execute(
                "UPDATE ir_config_parameter SET value = %s WHERE id = %s", [text, parameter.id]
            )
            parameter.invalidate_recordset()
            self.env.registry.clear_cache("stable")
            self.assertEqual(grace(), GRACE_DAYS)
