"""An echo backend for dialect `wsaas` with nothing but Python's standard library. It pushes from inside its handlers,
even while the client is still being let in. Run it:

    PORT=3000 python3 examples/python/backend.py
    API_URI=http://127.0.0.1:3000 npm start         # then connect any WebSocket client to ws://127.0.0.1:8080/

What a client sends comes back; "bye" closes its connection.
"""

import json
import os
from http.server import BaseHTTPRequestHandler, HTTPServer
from urllib.error import HTTPError
from urllib.request import Request, urlopen


def command(method, url, body=b""):
    """A command to the gateway about one connection. Returns the HTTP status."""
    headers = {"Content-Type": "text/plain; charset=utf-8"}
    try:
        with urlopen(Request(url, data=body, method=method, headers=headers), timeout=5) as response:
            return response.status
    except HTTPError as error:
        return error.code


class Backend(BaseHTTPRequestHandler):
    def do_POST(self):  # open: 202, the frame goes out once the client is in
        status = command("PUT", self.client(), b"Welcome from Python")
        self.log_message("open: the early push was answered %d", status)
        self.answer({"code": "OK", "tags": {"language": "python"}})

    def do_PUT(self):  # message
        message = self.rfile.read(int(self.headers["Content-Length"]))
        if message == b"bye":
            status = command("DELETE", self.client() + "?code=4001&reason=bye")
        else:
            status = command("PUT", self.client(), b"You said: " + message)
        self.log_message("message: the command was answered %d", status)
        self.answer({"code": "OK"})

    def do_DELETE(self):  # close
        self.log_message("close: code %s, tags %s", self.headers["WS-Close-Code"], self.headers["WS-Tags"])
        self.answer({"code": "OK"})

    def client(self):
        return "http://" + self.headers["WS-URI"]

    def answer(self, body):
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.end_headers()
        self.wfile.write(json.dumps(body).encode())


server = HTTPServer(("127.0.0.1", int(os.environ.get("PORT", "3000"))), Backend)
print(f"echo backend: http://127.0.0.1:{server.server_port}", flush=True)
server.serve_forever()
