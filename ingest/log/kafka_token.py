"""OAuth tokens for Kafka: from a file that is renewed, or fetched with the client's credentials (RFC 6749 §4.4)."""

import base64
import json
import ssl
import threading
import time
from collections.abc import Callable
from http.client import HTTPException
from pathlib import Path
from urllib.parse import quote_plus, urlencode
from urllib.request import Request, urlopen

from kafka.errors import SaslAuthenticationFailedError
from kafka.net.sasl.oauth import AbstractTokenProvider

_SECONDS = 5.0
_FOR_EVER = 3600.0  # for a token that does not say when it ends
_USED = 0.8  # of a token's life after which another is fetched


class Token(AbstractTokenProvider):
    """`file` holds the token; or `url` gives one to `client` with `secret`. Safe to share between threads."""

    def __init__(
        self,
        *,
        file: str = "",
        url: str = "",
        client: str = "",
        secret: str = "",
        scope: str = "",
        ca: str | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file, self._url, self._client, self._secret, self._scope, self._ca = file, url, client, secret, scope, ca
        self._clock = clock
        self._lock = threading.Lock()
        self._held = ""
        self._until = 0.0

    def token(self) -> str:
        """One that is valid for a while. Blocks; raises SaslAuthenticationFailedError, which says no secret."""
        try:
            if self._file:
                return Path(self._file).read_text().strip()
            with self._lock:
                if self._clock() >= self._until:
                    self._held, seconds = self._fetch()
                    self._until = self._clock() + seconds * _USED
                return self._held
        except (OSError, HTTPException, ValueError, LookupError, TypeError) as error:
            said = str(error) if isinstance(error, OSError) else type(error).__name__  # no part of an answer
            raise SaslAuthenticationFailedError(f"no token from {self._file or self._url}: {said}") from None

    def _fetch(self) -> tuple[str, float]:
        form = {"grant_type": "client_credentials", **({"scope": self._scope} if self._scope else {})}
        basic = base64.b64encode(f"{quote_plus(self._client)}:{quote_plus(self._secret)}".encode()).decode()
        asked = Request(  # noqa: S310 - http or https, as settings check
            self._url,
            urlencode(form).encode(),
            {"Authorization": f"Basic {basic}", "Content-Type": "application/x-www-form-urlencoded"},
        )
        context = _trusting(self._ca) if self._url.startswith("https://") else None
        with urlopen(asked, timeout=_SECONDS, context=context) as answer:  # noqa: S310
            told = json.load(answer)
        return str(told["access_token"]), float(told.get("expires_in", _FOR_EVER))


def _trusting(ca: str | None) -> ssl.SSLContext:
    """Who signs for the brokers may sign for the token's server too; public ones do anyway."""
    context = ssl.create_default_context()
    if ca:
        context.load_verify_locations(ca)
    return context
