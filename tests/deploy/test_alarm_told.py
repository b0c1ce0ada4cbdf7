"""An alarm comes to somebody: webhook, mail, command."""

import contextlib
import http.server
import json
import logging
import socket
import threading
from collections.abc import Callable, Iterator
from typing import Any

import pytest
import redis
from typer.testing import CliRunner

from deploy.alarm.book import Book
from deploy.alarm.send import NotTaken, mail, targets, webhook
from deploy.cli import app
from deploy.settings import SettingError, load


@contextlib.contextmanager
def listening(answer: Callable[[], int]) -> Iterator[tuple[str, list[Any]]]:
    """A webhook's address, and what it was sent."""
    got: list[Any] = []

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            got.append((self.path, json.loads(self.rfile.read(int(self.headers["Content-Length"])))))
            self.send_response(answer())
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}/services/T0/s3cret?key=s3cret", got
        server.shutdown()


def test_a_webhook_gets_what_slack_takes() -> None:
    with listening(lambda: 200) as (url, got):
        targets(load({"alert_url": url}, {}))["webhook"]("it “burns”")
    ((path, body),) = got
    assert path == "/services/T0/s3cret?key=s3cret"
    assert body == {"text": f"Throughline on {socket.gethostname()}: it “burns”"}


def test_a_webhook_that_does_not_take_it_is_told_without_its_address() -> None:
    for status in (302, 404, 500):
        with listening(lambda status=status: status) as (url, _), pytest.raises(NotTaken) as raised:  # type: ignore[misc]
            webhook(url, "text")
        assert str(raised.value) == f"the webhook at 127.0.0.1 answers {status}"
    with pytest.raises(NotTaken, match=r"^the webhook at 127\.0\.0\.1 cannot be reached: Connection refused$"):
        webhook("http://127.0.0.1:1/s3cret", "text")
    with pytest.raises(NotTaken, match=r"\.\.example cannot be reached: UnicodeError$"):  # and the mail still goes
        webhook("http://hooks..example/s3cret", "text")
    with pytest.raises(NotTaken, match=r"\.\.example cannot be used: UnicodeError$"):
        mail("smtp://me:s3cret@mail..example", ["a@example.com"], "text")


@contextlib.contextmanager
def post_office() -> Iterator[tuple[str, list[str]]]:
    """A mail server without TLS: its address, and the lines it was sent."""
    lines: list[str] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def serve() -> None:
            client, _ = listener.accept()
            with client, client.makefile("rw", newline="\r\n") as talk:
                body = False
                for answer in ["220 hello"]:
                    talk.write(answer + "\r\n")
                    talk.flush()
                for line in talk:
                    lines.append(line.rstrip())
                    if body and lines[-1] != ".":
                        continue
                    body = lines[-1].upper() == "DATA"
                    talk.write("354 go on\r\n" if body else "221 bye\r\n" if lines[-1] == "QUIT" else "250 ok\r\n")
                    talk.flush()
                    if lines[-1].upper() == "QUIT":
                        return

        thread = threading.Thread(target=serve, daemon=True)
        thread.start()
        yield f"smtp://127.0.0.1:{listener.getsockname()[1]}", lines
        thread.join(10)


def test_an_alarm_is_mailed() -> None:
    with post_office() as (server, lines):
        settings = load({"smtp": f"{server}?from=t@example.com", "alert_mail": "a@example.com, b@example.com"}, {})
        targets(settings)["mail"]("it burns")
    to = [line.partition(":")[2] for line in lines if line.upper().startswith("RCPT")]
    assert to == ["<a@example.com>", "<b@example.com>"]
    assert "From: t@example.com" in lines and "Throughline on" in "\n".join(lines)


def test_no_password_is_sent_to_a_mail_server_without_tls(caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level(logging.DEBUG)
    with post_office() as (server, lines), pytest.raises(NotTaken, match="has no TLS, and gets no password") as raised:
        mail(server.replace("//", "//me:s3cret@"), ["a@example.com"], "text")
    assert "s3cret" not in "\n".join([*lines, str(raised.value), caplog.text])


@pytest.mark.services
def test_a_command_says_what_is_on_and_sends_a_test(redis_url: str, monkeypatch: pytest.MonkeyPatch) -> None:
    with contextlib.closing(redis.Redis.from_url(redis_url)) as client:
        Book(client, []).turn({"dead": "one line"}, 0)
    status = 200
    with listening(lambda: status) as (url, got):
        monkeypatch.setenv("THROUGHLINE_ALERT_URL", url)
        asked = ["alarms", "--test", "--redis", redis_url]
        done = CliRunner().invoke(app, asked)
        assert (done.exit_code, len(got)) == (0, 1)
        assert done.output == "dead         one line\n1 alarms are on; told: webhook\nwebhook: taken\n"
        status = 404
        done = CliRunner().invoke(app, asked)
        assert done.exit_code == 1 and "webhook: the webhook at 127.0.0.1 answers 404" in done.output


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"alert_url": "hooks.example.com/s3cret"}, "alert-url must be an address such as"),
        ({"alert_url": "ftp://hooks.example.com/s3cret"}, "alert-url must be an address such as"),
        ({"alert_url": "https://hooks.example.com:s3cret/"}, "alert-url must be an address such as"),
        ({"alert_url": "https://[::1/s3cret"}, "alert-url must be an address such as"),
        ({"alert_mail": "a@example.com"}, "alert-mail and smtp need each other"),
        ({"smtp": "smtp://h"}, "alert-mail and smtp need each other"),
        ({"smtp": "smtp://h", "alert_mail": "a b@c"}, "alert-mail: 'a b@c' is no address of mail"),
        (
            {"smtp": "mail://me:s3cret@h", "alert_mail": "a@b"},
            "smtp must begin with smtp:// or smtps://, not 'mail://h'",
        ),
    ],
)
def test_a_wrong_setting_of_alarms(given: dict[str, str], message: str) -> None:
    with pytest.raises(SettingError) as raised:
        load(given, {})
    assert str(raised.value).startswith(message) and "s3cret" not in str(raised.value)
