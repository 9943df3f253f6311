"""Finish a template: `python3 build_template.py -c odoo.conf`, after the modules were installed.

A clone of it then needs no filestore, its first visitor waits for no asset bundle, and nothing in
it belongs to anybody. Exits with a sentence when the database is not fit to be a template.
"""

import sys

import launch  # sets Odoo up and keeps it inside its own database

# isort: split
from servers import connections

import odoo
from odoo import api
from odoo.modules.registry import Registry
from odoo.tools import config

# What people meet first and what no view calls: the web client's worker and lazily loaded parts.
MORE_BUNDLES = {
    "bus.websocket_worker_assets",
    "web.assets_emoji",
    "web.assets_frontend_lazy",
    "web_tour.interactive",
}
# What must be made in each tenant, never in what all of them are copied from.
SECRETS = ("mail.web_push_vapid_private_key", "mail.web_push_vapid_public_key")


def finish(env):
    env["ir.config_parameter"].set_param("ir_attachment.location", "db")
    env["ir.attachment"].force_storage()
    build_bundles(env["ir.qweb"])


def build_bundles(qweb):
    scripts, styles = qweb._get_bundles_to_pregenarate()
    for bundle in people_meet(scripts | MORE_BUNDLES):
        qweb._get_asset_bundle(bundle, css=False, js=True).js()
    for bundle in people_meet(styles):
        qweb._get_asset_bundle(bundle, css=True, js=False).css()


def people_meet(bundles):
    """Odoo's own tests have the largest bundles, and every clone would carry them."""
    return sorted(bundle for bundle in bundles if "test" not in bundle)


def complaint(env):
    """Why this database must not be copied, or ""."""
    params = env["ir.config_parameter"]
    for key in SECRETS:
        if params.get_param(key):
            return f"The template holds a secret of its own: {key}."
    if "iap.account" in env and env["iap.account"].search_count([]):
        return "The template holds an IAP account, which all its copies would share."
    in_files = env["ir.attachment"].search_count([("store_fname", "!=", False)])
    if in_files:
        return f"{in_files} attachments of the template lie in files, which its copies would miss."
    return ""


def main(args):
    launch.stay_inside()
    connections.notice_silence()
    config.parse_config(args, setup_logging=True)
    registry = Registry(launch.own_database())
    with registry.cursor() as cr:
        env = api.Environment(cr, odoo.SUPERUSER_ID, {})
        finish(env)
        why = complaint(env)
        if why:
            sys.exit(why)


if __name__ == "__main__":
    main(sys.argv[1:])
