"""What people call the apps whose technical names a plan lists."""


def app_names(env, technical):
    """Names in the reader's language, in the order of the alphabet; an unknown app keeps its own.

    :param technical: technical names of modules
    """
    # sudo: how an app is called is no secret, and not everybody may read the list of modules
    modules = env["ir.module.module"].sudo().search([("name", "in", list(technical))])
    known = {module.name: module.shortdesc for module in modules}
    return sorted((known.get(name) or name for name in technical), key=str.casefold)
