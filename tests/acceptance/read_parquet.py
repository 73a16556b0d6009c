#!/usr/bin/env python3
"""Reads what `stoa export parquet` wrote with DuckDB, and prints the rows as JSON: nothing of Stoa is used.

    read_parquet.py DIR
"""

import datetime
import json
import sys

import duckdb


def plain(value):
    if isinstance(value, datetime.datetime):
        return value.astimezone(datetime.timezone.utc).isoformat()
    return value


def rows(directory, table):
    read = duckdb.execute(f"SELECT * FROM read_parquet('{directory}/{table}.parquet')")
    names = [column[0] for column in read.description]
    return [dict(zip(names, map(plain, row))) for row in read.fetchall()]


print(json.dumps({table: rows(sys.argv[1], table) for table in ("articles", "comments", "decisions")}))
