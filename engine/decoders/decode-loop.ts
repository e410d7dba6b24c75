// `Sequence.decode` for decoders that gain nothing from running ahead (onnx, wasm, the tests'): a loop over `append`.
// Knows nothing of devices. What goes wrong is what `append` throws.

import type { Choice, DecodeRequest, Sequence } from './decoder.js';

/** @param contextLength of the decoder: the loop ends before the sequence would overflow */
export async function* decodeByAppending(
  sequence: Pick<Sequence, 'append' | 'length'>,
  { tokens, choose, limit, endIds, signal }: DecodeRequest,
  contextLength: number,
): AsyncGenerator<Choice, void, undefined> {
  const penalised = [...choose.penalised];
  let next = tokens;
  for (let made = 0; made < limit; made++) {
    const request = { tokens: next, at: 'last', choose: { ...choose, penalised } } as const;
    const [choice] = await sequence.append(signal === undefined ? request : { ...request, signal });
    if (choice === undefined) return;
    yield choice;
    if (endIds.has(choice.id) || sequence.length >= contextLength) return;
    penalised.push(choice.id);
    next = [choice.id];
  }
}
