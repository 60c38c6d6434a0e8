// Uses what plugins offer beside tools, as the TypeScript client does: resources, a prompt, completions, a question and a changed note. Prints what it saw as one line of
// JSON.
//
// Arguments: the client's mode, the notes' folder, then the command that starts the server, which serves `notes` and `asker`.

import { writeFileSync } from "node:fs";
import { Client } from "@modelcontextprotocol/client";
import { StdioClientTransport } from "@modelcontextprotocol/client/stdio";

const [mode, folder, command, ...args] = process.argv.slice(2);
const URI = "notes://note/shopping.md";
const negotiation = { legacy: "legacy", auto: "auto" };
const versionNegotiation = { mode: mode in negotiation ? negotiation[mode] : { pin: mode } };
const client = new Client(
  { name: "toolbay-tests", version: "1" },
  { versionNegotiation, capabilities: { elicitation: { form: {} } } },
);
client.setRequestHandler("elicitation/create", async () => ({ action: "accept", content: { name: "Ada" } }));
let updated;
const heard = new Promise((resolve) => (updated = resolve));
client.setNotificationHandler("notifications/resources/updated", ({ params }) => updated(params.uri));
await client.connect(new StdioClientTransport({ command, args, env: process.env }));

const greeted = await client.callTool({ name: "asker_greet", arguments: {} });
const { resourceTemplates } = await client.listResourceTemplates();
const read = await client.readResource({ uri: URI });
const ref = { type: "ref/resource", uri: "notes://note/{+path}" };
const completed = await client.complete({ ref, argument: { name: "path", value: "shop" } });
const filled = await client.getPrompt({ name: "notes_summarise", arguments: { note: "shopping.md" } });

const revision = client.getNegotiatedProtocolVersion?.() ?? null;
if (revision === "2026-07-28") {
  await client.listen({ resourceSubscriptions: [URI] });
} else {
  await client.subscribeResource({ uri: URI });
}
writeFileSync(`${folder}/shopping.md`, "# Shopping\n\n- plums\n");
const changed = await heard;

console.log(
  JSON.stringify({
    revision,
    greeted: greeted.content[0].text,
    templates: resourceTemplates.map((template) => template.uriTemplate),
    read: read.contents[0].text,
    completed: completed.completion.values,
    prompt: [filled.messages[0].content.text, filled.messages[1].content.resource.uri],
    changed,
  }),
);
await client.close();
