"""The platform's side of tests/compose/run: what a system does that sends comments and waits for decisions.

Usage:
  publisher.py events LEDGER PREFIX COUNT
  publisher.py publish AMQP_URL LEDGER PREFIX COUNT
  publisher.py verify AMQP_URL ARCHIVE_URL TOKEN_FILE LEDGER RECEIVED
  publisher.py permissions SECRETS_FOLDER

A ledger has the ids of the comments that were accepted, one a line.
"""

import json
import sys
import time
import urllib.request
from datetime import datetime, timezone
from pathlib import Path

import pika
from pika.exceptions import AMQPError, ChannelClosedByBroker

SITE = "lavallee"
SOURCE = "https://lavallee.example/commentaires"
THREAD = "valmorin-ligne-d"
QUEUE = "platform.courrier"


def connect(url):
    return pika.BlockingConnection(pika.URLParameters(url))


def event(comment):
    return {
        "specversion": "1.0",
        "id": f"compose-{comment}",
        "source": SOURCE,
        "type": "stoa.comment.submitted.v1",
        "datacontenttype": "application/json",
        "data": {
            "site": SITE,
            "article": THREAD,
            "comment": comment,
            "author": {"id": f"u-{comment}", "display_name": "Anne"},
            "body": f"Le tram {comment} est parti.",
            "submitted_at": datetime.now(timezone.utc).isoformat(),
        },
    }


def events(ledger, prefix, count):
    """Prints comments for `stoa publish`, one a line, and enters them in the ledger."""
    with open(ledger, "a", encoding="utf-8") as accepted:
        for n in range(int(count)):
            print(json.dumps(event(f"{prefix}-{n}")))
            accepted.write(f"{prefix}-{n}\n")


def publish(url, ledger, prefix, count):
    """Publishes comments with confirms; while the broker is away it tries again, for a minute at most."""
    deadline = time.monotonic() + 60
    connection = channel = None
    with open(ledger, "a", encoding="utf-8") as accepted:
        for n in range(int(count)):
            body = json.dumps(event(f"{prefix}-{n}")).encode()
            while True:
                try:
                    if channel is None:
                        connection = connect(url)
                        channel = connection.channel()
                        channel.confirm_delivery()
                    channel.basic_publish(
                        exchange="stoa.inbox",
                        routing_key="",
                        body=body,
                        properties=pika.BasicProperties(
                            content_type="application/cloudevents+json", delivery_mode=2
                        ),
                        mandatory=True,
                    )
                    break
                except (AMQPError, OSError):
                    channel = None
                    if time.monotonic() > deadline:
                        raise
                    time.sleep(0.5)
            accepted.write(f"{prefix}-{n}\n")
            accepted.flush()
            time.sleep(0.02)
    connection.close()


def receive(url, received):
    """Takes the decisions that wait, and notes the comments that they are about."""
    connection = connect(url)
    channel = connection.channel()
    with open(received, "a", encoding="utf-8") as seen:
        while True:
            method, _, body = channel.basic_get(QUEUE)
            if method is None:
                break
            message = json.loads(body)
            # The queue gets refusals as well.
            if message["type"] == "stoa.comment.decided.v1":
                data = message["data"]
                assert data["verdict"] in ("approve", "hold", "reject"), data
                seen.write(f"{data['comment']}\n")
                seen.flush()
            channel.basic_ack(method.delivery_tag)
    connection.close()
    return set(Path(received).read_text(encoding="utf-8").split())


def thread(archive, token):
    """Reads every entry of the thread, as a moderator sees it."""
    entries, after = {}, ""
    while after is not None:
        url = f"{archive}/v1/sites/{SITE}/threads/{THREAD}?limit=500"
        if after:
            url += f"&after={after}"
        request = urllib.request.Request(url, headers={"Authorization": f"Bearer {token}"})
        with urllib.request.urlopen(request, timeout=10) as response:
            page = json.load(response)
        for entry in page["comments"]:
            assert entry["comment"] not in entries, f"{entry['comment']} is there twice"
            entries[entry["comment"]] = entry
        after = page.get("next")
    return entries


def verify(url, archive, token_file, ledger, received):
    """Waits until every comment of the ledger is archived, decided, and the decision has come."""
    token = Path(token_file).read_text(encoding="utf-8").strip()
    expected = set(Path(ledger).read_text(encoding="utf-8").split())
    deadline = time.monotonic() + 90
    while True:
        try:
            entries = thread(archive, token)
            decided = {id for id, entry in entries.items() if entry.get("decision")}
            missing = {
                "archive": expected - set(entries),
                "decided in the archive": expected - decided,
                "decisions received": expected - receive(url, received),
            }
        except (AMQPError, OSError) as error:
            missing = {"an answer": repr(error)}
        if not any(missing.values()):
            print(f"{len(expected)} comments: all archived, decided, and the platform was told")
            return
        if time.monotonic() > deadline:
            short = {where: sorted(ids)[:5] if isinstance(ids, set) else ids for where, ids in missing.items()}
            sys.exit(f"missing after 90 seconds: {short}")
        time.sleep(1)


def attempt(url, act):
    """Returns "allowed" or the broker's code."""
    connection = connect(url)
    channel = connection.channel()
    channel.confirm_delivery()
    try:
        act(channel)
        outcome = "allowed"
    except ChannelClosedByBroker as error:
        outcome = str(error.reply_code)
    connection.close()
    return outcome


def permissions(folder):
    """Tries what each account must not do."""

    def url(account):
        text = Path(folder, account, "amqp-url").read_text(encoding="utf-8").strip()
        return text.replace("@rabbitmq:", "@127.0.0.1:")

    may_write = {
        "ingest": {"stoa.content", "stoa.rejected"},
        "moderation-rules": {"stoa.decisions", "stoa.inbox", "stoa.outcomes"},
        "archive": {"stoa.inbox", "stoa.outcomes"},
        "platform/courrier": {"stoa.inbox"},
    }
    may_read = {
        "ingest": {"ingest.inbox"},
        "moderation-rules": {"moderation.q.0"},
        "archive": {"archive.q.0"},
        "platform/courrier": {QUEUE},
    }
    exchanges = ["", "amq.topic", "stoa.dlx", "stoa.unrouted", *sorted(set().union(*may_write.values()))]
    queues = ["stoa.parked", "stoa.unrouted", *sorted(set().union(*may_read.values()))]
    tried = 0

    def refused(account, what, act):
        nonlocal tried
        outcome = attempt(url(account), act)
        assert outcome == "403", f"{account}: {what}: {outcome}"
        tried += 1

    for account in may_write:
        for exchange in exchanges:
            if exchange not in may_write[account]:
                refused(
                    account,
                    f"publish to `{exchange}`",
                    lambda channel, to=exchange: channel.basic_publish(to, "nowhere", b"{}"),
                )
        for queue in queues:
            if queue not in may_read[account]:
                refused(account, f"read {queue}", lambda channel, of=queue: channel.basic_get(of))
                refused(account, f"purge {queue}", lambda channel, of=queue: channel.queue_purge(of))
        refused(account, "declare a queue", lambda channel: channel.queue_declare("platform.other"))
        refused(account, "declare an exchange", lambda channel: channel.exchange_declare("other"))
        refused(
            account,
            "delete stoa.decisions",
            lambda channel: channel.exchange_delete("stoa.decisions", if_unused=True),
        )

    for exchange in exchanges:
        refused(
            "platform/courrier",
            f"listen to {exchange}",
            lambda channel, of=exchange: channel.queue_bind(QUEUE, of, "#"),
        )
    try:
        connect("amqp://guest:guest@127.0.0.1:5672/%2f").close()
    except AMQPError:
        tried += 1
    else:
        sys.exit("guest gets in")
    print(f"{tried} things that an account must not do are refused")


if __name__ == "__main__":
    command, *arguments = sys.argv[1:]
    commands = {
        "events": events,
        "publish": publish,
        "verify": verify,
        "permissions": permissions,
    }
    commands[command](*arguments)
