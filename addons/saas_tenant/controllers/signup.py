from odoo.addons.auth_signup.controllers.main import AuthSignupHome


class SaasSignup(AuthSignupHome):
    def get_auth_signup_qcontext(self):
        """Without a link from our mail, nobody learns from an address whether it has an account."""
        values = super().get_auth_signup_qcontext()
        if not values.get("token") or values.get("invalid_token"):
            values.pop("signup_email", None)
        return values
