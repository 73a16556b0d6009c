"""Publishes the bytes of a file as they are, whatever they are.

Usage: raw.py URL FILE CONTENT_TYPE [NAME=VALUE ...]   (a header each)
"""

import sys

import pika

url, path, content_type, *headers = sys.argv[1:]
connection = pika.BlockingConnection(pika.URLParameters(url))
channel = connection.channel()
channel.confirm_delivery()
with open(path, "rb") as file:
    channel.basic_publish(
        exchange="stoa.inbox",
        routing_key="",
        body=file.read(),
        properties=pika.BasicProperties(
            content_type=content_type,
            delivery_mode=2,
            headers=dict(header.split("=", 1) for header in headers),
        ),
        mandatory=True,
    )
connection.close()
