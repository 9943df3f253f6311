{
    "name": "Hosted Odoo",
    "summary": "Connects this Odoo with the operator who hosts it",
    "version": "19.0.1.0.0",
    "category": "Hidden",
    "author": "odoo-saas contributors",
    "license": "LGPL-3",
    "depends": ["auth_signup", "mail", "web"],
    "external_dependencies": {"python": ["cryptography"]},
    "data": [
        "security/ir.model.access.csv",
        "data/ir_cron.xml",
        "views/saas_access_log_views.xml",
        "views/res_users_views.xml",
        "views/res_config_settings_views.xml",
        "views/sign_on_templates.xml",
    ],
    "assets": {
        "web.assets_backend": ["saas_tenant/static/src/notices/**/*"],
        "web.assets_unit_tests": ["saas_tenant/static/tests/**/*"],
    },
}
