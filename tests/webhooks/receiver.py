"""Takes webhooks as a platform would, with the library of Standard Webhooks.

It fails the first attempt of every fourth event, and writes each event that it takes on a line:
its webhook-id and its comment. What is not signed is answered 401 and written as `unsigned`.

    receiver.py SECRET FILE      prints its port
"""

import json
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

from standardwebhooks.webhooks import Webhook, WebhookVerificationError

secret, file = sys.argv[1:]
webhook = Webhook(secret)
lock = threading.Lock()
failed = set()
taken = open(file, "a", encoding="utf-8")


class Receiver(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_POST(self):
        body = self.rfile.read(int(self.headers["content-length"]))
        self.send_response(self.take(body))
        self.send_header("content-length", "0")
        self.end_headers()

    def take(self, body):
        headers = {name.lower(): value for name, value in self.headers.items()}
        with lock:
            try:
                event = webhook.verify(body, headers)
            except WebhookVerificationError:
                print("unsigned", file=taken, flush=True)
                return 401
            id = headers["webhook-id"]
            assert event["id"] == id and headers["content-type"].startswith("application/cloudevents+json")
            if id[-1] in "048c" and id not in failed:
                failed.add(id)
                return 503
            print(id, json.loads(body)["data"]["comment"], file=taken, flush=True)
            return 204

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", 0), Receiver)
print(server.server_port, flush=True)
server.serve_forever()
