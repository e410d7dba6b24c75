// `npm run ask -- [options] "prompt"`: one answer from the built kit, in headless Chromium, to the terminal.
// The answer streams to standard output, figures and errors go to standard error; exit code 0 only when text came.
// Called by people and by scripts that want to see the main job work without a screen.

import { existsSync, realpathSync, statSync } from 'node:fs';
import { basename, dirname, resolve } from 'node:path';
import { parseArgs } from 'node:util';
import { openKit } from './kit-browser.mjs';
import { strictPolicy } from './static-server.mjs';

const usage = `npm run ask -- [options] "prompt"
  --model <pack directory | file.gguf | URL | catalogue id>   the embedded model when absent
  --device webgpu|wasm        the kit chooses when absent
  --temperature T --top-p P --top-k K --min-p P --seed N --max-tokens N --stop TEXT
  --system "..."              a system prompt
  --gpu                       the machine's real GPU instead of software WebGPU`;

/** @returns {{url: string, mounts: Record<string, string>, connect: string}} how the page reaches the model */
function locateModel(model) {
  if (model === undefined) return { url: 'default', mounts: {}, connect: '' };
  if (/^https?:/.test(model)) {
    if (!URL.canParse(model)) throw new Error(`--model is "${model}", which is no web address.`);
    return { url: model, mounts: {}, connect: new URL(model).origin };
  }
  const path = resolve(model);
  if (!existsSync(path)) {
    if (/^[\w.-]+$/.test(model) && !/\.gguf$/i.test(model)) return { url: model, mounts: {}, connect: '' };
    throw new Error(`No model at ${path}. Give a pack directory, a .gguf file, a URL, or a name of the catalogue.`);
  }
  if (statSync(path).isDirectory()) return { url: '/asked-model/', mounts: { '/asked-model/': path }, connect: '' };
  const file = realpathSync(path); // model caches keep files as links, and the server follows none out of its folder
  return {
    url: `/asked-model/${encodeURIComponent(basename(file))}`,
    mounts: { '/asked-model/': dirname(file) },
    connect: '',
  };
}

function readArguments() {
  const number = (text, name) => {
    if (text === undefined) return undefined;
    const value = Number(text);
    if (text.trim() === '' || !Number.isFinite(value)) throw new Error(`--${name} is "${text}", but must be a number.`);
    return value;
  };
  const string = { type: 'string' };
  const { values, positionals } = parseArgs({
    allowPositionals: true,
    options: {
      model: string,
      device: string,
      system: string,
      temperature: string,
      'top-p': string,
      'top-k': string,
      'min-p': string,
      seed: string,
      'max-tokens': string,
      stop: { type: 'string', multiple: true },
      gpu: { type: 'boolean' },
      help: { type: 'boolean', short: 'h' },
    },
  });
  if (values.help) return null;
  if (positionals.length !== 1) throw new Error(`One prompt is wanted, in quotes; ${positionals.length} were given.`);
  if (values.device !== undefined && values.device !== 'webgpu' && values.device !== 'wasm') {
    throw new Error(`--device is "${values.device}", but must be webgpu or wasm.`);
  }
  const request = {
    messages: [
      ...(values.system === undefined ? [] : [{ role: 'system', content: values.system }]),
      { role: 'user', content: positionals[0] },
    ],
    temperature: number(values.temperature, 'temperature'),
    top_p: number(values['top-p'], 'top-p'),
    top_k: number(values['top-k'], 'top-k'),
    min_p: number(values['min-p'], 'min-p'),
    seed: number(values.seed, 'seed'),
    max_tokens: number(values['max-tokens'], 'max-tokens'),
    stop: values.stop,
    stream: true,
  };
  return {
    model: locateModel(values.model),
    device: values.device ?? 'auto',
    gpu: values.gpu ? 'real' : 'software',
    request: Object.fromEntries(Object.entries(request).filter(([, value]) => value !== undefined)),
  };
}

/** Runs in the page. Everything it throws comes back as {code, message, hint}. */
async function askInPage({ model, device, request }) {
  const told = [];
  try {
    const { connect } = await import('/client.js');
    const engine = await connect({ device });
    const loading = performance.now();
    const loaded = await engine.load(/^(\/|https?:)/.test(model) ? new URL(model, location.href).href : model);
    const loadMilliseconds = performance.now() - loading;
    const started = performance.now();
    let first = null;
    let usage = null;
    let finishReason = null;
    let toolCalls = [];
    for await (const chunk of await engine.chat.completions.create(request)) {
      const { delta, finish_reason: reason } = chunk.choices[0];
      if (delta.content) {
        first ??= performance.now();
        told.push(globalThis.tellAnswer(delta.content));
      }
      if (delta.tool_calls) toolCalls = delta.tool_calls;
      finishReason = reason ?? finishReason;
      usage = chunk.usage ?? usage;
    }
    await Promise.all(told); // all of the answer is out before the figures
    const { notes } = engine.state;
    return {
      ok: true,
      loaded,
      loadMilliseconds,
      ttft: first === null ? null : first - started,
      total: performance.now() - started,
      usage,
      finishReason,
      toolCalls,
      notes,
    };
  } catch (error) {
    await Promise.all(told);
    return { ok: false, error: { code: error.code ?? error.name, message: error.message, hint: error.hint ?? '' } };
  }
}

async function ask({ model, device, gpu, request }) {
  const policy = model.connect
    ? strictPolicy.replace("connect-src 'self'", `connect-src 'self' ${model.connect}`)
    : strictPolicy;
  const kit = await openKit({ mounts: model.mounts, gpu, policy });
  let left = false;
  const leave = () => {
    left = true;
    void kit.close().finally(() => process.exit(130));
  };
  process.once('SIGINT', leave);
  try {
    const page = await kit.context.newPage();
    let characters = 0;
    await page.exposeFunction('tellAnswer', (text) => {
      characters += text.trim().length;
      process.stdout.write(text);
    });
    await page.goto(`${kit.origin}/blank.html`);
    const outcome = await page.evaluate(askInPage, { model: model.url, device, request });
    if (characters > 0) process.stdout.write('\n');
    if (!outcome.ok) throw new Error(`${outcome.error.message} ${outcome.error.hint} [${outcome.error.code}]`);
    for (const call of outcome.toolCalls) console.log(`tool call: ${call.function.name}(${call.function.arguments})`);
    report(outcome);
    return characters > 0 || outcome.toolCalls.length > 0;
  } catch (error) {
    // The page that we closed ourselves is no news; the process ends in a moment.
    if (left) return await new Promise(() => undefined);
    throw error;
  } finally {
    process.off('SIGINT', leave);
    await kit.close();
  }
}

function report({ loaded, loadMilliseconds, ttft, total, usage, finishReason, notes }) {
  for (const note of notes ?? []) console.error(`note: ${note}`);
  const decodeSeconds = (total - (ttft ?? 0)) / 1000;
  const rate =
    usage !== null && usage.completion_tokens > 1 && decodeSeconds > 0
      ? ((usage.completion_tokens - 1) / decodeSeconds).toFixed(1)
      : '-';
  console.error(
    `${loaded.name} on ${loaded.device} (${loaded.deviceName}), loaded in ${(loadMilliseconds / 1000).toFixed(1)} s; ` +
      `TTFT ${ttft === null ? '-' : Math.round(ttft)} ms, ${rate} tok/s, ` +
      `${usage?.prompt_tokens ?? '-'} prompt + ${usage?.completion_tokens ?? '-'} answer tokens, ended by ${finishReason}`,
  );
}

// `| head -1` closes our output: whoever reads has what they wanted. Leaving ends the browser, too.
process.stdout.on('error', (error) => {
  if (error.code !== 'EPIPE') console.error(error.message);
  process.exit(error.code === 'EPIPE' ? 0 : 1);
});

try {
  const asked = readArguments();
  if (asked === null) {
    console.log(usage);
  } else if (!(await ask(asked))) {
    console.error('No text came.');
    process.exitCode = 1;
  }
} catch (error) {
  console.error(error.message.split(/\n(?:Browser logs|Call log):/, 1)[0]); // Playwright adds pages of them
  if (error.code?.startsWith('ERR_PARSE_ARGS') || /prompt is wanted/.test(error.message)) console.error(`\n${usage}`);
  process.exitCode = 1;
}
