#!/usr/bin/env python3
"""Runs whole archives of events through Stoa and compares what comes out, on both transports.

  run.py --bin target/release/stoa --events 'DIR/*.events.jsonl' [--amqp URL] [--page FILE]

For the embedded bus, and with --amqp for three roles over RabbitMQ as well: publishes every file
with `stoa publish`, waits until every accepted comment is archived and decided, publishes all of
it again (nothing may change), stops in good order, and verifies the archive.
Over RabbitMQ the files are published once more with pika.  At the end the threads of the two runs
are compared, comment by comment.  Exit code 1 if anything is not as it must be.
"""

import argparse
import atexit
import glob
import json
import os
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
from collections import defaultdict

TOKEN = "acceptance-token-0123456789"
ROLES = ["ingest", "moderation-rules", "archive"]
failures = []


def check(holds, what):
    print(("ok    " if holds else "FAILED"), what, flush=True)
    if not holds:
        failures.append(what)


def get(url):
    request = urllib.request.Request(url, headers={"Authorization": f"Bearer {TOKEN}"})
    try:
        with urllib.request.urlopen(request, timeout=30) as answer:
            return json.load(answer)
    except urllib.error.HTTPError as error:
        return {"status": error.code}


class Stack:
    def __init__(self, binary, port, amqp=None):
        self.binary, self.port, self.amqp = binary, port, amqp
        self.folder = tempfile.mkdtemp(prefix="stoa-acceptance-")
        self.processes = {}
        for name in ROLES if amqp else ["up"]:
            self.launch(name)
        self.ready()

    def launch(self, name):
        log = open(f"{self.folder}/{name}.log", "ab")
        if self.amqp:
            index = ROLES.index(name)
            config = f"{self.folder}/{name}.toml"
            with open(config, "w") as file:
                file.write(
                    f'data_dir = "{self.folder}/{name}"\nopen = true\n'
                    f'[http]\nlisten = "127.0.0.1:{self.port + index}"\n'
                    f'[admin]\nlisten = "127.0.0.1:{self.port + 1000 + index}"\n'
                    f'[bus]\nurl = "{self.amqp}"\nprovision = true\n'
                    f'[[tokens]]\nname = "test"\nrole = "admin"\nsecret = "{TOKEN}"\nsites = ["*"]\n'
                )
            command = [self.binary, "serve", name, "--config", config]
        else:
            command = [self.binary, "up", "--token", TOKEN, "--port", str(self.port)]
            command += ["--data", self.folder]
        self.processes[name] = subprocess.Popen(command, stdout=log, stderr=log)
        # Whatever goes wrong, the ports are free for the next run.
        atexit.register(self.processes[name].kill)

    def ready(self):
        for n in range(3):
            deadline = time.time() + 30
            while True:
                try:
                    url = f"http://127.0.0.1:{self.port + 1000 + n}/readyz"
                    urllib.request.urlopen(url, timeout=5)
                    break
                except OSError:
                    if time.time() > deadline:
                        sys.exit(f"{url} is not ready; the logs are in {self.folder}")
                    time.sleep(0.1)

    def ingest(self):
        return f"http://127.0.0.1:{self.port}"

    def threads(self, wanted):
        """Every thread as a moderator sees it, following the pages."""
        found = {}
        for site, thread in wanted:
            base = f"http://127.0.0.1:{self.port + 2}/v1/sites/{site}/threads/{thread}"
            comments, after = [], None
            while True:
                page = get(base + (f"?after={after}" if after else ""))
                comments += page.get("comments", [])
                after = page.get("next")
                if not after:
                    break
            found[site, thread] = comments
        return found

    def publish(self, path):
        command = [self.binary, "publish", path, "--to", self.ingest(), "--token", TOKEN, "--json"]
        result = subprocess.run(command, capture_output=True, check=False, text=True)
        if not result.stdout:
            sys.exit(f"stoa publish {path}: {result.stderr}")
        return json.loads(result.stdout)

    def stop(self):
        for name, process in self.processes.items():
            process.terminate()
            check(process.wait(40) == 0, f"{name} stops in good order")


def settled(stack, accepted, patience):
    """Waits until every accepted comment is archived and decided once."""
    deadline = time.time() + patience
    while True:
        threads = stack.threads(accepted)
        missing = 0
        for key, wanted in accepted.items():
            have = {c["comment"]: c for c in threads[key] if not c.get("ghost")}
            missing += sum(1 for c in wanted if not (have.get(c) or {}).get("decision"))
        if not missing or time.time() > deadline:
            return threads, missing
        time.sleep(1)


def shape(threads):
    keys = ["comment", "parent", "depth", "text", "status"]
    return {
        thread: [[c.get(k) for k in keys] + [(c.get("decision") or {}).get("verdict")] for c in comments]
        for thread, comments in threads.items()
    }


def compare(left, right):
    """The trees must be equal.  Verdicts may differ where a rule asks for an author's history:
    a thread has an order on every transport, an author who writes in several threads has none."""
    tree = lambda threads: {t: [c[:4] for c in comments] for t, comments in threads.items()}
    check(tree(left) == tree(right), "the trees of both transports are equal")
    pairs = [(a, b) for t in left for a, b in zip(left[t], right.get(t, []))]
    n_different = sum(1 for a, b in pairs if a[5] != b[5])
    print(f"      {n_different} of {len(pairs)} verdicts differ between the transports")


def run(options, amqp):
    name = "rabbitmq" if amqp else "embedded"
    print(f"--- {name}", flush=True)
    stack = Stack(options.bin, options.port + (10 if amqp else 0), amqp)
    accepted, n_events, n_rejected, start = defaultdict(set), 0, 0, time.time()
    for path in sorted(glob.glob(options.events)):
        report = stack.publish(path)
        refused = {item["id"] for item in report["rejected"]}
        n_rejected += len(refused)
        for line in open(path, encoding="utf-8"):
            event = json.loads(line)
            n_events += 1
            if event["type"] == "stoa.comment.submitted.v1" and event["id"] not in refused:
                accepted[event["data"]["site"], event["data"]["article"]].add(event["data"]["comment"])
    n_comments = sum(len(comments) for comments in accepted.values())
    threads, missing = settled(stack, accepted, options.patience)
    seconds = time.time() - start
    print(f"      {n_events} events, {n_comments} comments, {n_rejected} refused, {seconds:.1f} s")
    check(missing == 0, f"{name}: every accepted comment is archived and decided ({missing} missing)")
    check(n_rejected == options.rejected, f"{name}: {options.rejected} refused, found {n_rejected}")
    once = all(c["decisions"] == 1 for cs in threads.values() for c in cs if not c.get("ghost"))
    check(once, f"{name}: every comment is decided exactly once")

    duplicates = sum(stack.publish(path)["duplicate"] for path in sorted(glob.glob(options.events)))
    wanted = n_events - n_rejected
    check(duplicates == wanted, f"{name}: published again, {duplicates} of {wanted} are duplicates")
    if amqp:
        for path in sorted(glob.glob(options.events)):
            script = os.path.join(os.path.dirname(__file__), "../pika/publish.py")
            subprocess.run([sys.executable, script, amqp, path, "batch"], check=True)
        time.sleep(5)
    check(shape(stack.threads(accepted)) == shape(threads), f"{name}: repeats change nothing")
    if options.page:
        command = [options.bin, "import", "page", options.page, "--site", "courrier", "--language", "fr"]
        command += ["--timezone", "Europe/Paris", "--to", stack.ingest(), "--token", TOKEN]
        check(subprocess.run(command, check=False).returncode == 0, f"{name}: a page is imported")
    stack.stop()
    verify = [options.bin, "archive", "verify", "--data", f"{stack.folder}/archive"]
    result = subprocess.run(verify, capture_output=True, check=False, text=True)
    check(result.returncode == 0, f"{name}: the archive verifies {result.stdout[-200:]}{result.stderr[-200:]}")
    return shape(threads)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawTextHelpFormatter)
    parser.add_argument("--bin", default="target/release/stoa")
    parser.add_argument("--events", required=True)
    parser.add_argument("--rejected", type=int, default=0, help="events that must be refused")
    parser.add_argument("--amqp")
    parser.add_argument("--page")
    parser.add_argument("--port", type=int, default=21081)
    parser.add_argument("--patience", type=int, default=120)
    options = parser.parse_args()
    embedded = run(options, None)
    if options.amqp:
        compare(embedded, run(options, options.amqp))
    print(f"{len(failures)} failed")
    sys.exit(1 if failures else 0)


if __name__ == "__main__":
    main()
