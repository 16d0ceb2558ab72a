"""Whether wandb could log in."""


def has_wandb_key() -> bool:
    """Say whether wandb would find credentials without asking a person; no server is asked.

    Raises
    ------
    Exception
        What wandb raises where they, or its settings, are not in order.
    """
    import wandb
    from wandb.sdk import wandb_setup
    from wandb.sdk.lib import wbauth

    try:
        host = wandb_setup.singleton().settings.base_url
        found = wbauth.authenticate_session(
            host=host, source="humanseg", prompt=False, update_session=False
        )
    finally:
        if wandb.run is None:
            wandb.teardown()
    return found is not None
