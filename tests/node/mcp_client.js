// The unmodified client of `@modelcontextprotocol/sdk` before a server behind a gateway; says as JSON what it got.
// GATEWAY_URL, GATEWAY_KEY, MCP_TRANSPORT (`http` or `sse`), MCP_PREFIX (of the names of things).

import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { SSEClientTransport } from "@modelcontextprotocol/sdk/client/sse.js";
import { StreamableHTTPClientTransport } from "@modelcontextprotocol/sdk/client/streamableHttp.js";
import { ElicitRequestSchema } from "@modelcontextprotocol/sdk/types.js";

const { GATEWAY_URL, GATEWAY_KEY, MCP_TRANSPORT, MCP_PREFIX } = process.env;
const Transport = MCP_TRANSPORT === "sse" ? SSEClientTransport : StreamableHTTPClientTransport;
const headers = { "x-litellm-api-key": `Bearer ${GATEWAY_KEY}` };
const transport = new Transport(new URL(GATEWAY_URL), { requestInit: { headers } });
const client = new Client({ name: "node", version: "1" }, { capabilities: { elicitation: {} } });
const asked = [];
client.setRequestHandler(ElicitRequestSchema, async (request) => {
  asked.push(request.params.message);
  return { action: "accept", content: { answer: "green" } };
});

async function call(name, args, options) {
  const result = await client.callTool({ name: MCP_PREFIX + name, arguments: args }, undefined, options);
  return result.content[0].text;
}

await client.connect(transport);
const tools = (await client.listTools()).tools.map((tool) => tool.name);
const sum = await call("add", { a: 2, b: 3 });
const progress = [];
const chosen = await call("choose", {}, { onprogress: (told) => progress.push(told.progress) });
const refused = await call("echo", { text: "no" }).catch((error) => error.message);
const after = await call("add", { a: 2, b: 2 });
const [resource] = (await client.listResources()).resources;
const day = (await client.readResource({ uri: resource.uri })).contents[0].text;
const prompt = await client.getPrompt({ name: `${MCP_PREFIX}greet`, arguments: { name: "Ann" } });
const greeting = prompt.messages[0].content.text;
await transport.terminateSession?.();
await client.close();
console.log(JSON.stringify({ tools, sum, progress, asked, chosen, refused, after, day, greeting }));
