"""A receiver to try forwarding with, on this machine alone. It checks each signature
(Standard Webhooks, https://www.standardwebhooks.com) with the secret in EXAMPLE_SECRET,
answers 200 or 401, and prints what it hears. In production use the library of your
language; docs/signing.md shows how.

    EXAMPLE_SECRET=whsec_... python3 receiver.py
"""
import base64
import hashlib
import hmac
import http.server
import os
import signal
import time

KEY = base64.b64decode(os.environ["EXAMPLE_SECRET"].removeprefix("whsec_"))


def signed(headers, body):
    """Reports whether one of the signatures is ours and of the last five minutes."""
    when = headers.get("webhook-timestamp", "")
    if not when.isdigit() or abs(time.time() - int(when)) > 300:
        return False
    text = f"{headers.get('webhook-id', '')}.{when}.".encode() + body  # the body as it came
    want = base64.b64encode(hmac.new(KEY, text, hashlib.sha256).digest()).decode()
    return any(hmac.compare_digest("v1," + want, one) for one in headers.get("webhook-signature", "").split())


class Receiver(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("content-length", 0)))
        status = 200 if signed(self.headers, body) else 401
        print(status, self.path.split("?")[0], body.decode(), flush=True)
        self.send_response(status)
        self.send_header("content-length", "0")
        self.end_headers()

    def log_message(self, *_):
        pass  # what is printed above is enough


signal.alarm(3600)  # ends it, should it be forgotten in the background
server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(f"listening on http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
