"""The demo of `throughline up --demo`: started beside the stack, ends when the shop is there."""

import sys

from deploy import wiring
from deploy.demo.run import demo
from deploy.demo.world import DOMAIN, NAME
from deploy.folder import StackError
from deploy.logs import configure
from deploy.patience import patiently
from deploy.settings import load
from deploy.supervise import die_with_parent


def main() -> None:
    """`python -m deploy.demo URL EMAIL`: URL is where the tracking endpoint answers."""
    die_with_parent()
    settings = load({})
    configure("demo", settings.log_level, settings.log_format)
    url = sys.argv[1]
    registry = patiently(settings, 10.0, lambda: wiring.registry(settings))
    account = next(iter(registry.state.account_by_id.values()))
    if any(site.domain == DOMAIN for site in registry.state.sites_of(account.id)):
        return  # a later start of the same folder
    try:
        site = demo(settings, registry, account, url, _say)
    except StackError as error:
        _say(f"throughline: demo: {error}")
        sys.exit(1)
    _say(f"demo: {NAME} is at {url}/sites/{site.id}")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    main()
