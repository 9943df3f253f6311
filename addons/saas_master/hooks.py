def post_init_hook(env):
    """A master is confirmed as the one and only from its very first moment."""
    env["saas.control"]._remember_installation()
