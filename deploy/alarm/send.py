"""A message to a webhook and by mail. What is raised names the host, never the address: it may be a secret."""

import http.client
import json
import smtplib
import socket
import ssl
from collections.abc import Callable, Mapping
from email.message import EmailMessage
from urllib.parse import parse_qs, unquote, urlsplit

from deploy.settings import Settings

SECONDS = 10.0


class NotTaken(Exception):
    """Nobody took the message; says who, and why."""


def targets(settings: Settings) -> Mapping[str, Callable[[str], None]]:
    """Those to whom alarms go: name → what sends a text and blocks for some seconds; it raises NotTaken."""
    found: dict[str, Callable[[str], None]] = {}
    if settings.alert_url:
        found["webhook"] = lambda text: webhook(settings.alert_url, signed(text))
    if settings.alert_mail:
        found["mail"] = lambda text: mail(settings.smtp, settings.mail_to(), signed(text))
    return found


def signed(text: str) -> str:
    """With which installation says it."""
    return f"Throughline on {socket.gethostname()}: {text}"


def webhook(url: str, text: str) -> None:
    """POST `{"text": …}`, as Slack, Mattermost, Discord (`…/slack`) and others take it."""
    parts = urlsplit(url)
    kind = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
    connection = kind(parts.hostname or "", parts.port, timeout=SECONDS)
    try:
        path = (parts.path or "/") + (f"?{parts.query}" if parts.query else "")
        connection.request("POST", path, json.dumps({"text": text}), {"Content-Type": "application/json"})
        answer = connection.getresponse()
        answer.read(1000)
        if not 200 <= answer.status < 300:
            raise NotTaken(f"the webhook at {parts.hostname} answers {answer.status}")
    except (OSError, ValueError, http.client.HTTPException) as error:  # a host that no name can be is a ValueError
        raise NotTaken(f"the webhook at {parts.hostname} cannot be reached: {_why(error)}") from None
    finally:
        connection.close()


def mail(server: str, to: list[str], text: str) -> None:
    """One mail to all. `server`: see the setting `smtp`; a password goes by TLS only."""
    parts = urlsplit(server)
    host, asked = parts.hostname or "", parse_qs(parts.query)
    letter = EmailMessage()
    letter["Subject"] = text if len(text) < 80 else f"{text[:77]}…"
    letter["From"] = asked.get("from", [f"throughline@{socket.gethostname()}"])[-1]
    letter["To"] = ", ".join(to)
    letter.set_content(text + "\n")
    try:
        context = ssl.create_default_context(cafile=asked.get("ca", [None])[-1])
        encrypted = parts.scheme == "smtps"
        port = parts.port or (465 if encrypted else 587 if parts.username else 25)
        with (
            smtplib.SMTP_SSL(host, port, timeout=SECONDS, context=context)
            if encrypted
            else smtplib.SMTP(host, port, timeout=SECONDS)
        ) as smtp:
            if not encrypted and (smtp.ehlo()[0] and smtp.has_extn("starttls")):
                smtp.starttls(context=context)
                encrypted = True
            if parts.username:
                if not encrypted:
                    raise NotTaken(f"the mail server {host} has no TLS, and gets no password without")
                smtp.login(unquote(parts.username), unquote(parts.password or ""))
            smtp.send_message(letter)
    except smtplib.SMTPResponseException as error:
        raise NotTaken(f"the mail server {host} refuses: {error.smtp_code}") from None
    except (OSError, ValueError, smtplib.SMTPException) as error:
        raise NotTaken(f"the mail server {host} cannot be used: {_why(error)}") from None


def _why(error: Exception) -> str:
    return (
        (getattr(error, "strerror", None) or type(error).__name__)
        if isinstance(error, OSError | ValueError)
        else "no HTTP"
    )
