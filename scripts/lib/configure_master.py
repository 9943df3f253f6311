"""Run inside `odoo shell` with `settings` and `env` at hand.

Makes a master of its own of a fresh copy, and brings its settings up to date.
"""

parameters = env["ir.config_parameter"].sudo()

if settings["fresh"]:
    # The copy shares its identity with every other copy of the same snapshot.
    parameters.init(force=True)
    parameters.set_param("saas.installation", False)
    for name, value in settings["first_parameters"].items():
        parameters.set_param(name, value)
    env["saas.control"]._remember_installation()

for name, value in settings["parameters"].items():
    parameters.set_param(name, value)

admin = env.ref("base.user_admin")
admin.write({"password": settings["admin_password"]})
env.ref("saas_master.user_sidecar").write({"password": settings["sidecar_password"]})
admin.write({"group_ids": [(4, env.ref("saas_master.group_saas_owner").id)]})

if settings["demo"]:
    from odoo.modules.loading import load_demo
    from odoo.modules.module_graph import ModuleGraph

    modules = env["ir.module.module"].search([("state", "=", "installed")])
    graph = ModuleGraph(env.cr, mode="load")
    graph.extend(modules.mapped("name"))
    package = next(package for package in graph if package.name == "saas_master")
    if not package.demo:
        # A failure is only logged by Odoo, so it is looked for here.
        if not load_demo(env, package, {}, "init"):
            raise SystemExit("The demonstration data of saas_master cannot be loaded.")
        modules.filtered(lambda module: module.name == "saas_master").demo = True

env.cr.commit()
