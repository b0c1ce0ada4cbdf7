"""Listing, adding, changing and deleting sites."""

from pydantic import ValidationError

from api.answer.sites import counts, sparklines
from api.body import NewSite, SitePatch
from api.endpoint import Asked
from api.filter import parse
from api.parameter import Nothing
from api.problem import invalid
from api.query import first_problem
from api.registry.change import change_site, create_site, delete_site
from api.site import NO_COUNTS, SiteInList, SiteWithSettings, in_list, with_settings
from ingest.contract.site import SiteSettings, merge_patch


def sites(asked: Asked) -> list[SiteInList]:
    """The sites that the caller may see, the oldest first."""
    own = asked.who.sites(asked.registry.state)
    by_site = counts(asked.reader, [site.id for site in own])
    days = sparklines(asked.reader, {site.id: site.settings.zone for site in own}, asked.now)
    return [in_list(site, by_site[site.id], days[site.id]) for site in own]


def site(asked: Asked) -> SiteWithSettings:
    """The site of the path."""
    return with_settings(asked.site, counts(asked.reader, [asked.site.id])[asked.site.id])


def add(asked: Asked[Nothing, NewSite]) -> SiteWithSettings:
    """A new site, with zero counts."""
    body = asked.body
    return with_settings(create_site(asked.registry, asked.caller.id, body.name, body.domain), NO_COUNTS)


def change(asked: Asked[Nothing, SitePatch]) -> SiteWithSettings:
    """The site after a JSON merge patch."""
    given = asked.body.model_dump(exclude_unset=True)
    # Counted first: once the change is stored, nothing may turn the answer into an error.
    count = counts(asked.reader, [asked.site.id])[asked.site.id]
    changed = change_site(
        asked.registry,
        asked.caller.id,
        asked.site.id,
        name=given.get("name"),
        domain=given.get("domain"),
        settings=(lambda held: _patched(held, given["settings"])) if "settings" in given else None,
    )
    return with_settings(changed, count)


def delete(asked: Asked) -> None:
    """Mark the site as deleted; its rows are removed in the background."""
    delete_site(asked.registry, asked.caller.id, asked.site.id)


def _patched(held: SiteSettings, patch: object) -> SiteSettings:
    merged = merge_patch({"settings": held.model_dump()}, {"settings": patch}).get("settings", {})
    try:
        made = SiteSettings.model_validate(merged)
    except ValidationError as error:
        problem = first_problem(error, merged)
        problem.detail.param = f"settings.{problem.detail.param}"
        raise problem from None
    filters = {f"hide.{number}": text for number, text in enumerate(made.hide)}
    for at, segment in enumerate(made.segments):
        filters |= {f"segments.{at}.filter.{number}": text for number, text in enumerate(segment.filter)}
    for place, text in filters.items():
        try:
            parse(text)
        except ValueError as error:
            raise invalid(f"settings.{place}", str(error)) from None
    return made
