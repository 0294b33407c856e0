"""What each client does with a message: one line of JSON on standard output."""

import json
import sys


def tell(event_id, data):
    """One message as it was decoded; what it was decoded from is no matter here."""
    print(json.dumps({"id": event_id, "json": json.loads(data)}), flush=True)


def url(scheme):
    return f"{scheme}://127.0.0.1:{sys.argv[1]}"


def start():
    """The cursor to begin with; empty for none."""
    return sys.argv[2] if len(sys.argv) > 2 else ""
