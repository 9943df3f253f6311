from odoo.tests import HttpCase, new_test_user, tagged
from odoo.tools import mute_logger


@tagged("post_install", "-at_install", "saas_tenant")
class TestPassword(HttpCase):
    """Who asks for a new password learns nothing of who has an account."""

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        cls.env["ir.config_parameter"].set_param("auth_signup.reset_password", "True")
        cls.user = new_test_user(cls.env, "known", groups="base.group_portal", email="k@x.example")
        mailless = new_test_user(cls.env, "mailless", groups="base.group_portal")
        mailless.email = False

    def _ask(self, login):
        page = self.url_open("/web/reset_password").text
        token = page.split('name="csrf_token"', 1)[1].split('value="', 1)[1].split('"', 1)[0]
        answer = self.url_open("/web/reset_password", data={"csrf_token": token, "login": login})
        self.assertEqual(answer.status_code, 200)
        return answer.text.split("<main", 1)[1].split("</main", 1)[0].replace(login, "")

    @mute_logger("odoo.addons.mail.models.mail_mail")
    def test_every_login_is_answered_alike(self):
        known = self._ask("known")
        self.assertEqual(self.user.partner_id.sudo().signup_type, "reset")
        for login in ("nobody", "nobody@x.example", "mailless", "o'neil"):
            self.assertEqual(self._ask(login), known, login)

    def test_an_address_alone_leads_to_no_login(self):
        self.user.sudo().write({"login_date": False})
        for path in ("/web/reset_password", "/web/signup"):
            statuses = {
                self.url_open(f"{path}?signup_email={email}", allow_redirects=False).status_code
                for email in ("k@x.example", "nobody@x.example")
            }
            self.assertEqual(len(statuses), 1, path)
            self.assertNotIn(303, statuses, path)
