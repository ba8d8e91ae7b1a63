// Takes steps with the TypeScript SDK, of 1.x or 2.x, and prints what came of each as JSON.
//
//     node typescript_sdk.mjs MODULES MODE PLAN    MODE: initialize, or discover (2.x only)
//
// PLAN has {"command", "variables", "steps"}; steps.py, beside the folder, says what steps there are.

import { existsSync, renameSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { pathToFileURL } from "node:url";

const [modules, mode, plan] = process.argv.slice(2);
const { command, variables, steps } = JSON.parse(plan);
const isNew = existsSync(join(modules, "@modelcontextprotocol/client"));
const load = (path) => import(pathToFileURL(join(modules, "@modelcontextprotocol", path)));
const pause = (seconds) => new Promise((done) => setTimeout(done, seconds * 1000));

async function connect() {
  const name = { name: "scripted-typescript", version: "1" };
  const [{ Client }, { StdioClientTransport }] = isNew
    ? await Promise.all([load("client/dist/index.mjs"), load("client/dist/stdio.mjs")])
    : await Promise.all([load("sdk/dist/esm/client/index.js"), load("sdk/dist/esm/client/stdio.js")]);
  const listChanged = { tools: { onChanged: () => { driver.changed = true; } } };
  const options = { capabilities: {}, listChanged };
  if (isNew && mode === "discover") options.versionNegotiation = { mode: "auto" };
  const client = new Client(name, options);
  const transport = new StdioClientTransport({ command: command[0], args: command.slice(1), env: variables });
  await client.connect(transport);
  return client;
}

const driver = {
  last: {},
  changed: false,

  async list() {
    return { tools: (await this.client.listTools()).tools };
  },

  async call({ tool, arguments: args, timeout_s, cancel_after_s }) {
    const progress = [];
    const options = {
      onprogress: ({ progress: done, message }) => progress.push([done, message]),
      resetTimeoutOnProgress: true,
    };
    if (timeout_s) options.timeout = timeout_s * 1000;
    if (cancel_after_s) options.signal = AbortSignal.timeout(cancel_after_s * 1000);
    const params = { name: tool, arguments: args };
    try {
      const result = await (isNew ? this.client.callTool(params, options) : this.client.callTool(params, undefined, options));
      const texts = result.content.map((block) => block.text);
      this.last = JSON.parse(texts[0]);
      return { texts, is_error: result.isError ?? false, structured: result.structuredContent ?? null, progress };
    } catch (error) {
      return cancel_after_s ? { cancelled: true } : { raised: String(error), progress };
    }
  },

  async collect() {
    let facts = { texts: [JSON.stringify(this.last)] };
    for (let turn = 0; turn < 20 && this.last.status === "running"; turn++) {
      facts = await this.call({ tool: "llm_result", arguments: { run_id: this.last.meta.run_id } });
    }
    return facts;
  },

  async pages() {
    const { run_id, pages: count } = this.last.meta;
    const pages = [];
    for (let page = 1; page <= (count ?? 0); page++) {
      const facts = await this.call({ tool: "llm_result", arguments: { run_id, page } });
      pages.push(facts.texts?.[0] ?? JSON.stringify(facts));
    }
    return { pages };
  },

  async save({ path, text }) {
    writeFileSync(`${path}.new`, text);
    renameSync(`${path}.new`, path);
    return {};
  },

  async pause({ seconds }) {
    await pause(seconds);
    return {};
  },

  // Begins a call that nobody waits for.
  async begin({ tool, arguments: args, seconds }) {
    let isDone = false;
    this.client.callTool({ name: tool, arguments: args }).then(() => { isDone = true; }, () => {});
    await pause(seconds);
    return { is_done: isDone };
  },

  async list_changed({ within_s }) {
    for (const end = Date.now() + within_s * 1000; Date.now() < end && !this.changed; ) await pause(0.05);
    return { changed: this.changed };
  },
};

const facts = [];
try {
  driver.client = await connect();
  for (const { do: what, ...step } of steps) facts.push(await driver[what](step));
  await driver.client.close();
} catch (error) {
  facts.push({ leaving: String(error) });
}
console.log(JSON.stringify(facts));
