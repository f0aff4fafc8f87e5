"""An echo backend for dialect `wsaas` that takes signed events only (Standard Webhooks), with nothing but Python. Run it:

    export WEBHOOK_SECRETS="whsec_$(head -c 32 /dev/urandom | base64)"
    PORT=3000 python3 examples/signed/backend.py
    API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/
"""

import base64
import hmac
import os
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.request import Request, urlopen

TOLERANCE_SECONDS = 300
KEYS = [base64.b64decode(secret.strip().removeprefix("whsec_")) for secret in os.environ["WEBHOOK_SECRETS"].split(",")]
assert all(len(key) >= 24 for key in KEYS), "WEBHOOK_SECRETS must hold secrets as the gateway has them"


def is_signed(headers, body):
    """Did somebody who knows one of the secrets sign this very body, for this very event, within the last minutes?"""
    event, timestamp = headers.get("webhook-id", ""), headers.get("webhook-timestamp", "")
    if event != headers.get("WS-Event-Id") or not timestamp.isdecimal():
        return False
    if abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return False
    content = f"{event}.{timestamp}.".encode() + body
    wanted = ["v1," + base64.b64encode(hmac.digest(key, content, "sha256")).decode() for key in KEYS]
    given = headers.get("webhook-signature", "").encode().split()
    return any(hmac.compare_digest(one, own.encode()) for one in given for own in wanted)


class Backend(BaseHTTPRequestHandler):
    def event(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", "0")))
        signed = is_signed(self.headers, body)
        if signed and self.command == "PUT":
            urlopen(Request("http://" + self.headers["WS-URI"], data=b"You said: " + body, method="PUT"), timeout=5).close()
        self.send_response(200 if signed else 401)
        self.end_headers()
        self.wfile.write(b'{"code":"OK"}' if signed else b"")

    do_POST = do_PUT = do_DELETE = event


server = ThreadingHTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Backend)
print(f"signed backend: http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
