// The unmodified `openai` package for Node. GATEWAY_URL and GATEWAY_KEY name a gateway with the quickstart configuration.

import assert from "node:assert/strict";
import { test } from "node:test";
import OpenAI from "openai";

const client = new OpenAI({
  baseURL: `${process.env.GATEWAY_URL}/v1`,
  apiKey: process.env.GATEWAY_KEY,
  maxRetries: 0,
});
const question = { model: "quickstart", messages: [{ role: "user", content: "Hello" }] };
const answer = /^Hello from Gatewright\./;

test("a chat completion is answered", async () => {
  const completion = await client.chat.completions.create(question);

  assert.match(completion.choices[0].message.content, answer);
  assert.equal(completion.model, "quickstart");
  assert.ok(completion.usage.total_tokens > 0);
});

test("a stream arrives in pieces, with the usage that was asked for", async () => {
  const stream = await client.chat.completions.create({
    ...question,
    stream: true,
    stream_options: { include_usage: true },
  });
  const chunks = await Array.fromAsync(stream);

  assert.match(chunks.map((chunk) => chunk.choices[0]?.delta.content ?? "").join(""), answer);
  assert.ok(chunks.length > 2);
  assert.ok(chunks.at(-1).usage.total_tokens > 0);
});

test("a stream that is left early ends for the client at once", async () => {
  const stream = await client.chat.completions.create({ ...question, stream: true });
  for await (const chunk of stream) {
    assert.ok(chunk.id);
    break;
  }

  assert.ok(stream.controller.signal.aborted);
});

test("the models of the key are listed", async () => {
  const names = (await Array.fromAsync(client.models.list())).map((model) => model.id);

  assert.deepEqual(names, ["quickstart"]);
});

test("an unknown model is refused as the package expects it", async () => {
  await assert.rejects(client.chat.completions.create({ ...question, model: "nothing" }), (error) => {
    assert.ok(error instanceof OpenAI.APIError);
    assert.ok([400, 403, 404].includes(error.status));
    return true;
  });
});

test("a key that nobody issued is refused", async () => {
  const stranger = client.withOptions({ apiKey: "sk-of-nobody-0123456789" });

  await assert.rejects(stranger.chat.completions.create(question), OpenAI.AuthenticationError);
});
