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

    def test_the_first_user_is_known_without_a_login(self):
        admin = self.env.ref("base.user_admin")
        admin.login = "renamed@example.com"
        self.use(self.operator.sign_on("boss@example.com", subject="first"))
        self.assertSignedOnAs("renamed@example.com")

    def test_who_takes_the_first_users_login_does_not_become_the_first_user(self):
        self.env.ref("base.user_admin").login = "boss@example.com"
        for login in ("boss@example.com", "Boss@Example.com"):
            answer = self.use(self.operator.sign_on(login, subject="u-colleague"))
            self.assertRefused(answer, "belongs to somebody else")

    def test_two_spellings_of_a_login_are_one_person(self):
        self.use(self.operator.sign_on("Owner@Example.COM"))
        self.assertSignedOnAs("owner@example.com")

    def test_a_wildcard_in_a_login_is_a_letter(self):
        for login in ("owner%", "%", "_wner@example.com"):
            self.assertRefused(self.use(self.operator.sign_on(login)), "no active user")

    def test_a_person_stays_the_user_whom_they_opened_first(self):
        self.use(self.operator.sign_on("owner@example.com", subject="u-one"))
        self.url_open("/web/session/logout")
        self.user.login = "married@example.com"
        self.use(self.operator.sign_on("owner@example.com", subject="u-one"))
        self.assertSignedOnAs("married@example.com")

    def test_who_takes_a_freed_login_gets_nobody_elses_user(self):
        self.use(self.operator.sign_on("owner@example.com", subject="u-one"))
        self.url_open("/web/session/logout")
        answer = self.use(self.operator.sign_on("owner@example.com", subject="u-two"))
        self.assertRefused(answer, "belongs to somebody else")

    def test_of_two_users_with_one_login_nobody_is_taken(self):
        self.apply_settings(users=self.count_users() + 1)
        self.new_user("Owner@example.com")
        self.assertRefused(self.use(self.operator.sign_on("OWNER@example.com")), "no active user")
        self.use(self.operator.sign_on("Owner@example.com", subject="u-exact"))
        self.assertSignedOnAs("Owner@example.com")

    def test_an_archived_user_is_not_signed_on(self):
        self.use(self.operator.sign_on("owner@example.com"))
        self.url_open("/web/session/logout")
        self.user.active = False
        answer = self.use(self.operator.sign_on("owner@example.com"))
        self.assertRefused(answer, "no active user owner@example.com")

    def test_a_link_without_a_subject_is_refused(self):
        data = {"login": "owner@example.com", "name": "O", "staff": False, "reason": ""}
        self.assertRefused(self.use(self.operator.token("sign_on", data)), "does not work")

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
