#!/usr/bin/env python3
"""Checks that the listeners of a running system are what their OpenAPI documents say, by the documents alone.

    openapi.py PORT SECRET

PORT is ingest's public one, of `stoa up`; the sample thread was published. For each role there is a token `<role>-SECRET`
for all sites, and `narrow-SECRET` of an admin of one site that has nothing.

- Each document is valid OpenAPI 3.1.
- Each operation needs the role that it names: with one that is less 403, without a token 401.
- Each operation is asked for, and answers with a status, a media type and a body that it describes; no field is missing
  in the description.
"""

import copy
import hmac
import json
import sys
import time
import urllib.error
import urllib.parse
import urllib.request

from jsonschema import Draft202012Validator
from openapi_spec_validator import OpenAPIV31SpecValidator
from referencing import Registry
from referencing.jsonschema import DRAFT202012

PORT, SECRET = int(sys.argv[1]), sys.argv[2]
INCLUDED = {
    "publisher": {"publisher"},
    "viewer": {"viewer"},
    "moderator": {"moderator", "viewer"},
    "editor": {"editor", "moderator", "viewer"},
    "auditor": {"auditor", "viewer"},
    "admin": {"admin", "auditor", "editor", "moderator", "viewer", "publisher"},
}


def token(name):
    return f"{name}-{SECRET}"


class Redirects(urllib.request.HTTPRedirectHandler):
    """Follows none: a redirect is an answer as any other."""

    def redirect_request(self, *_):
        return None


OPENER = urllib.request.build_opener(Redirects)


def send(method, url, body=None, headers=None):
    """Sends a request; returns status, headers and body."""
    request = urllib.request.Request(url, data=body, method=method.upper(), headers=headers or {})
    try:
        with OPENER.open(request, timeout=30) as response:
            # A stream of events has no end.
            is_stream = response.headers["Content-Type"] == "text/event-stream"
            return response.status, response.headers, b"" if is_stream else response.read()
    except urllib.error.HTTPError as error:
        with error:
            return error.code, error.headers, error.read()


def escape(part):
    return part.replace("~", "~0").replace("/", "~1")


def closed(document):
    """Refuses fields that a schema does not describe, wherever it does not say that there may be more."""
    document = copy.deepcopy(document)
    joined = set()

    def join(value):
        if isinstance(value, dict):
            for part in value.get("allOf", []):
                joined.add(part.get("$ref", "").rsplit("/", 1)[-1])
            for part in value.values():
                join(part)
        elif isinstance(value, list):
            for part in value:
                join(part)

    join(document)
    for name, schema in document["components"]["schemas"].items():
        has_fields = "properties" in schema or "allOf" in schema
        if has_fields and name not in joined and "additionalProperties" not in schema:
            schema["unevaluatedProperties"] = False
    return document


class Listener:
    """A listener, known by its document."""

    def __init__(self, port):
        self.base = f"http://127.0.0.1:{port}"
        status, headers, body = send("get", f"{self.base}/openapi.json")
        assert (status, headers["Content-Type"]) == (200, "application/json"), (self.base, status)
        self.document = json.loads(body)
        OpenAPIV31SpecValidator(self.document).validate()
        self.registry = Registry().with_resource("urn:document", DRAFT202012.create_resource(closed(self.document)))
        self.called = set()

    def operations(self):
        for path, item in self.document["paths"].items():
            for method, operation in item.items():
                yield method, path, operation

    def url(self, path, values, query):
        for name, value in values.items():
            safe = "/" if name == "path" else ""
            value = urllib.parse.quote(str(value), safe=safe)
            path = path.replace(f"{{{name}}}", value)
        assert "{" not in path, path
        return f"{self.base}{path}" + (f"?{urllib.parse.urlencode(query)}" if query else "")

    def call(self, method, path, status=200, /, *, query=None, body=None, kind="application/json", by="admin", headers=None, **values):
        """Calls an operation, and holds the answer to the document; returns it, read where it is JSON."""
        operation = self.document["paths"][path][method]
        headers = dict(headers or {})
        if by is not None:
            headers["Authorization"] = f"Bearer {token(by)}"
        data = None
        if body is not None:
            headers["Content-Type"] = kind
            data = body if isinstance(body, bytes) else json.dumps(body).encode()
            taken = operation["requestBody"]["content"]
            if status < 400 and isinstance(body, dict):
                taken = kind if kind in taken else "*/*"
                self.fits(body, "paths", path, method, "requestBody", "content", taken, "schema")
        answer = send(method, self.url(path, values, query), data, headers)
        which = f"{method} {path} {query or ''} answers {answer[0]}: {answer[2][:600]}"
        assert answer[0] == status, f"{which}, not {status}"
        key = next((key for key in (str(status), f"{status // 100}XX") if key in operation["responses"]), None)
        described = operation["responses"].get(key)
        assert described is not None, f"{which}, which it does not describe"
        if status < 400:
            self.called.add((method, path))
        where = ["paths", path, method, "responses", key]
        if "$ref" in described:
            where = described["$ref"].removeprefix("#/").split("/")
            described = self.document["components"]["responses"][where[-1]]
        media = (answer[1]["Content-Type"] or "").split(";")[0]
        if not described.get("content"):
            assert not answer[2], f"{which}, with a body that it does not describe"
            return answer
        asked = media if media in described["content"] else "*/*"
        assert asked in described["content"], f"{which}, as {media}"
        if not media.endswith("json"):
            return answer
        read = json.loads(answer[2])
        self.fits(read, *where, "content", asked, "schema")
        return read

    def fits(self, value, *where):
        pointer = "/".join(escape(part) for part in where)
        schema = {"$ref": f"urn:document#/{pointer}"}
        validator = Draft202012Validator(schema, registry=self.registry, format_checker=Draft202012Validator.FORMAT_CHECKER)
        for error in validator.iter_errors(value):
            raise AssertionError(f"{pointer}: {error.json_path}: {error.message}\n{json.dumps(value)[:2000]}")

    def check_roles(self):
        """Each operation refuses whoever has not the role that it names."""
        for method, path, operation in self.operations():
            role = operation.get("x-role")
            if role is None:
                continue
            parameters = operation.get("parameters", [])
            values = {
                parameter["name"]: 999999999 if parameter["schema"].get("type") == "integer" else "none-such"
                for parameter in parameters
                if parameter.get("in") == "path"
            }
            url = self.url(path, values, None)

            def status(name):
                headers = {"Authorization": f"Bearer {token(name)}"} if name else {}
                return send(method, url, b"" if "requestBody" in operation else None, headers)[0]

            assert status(None) == 401, f"{method} {path} without a token answers {status(None)}"
            for name, included in INCLUDED.items():
                answered = status(name)
                if role in included:
                    assert answered not in (401, 403), f"{method} {path} with the role {name} answers {answered}"
                else:
                    assert answered == 403, f"{method} {path} with the role {name} answers {answered}"
            if operation.get("x-all-sites"):
                assert status("narrow") == 403, f"{method} {path} for one site answers {status('narrow')}"

    def check_all_called(self, *spared):
        missing = {(method, path) for method, path, _ in self.operations()} - self.called - set(spared)
        assert not missing, f"{self.base}: nobody has asked for {sorted(missing)}"


def eventually(what, holds):
    until = time.monotonic() + 60
    while not (found := holds()):
        assert time.monotonic() < until, f"{what} has not come"
        time.sleep(0.1)
    return found


def check_common(listener, *, admin):
    document = listener.call("get", "/openapi.json", by=None)
    assert document == listener.document
    tag = send("get", f"{listener.base}/openapi.json")[1]["ETag"]
    listener.call("get", "/openapi.json", 304, by=None, headers={"If-None-Match": tag})
    if admin:
        for path in ("/livez", "/readyz", "/metrics"):
            listener.call("get", path, by=None)


def check_ingest(public, admin):
    event = {
        "specversion": "1.0",
        "id": "article",
        "source": "https://open.example/",
        "type": "stoa.article.published.v1",
        "data": {"site": "open", "article": "a-1", "title": "A title", "body": "Words."},
    }
    one, batch = "application/cloudevents+json", "application/cloudevents-batch+json"
    publish = ("post", "/v1/events")
    answer = public.call(*publish, 202, body=event, kind=one, by="publisher")
    assert answer["accepted"] == 1, answer
    answer = public.call(*publish, 202, body=[event, {**event, "id": "nothing", "data": {}}], kind=batch)
    assert (answer["duplicate"], len(answer["rejected"])) == (1, 1), answer
    public.call(*publish, 400, body=b"{", kind=one)
    public.call(*publish, 415, body=b"{}", kind="text/plain")
    public.call(*publish, 413, body=b"[" + b" " * 20_000_000, kind=batch)
    take, blog = ("post", "/v1/webhooks/{platform}"), {"platform": "blog", "headers": {"x-stoa-secret": f"blog-{SECRET}"}}
    author = {"author": 7, "author_name": "Zoé"}
    written = {"id": 31, "post": 5, **author, "content": {"raw": "Words."}, "date_gmt": "2026-11-24T11:00:00"}
    assert public.call(*take, 202, body=written, by=None, **blog)["accepted"] == 1
    assert public.call(*take, 200, body=[], by=None, **blog)["ignored"]
    public.call(*take, 400, body=b"{", by=None, **blog)
    public.call(*take, 401, body=written, platform="blog")
    public.call(*take, 413, body=b" " * 20_000_000, by=None, **blog)

    page = admin.call("get", "/admin/rejections", query={"limit": 1})
    assert page["next"], page
    rest = admin.call("get", "/admin/rejections", query={"after": page["next"], "limit": 500})
    assert rest["rejections"] and rest["next"] is None, rest
    admin.call("get", "/admin/rejections", 400, query={"limit": "many"})
    seq = page["rejections"][0]["seq"]
    admin.call("get", "/admin/rejections/{seq}", seq=seq)
    admin.call("get", "/admin/rejections/{seq}", 404, seq=999999999)
    admin.call("get", "/admin/rejections/{seq}", 400, seq="none")
    admin.call("get", "/admin/rejections/{seq}/original", seq=seq)
    admin.call("get", "/admin/status", by="viewer")
    check_published(admin)
    check_parked(admin)


def check_published(admin):
    page = admin.call("get", "/admin/published", query={"limit": 2})
    assert len(page["events"]) >= 2, page
    seqs = [event["seq"] for event in page["events"]]
    answer = admin.call("post", "/admin/published/resend", body={"seqs": seqs[:1]})
    assert answer["resent"] == seqs[:1], answer
    admin.call("post", "/admin/published/resend", 400, body={"seqs": "all"})
    admin.call("post", "/admin/published/resend", 400, body=b"{", kind="application/json")
    admin.call("post", "/admin/published/resend", 415, body=b"{}", kind="text/plain")
    admin.call("get", "/admin/published", 400, query={"limit": "many"})


def check_parked(admin):
    """What is parked is in the tests of parked messages: here nothing is."""
    assert admin.call("get", "/admin/parked", by="viewer")["parked"] == []
    admin.call("get", "/admin/parked/{id}", 404, id=1)
    admin.call("post", "/admin/parked/{id}/retry", 404, id=1)
    admin.call("delete", "/admin/parked/{id}", 404, id=1, query={"reason": "it is not there"})


PARKED = [("get", "/admin/parked/{id}"), ("post", "/admin/parked/{id}/retry"), ("delete", "/admin/parked/{id}")]


# A link comes with a statement, where there is a public URL.
APPEALS = [("get", "/v1/appeals/{token}"), ("post", "/v1/appeals/{token}")]


def check_archive(public, admin):
    assert "lavallee" in public.call("get", "/v1/sites")["sites"]
    threads = public.call("get", "/v1/sites/{site}/threads", site="lavallee", query={"limit": 1})
    thread = {"site": "lavallee", "thread": threads["threads"][0]["thread"]}
    threads = public.call("get", "/v1/sites/{site}/threads", site="lavallee")
    assert threads["next"] is None, threads
    public.call("get", "/v1/sites/{site}/threads", 401, site="lavallee", by=None)
    public.call("get", "/v1/sites/{site}/threads", 403, site="lavallee", by="narrow")
    public.call("get", "/v1/sites/{site}/threads", 400, site="lavallee", query={"limit": 0})
    one = "/v1/sites/{site}/threads/{thread}"
    read = public.call("get", one, **thread)
    assert any("body" in comment for comment in read["comments"]), read
    public.call("get", one, by="publisher", **thread)
    public.call("get", one, query={"shape": "nested"}, **thread)
    public.call("get", one, query={"as_of": "2100-01-01T00:00:00Z", "limit": 2}, **thread)
    public.call("get", one, 403, query={"as_of": "2100-01-01T00:00:00Z"}, by="publisher", **thread)
    public.call("get", one, 400, query={"shape": "round"}, **thread)
    public.call("get", one, 404, site="lavallee", thread="none")
    public.call("get", f"{one}/activity", **thread)
    public.call("get", f"{one}/activity", query={"page": "true"}, **thread)
    public.call("get", f"{one}/article", **thread)
    for entry in (entry for entry in read["comments"] if "ghost" not in entry):
        comment = {"site": "lavallee", "comment": entry["comment"]}
        history = public.call("get", "/v1/sites/{site}/comments/{comment}", **comment)
        assert history["decisions"], history
    public.call("get", "/v1/sites/{site}/comments/{comment}", 404, site="lavallee", comment="none")
    approved = next(entry["comment"] for entry in read["comments"] if entry["status"] == "approved")
    comment = {"site": "lavallee", "comment": approved}
    public.call("get", "/v1/sites/{site}/comments/{comment}", by="publisher", **comment)
    public.call("get", "/v1/sites/{site}/comments/{comment}/activity", **comment)
    public.call("get", "/v1/sites/{site}/comments/{comment}/replies", **comment)
    def indexed():
        return public.call("get", "/v1/search", query={"site": "lavallee"})["total"] >= 20

    eventually("the index", indexed)
    found = public.call("get", "/v1/search", query={"site": "lavallee", "limit": 1})
    public.call("get", "/v1/search", query={"site": "lavallee", "limit": 1, "after": found["next"]})
    public.call("get", "/v1/search", query={"q": "tramway"})
    public.call("get", "/v1/search", 400, query={"limit": "many"})
    public.call("get", "/v1/search", 403, query={"site": "lavallee", "status": "pending"}, by="publisher")

    def proof():
        url = public.url("/v1/sites/{site}/comments/{comment}/proof", comment, None)
        return send("get", url, None, {"Authorization": f"Bearer {token('admin')}"})[0] == 200

    eventually("a checkpoint", proof)
    public.call("get", "/v1/sites/{site}/comments/{comment}/proof", **comment)
    public.call("get", "/v1/log/key")
    public.call("get", "/v1/log/consistency", query={"old": 1})
    public.call("get", "/v1/log/consistency", 400)
    public.call("get", "/checkpoint")
    public.call("get", "/checkpoint", 401, by=None)
    size = int(public.call("get", "/checkpoint")[2].split(b"\n")[1])
    tile = "0/000" if size >= 256 else f"0/000.p/{size}"
    public.call("get", "/tile/{path}", path=tile)
    public.call("get", "/tile/{path}", 404, path="9/999")

    page = "/sites/{site}/threads/{thread}"
    tag = public.call("get", page, **thread)[1]["ETag"]
    public.call("get", page, 304, headers={"If-None-Match": tag}, **thread)
    public.call("get", page, headers={"Accept": "application/activity+json"}, **thread)
    public.call("get", f"{page}/feed.atom", **thread)
    public.call("get", "/sites/{site}/feed.atom", site="lavallee")
    public.call("get", "/sites/{site}/comments/{comment}", **comment)
    public.call("get", "/sites/{site}/comments/{comment}/thread", 303, **comment)
    public.call("get", "/sites/{site}", site="lavallee")
    public.call("get", "/search")
    public.call("get", "/search", query={"q": "tramway", "site": "lavallee"})
    public.call("get", "/search", 400, query={"site": "lavallee", "from": "yesterday"})
    public.call("get", "/")
    public.call("get", "/assets/thread.css", by=None)
    public.call("get", "/robots.txt", by=None)
    sitemap = f"{public.base}/sites/open/sitemap.xml"
    eventually("the open site's article", lambda: b"a-1" in send("get", sitemap)[2])
    public.call("get", "/sitemap.xml", by=None)
    public.call("get", "/sites/{site}/sitemap.xml", by=None, site="open")
    public.call("get", "/sites/{site}/sitemap.xml", 404, by=None, site="lavallee")

    admin.call("get", "/admin/status", by="viewer")
    events = [{"source": "https://platform.example/", "id": "none", "type": "stoa.comment.scored.v1", "site": "lavallee"}]
    assert admin.call("post", "/admin/held", body={"events": events})["missing"] == [0]
    admin.call("post", "/admin/held", 400, body=b"{", kind="application/json")
    check_parked(admin)
    one, asked = "/admin/redactions/{site}/{redaction}", {"site": "lavallee", "comment": approved}
    redaction = admin.call("post", "/admin/redactions", 202, body=asked)
    admin.call("post", "/admin/redactions", 404, body={**asked, "comment": "none"})
    admin.call("post", "/admin/redactions", 400, body={"site": "lavallee"})
    admin.call("get", "/admin/redactions", query={"site": "lavallee"}, by="moderator")
    admin.call("get", "/admin/redactions", 400)
    which = {"site": "lavallee", "redaction": redaction["redaction"]}
    admin.call("get", one, **which)
    admin.call("get", one, 404, site="lavallee", redaction="none")
    admin.call("post", f"{one}/confirm", 409, **which)
    admin.call("post", f"{one}/confirm", by="second", **which)
    assert admin.call("post", f"{one}/cancel", **which)["state"] == "cancelled"


def check_desk(admin, ingest):
    admin.call("get", "/admin/cases", 400, query={"limit": "many"})
    page = admin.call("get", "/admin/cases", query={"excerpt": 160})
    cases = [{"case": case["case"]} for case in page["cases"]]
    assert len(cases) >= 4, page
    part = admin.call("get", "/admin/cases", query={"limit": 1}, by="viewer")
    admin.call("get", "/admin/cases", query={"limit": 1, "after": part["next"], "site": "lavallee"})
    first, second = cases[:2]
    one = "/admin/cases/{case}"
    for case in cases:
        admin.call("get", one, **case)
    admin.call("get", one, 404, case="none")
    admin.call("post", f"{one}/claim", 400, body={"minutes": 500}, **first)
    admin.call("post", f"{one}/claim", body={"minutes": 5}, by="moderator", **first)
    admin.call("post", f"{one}/claim", 409, by="editor", **first)
    admin.call("post", f"{one}/notes", body={"text": "Is this meant for us?"}, by="moderator", **first)
    admin.call("post", f"{one}/notes", 400, body={"text": ""}, **first)
    admin.call("post", f"{one}/escalate", body={"note": "Please look."}, by="moderator", **first)
    admin.call("get", one, **first)
    admin.call("get", "/admin/cases", query={"escalated": "true"})
    admin.call("delete", f"{one}/escalate", by="moderator", **first)
    admin.call("delete", f"{one}/claim", by="moderator", **first)

    reason = admin.call("get", "/admin/reasons", query={"site": "lavallee"})["reasons"][0]["code"]
    decide = {"verdict": "reject", "reason": {"code": reason}}
    key = {"Idempotency-Key": "once"}
    made = admin.call("post", f"{one}/decision", body=decide, by="moderator", headers=key, **first)
    again = admin.call("post", f"{one}/decision", body=decide, by="moderator", headers=key, **first)
    assert again == made, again
    admin.call("post", f"{one}/decision", 422, body={"verdict": "approve"}, by="moderator", headers=key, **first)
    admin.call("post", f"{one}/decision", 409, body={"verdict": "approve"}, **first)
    admin.call("post", f"{one}/decision", 400, body={"verdict": "hold"}, **second)
    admin.call("get", "/admin/cases", query={"status": "closed"})
    decision = {"decision": made["decision"]["decision"]}
    admin.call("get", "/admin/decisions/{decision}", **decision)
    admin.call("get", "/admin/decisions/{decision}", 404, decision="none")
    admin.call("post", "/admin/decisions/{decision}/undo", by="moderator", **decision)
    log = admin.call("get", "/admin/decisions", query={"limit": 2})
    ruled = log["decisions"][0]["decision"]
    admin.call("post", "/admin/decisions/{decision}/undo", 409, decision=ruled)
    admin.call("get", "/admin/decisions", query={"after": log["next"], "verdict": "approve"})
    admin.call("get", "/admin/decisions", query={"order": "newest", "limit": 500})
    admin.call("get", "/admin/decisions", 400, query={"order": "newest", "after": 1})

    bulk = {"cases": [case["case"] for case in cases[1:3]], "verdict": "approve", "dry_run": True}
    preview = admin.call("post", "/admin/cases/bulk", body=bulk)
    seen = [{"case": case["case"], "version": case["version"]} for case in preview["cases"]]
    done = admin.call("post", "/admin/cases/bulk", body={"cases": seen, "verdict": "approve"}, by="moderator")
    assert len(done["decided"]) == 2, done
    admin.call("post", "/admin/cases/bulk", 400, body={"verdict": "approve"})
    admin.call("post", "/admin/bulk/{bulk}/undo", by="moderator", bulk=done["bulk"])
    admin.call("post", "/admin/bulk/{bulk}/undo", 404, bulk="none")
    check_appeals(admin, ingest, cases[3])

    author = {"site": "lavallee", "author": page["cases"][0]["author"]}
    known = "/admin/authors/{site}/{author}"
    admin.call("get", known, **author)
    admin.call("post", f"{known}/sanctions", body={"sanction": "warn", "reason": "Be kind."}, by="moderator", **author)
    admin.call("post", f"{known}/sanctions", 400, body={"sanction": "warn", "until": "soon"}, **author)
    admin.call("get", known, **author)
    admin.call("get", "/admin/feed", by="viewer")
    admin.call("get", "/admin/feed", 400, headers={"Last-Event-ID": "none"})
    for query in ({}, {"by": "hour"}, {"site": "lavallee"}):
        admin.call("get", "/admin/insights", query=query, by="viewer")
    admin.call("get", "/admin/insights", 400, query={"from": "yesterday"})
    assert admin.call("get", "/admin/statements", query={"site": "lavallee"})["statements"]
    admin.call("get", "/admin/statements", query={"format": "csv"})
    admin.call("get", "/admin/statements", 400, query={"from": "yesterday"})
    year = admin.call("get", "/admin/insights")["to"][:4]
    admin.call("get", "/admin/transparency/{year}", year=year)
    admin.call("get", "/admin/transparency/{year}", query={"format": "csv"}, year=year)
    admin.call("get", "/admin/transparency/{year}", 400, year=1999)


def check_appeals(admin, ingest, case):
    """The author appeals against a rejection, and somebody else decides."""
    decide = {"verdict": "reject", "reason": {"code": "spam"}}
    made = admin.call("post", "/admin/cases/{case}/decision", body=decide, by="moderator", **case)
    about = admin.call("get", "/admin/cases/{case}", **case)
    event = {
        "specversion": "1.0",
        "id": "appeal",
        "source": "https://lavallee.example/commentaires",
        "type": "stoa.decision.appealed.v1",
        "data": {
            **{key: about[key] for key in ("site", "article", "comment", "author")},
            "decision": made["decision"]["decision"],
            "appeal": "p-1",
            "text": "It was a quotation.",
        },
    }
    ingest.call("post", "/v1/events", 202, body=event, kind="application/cloudevents+json")
    appeals = eventually("the appeal", lambda: admin.call("get", "/admin/appeals")["appeals"])
    appeal = {"appeal": appeals[0]["id"]}
    admin.call("get", "/admin/appeals/{appeal}", **appeal)
    admin.call("get", "/admin/appeals/{appeal}", 404, appeal="none")
    admin.call("get", "/admin/cases/{case}", **case)
    resolve = ("post", "/admin/appeals/{appeal}/resolution")
    admin.call(*resolve, 400, body={"outcome": "maybe"}, **appeal)
    admin.call(*resolve, 409, body={"outcome": "reversed"}, by="moderator", **appeal)
    admin.call(*resolve, body={"outcome": "reversed"}, by="second", **appeal)
    admin.call(*resolve, 409, body={"outcome": "upheld", "reason": {"code": "spam"}}, by="second", **appeal)
    admin.call("get", "/admin/appeals", query={"status": "all"})


def check_texts(admin):
    texts = admin.call("get", "/admin/texts", by="viewer")
    tag = f'"{texts["version"]}"'
    key, languages = next(iter(texts["defaults"].items()))
    new = {"texts": {key: languages}, "note": "As before."}
    admin.call("put", "/admin/texts", 428, body=new)
    admin.call("put", "/admin/texts", 400, body={"texts": {"none-such": {"en": "x"}}}, headers={"If-Match": tag})
    admin.call("put", "/admin/texts", body=new, headers={"If-Match": tag})
    admin.call("put", "/admin/texts", 412, body=new, headers={"If-Match": tag})
    versions = admin.call("get", "/admin/texts/versions")["versions"]
    admin.call("get", "/admin/texts/versions/{version}", version=versions[0]["version"])
    admin.call("get", "/admin/texts/versions/{version}", 404, version=999)
    admin.call("post", "/admin/texts/preview", body={"reason": {"code": "spam"}, "language": "en"}, by="viewer")
    admin.call("post", "/admin/texts/preview", 400, body={"language": "none-such"})
    admin.call("post", "/admin/texts/rollback", body={"to": 0}, headers={"If-Match": "*"})
    admin.call("post", "/admin/texts/rollback", 428, body={"to": 0})


def check_rules(admin):
    live = admin.call("get", "/admin/rules", by="viewer")
    tag = {"If-Match": f'"{live["hash"]}"'}
    versions = admin.call("get", "/admin/rules/versions", query={"limit": 1})["versions"]
    files = admin.call("get", "/admin/rules/versions/{hash}", hash=versions[0]["hash"])["files"]
    admin.call("get", "/admin/rules/versions/{hash}", 404, hash="0" * 64)
    broken = {path: "rules: [{id: 1}]" if path.endswith(".yaml") else text for path, text in files.items()}
    admin.call("post", "/admin/rules/check", body={"files": files})
    assert not admin.call("post", "/admin/rules/check", body={"files": broken})["valid"]
    tried = admin.call("post", "/admin/rules/try", body={"comment": {"text": "Buy cheap pills at http://x.example"}})
    admin.call("post", "/admin/rules/try", 422, body={"files": broken, "comment": {"text": "x"}})
    admin.call("post", "/admin/rules/try", 400, body={"comment": {"words": "x"}})
    put = ("put", "/admin/rules")
    admin.call(*put, query={"dry_run": "true"}, body={"files": files})
    admin.call(*put, 428, body={"files": files})
    admin.call(*put, 412, body={"files": files}, headers={"If-Match": '"0"'})
    admin.call(*put, 422, body={"files": broken}, headers=tag)
    rule = live["rules"][0]["id"]
    assert tried["rules"], tried
    admin.call("post", "/admin/rules/{rule}/mode", body={"mode": "shadow", "note": "To see."}, headers=tag, rule=rule)
    admin.call("post", "/admin/rules/{rule}/mode", 412, body={"mode": "shadow"}, headers=tag, rule=rule)
    admin.call("post", "/admin/rules/{rule}/mode", 404, body={"mode": "shadow"}, headers={"If-Match": "*"}, rule="none-such")
    admin.call("post", "/admin/rules/rollback", body={"to": live["hash"]}, headers={"If-Match": "*"})
    admin.call("post", "/admin/rules/rollback", 404, body={"to": "0" * 64}, headers={"If-Match": "*"})
    admin.call("get", "/admin/rules")
    admin.call("get", "/admin/rules/versions")
    hashes = [version["hash"] for version in admin.call("get", "/admin/rules/versions")["versions"]]
    admin.call("get", "/admin/rules/diff", query={"from": hashes[0], "to": next(h for h in hashes if h != hashes[0])})
    admin.call("get", "/admin/rules/diff", 400)
    admin.call("get", "/admin/rules/diff", 404, query={"from": "0" * 64})
    admin.call("post", "/admin/rules/{rule}/breaker", body={"state": "reset"}, rule=rule)
    admin.call("post", "/admin/rules/{rule}/breaker", 404, body={"state": "reset"}, rule="none-such")
    admin.call("post", "/admin/rules/reload")
    begun = admin.call("post", "/admin/rules/backtests", 202, body={"files": files, "days": 1})
    backtest = {"backtest": begun["id"]}
    done = lambda: admin.call("get", "/admin/rules/backtests/{backtest}", **backtest)["state"] == "done"
    eventually("the backtest", done)
    admin.call("get", "/admin/rules/backtests")
    admin.call("delete", "/admin/rules/backtests/{backtest}", **backtest)
    admin.call("get", "/admin/rules/backtests/{backtest}", 404, backtest="none")
    admin.call("post", "/admin/rules/backtests", 422, body={"files": broken})
    admin.call("post", "/admin/rules/backtests", 400, body={"files": files, "days": 1000})
    lists = admin.call("get", "/admin/rules/lists", query={"q": "pills"})["lists"]
    own = {"list": next(list["name"] for list in lists if list["terms_file"])}
    admin.call("get", "/admin/rules/lists/{list}", **own)
    admin.call("get", "/admin/rules/lists/{list}", 404, list="none-such")
    change = ("post", "/admin/rules/lists/{list}")
    admin.call(*change, 428, body={"add": ["xyzzy.example"]}, **own)
    admin.call(*change, body={"add": ["xyzzy.example"]}, headers={"If-Match": "*"}, **own)
    admin.call(*change, 422, body={"add": ["no domain"]}, headers={"If-Match": "*"}, **own)
    admin.call(*change, 400, body={"add": "xyzzy.example"}, headers={"If-Match": "*"}, **own)


def check_compat(public):
    """In the shapes of other services."""
    analyze, key = ("post", "/v1alpha1/comments:analyze"), {"key": token("publisher")}
    body = {"comment": {"text": "You moron!"}, "requestedAttributes": {"INSULT": {}}, "spanAnnotations": True}
    scores = public.call(*analyze, body=body, by=None, query=key)["attributeScores"]
    assert scores["INSULT"]["summaryScore"]["value"] == 1, scores
    public.call(*analyze, body={**body, "languages": ["en"], "clientToken": "c"}, by="moderator")
    public.call(*analyze, 400, body={**body, "requestedAttributes": {"NONE": {}}})
    public.call(*analyze, 401, body=body, by=None)
    public.call(*analyze, 403, body=body, by="viewer")
    public.call(*analyze, 413, body=b" " * 20_000_000)
    suggest = ("post", "/v1alpha1/comments:suggestscore")
    public.call(*suggest, body={"comment": {"text": "x"}, "clientToken": "c"}, by=None, query=key)
    public.call(*suggest, 400, body=b"{")
    public.call(*suggest, 401, body=b"{", by=None)

    ask = ("post", "/v1/moderations")
    for words in ("You moron!", ["A tram at last."], [{"type": "text", "text": "A tram at last."}]):
        assert len(public.call(*ask, body={"input": words})["results"]) == 1
    public.call(*ask, 400, body={"input": [{"type": "image_url", "image_url": {"url": "https://a.example/"}}]})
    public.call(*ask, 401, body={"input": "x"}, by=None)
    public.call(*ask, 403, body={"input": "x"}, by="viewer")
    public.call(*ask, 413, body={"input": "x" * 100_000})

    form = "application/x-www-form-urlencoded"
    fields = {"api_key": token("publisher"), "blog": "https://a.example", "user_ip": "203.0.113.9", "comment_content": "Yes."}
    fields = urllib.parse.urlencode(fields).encode()
    for name in ("comment-check", "verify-key", "submit-spam", "submit-ham"):
        public.call("post", f"/1.1/{name}", body=fields, kind=form, by=None)
        public.call("post", f"/1.1/{name}", body=b"", kind=form, by=None)
        public.call("post", f"/1.1/{name}", 413, body=b" " * 20_000_000, kind=form, by=None)
    public.call("post", "/1.1/comment-check", 400, body=b"", kind=form)

    coral, secret = ("post", "/v1/compat/coral"), f"coral-{SECRET}".encode()
    for words, status in (("A tram at last.", 204), ("You moron!", 200), ("", 200)):
        body = {"action": "NEW", "comment": {"body": words}, "author": {"id": "u-1"}, "story": {"id": "s-1"}}
        body = json.dumps(body, indent=2).encode()
        signature = "sha256=" + hmac.new(secret, body, "sha256").hexdigest()
        public.call(*coral, status, body=body, by=None, headers={"x-coral-signature": signature})
    public.call(*coral, 401, body=body, by=None)
    public.call(*coral, 413, body=b" " * 20_000_000, by=None)


def check_moderation(public, admin, ingest):
    comment = {"site": "lavallee", "article": "valmorin-ligne-d", "author": {"id": "u-1"}, "body": "A tram at last."}
    public.call("post", "/v1/moderate", body=comment, by="publisher")
    public.call("post", "/v1/moderate", body={"comments": [comment, comment]}, by="moderator")
    public.call("post", "/v1/moderate", 400, body=b"{", kind="application/json")
    public.call("post", "/v1/moderate", 401, body=comment, by=None)
    public.call("post", "/v1/moderate", 403, body=comment, by="viewer")
    public.call("post", "/v1/moderate", 415, body=b"{}", kind="text/plain")
    check_compat(public)
    public.call("get", "/v1/appeals/{token}", 404, by=None, token="none")
    form = "application/x-www-form-urlencoded"
    public.call("post", "/v1/appeals/{token}", 404, by=None, token="none", body=b"text=No", kind=form)
    public.call("get", "/v1/appeals.css", by=None)
    check_desk(admin, ingest)
    check_texts(admin)
    check_rules(admin)
    check_published(admin)
    check_webhooks(admin)
    events = [{"source": "https://platform.example/", "id": "none", "type": "stoa.comment.scored.v1", "site": "lavallee"}]
    admin.call("post", "/admin/held", body={"events": events})
    admin.call("post", "/admin/held", 400, body=b"{", kind="application/json")
    check_parked(admin)


def check_webhooks(admin):
    """The endpoint of the test's configuration, where nobody listens."""
    one, cms = "/admin/webhooks/{name}", {"name": "cms"}
    assert [webhook["name"] for webhook in admin.call("get", "/admin/webhooks", by="auditor")["webhooks"]] == ["cms"]
    admin.call("get", one, **cms)
    admin.call("get", one, 404, name="none")
    tested = admin.call("post", f"{one}/test", **cms)
    assert tested.get("status") is None, tested
    admin.call("get", f"{one}/deliveries", query={"limit": 1}, by="auditor", **cms)
    admin.call("get", f"{one}/deliveries", 400, query={"limit": "many"}, **cms)
    admin.call("post", f"{one}/disable", **cms)
    admin.call("post", f"{one}/replay", body={"since": "2026-01-01T00:00:00Z"}, **cms)
    admin.call("post", f"{one}/replay", 400, body=b"{", kind="application/json", **cms)
    admin.call("post", f"{one}/replay", 403, body={"event": "none"}, by="auditor", **cms)
    admin.call("post", f"{one}/enable", **cms)
    admin.call("post", f"{one}/enable", 404, name="none")


def check_console(console):
    """Accounts and tokens; what goes through to other roles is what they say."""
    new = {"user": "zoe", "name": "Zoé", "role": "moderator", "sites": ["*"]}
    make, one, zoe = ("post", "/api/users"), "/api/users/{user}", {"user": "zoe"}
    made = console.call(*make, 201, body=new)
    assert "/set-up/" in made["link"], made
    console.call(*make, 201, body={**new, "user": "anne"})
    console.call(*make, 400, body=new)
    assert console.call(*make, 400, body={**new, "role": "root"})["field"] == "role"
    console.call(*make, 415, body=b"{}", kind="text/plain")
    console.call(*make, 413, body=b"[" + b" " * 3_000_000)
    page = console.call("get", "/api/users", query={"limit": 1})
    rest = console.call("get", "/api/users", query={"after": page["next"]})
    assert [user["user"] for user in page["users"] + rest["users"]] == ["anne", "zoe"], (page, rest)
    console.call("get", "/api/users", 400, query={"limit": "many"})
    assert console.call("patch", one, body={"name": "Zoë"}, **zoe)["name"] == "Zoë"
    console.call("patch", one, 400, body={"sites": []}, **zoe)
    console.call("patch", one, 404, body={}, user="none")
    console.call("post", f"{one}/link", **zoe)
    console.call("post", f"{one}/link", 404, user="none")
    assert console.call("delete", f"{one}/sessions", **zoe)["ended"] == 0
    console.call("delete", f"{one}/second-step", 400, **zoe)
    token = {"name": "ci", "role": "viewer", "sites": ["*"], "user": "zoe"}
    made = console.call("post", "/api/tokens", 201, body=token)
    console.call("post", "/api/tokens", 400, body={**token, "days": 0})
    console.call("post", "/api/tokens", 403, body=token, by="viewer")
    listed = console.call("get", "/api/tokens")["tokens"]
    assert [token["token"] for token in listed] == [made["token"]], listed
    console.call("delete", "/api/tokens/{token}", token=made["token"])
    console.call("delete", "/api/tokens/{token}", 404, token=made["token"])
    through = "/api/moderation/{path}"
    cases = console.call("get", through, path="cases", by="viewer")["cases"]
    console.call("get", through, 400, path="cases", query={"limit": "many"})
    note = {"path": f"cases/{cases[0]['case']}/notes"}
    console.call("post", through, body={"text": "From a program."}, by="moderator", **note)
    console.call("post", through, 403, body={"text": "From a program."}, by="viewer", **note)
    console.call("put", through, 428, body={"texts": {}}, path="texts")
    console.call("delete", through, 404, path="rules/backtests/none")
    console.call("get", "/api/archive/{path}", path="sites", by="viewer")
    console.call("get", "/api/archive/{path}", 404, path="nothing")


# It has no second step that could be taken away, and a text that is put and a backtest that is ended are in the role's.
THROUGH = [
    ("delete", "/api/users/{user}/second-step"),
    ("put", "/api/moderation/{path}"),
    ("delete", "/api/moderation/{path}"),
]


def main():
    console, console_admin = Listener(PORT - 1), Listener(PORT + 999)
    ingest, ingest_admin = Listener(PORT), Listener(PORT + 1000)
    moderation, moderation_admin = Listener(PORT + 1), Listener(PORT + 1001)
    archive, archive_admin = Listener(PORT + 2), Listener(PORT + 1002)

    def archived():
        read = send("get", f"{archive.base}/v1/sites/lavallee/threads", None, {"Authorization": f"Bearer {token('admin')}"})
        threads = json.loads(read[2])["threads"]
        return threads and threads[0]["comments"] >= 20

    eventually("the sample", archived)
    for listener in (console, ingest, moderation, archive):
        check_common(listener, admin=False)
        listener.check_roles()
    for listener in (console_admin, ingest_admin, moderation_admin, archive_admin):
        check_common(listener, admin=True)
        listener.check_roles()
    check_ingest(ingest, ingest_admin)
    check_moderation(moderation, moderation_admin, ingest)
    check_archive(archive, archive_admin)
    check_console(console)
    console.check_all_called(*THROUGH)
    console_admin.check_all_called()
    ingest.check_all_called()
    ingest_admin.check_all_called(*PARKED)
    moderation.check_all_called(*APPEALS)
    moderation_admin.check_all_called(*PARKED)
    archive.check_all_called()
    archive_admin.check_all_called(*PARKED)


main()
