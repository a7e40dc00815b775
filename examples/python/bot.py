"""A handler in Python, with nothing but the standard library.

Sluice posts each event here, signed by Standard Webhooks, in the order of its chat, and takes the answer as the verdict: 2xx is
handled, 4xx is never tried again (but for 408, 425 and 429), anything else is tried again.

    handlers:
      incomingMessageReceived: {url: "http://localhost:3000/", secret_file: bot.secret}

    SECRET_FILE=bot.secret PORT=3000 python3 bot.py
"""
import base64
import hashlib
import hmac
import json
import os
import sys
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOLERANCE = 300  # seconds between the signature and now


def key(secret):
    return base64.b64decode(secret.strip().removeprefix("whsec_"))


def is_signed(secret, headers, body):
    """Whether the body was signed with the secret, lately."""
    sent_at = headers.get("Webhook-Timestamp", "")
    if not sent_at.isdigit() or abs(time.time() - int(sent_at)) > TOLERANCE:
        return False
    signed = f"{headers.get('Webhook-Id', '')}.{sent_at}.".encode() + body
    expected = "v1," + base64.b64encode(hmac.new(secret, signed, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest(expected, one) for one in headers.get("Webhook-Signature", "").split(" "))


def handle(event, headers):
    """What you do with an event. Sluice-Key is the same when an event comes again."""
    chat = event.get("senderData", {}).get("chatId")
    print("message", headers["Sluice-Key"], "of", chat, flush=True)


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"  # so that a connection serves many events

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if not is_signed(SECRET, self.headers, body):
            return self.answer(401, "wrong signature")
        try:
            handle(json.loads(body), self.headers)
        except (ValueError, KeyError, TypeError, AttributeError) as wrong:  # It will not get better.
            return self.answer(422, f"can't be handled: {wrong!r}")
        except Exception as failed:
            return self.answer(500, f"not now: {failed!r}")
        return self.answer(200, "")

    def answer(self, status, text):
        content = text.encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *_):
        pass


if __name__ == "__main__":
    with open(os.environ["SECRET_FILE"], encoding="utf-8") as file:
        SECRET = key(file.read())
    server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Handler)
    print("listening on", server.server_port, file=sys.stderr, flush=True)
    server.serve_forever()
