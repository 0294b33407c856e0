"""httpx-sse has no way of its own to come back: its users do it with the last id, as here."""

import time

import httpx
from httpx_sse import connect_sse

from told import start, tell, url

last = start()
while True:
    try:
        headers = {"Last-Event-ID": last} if last else {}
        with httpx.Client(timeout=30) as client:
            with connect_sse(client, "GET", f"{url('http')}/sse", headers=headers) as source:
                for event in source.iter_sse():
                    last = event.id or last
                    tell(event.id, event.data)
    except httpx.TransportError:
        pass
    time.sleep(0.1)
