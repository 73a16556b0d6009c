"""A moderator's side of tests/compose/run: sets up the first account of the review desk and approves a case there.

Usage:
  desk.py URL LINK ARCHIVE_URL TOKEN_FILE

LINK is what the console printed at its start. Python's standard library alone.
"""

import html
import json
import re
import sys
import time
import urllib.error
import urllib.parse
import urllib.request
from pathlib import Path


class Browser(urllib.request.HTTPRedirectHandler):
    """Keeps cookies as a browser does on the machine itself, and shows where a form leads to."""

    def __init__(self, base):
        super().__init__()
        self.base = base
        self.cookies = {}
        self.opener = urllib.request.build_opener(self)

    def redirect_request(self, *_):
        return None

    def ask(self, path, fields=None):
        data = None if fields is None else urllib.parse.urlencode(fields).encode()
        request = urllib.request.Request(self.base + path, data)
        request.add_header("Cookie", "; ".join(f"{name}={value}" for name, value in self.cookies.items()))
        request.add_header("Origin", self.base)
        try:
            answer = self.opener.open(request, timeout=10)
        except urllib.error.HTTPError as error:
            answer = error
        for cookie in answer.headers.get_all("Set-Cookie") or []:
            name, value = cookie.split(";")[0].split("=", 1)
            self.cookies[name] = value
        return answer.status, answer.headers.get("Location"), answer.read().decode()

    def page(self, path):
        status, _, page = self.ask(path)
        assert status == 200, (path, status, page)
        return page

    def send(self, page, path, **fields):
        status, to, answer = self.ask(path, {"form": field(page, "form"), **fields})
        assert status == 303, (path, status, answer)
        return to


def field(page, name):
    return html.unescape(re.search(f'name="{name}" value="([^"]*)"', page)[1])


def main(url, link, archive, token_file):
    desk = Browser(url)
    assert link.startswith(url + "/set-up/"), link
    link = link.removeprefix(url)
    account = {"id": "zoe", "name": "Zoé Marchal", "password": "eleven green tables"}
    desk.send(desk.page(link), link, **account)
    desk.send(desk.page("/sign-in"), "/sign-in", **account)
    case = re.search(r'href="(/cases/[^"?]+)', desk.page("/"))[1]
    page = desk.page(case)
    desk.send(page, f"{case}/decision", version=field(page, "version"), verdict="approve")
    # The decision is archived, in the name of who made it.
    case = case.rsplit("/", 1)[1]
    moderation = url.replace(":8080", ":9082")
    headers = {"Authorization": "Bearer " + Path(token_file).read_text().strip()}

    def read(address):
        return json.load(urllib.request.urlopen(urllib.request.Request(address, headers=headers), timeout=10))

    decided = read(f"{moderation}/admin/cases/{case}")
    assert decided["status"] == "closed", decided
    quoted = [urllib.parse.quote(decided[name], safe="") for name in ("site", "comment")]
    for _ in range(60):
        comment = read("{}/v1/sites/{}/comments/{}".format(archive, *quoted))
        if "zoe" in json.dumps(comment):
            return
        time.sleep(1)
    sys.exit(f"the archive does not know who decided: {comment}")


if __name__ == "__main__":
    main(*sys.argv[1:])
