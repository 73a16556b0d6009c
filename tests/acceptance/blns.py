#!/usr/bin/env python3
"""Sends a list of troublesome strings to a running Stoa and checks what becomes of each.

  blns.py --strings FILE --http URL --archive URL --token T [--admin URL] [--amqp URL]

FILE is a JSON array of strings, such as the Big List of Naughty Strings.  Each string is sent as a
comment's body, as its author's name and, where the contract allows it, as the comment's id.  Each
must be accepted, decided and archived exactly as it was sent (plain text in normalisation form C,
without control characters), or be refused with a code and the name of the field.

With --amqp the events go to the exchange `stoa.inbox` with pika, and what is refused is heard on
`stoa.rejected`; without it they go over HTTP.  With --admin (ingest's admin address) the original
bytes of every refusal are compared too.  Exit code 1 if anything is not as it must be.
"""

import argparse
import json
import sys
import time
import unicodedata
import urllib.error
import urllib.parse
import urllib.request
from collections import Counter

SITE, SOURCE = "naughty", "https://naughty.example/comments"
BATCH = "application/cloudevents-batch+json"


def request(url, token, data=None, media=None):
    headers = {"Authorization": f"Bearer {token}"}
    if media:
        headers["Content-Type"] = media
    try:
        made = urllib.request.Request(url, data=data, headers=headers)
        with urllib.request.urlopen(made, timeout=60) as answer:
            return answer.status, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.read()


def plain(text):
    """The plain text that the contract promises for a body."""
    text = text.removeprefix("\ufeff").replace("\r\n", "\n")
    for end in "\r\x0b\x0c\x85":
        text = text.replace(end, "\n")
    shown = (c for c in text if c in "\n\t" or unicodedata.category(c) != "Cc")
    return unicodedata.normalize("NFC", "".join(shown))


def is_id(text):
    breaks = any(unicodedata.category(c) == "Cc" or c in "\u2028\u2029" for c in text)
    return 1 <= len(text.encode(errors="surrogatepass")) <= 256 and not breaks


def event(run, name, **data):
    return {
        "specversion": "1.0",
        "id": f"{run}-{name}",
        "source": SOURCE,
        "type": "stoa.comment.submitted.v1",
        "data": {"site": SITE, "article": run, "comment": f"{run}-{name}"}
        | {"author": {"id": "u-1", "display_name": "Ada"}, "body": "bonjour"}
        | data,
    }


def events(run, strings):
    """By event id: the event, and what a comment in the archive must have."""
    made, ids = {}, set()
    for n, text in enumerate(strings):
        author = {"id": f"u-{n}", "display_name": text}
        forms = [event(run, f"body-{n}", body=text), event(run, f"name-{n}", author=author)]
        # The list may repeat itself, and a comment's id is its own.
        if is_id(text) and text not in ids:
            ids.add(text)
            forms.append(event(run, f"id-{n}", comment=text))
        made |= {form["id"]: form for form in forms}
    return made


def encode(value):
    return json.dumps(value, ensure_ascii=True).encode()


def over_http(args, made):
    refused = {}
    all_events = list(made.values())
    for start in range(0, len(all_events), 200):
        part = all_events[start : start + 200]
        url = f"{args.http}/v1/events"
        status, body = request(url, args.token, encode(part), BATCH)
        if status != 202:
            sys.exit(f"{status}: {body[:300]!r}")
        for one in json.loads(body)["rejected"]:
            refused[part[one["index"]]["id"]] = one
    return refused


class Broker:
    """Publishes with confirms and hears of refusals."""

    def __init__(self, url):
        import pika

        self.pika = pika
        self.connection = pika.BlockingConnection(pika.URLParameters(url))
        self.channel = self.connection.channel()
        self.channel.confirm_delivery()
        self.queue = "platform.refusals"
        self.channel.queue_declare(self.queue, exclusive=True)
        self.channel.queue_bind(self.queue, "stoa.rejected", "#")
        self.refused = {}

    def publish(self, made):
        all_events = list(made.values())
        for start in range(0, len(all_events), 200):
            self.channel.basic_publish(
                "stoa.inbox",
                "",
                encode(all_events[start : start + 200]),
                self.pika.BasicProperties(content_type=BATCH, delivery_mode=2),
                mandatory=True,
            )

    def hear(self):
        while True:
            method, _, body = self.channel.basic_get(self.queue, auto_ack=True)
            if method is None:
                return self.refused
            data = json.loads(body)["data"]
            self.refused[data["id"]] = data


def archived(args, run):
    """Every comment of the run's thread, by its id."""
    found, after = {}, None
    while True:
        query = "?limit=500" + (f"&after={urllib.parse.quote(after, safe='')}" if after else "")
        url = f"{args.archive}/v1/sites/{SITE}/threads/{run}{query}"
        status, body = request(url, args.token)
        if status != 200:
            return found
        page = json.loads(body)
        found |= {one["comment"]: one for one in page["comments"] if not one.get("ghost")}
        after = page["next"]
        if not after:
            return found


def fault(sent, found):
    """What is wrong with a comment in the archive; nothing if it is as it was sent."""
    data = sent["data"]
    if found["body"] != data["body"]:
        return "another body"
    if found["text"] != plain(data["body"]):
        return f"another text: {found['text']!r}"
    if found["author"]["display_name"] != data["author"]["display_name"]:
        return "another name"
    return None if found.get("decision") else "no decision"


def originals(args, made):
    """Compares what ingest keeps of each refusal with what was sent."""
    wrong, after = [], ""
    while True:
        url = f"{args.admin}/admin/rejections?limit=500{after}"
        page = json.loads(request(url, args.token)[1])
        for one in page["rejections"]:
            if one["id"] in made:
                url = f"{args.admin}/admin/rejections/{one['seq']}/original"
                if request(url, args.token)[1] != encode(made[one["id"]]):
                    wrong.append(f"{one['id']}: other bytes are kept")
        if page["next"] is None:
            return wrong
        after = f"&after={page['next']}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    for name in ("--strings", "--http", "--archive", "--token"):
        parser.add_argument(name, required=True)
    parser.add_argument("--admin")
    parser.add_argument("--amqp")
    args = parser.parse_args()
    with open(args.strings, encoding="utf-8") as file:
        strings = json.load(file)
    # Comment ids are the strings themselves, so one archive takes one run.
    run = f"blns-{'amqp' if args.amqp else 'http'}"
    made = events(run, strings)
    broker = Broker(args.amqp) if args.amqp else None
    if broker:
        broker.publish(made)
        refused = broker.hear()
    else:
        refused = over_http(args, made)
    deadline = time.time() + 120
    found = {}
    while time.time() < deadline:
        refused = broker.hear() if broker else refused
        found = archived(args, run)
        decided = sum(1 for one in found.values() if one.get("decision"))
        if decided + len(refused) >= len(made):
            break
        time.sleep(0.2)

    wrong = []
    for name, sent in made.items():
        here, gone = found.get(sent["data"]["comment"]), refused.get(name)
        if gone:
            if not (gone.get("code") and gone.get("field")):
                wrong.append(f"{name}: refused without code and field: {gone}")
            if here:
                wrong.append(f"{name}: refused, and archived")
        elif not here:
            wrong.append(f"{name}: neither archived nor refused")
        elif fault(sent, here):
            wrong.append(f"{name}: {fault(sent, here)}")
    if args.admin:
        wrong += originals(args, made)
    codes = Counter(f"{one['code']} {one['field']}" for one in refused.values())
    verdicts = Counter(one["decision"]["verdict"] for one in found.values() if one.get("decision"))
    print(f"{len(strings)} strings, {len(made)} events {'over AMQP' if broker else 'over HTTP'}")
    print(f"archived {len(found)}: {dict(verdicts)}")
    print(f"refused {len(refused)}: {dict(codes)}")
    for line in wrong:
        print("FAILED", line)
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
