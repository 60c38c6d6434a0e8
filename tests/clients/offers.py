"""Uses what plugins offer beside tools, as the Python client does: resources, a subscription, a prompt, completions and a question. Prints what it saw as one line of JSON.

Arguments: the client's mode, the notes' folder, then the command that starts the server, which serves `notes` and `asker`.
"""

import json
import os
import pathlib
import sys

import anyio
from mcp.client import Client
from mcp.client.stdio import StdioServerParameters, stdio_client
from mcp.types import ElicitResult, PromptReference, ResourceTemplateReference

TEMPLATE = "notes://note/{+path}"
URI = "notes://note/shopping.md"


async def main() -> None:
    mode, folder, command, *arguments = sys.argv[1:]
    server = StdioServerParameters(command=command, args=arguments, env=dict(os.environ))
    note = pathlib.Path(folder) / "shopping.md"
    heard = anyio.Event()

    async def answer(_context, params):
        return ElicitResult(action="accept", content={"name": "Ada"})

    async def message(message) -> None:
        if "resources/updated" in repr(message) or "ResourceUpdated" in repr(message):
            heard.set()

    async with Client(
        stdio_client(server), mode=mode, elicitation_callback=answer, message_handler=message
    ) as client:
        greeted = await client.call_tool("asker_greet", {})
        resources, cursor = [], None
        while True:
            page = await client.list_resources(cursor=cursor)
            resources += page.resources
            cursor = page.next_cursor
            if cursor is None:
                break
        templates = await client.list_resource_templates()
        read = await client.read_resource(URI)
        reference = ResourceTemplateReference(type="ref/resource", uri=TEMPLATE)
        completed = await client.complete(reference, {"name": "path", "value": "shop"})
        prompt = PromptReference(type="ref/prompt", name="notes_summarise")
        styles = await client.complete(prompt, {"name": "style", "value": "b"})
        filled = await client.get_prompt("notes_summarise", {"note": "shopping.md", "style": "bullets"})

        async def change() -> None:
            # By an editor, not by us.
            note.write_text("# Shopping\n\n- plums\n")

        with anyio.fail_after(30):
            if client.protocol_version == "2026-07-28":
                async with client.listen(resource_subscriptions=[URI]) as subscription:
                    await change()
                    async for _event in subscription:
                        break
            else:
                await client.subscribe_resource(URI)
                await change()
                await heard.wait()
                await client.unsubscribe_resource(URI)
        again = await client.read_resource(URI)
        seen = {
            "revision": client.protocol_version,
            "greeted": greeted.content[0].text,
            "notes": [resource.uri for resource in resources if str(resource.uri).startswith("notes:")],
            "templates": [template.uri_template for template in templates.resource_templates],
            "read": read.contents[0].text,
            "completed": completed.completion.values,
            "styles": styles.completion.values,
            "prompt": [filled.messages[0].content.text, str(filled.messages[1].content.resource.uri)],
            "changed": again.contents[0].text,
        }
        print(json.dumps(seen))


anyio.run(main)
