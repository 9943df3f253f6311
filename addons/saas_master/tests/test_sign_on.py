import os
import socket
import tempfile
import threading
from unittest.mock import Mock, patch

import requests

from odoo.exceptions import AccessError, UserError
from odoo.tests import new_test_user, tagged
from odoo.tools import mute_logger

from ..models import sidecar_client
from .common import SaasCase


@tagged("post_install", "-at_install", "saas_master")
class TestSignOn(SaasCase):
    def setUp(self):
        super().setUp()
        with tempfile.NamedTemporaryFile("w", suffix=".token", delete=False) as file:
            file.write("very-secret\n")
        self.addCleanup(os.unlink, file.name)
        environment = {
            "SAAS_SIDECAR_URL": "http://127.0.0.1:18299/",
            "SAAS_NUDGE_TOKEN_FILE": file.name,
        }
        self.startPatcher(patch.dict(os.environ, environment))
        self.tenant = self._sell(f"sign-{self.id()[-4:].lower().replace('_', '')}on")
        self._provision(self.tenant)
        self.env["saas.tenant"]._cron_tell_customers()

    def _answer(self, status=200, **body):
        answer = Mock(status_code=status)
        answer.json.return_value = body
        return self.startPatcher(patch.object(requests, "post", return_value=answer))

    def test_the_customer_signs_on_as_the_first_user(self):
        post = self._answer(token="one.time")
        user = self.tenant.partner_id.user_ids
        self.assertEqual(self.tenant.sudo().with_user(user).sudo()._portal_sign_on(), "one.time")
        url, sent = post.call_args.args[0], post.call_args.kwargs
        self.assertEqual(url, "http://127.0.0.1:18299/sign-on")
        self.assertEqual(sent["headers"], {"Authorization": "Bearer very-secret"})
        self.assertEqual(sent["timeout"], 2)
        self.assertEqual(
            sent["json"],
            {
                "tenant": self.tenant.ref,
                "subject": "first",
                "login": self.tenant.bootstrap_user_login,
                "name": user.name,
                "staff": False,
                "reason": "",
            },
        )

    def test_a_customers_sign_on_is_audited(self):
        self._answer(token="one.time")
        user = self.tenant.partner_id.user_ids
        self.tenant.with_user(user)._portal_sign_on()
        entry = self._audit_of(self.tenant, "sign_on")
        self.assertEqual((entry.actor, entry.user_id_int), ("person", user.id))
        self.assertEqual(entry.new, self.tenant.bootstrap_user_login)

    def test_a_colleague_does_not_become_the_first_user_by_an_address(self):
        post = self._answer(token="one.time")
        colleague = new_test_user(self.env, "sign_on_colleague", groups="base.group_portal")
        colleague.partner_id.parent_id = self.tenant.partner_id
        # As anybody may at /my/account.
        colleague.partner_id.email = self.tenant.bootstrap_user_login
        self.tenant.with_user(colleague)._portal_sign_on()
        self.assertEqual(post.call_args.kwargs["json"]["login"], "sign_on_colleague")

    def test_a_name_of_any_length_signs_on(self):
        post = self._answer(token="one.time")
        user = self.tenant.partner_id.user_ids
        for name in ("x" * 300, "O'Neil <b>x</b>", "شركة", "  株式会社  "):
            user.partner_id.name = name
            self.tenant.with_user(user)._portal_sign_on()
            sent = post.call_args.kwargs["json"]["name"]
            self.assertEqual(sent, name.strip()[:254])

    def test_staff_sign_on_as_themselves_with_a_reason(self):
        post = self._answer(token="one.time")
        operator = self._make_staff("operator")
        wizard = self.env["saas.tenant.open"].with_user(operator)
        wizard = wizard.create({"tenant_id": self.tenant.id, "reason": "Help with invoices"})
        self.assertEqual(wizard.action_confirm()["url"], f"/saas/open/{wizard.id}")
        self.assertEqual(wizard._sign_on(), "one.time")
        sent = post.call_args.kwargs["json"]
        self.assertEqual((sent["login"], sent["staff"]), (operator.login, True))
        self.assertEqual(sent["subject"], operator._saas_subject())
        self.assertEqual(sent["reason"], "Help with invoices")
        self.assertEqual(self.tenant._spec()["staff_logins"], [operator.login])
        entry = self._audit_of(self.tenant, "open")
        self.assertEqual((entry.reason, entry.user_id_int), ("Help with invoices", operator.id))

    def test_viewers_do_not_sign_on(self):
        with self.assertRaises(AccessError):
            self.tenant.with_user(self._make_staff("viewer"))._staff_sign_on("curious")

    def test_what_does_not_run_cannot_be_opened(self):
        self.tenant._hold("person", "x")
        with self.assertRaisesRegex(UserError, "is not running"):
            self.tenant._request_sign_on("first", "me", "Me", False, "")

    @mute_logger("odoo.addons.saas_master.models.saas_tenant_sign_on")
    def test_a_sidecar_that_is_away_is_told_in_words(self):
        self.startPatcher(patch.object(requests, "post", side_effect=requests.ConnectionError("x")))
        with self.assertRaisesRegex(UserError, "Try again in a minute"):
            self.tenant._request_sign_on("first", "me", "Me", False, "")

    @mute_logger("odoo.addons.saas_master.models.saas_tenant_sign_on")
    def test_without_a_sidecar_it_is_told_too(self):
        with (
            patch.dict(os.environ, {"SAAS_SIDECAR_URL": ""}),
            self.assertRaisesRegex(UserError, "does not answer"),
        ):
            self.tenant._request_sign_on("first", "me", "Me", False, "")

    def test_a_refusal_is_passed_on(self):
        self._answer(409, error="It is being restarted. Try again in a few seconds.")
        with self.assertRaisesRegex(UserError, "being restarted"):
            self.tenant._request_sign_on("first", "me", "Me", False, "")

    def test_a_nudge_goes_out_once_a_transaction_and_breaks_nothing(self):
        postcommit = self.env.cr.postcommit
        postcommit.clear()
        nudge = self.startPatcher(patch.object(sidecar_client, "nudge"))
        self.tenant.banner_text = "one"
        self.tenant.banner_text = "two"
        postcommit.run()
        nudge.assert_called_once_with()

    def test_a_nudge_that_fails_is_nobodys_business(self):
        post = self.startPatcher(patch.object(requests, "post", side_effect=requests.Timeout("x")))
        sidecar_client._nudge()
        self.assertEqual(post.call_args.args[0], "http://127.0.0.1:18299/nudge")
        self.assertLessEqual(post.call_args.kwargs["timeout"], 0.3)

    def test_a_sidecar_on_this_machine_is_asked_at_its_socket(self):
        folder = tempfile.TemporaryDirectory()
        self.addCleanup(folder.cleanup)
        path = f"{folder.name}/sidecar.sock"
        listener = socket.socket(socket.AF_UNIX)
        self.addCleanup(listener.close)
        listener.bind(path)
        listener.listen()
        heard = []

        def answer():
            connection, _ = listener.accept()
            with connection:
                heard.append(connection.recv(65536))
                body = b'{"token": "one.time"}'
                connection.sendall(
                    b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body
                )

        sidecar = threading.Thread(target=answer, daemon=True)
        sidecar.start()
        self.startPatcher(patch.dict(os.environ, {"SAAS_SIDECAR_URL": f"unix:{path}"}))
        self.assertEqual(self.tenant._request_sign_on("first", "me", "Me", False, ""), "one.time")
        sidecar.join()
        self.assertIn(b"POST /sign-on HTTP/1.1\r\n", heard[0])
        self.assertIn(b"Authorization: Bearer very-secret\r\n", heard[0])

    @mute_logger("odoo.addons.saas_master.models.saas_tenant_sign_on")
    def test_where_there_is_no_socket_nobody_is_told_anything(self):
        self.startPatcher(
            patch.dict(os.environ, {"SAAS_SIDECAR_URL": "unix:/nowhere/sidecar.sock"})
        )
        sidecar_client._nudge()
        with self.assertRaisesRegex(UserError, "Try again in a minute"):
            self.tenant._request_sign_on("first", "me", "Me", False, "")
