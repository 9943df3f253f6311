from odoo.tests import TransactionCase, tagged

from .common import OperatedMixin

BOOTSTRAP = {
    "company": "Søren & Søn",
    "country": "DK",
    "lang": "da_DK",
    "timezone": "Europe/Copenhagen",
    "user_name": "Søren Kierkegaard",
    "user_login": "soren@example.com",
}


@tagged("post_install", "-at_install", "saas_tenant")
class TestAgent(OperatedMixin, TransactionCase):
    def setUp(self):
        super().setUp()
        self.admin = self.env.ref("base.user_admin")
        self.company = self.env.ref("base.main_company")

    def bootstrap(self, **changes):
        return self.tell(self.operator.token("bootstrap", {**BOOTSTRAP, **changes}))

    def test_bootstrap_makes_it_the_owners(self):
        self.assertEqual(self.bootstrap()["notes"], [])
        self.assertEqual(self.company.name, "Søren & Søn")
        self.assertEqual(self.company.country_id.code, "DK")
        self.assertEqual(self.company.currency_id.name, "DKK")
        self.assertEqual(self.admin.login, "soren@example.com")
        self.assertEqual(self.admin.email, "soren@example.com")
        self.assertEqual(self.admin.name, "Søren Kierkegaard")
        self.assertEqual(self.admin.lang, "da_DK")
        self.assertEqual(self.admin.tz, "Europe/Copenhagen")
        self.assertTrue(self.admin.has_group("base.group_system"))
        self.assertEqual(self.env["res.partner"].create({"name": "New"}).lang, "da_DK")

    def test_bootstrap_sends_no_mail(self):
        before = self.env["mail.mail"].search([])
        self.bootstrap()
        self.assertEqual(self.env["mail.mail"].search([]), before)

    def test_bootstrap_leaves_no_password(self):
        self.bootstrap()
        self.env.cr.execute("SELECT password FROM res_users WHERE id = %s", (self.admin.id,))
        self.assertEqual(self.env.cr.fetchone(), (None,))

    def test_bootstrap_a_second_time_changes_nothing(self):
        self.bootstrap()
        self.company.name = "Renamed by its owner"
        self.bootstrap()
        self.assertEqual(self.company.name, "Renamed by its owner")
        self.assertTrue(self.tell(self.operator.token("state"))["bootstrapped"])

    def test_bootstrap_works_with_little(self):
        notes = self.bootstrap(
            country="", lang="en_US", timezone="", user_name="", user_login="owner"
        )["notes"]
        self.assertEqual(notes, [])
        self.assertEqual(self.admin.login, "owner")
        self.assertEqual(self.admin.name, "owner")
        self.assertFalse(self.admin.email)

    def test_bootstrap_says_what_it_does_not_know(self):
        with self.assertLogs("odoo.addons.saas_tenant", "WARNING"):
            notes = self.bootstrap(country="QQ", lang="tlh_TLH")["notes"]
        self.assertEqual(len(notes), 2)
        self.assertEqual(self.admin.lang, "en_US")

    def test_surplus_users_are_archived_newest_first(self):
        users = [self.new_user(f"user{number}") for number in range(4)]
        keep = self.count_users() - 2
        answer = self.tell(
            self.operator.token("deactivate_users", {"keep": keep, "staff_logins": []})
        )
        self.assertEqual(answer["deactivated"], ["user3", "user2"])
        self.assertEqual([user.active for user in users], [True, True, False, False])
        entry = self.env["saas.access.log"].search([], limit=1)
        self.assertEqual(entry.kind, "users_archived")
        self.assertIn("user3, user2", entry.reason)

    def test_the_owner_and_staff_are_never_archived(self):
        helper = self.new_user("helper@operator.example")
        portal = self.new_user("portal", "base.group_portal")
        self.tell(
            self.operator.token(
                "deactivate_users", {"keep": 0, "staff_logins": ["helper@operator.example"]}
            )
        )
        self.assertTrue(self.admin.active)
        self.assertTrue(helper.active)
        self.assertTrue(portal.active)
        internal = self.env["res.users"].search([("share", "=", False)])
        self.assertEqual(internal - self.env.ref("base.user_root"), self.admin | helper)

    def test_notices_tell_what_the_operator_says(self):
        self.configure(smtp_server="relay.example")
        self.apply_settings(banner={"level": "warning", "text": "We move house on Sunday."})
        self.assertEqual(
            self.env["ir.http"]._saas_notices(),
            [{"level": "warning", "text": "We move house on Sunday."}],
        )
