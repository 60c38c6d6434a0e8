"""Connects to a server as the Python client does, lists its tools, calls three, and prints what it saw as one line of JSON.

Arguments: the client's mode (`auto`, `legacy` or a revision), then the command that starts the server.
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
        tools = await client.list_tools()
        good = await client.call_tool("echo_record", {"title": "a", "count": 2, "mode": "fast"})
        bad = await client.call_tool("echo_record", {"title": "a", "count": 200, "mode": "fast"})
        status = await client.call_tool("toolbay_status", {})
        seen = {
            "revision": client.protocol_version,
            "tools": [tool.name for tool in tools.tools],
            "good": good.structured_content,
            "bad": [bad.is_error, bad.content[0].text],
            "status": status.structured_content["status"],
        }
        print(json.dumps(seen))


anyio.run(main)
