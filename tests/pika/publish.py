"""Publishes events, one a line, as a platform would that knows nothing of Stoa but its contract.

Usage: publish.py URL FILE [structured|binary|batch]
"""

import json
import sys

import pika

url, path, mode = sys.argv[1], sys.argv[2], (sys.argv[3:] or ["structured"])[0]
events = [json.loads(line) for line in open(path, encoding="utf-8") if line.strip()]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()


def send(body, content_type, headers=None):
    channel.basic_publish(
        exchange="stoa.inbox",
        routing_key="",
        body=json.dumps(body).encode(),
        properties=pika.BasicProperties(
            content_type=content_type, delivery_mode=2, headers=headers
        ),
        mandatory=True,
    )


if mode == "batch":
    for start in range(0, len(events), 50):
        send(events[start : start + 50], "application/cloudevents-batch+json")
else:
    for event in events:
        if mode == "binary":
            headers = {f"cloudEvents:{k}": v for k, v in event.items() if k != "data"}
            send(event["data"], "application/json", headers)
        else:
            send(event, "application/cloudevents+json")
connection.close()
print(len(events))
