from odoo.tests import HttpCase, tagged

from .common import OperatedMixin, Operator


@tagged("post_install", "-at_install", "saas_tenant")
class TestSignOn(OperatedMixin, HttpCase):
    def setUp(self):
        super().setUp()
        self.apply_settings(users=self.count_users() + 1)
        self.user = self.new_user("owner@example.com")

    def use(self, token):
        return self.url_open("/saas/sign-on", data={"token": token}, allow_redirects=False)

    def assertSignedOnAs(self, login):
        self.assertEqual(self.who(), login)

    def who(self):
        answer = self.url_open(
            "/web/session/get_session_info", json={"jsonrpc": "2.0", "method": "call", "params": {}}
        ).json()
        return answer.get("result", {}).get("username")

    def assertRefused(self, answer, words):
        self.assertEqual(answer.status_code, 403)
        self.assertIn(words, answer.text)
        self.assertIsNone(self.who())

    def test_posting_signs_on(self):
        answer = self.use(self.operator.sign_on("owner@example.com"))
        self.assertEqual(answer.status_code, 303)
        self.assertTrue(answer.headers["Location"].endswith("/odoo"))
        self.assertSignedOnAs("owner@example.com")

    def test_asking_uses_nothing_up(self):
        token = self.operator.sign_on("owner@example.com", name="Olga Owner")
        for _visit in range(2):
            page = self.url_open(f"/saas/sign-on?token={token}")
            self.assertEqual(page.status_code, 200)
            self.assertIn("Olga Owner", page.text)
            self.assertIsNone(self.who())
        self.use(token)
        self.assertSignedOnAs("owner@example.com")

    def test_a_link_works_once(self):
        token = self.operator.sign_on("owner@example.com")
        self.use(token)
        self.url_open("/web/session/logout")
        self.assertRefused(self.use(token), "already been used")

    def test_an_old_link_says_what_to_do(self):
        token = self.operator.sign_on("owner@example.com", iat=1_700_000_000, exp=1_700_000_060)
        self.assertRefused(self.use(token), "no longer valid")
        page = self.url_open(f"/saas/sign-on?token={token}")
        self.assertIn("Go back to the page that it came from", page.text)

    def test_links_of_others_are_refused(self):
        self.assertRefused(self.use(Operator().sign_on("owner@example.com")), "does not work")
        self.assertRefused(
            self.use(self.operator.sign_on("owner@example.com", aud="tzzzzzzzzzz")), "another Odoo"
        )
        self.assertRefused(self.use(""), "does not work")
        self.assertRefused(self.use(self.operator.token("state")), "does not work")

    def test_a_login_that_is_not_there(self):
        answer = self.use(self.operator.sign_on("nobody@example.com"))
        self.assertRefused(answer, "no active user nobody@example.com")

    def test_a_link_is_no_password(self):
        token = self.operator.sign_on("owner@example.com")
        for params in (
            {"type": "saas_token", "password": token},
            {"type": "saas_token", "token": token},
        ):
            page = self.url_open("/web/login")
            csrf = page.text.partition('name="csrf_token" value="')[2].partition('"')[0]
            self.url_open(
                "/web/login", data={"login": "owner@example.com", "csrf_token": csrf, **params}
            )
            self.assertIsNone(self.who())

    def test_a_link_for_a_user_signs_on_no_staff(self):
        self.use(self.operator.sign_on("helper@operator.example", staff=True, reason="Ticket 1"))
        self.url_open("/web/session/logout")
        self.assertRefused(
            self.use(self.operator.sign_on("helper@operator.example")), "does not work"
        )

    def test_staff_sign_on_as_users_of_their_own(self):
        self.use(
            self.operator.sign_on(
                "helper@operator.example", staff=True, name="Hella", reason="Ticket 1"
            )
        )
        self.assertSignedOnAs("helper@operator.example")
        entry = self.env["saas.access.log"].search([], limit=1)
        self.assertEqual((entry.kind, entry.reason), ("sign_on", "Ticket 1"))
        self.assertIn("Hella", entry.user_name)
