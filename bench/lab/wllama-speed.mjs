// Runs in the page: wllama (llama.cpp in WebAssembly) measured as lab-page.ts's `speed` measures our decoders. Handed to
// the browser as a function by decode-contenders.mjs, so it stands alone. Prompts are a word again and again, as often as makes
// the tokens that are wanted; the file is in wllama's own cache when it is loaded, as on a second visit.

/** @param {{visit: 'first' | 'second', url: string, threads: number, prefill: number[], contexts: number[], tokens: number, runs: number}} request */
export async function wllamaSpeed({ visit, url, threads, prefill, contexts, tokens, runs }) {
  const { Wllama, LoggerWithoutDebug } = await import('/wllama/index.js');
  const create = () => new Wllama({ default: '/wllama/wasm/wllama.wasm' }, { logger: LoggerWithoutDebug });
  const settings = { n_ctx: 1024, n_threads: threads };
  const wllama = create();
  const began = performance.now();
  await wllama.loadModelFromUrl(url, settings);
  const load = performance.now() - began;
  if (visit === 'first') return await wllama.exit(); // the file is in its cache

  const complete = async (prompt, max) => {
    const started = performance.now();
    let firstAt = null;
    let last = started;
    let count = 0;
    const reply = await wllama.createCompletion({
      prompt,
      max_tokens: max,
      temperature: 0,
      ignore_eos: true,
      cache_prompt: false,
      stream: true,
      onData: () => {
        last = performance.now();
        firstAt ??= last;
        count += 1;
      },
    });
    return { read: (firstAt ?? last) - started, token: (last - (firstAt ?? last)) / Math.max(count - 1, 1), reply };
  };
  const countOf = async (prompt) => {
    const reply = await wllama.createCompletion({ prompt, max_tokens: 1, temperature: 0, cache_prompt: false });
    return reply.usage.prompt_tokens;
  };
  // Each further word is as many tokens as the one before: two short prompts tell how many words a length takes.
  const prompt = (words) => Array.from({ length: words }, () => 'a').join(' ');
  const [few, more] = [await countOf(prompt(8)), await countOf(prompt(24))];
  const each = (more - few) / 16;
  const prompts = new Map(
    [...new Set([...prefill, ...contexts])].map((length) => {
      const words = Math.max(1, Math.round(8 + (length - few) / each));
      return [length, { prompt: prompt(words), count: few + (words - 8) * each }];
    }),
  );
  await complete('a a a', 24); // about two seconds, as ours (lab-page.ts)
  const result = { prefill: {}, decode: {} };
  for (let run = 0; run < runs; run++) {
    for (const [length, { prompt, count }] of prompts) {
      const { read, token } = await complete(prompt, contexts.includes(length) ? tokens : 2);
      if (prefill.includes(length)) {
        result.prefill[length] = Math.max(result.prefill[length] ?? 0, (count / read) * 1000);
      }
      if (contexts.includes(length)) result.decode[length] = Math.max(result.decode[length] ?? 0, 1000 / token);
    }
  }
  const device = `wllama 3.8.1, ${wllama.isMultithread() ? `${threads} threads` : '1 thread'}`;
  await wllama.exit();
  return { ...result, load, device };
}
