"""websockets comes back by itself: each turn of its loop is a new connection."""

import asyncio
import json

from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from told import start, tell, url


async def main():
    last = start()
    async for socket in connect(f"{url('ws')}/ws", max_size=None):
        try:
            if last:
                await socket.send(json.dumps({"type": "resume", "last_event_id": last}))
            resumed = not last
            async for data in socket:
                message = json.loads(data)
                # What stands before the answer to the resume is another's beginning.
                if not resumed and message["type"] == "init":
                    resumed = True
                    continue
                if "id" in message:
                    last = message["id"]
                tell(message.get("id"), data)
        except ConnectionClosed:
            continue


asyncio.run(main())
