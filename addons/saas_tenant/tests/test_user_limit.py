from odoo import fields
from odoo.exceptions import ValidationError
from odoo.tests import TransactionCase, tagged

from .common import OperatedMixin, Operator


@tagged("post_install", "-at_install", "saas_tenant")
class TestUserLimit(OperatedMixin, TransactionCase):
    def setUp(self):
        super().setUp()
        self.internal = self.env.ref("base.group_user")
        self.portal = self.env.ref("base.group_portal")

    def fill(self, room=0):
        self.apply_settings(users=self.count_users() + room)

    def assertFull(self, act):
        with self.assertRaises(ValidationError) as caught, self.env.cr.savepoint():
            act()
            self.env.flush_all()
        self.assertIn("http://master.example/my/odoo", str(caught.exception))

    def test_users_within_the_limit(self):
        self.fill(room=1)
        self.new_user("one")
        self.assertFull(lambda: self.new_user("two"))

    def test_several_users_at_once(self):
        self.fill(room=1)
        self.assertFull(
            lambda: self.env["res.users"].create(
                [{"name": name, "login": name} for name in ("one", "two")]
            )
        )

    def test_unarchiving(self):
        user = self.new_user("one")
        user.active = False
        self.fill()
        self.assertFull(lambda: user.write({"active": True}))

    def test_a_user_who_was_inserted_with_sql(self):
        user = self.new_user("one")
        self.fill()
        self.env.cr.execute(
            "INSERT INTO res_users (login, active, share, partner_id, company_id,"
            " notification_type) VALUES ('sql', false, false, %s, %s, 'email') RETURNING id",
            (user.partner_id.id, user.company_id.id),
        )
        inserted = self.env["res.users"].browse(self.env.cr.fetchone()[0])
        self.assertFull(lambda: inserted.write({"active": True}))

    def test_a_portal_user_becomes_internal(self):
        user = self.new_user("one", "base.group_portal")
        self.fill()
        groups = [fields.Command.unlink(self.portal.id), fields.Command.link(self.internal.id)]
        self.assertFull(lambda: user.write({"group_ids": groups}))

    def test_a_portal_user_becomes_internal_through_the_group(self):
        user = self.new_user("one", "base.group_portal")
        self.fill()

        def act():
            self.portal.user_ids = [fields.Command.unlink(user.id)]
            self.internal.user_ids = [fields.Command.link(user.id)]

        self.assertFull(act)

    def test_a_group_that_starts_to_imply_internal(self):
        user = self.new_user("one", "base.group_portal")
        group = self.env["res.groups"].create({"name": "Odd"})
        user.group_ids = group
        self.fill()
        self.assertFull(
            lambda: group.write({"implied_ids": [fields.Command.link(self.internal.id)]})
        )

    def test_portal_users_are_free(self):
        self.fill()
        user = self.new_user("one", "base.group_portal")
        self.assertTrue(user.active)

    def test_too_many_users_can_be_archived_one_by_one(self):
        users = [self.new_user(login) for login in ("one", "two", "three")]
        self.apply_settings(users=1)
        users[0].active = False
        users[1].name = "Renamed"
        self.env.flush_all()
        self.assertFalse(users[0].active)

    def test_without_an_operator_there_is_no_limit(self):
        self.apply_settings(users=1)
        self.configure(saas_public_key="")
        self.assertTrue(self.new_user("one").active)

    def test_limits_that_were_changed_let_nobody_in(self):
        self.fill(room=5)
        stored = self.env["ir.config_parameter"].search([("key", "=", "saas.settings")])
        for value in (Operator().settings(users=1000), "garbage", "1000"):
            stored.value = value
            self.assertUnverified()
        stored.unlink()
        self.assertUnverified()

    def assertUnverified(self):
        with (
            self.assertRaisesRegex(ValidationError, "could not be verified"),
            self.env.cr.savepoint(),
        ):
            self.new_user("one")
