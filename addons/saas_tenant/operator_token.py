"""What the operator says to this Odoo: signed for this tenant, for one minute.

token = base64url(JSON payload) "." base64url(Ed25519 signature over the ASCII of the first part).

The public key and the tenant's id come from the configuration file at every check, never from the
database: whoever administers this Odoo can change everything in there.
"""

import base64
import binascii
import json
import time

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from odoo.exceptions import AccessDenied
from odoo.tools import config

# How far the clocks of operator and tenant may be apart, in seconds.
CLOCK_SKEW = 5
MAX_LIFETIME = 60


class TokenRefused(AccessDenied):
    """Why a token is not believed; `code` is for programs and the message for people."""

    def __init__(self, code, message):
        super().__init__()
        self.args = (message,)
        self.code = code


def is_managed():
    """Whether this Odoo has an operator. Without one this addon does nothing."""
    return bool(config.get("saas_public_key") and config.get("saas_tenant"))


def tenant_id():
    return config.get("saas_tenant") or ""


def read(token, act, check_expiry=True):
    """The payload of a token that was made for this tenant and for this act (or one of several).

    Whether it was used before is for the caller to find out, where it matters (saas.token.used).
    """
    payload = _verified(token)
    acts = (act,) if isinstance(act, str) else act
    if payload.get("aud") != tenant_id():
        raise TokenRefused("audience", "This message was made for another Odoo.")
    if payload.get("act") not in acts:
        raise TokenRefused("act", "This message was made for something else.")
    if not isinstance(payload.get("jti"), str) or not isinstance(payload.get("data"), dict):
        raise TokenRefused("malformed", "This message is incomplete.")
    if check_expiry:
        _check_time(payload)
    return payload


def _verified(token):
    if not is_managed():
        raise TokenRefused(
            "unmanaged",
            "This Odoo has no operator: saas_public_key and saas_tenant are not in its"
            " configuration file.",
        )
    try:
        signed, signature = token.split(".")
        key = Ed25519PublicKey.from_public_bytes(
            base64.b64decode(config["saas_public_key"], validate=True)
        )
        key.verify(_decode(signature), signed.encode("ascii"))
        payload = json.loads(_decode(signed))
    except InvalidSignature:
        raise TokenRefused("signature", "This message was not signed by the operator.") from None
    except (AttributeError, ValueError, binascii.Error):
        raise TokenRefused("malformed", "This is not a message of the operator.") from None
    if not isinstance(payload, dict):
        raise TokenRefused("malformed", "This is not a message of the operator.")
    return payload


def _check_time(payload):
    issued, expires = payload.get("iat"), payload.get("exp")
    if not isinstance(issued, int) or not isinstance(expires, int):
        raise TokenRefused("malformed", "This message does not say how long it is valid.")
    if expires - issued > MAX_LIFETIME:
        raise TokenRefused("malformed", "This message claims to be valid for too long.")
    now = time.time()
    if now > expires or now < issued - CLOCK_SKEW:
        raise TokenRefused("expired", "This message is no longer valid.")


def _decode(text):
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
