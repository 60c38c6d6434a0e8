"""Orders something, as the Python client does: one call that runs five tools. Prints what it saw as one line of JSON.

Arguments: the client's mode, then the command that starts the server, which serves `orders`.
"""

import json
import os
import sys

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client


async def main() -> None:
    mode, command, *arguments = sys.argv[1:]
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    async with Client(stdio_client(server), mode=mode) as client:
        tools = [tool.name for tool in (await client.list_tools()).tools]
        await client.call_tool("orders_add_customer", {"name": "Ada", "limit": 10})
        await client.call_tool("orders_add_stock", {"article": "plums", "pieces": 12})
        order = {"customer": "Ada", "article": "plums", "pieces": 5, "idempotency_key": "first"}
        first = await client.call_tool("orders_create_order", order)
        again = await client.call_tool("orders_create_order", order)
        stock = await client.call_tool("orders_get_stock", {"article": "plums"})
        too_many = await client.call_tool(
            "orders_create_order", {"customer": "Ada", "article": "plums", "pieces": 11}
        )
        left = await client.call_tool("orders_get_stock", {"article": "plums"})
        seen = {
            "tools": [name for name in tools if name.startswith("orders_")],
            "first": first.structured_content,
            "again": again.structured_content,
            "stock": stock.structured_content["free"],
            "too_many": too_many.content[0].text.splitlines()[0],
            "left": left.structured_content["free"],
        }
        print(json.dumps(seen))


anyio.run(main)
