"""aiohttp has no way of its own to come back: its users do it with the last id, as here."""

import asyncio
import json

import aiohttp

from told import start, tell, url


async def main():
    last = start()
    async with aiohttp.ClientSession() as session:
        while True:
            try:
                query = {"last_event_id": str(last)} if last else {}
                address = f"{url('http')}/ws"
                async with session.ws_connect(address, params=query, max_msg_size=0) as socket:
                    async for message in socket:
                        decoded = json.loads(message.data)
                        last = decoded.get("id") or last
                        tell(decoded.get("id"), message.data)
            except aiohttp.ClientError:
                pass
            await asyncio.sleep(0.1)


asyncio.run(main())
