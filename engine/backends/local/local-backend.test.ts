// The local backend over the ONNX decoder in a real browser: the same greedy text on both devices as the reference
// decoder gives, and as the reference of stories260K says; a stop frees what it should.

import { expect } from '@esm-bundle/chai';
import { fetchShared } from '../../../test/support/shared.js';
import { stories260k } from '../../../test/support/stories260k.js';
import { createOnnxDecoder } from '../../decoders/onnx/onnx-decoder.js';
import { EngineError } from '../../protocol/errors.js';
import { createTokenizer } from '../../tokenizer/create-tokenizer.js';
import { createLocalBackend } from './local-backend.js';

for (const device of ['wasm', 'webgpu'] as const) {
  it(`stories260K tells its reference story on ${device}, is stopped, tells it again`, async function () {
    const model = await stories260k(fetchShared);
    const file = await fetchShared('data/testvectors/generated/stories260K-reference.json');
    if (model === null || file === null) return this.skip();
    const { prompted } = JSON.parse(new TextDecoder().decode(file)) as {
      prompted: { prompt: string; text: string };
    };
    const decoder = await createOnnxDecoder({ model, device, assetBase: '/node_modules/onnxruntime-web/dist/' });
    const tokenizer = createTokenizer(model.tokenizerFiles);
    const backend = createLocalBackend({ identity: model.identity, decoder, tokenizer });
    const messages = [{ role: 'user' as const, content: prompted.prompt }];
    // Software WebGPU needs a good 0.1 s a token: enough tokens to see the story, not all of it.
    const completion = { messages, temperature: 0, max_tokens: 30 };
    const tell = async (signal: AbortSignal, each: () => void = () => undefined): Promise<string> => {
      let text = '';
      for await (const event of backend.stream({ completion, partialAnswer: '', signal })) {
        if (event.type !== 'delta') continue;
        text += event.text;
        each();
      }
      return text;
    };
    const whole = await tell(new AbortController().signal);
    expect(whole.length).to.be.greaterThan(40);
    expect(prompted.text.startsWith(prompted.prompt + whole), whole).to.equal(true);

    const controller = new AbortController();
    const stopped = await tell(controller.signal, () => controller.abort()).catch((error: unknown) => error);
    expect(stopped).to.be.instanceOf(EngineError).with.property('code', 'aborted');
    expect(await tell(new AbortController().signal)).to.equal(whole);
    expect(decoder.holding.tokens).to.be.greaterThan(0);
    await backend.dispose();
    expect(decoder.holding.tokens).to.equal(0);
    return undefined;
  });
}
