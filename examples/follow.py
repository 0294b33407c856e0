#!/usr/bin/env python3
"""Tells when a story is blocked and when a batch ends; needs nothing but Python.

    examples/follow.py [http://127.0.0.1:8080]

With a token: SPRINT_RUNNER_TOKEN=… examples/follow.py
"""

import json
import os
import sys
import time
import urllib.error
import urllib.request


def events(base, types):
    """Every event of these types from now on, over any number of broken connections."""
    last_id = None
    while True:
        request = urllib.request.Request(f"{base}/sse?types={types}")
        if last_id:
            request.add_header("Last-Event-ID", last_id)
        if token := os.environ.get("SPRINT_RUNNER_TOKEN"):
            request.add_header("Authorization", f"Bearer {token}")
        try:
            # The server says something at least every 15 seconds.
            with urllib.request.urlopen(request, timeout=45) as stream:
                for line in stream:
                    name, _, value = line.decode().rstrip("\r\n").partition(": ")
                    if name == "id":
                        last_id = value
                    elif name == "data":
                        yield json.loads(value)
        except urllib.error.HTTPError as error:
            sys.exit(f"{base} answers {error.code}: {error.read().decode()}")
        except OSError as error:
            print(f"no connection ({error}); trying again", file=sys.stderr)
        time.sleep(2)


def main():
    base = (sys.argv[1] if len(sys.argv) > 1 else "http://127.0.0.1:8080").rstrip("/")
    for event in events(base, "story:status,batch:end"):
        what, payload = event["type"], event["payload"]
        if what == "story:status" and payload["new_status"] == "blocked":
            print(f"{payload['story_key']} is blocked", flush=True)
        elif what == "batch:end":
            cycles, status = payload["cycles_completed"], payload["status"]
            print(f"batch {payload['batch_id']} ended: {status}, {cycles} cycles", flush=True)


if __name__ == "__main__":
    try:
        main()
    except KeyboardInterrupt:
        pass
