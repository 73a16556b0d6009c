"""A platform with comments that Stoa moderates, over AMQP with pika.

Usage:
  newsroom.py article ID TITLE           publishes an article
  newsroom.py comment ARTICLE AUTHOR TEXT [PARENT]
  newsroom.py edit COMMENT TEXT
  newsroom.py relay                      sends what waits in the outbox
  newsroom.py listen [SECONDS]           takes decisions until none comes for so long, or for ever
  newsroom.py show ARTICLE               the thread as readers see it

Environment: STOA_AMQP_URL, STOA_QUEUE (of this platform, such as platform.courrier), STOA_SITE, NEWSROOM_DB (a file).

Three things make it lose nothing and believe nothing twice. Take them along:
- What happens is written together with its event, in one transaction. The event waits in an outbox until the broker
  has confirmed it; it may be sent twice, with the same id, and Stoa takes it once.
- Decisions are kept before they are acknowledged. They may come twice, and in any order: of those about the latest
  revision the one counts that no other supersedes.
- Nothing is shown before it is approved. Stoa decides within moments; what it holds waits for a moderator.
"""

import json
import os
import sqlite3
import sys
import time
import uuid
from datetime import datetime, timezone

import pika
from pika.exceptions import AMQPError

SITE = os.environ.get("STOA_SITE", "courrier")
SOURCE = f"https://{SITE}.example/comments"
SCHEMA = """
CREATE TABLE IF NOT EXISTS comment (
    id TEXT PRIMARY KEY, article TEXT NOT NULL, parent TEXT, author TEXT NOT NULL, text TEXT NOT NULL,
    revision INTEGER NOT NULL DEFAULT 1);
CREATE TABLE IF NOT EXISTS outbox (n INTEGER PRIMARY KEY, event TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS decision (
    id TEXT PRIMARY KEY, comment TEXT NOT NULL, revision INTEGER NOT NULL, verdict TEXT NOT NULL, supersedes TEXT,
    statement TEXT);
CREATE INDEX IF NOT EXISTS decision_comment ON decision (comment, revision);
"""
# The decision that stands about each comment as it is now.
STANDS = """
SELECT comment.id, comment.author, comment.text, decision.verdict FROM comment
LEFT JOIN decision ON decision.comment = comment.id AND decision.revision = comment.revision
    AND NOT EXISTS (SELECT 1 FROM decision AS later WHERE later.supersedes = decision.id)
WHERE comment.article = ? ORDER BY comment.rowid
"""


def database():
    connection = sqlite3.connect(os.environ.get("NEWSROOM_DB", "newsroom.db"))
    connection.executescript(SCHEMA)
    return connection


def now():
    return datetime.now(timezone.utc).isoformat()


def put(db, kind, data):
    """Puts an event into the outbox, within the transaction of what it tells."""
    event = {
        "specversion": "1.0",
        "id": str(uuid.uuid4()),
        "source": SOURCE,
        "type": f"stoa.{kind}.v1",
        "datacontenttype": "application/json",
        "time": now(),
        "data": {"site": SITE, **data},
    }
    db.execute("INSERT INTO outbox (event) VALUES (?)", [json.dumps(event)])


def article(db, id, title):
    with db:
        put(db, "article.published", {"article": id, "title": title, "body": "", "published_at": now()})


def comment(db, article, author, text, parent=None):
    id = f"c-{uuid.uuid4()}"
    with db:
        row = [id, article, parent, author, text]
        db.execute("INSERT INTO comment (id, article, parent, author, text) VALUES (?, ?, ?, ?, ?)", row)
        data = {"article": article, "comment": id, "parent": parent, "revision": 1, "body": text, "submitted_at": now()}
        put(db, "comment.submitted", {**data, "author": {"id": author, "display_name": author}})
    print(id)


def edit(db, id, text):
    with db:
        changed = db.execute("UPDATE comment SET text = ?, revision = revision + 1 WHERE id = ?", [text, id])
        if changed.rowcount == 0:
            sys.exit(f"there is no comment {id}")
        article, author, revision = db.execute("SELECT article, author, revision FROM comment WHERE id = ?", [id]).fetchone()
        data = {"article": article, "comment": id, "revision": revision, "body": text, "submitted_at": now()}
        put(db, "comment.edited", {**data, "author": {"id": author, "display_name": author}})


def channel():
    connection = pika.BlockingConnection(pika.URLParameters(os.environ["STOA_AMQP_URL"]))
    return connection.channel()


def again(work):
    """Works until it is done; after an interruption it begins again, on a new connection."""
    wait = 0.5
    while True:
        try:
            return work(channel())
        except (AMQPError, OSError) as error:
            print(f"again in {wait} s: {error!r}", file=sys.stderr)
            time.sleep(wait)
            wait = min(2 * wait, 30)


def relay(db):
    """Sends what waits. An event leaves the outbox once the broker has it in a queue, and on its disks."""

    def send(channel):
        channel.confirm_delivery()
        properties = pika.BasicProperties(content_type="application/cloudevents+json", delivery_mode=2)
        for n, event in db.execute("SELECT n, event FROM outbox ORDER BY n").fetchall():
            channel.basic_publish("stoa.inbox", "", event.encode(), properties, mandatory=True)
            with db:
                db.execute("DELETE FROM outbox WHERE n = ?", [n])

    again(send)


def keep(db, event):
    """Keeps a decision; one that is known changes nothing."""
    data = event["data"]
    if event["type"] == "stoa.event.rejected.v1":
        print(f"refused: {data['code']} {data.get('field')}: {data['message']}", file=sys.stderr)
    if event["type"] != "stoa.comment.decided.v1":
        return
    statement = json.dumps(data["statement"]) if data.get("statement") else None
    row = [data["decision"], data["comment"], data["revision"], data["verdict"], data.get("supersedes"), statement]
    with db:
        db.execute("INSERT OR IGNORE INTO decision VALUES (?, ?, ?, ?, ?, ?)", row)


def listen(db, seconds=None):
    def take(channel):
        channel.basic_qos(prefetch_count=100)
        quiet = float(seconds) if seconds else None
        for method, _, body in channel.consume(os.environ["STOA_QUEUE"], inactivity_timeout=quiet):
            if method is None:
                return
            events = json.loads(body)
            for event in events if isinstance(events, list) else [events]:
                keep(db, event)
            channel.basic_ack(method.delivery_tag)

    again(take)


def show(db, article):
    for id, author, text, verdict in db.execute(STANDS, [article]):
        shown = text if verdict == "approve" else f"({'waits' if verdict in (None, 'hold') else 'not published'})"
        print(f"{id}\t{author}\t{shown}")


if __name__ == "__main__":
    commands = {"article": article, "comment": comment, "edit": edit, "relay": relay, "listen": listen, "show": show}
    if len(sys.argv) < 2 or sys.argv[1] not in commands:
        sys.exit(__doc__)
    commands[sys.argv[1]](database(), *sys.argv[2:])
