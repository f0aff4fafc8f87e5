"""A client that is not ours: Python's `websockets`. `python3 python-client.py <url> <message> …` waits for a frame,
sends the first message, waits for a frame, sends the next, and so on until the connection ends. It prints what happened, one JSON
object a line."""

import asyncio
import json
import sys

import websockets


def tell(**what):
    print(json.dumps(what), flush=True)


async def main(url, messages):
    async with websockets.connect(url) as connection:
        try:
            for message in [*messages, None]:
                tell(frame=await connection.recv())
                if message is not None:
                    await connection.send(message)
            await connection.wait_closed()
        except websockets.ConnectionClosed:
            pass
    tell(close_code=connection.close_code, close_reason=connection.close_reason)


asyncio.run(asyncio.wait_for(main(sys.argv[1], sys.argv[2:]), 15))
