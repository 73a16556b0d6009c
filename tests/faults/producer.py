"""A platform that publishes comments with pika, and knows of Stoa only its events.

    producer.py URL COUNT RATE

Publishes COUNT comments with confirms, some a second. What is not known to have arrived is published again over a
new connection, whatever happened to the old one. Ends when everything is confirmed; prints how often it connected.
"""

import json
import sys
import time

import pika
import pika.exceptions


def event(number):
    article = f"a-{number % 20}"
    return {
        "specversion": "1.0",
        "id": f"platform-{number}",
        "source": "https://platform.example/comments",
        "type": "stoa.comment.submitted.v1",
        "time": time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
        "data": {
            "site": "platform",
            "article": article,
            "comment": f"c-{number}",
            "author": {"id": f"u-{number % 50}", "display_name": f"Reader {number % 50}"},
            "body": f"What I think of it, number {number}.",
            "submitted_at": "2026-05-01T10:00:00Z",
        },
    }


def publish(url, count, rate):
    done, connections = 0, 0
    while done < count:
        try:
            connection = pika.BlockingConnection(pika.URLParameters(url))
            connections += 1
            channel = connection.channel()
            channel.confirm_delivery()
            while done < count:
                channel.basic_publish(
                    exchange="stoa.inbox",
                    routing_key="",
                    body=json.dumps(event(done)).encode(),
                    properties=pika.BasicProperties(
                        content_type="application/cloudevents+json",
                        delivery_mode=2,
                        message_id=f"platform-{done}",
                    ),
                    mandatory=True,
                )
                done += 1
                connection.sleep(1 / rate)
            connection.close()
        except (pika.exceptions.AMQPError, OSError):
            time.sleep(0.5)
    return connections


if __name__ == "__main__":
    print(publish(sys.argv[1], int(sys.argv[2]), float(sys.argv[3])))
