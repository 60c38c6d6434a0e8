// Connects to a server as the TypeScript client does, lists its tools, calls three, and prints what it saw as one line of JSON.
//
// Arguments: which client (`legacy`, `auto` or a revision for the present one, `1.x` for the one before), then the command
// that starts the server.

const [mode, command, ...args] = process.argv.slice(2);

const [{ Client }, { StdioClientTransport }] = await Promise.all(
  mode === "1.x"
    ? [import("@modelcontextprotocol/sdk/client/index.js"), import("@modelcontextprotocol/sdk/client/stdio.js")]
    : [import("@modelcontextprotocol/client"), import("@modelcontextprotocol/client/stdio")],
);

const negotiation = { "1.x": undefined, legacy: "legacy", auto: "auto" };
const versionNegotiation = { mode: mode in negotiation ? negotiation[mode] : { pin: mode } };
const client = new Client({ name: "toolbay-tests", version: "1" }, mode === "1.x" ? {} : { versionNegotiation });
await client.connect(new StdioClientTransport({ command, args, env: process.env }));

const { tools } = await client.listTools();
const call = (name, args) => client.callTool({ name, arguments: args });
const good = await call("echo_record", { title: "a", count: 2, mode: "fast" });
const bad = await call("echo_record", { title: "a", count: 200, mode: "fast" });
const status = await call("toolbay_status", {});

const seen = {
  revision: client.getNegotiatedProtocolVersion?.() ?? null,
  tools: tools.map((tool) => tool.name),
  good: good.structuredContent,
  bad: [bad.isError, bad.content[0].text],
  status: status.structuredContent.status,
};
console.log(JSON.stringify(seen));
await client.close();
