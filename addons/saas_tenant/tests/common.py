"""An operator of its own for every test: keys that exist here only."""

import base64
import json
import secrets
import time
from unittest.mock import patch

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat

from odoo.tests import new_test_user
from odoo.tools import config

TENANT = "tabcdefghij"


class Operator:
    """Signs messages as the sidecar does."""

    def __init__(self, tenant=TENANT):
        self.tenant = tenant
        self.key = Ed25519PrivateKey.generate()

    @property
    def public_key(self):
        raw = self.key.public_key().public_bytes(Encoding.Raw, PublicFormat.Raw)
        return base64.b64encode(raw).decode()

    def token(self, act, data=None, **changes):
        now = int(time.time())
        payload = {
            "aud": self.tenant,
            "jti": secrets.token_hex(16),
            "iat": now,
            "exp": now + 60,
            "act": act,
            "data": data or {},
            **changes,
        }
        signed = _encode(json.dumps(payload).encode())
        return f"{signed}.{_encode(self.key.sign(signed.encode()))}"

    def settings(self, users=5, storage_mb=100_000, banner=None, **changes):
        return self.token(
            "settings",
            {
                "fingerprint": "0123456789abcdef",
                "limits": {"users": users, "storage_mb": storage_mb},
                "banner": banner,
                "upgrade_url": "http://master.example/my/odoo",
                "mail": "no_relay",
                "base_url": "http://acme.example:8080",
                **changes,
            },
        )

    def sign_on(self, login, staff=False, reason="", name="Somebody", subject="", **changes):
        data = {
            "subject": subject or f"u-{login.lower()}",
            "login": login,
            "name": name,
            "staff": staff,
            "reason": reason,
        }
        return self.token("sign_on", data, **changes)


def _encode(data):
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()


class OperatedMixin:
    """For test cases: this Odoo has an operator, `self.operator`."""

    def setUp(self):
        super().setUp()
        self.operator = Operator()
        self.configure(saas_tenant=TENANT, saas_public_key=self.operator.public_key)
        self.apply_settings(users=1000)

    def configure(self, **options):
        self.startPatch(patch.dict(config.options, options))

    def startPatch(self, patcher):
        patcher.start()
        self.addCleanup(patcher.stop)

    def tell(self, token):
        """Carry out a message without the way over HTTP."""
        from ..operator_token import read

        agent = self.env["saas.agent"]
        return agent._carry_out(read(token, agent.ACTS), token)

    def apply_settings(self, **settings):
        return self.tell(self.operator.settings(**settings))

    def count_users(self):
        return self.env["res.users"]._saas_count()

    def new_user(self, login, groups="base.group_user"):
        return new_test_user(self.env, login, groups)
