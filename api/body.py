"""The body of a request → a model."""

from typing import TYPE_CHECKING, Annotated, Any, TypeVar, get_origin

import msgspec
from pydantic import BaseModel, ConfigDict, Field, ValidationError, create_model
from starlette.requests import Request

from api.problem import Problem
from api.query import first_problem
from api.registry.account import Role, Scope
from ingest.contract.site import SiteSettings

MAX_BYTES = 64 * 1024

Body = TypeVar("Body", bound=BaseModel)


async def receive(request: Request) -> bytes:
    """The whole body. Raises Problem (413) before more than the limit is in memory, whatever Content-Length says."""
    too_large = Problem(413, "too_large", f"a body has at most {MAX_BYTES} bytes", headers={"Connection": "close"})
    length = request.headers.get("content-length", "")
    if length.isdecimal() and int(length[:18]) > MAX_BYTES:
        raise too_large
    body = bytearray()
    async for chunk in request.stream():
        body += chunk
        if len(body) > MAX_BYTES:
            raise too_large
    return bytes(body)


def read(model: type[Body], body: bytes) -> Body:
    """The JSON object as the model. Raises Problem (400), naming the field if there is one to name."""
    try:
        given = msgspec.json.decode(body)
    except (msgspec.MsgspecError, RecursionError, UnicodeDecodeError) as error:
        raise Problem(400, "invalid_body", f"not JSON: {error}") from None
    if not isinstance(given, dict):
        raise Problem(400, "invalid_body", "not a JSON object")
    try:
        return model.model_validate(given)
    except ValidationError as error:
        raise first_problem(error, given) from None


class SignIn(BaseModel):
    """Who signs in to the pages."""

    model_config = ConfigDict(extra="forbid", strict=True)
    email: Annotated[str, Field(max_length=300)]
    password: Annotated[str, Field(max_length=1000)]


class NewPassword(BaseModel):
    """The password of now, and the one from now on: at least 12 characters."""

    model_config = ConfigDict(extra="forbid", strict=True)
    old: Annotated[str, Field(max_length=1000)]
    new: Annotated[str, Field(max_length=1000, examples=["correct horse battery"])]


class NewKey(BaseModel):
    """What a key is for. `scope`: `read` asks, `manage` changes too, `ingest` posts events and does nothing else."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(max_length=100, examples=["Weekly report"])] = ""
    scope: Scope = "manage"
    site: Annotated[str | None, Field(max_length=100, description="Id of the one site that it is good for.")] = None


class Invitation(BaseModel):
    """Whom to invite, and as what. The email is a note of whom the link is meant for; nothing is sent."""

    model_config = ConfigDict(extra="forbid", strict=True)
    role: Role = "viewer"
    email: Annotated[str, Field(max_length=300)] = ""


class Acceptance(BaseModel):
    """An account to be made, or to sign in with; neither: the one that is signed in accepts."""

    model_config = ConfigDict(extra="forbid", strict=True)
    email: Annotated[str | None, Field(max_length=300)] = None
    password: Annotated[str | None, Field(max_length=1000)] = None


class NewLink(BaseModel):
    """A share link. `embed`: pages of other sites may show it in a frame."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=100, examples=["For the board"])]
    password: Annotated[str | None, Field(min_length=1, max_length=1000)] = None
    embed: bool = False


class Opening(BaseModel):
    """The password of a share link that has one."""

    model_config = ConfigDict(extra="forbid", strict=True)
    password: Annotated[str | None, Field(max_length=1000)] = None


class NewSite(BaseModel):
    """A site to be added; a domain may be pasted with scheme, `www.` and path."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=100, examples=["My shop"])]
    domain: Annotated[str, Field(min_length=1, max_length=300, examples=["example.com"])]


def _patch_of(model: type[BaseModel]) -> Any:
    """The model as a JSON merge patch: every field may be left out, or be null to go back to its default."""
    fields: dict[str, Any] = {}
    for name, field in model.model_fields.items():
        nested = [part for part in _parts(field.annotation) if isinstance(part, type) and issubclass(part, BaseModel)]
        type_: Any = _patch_of(nested[0]) if nested else field.annotation
        fields[name] = (Annotated[type_, *field.metadata] | None if field.metadata else type_ | None, None)
    config = ConfigDict(extra="forbid", strict=True)
    return create_model(f"{model.__name__}Patch", __config__=config, __doc__=model.__doc__, **fields)


def _parts(annotation: Any) -> tuple[Any, ...]:
    """Of a union; a list, which a patch replaces whole, is one."""
    return (annotation,) if get_origin(annotation) is list else getattr(annotation, "__args__", (annotation,))


if TYPE_CHECKING:
    SettingsPatch = BaseModel
else:
    SettingsPatch = _patch_of(SiteSettings)


class SitePatch(BaseModel):
    """A JSON merge patch of a site."""

    model_config = ConfigDict(extra="forbid", strict=True)
    name: Annotated[str, Field(min_length=1, max_length=100)] = ""
    domain: Annotated[str, Field(min_length=1, max_length=300)] = ""
    settings: SettingsPatch | None = None
