// Decoding under a constraint: the mask changes from token to token, so each step is asked for by itself and the decoder
// cannot run ahead. The same contract as `Sequence.decode` otherwise, so that generate.ts reads both alike.

import type { Choice, DecodeRequest, Sequence } from '../../decoders/decoder.js';
import { EngineError } from '../../protocol/errors.js';
import type { Constraint } from './constraint.js';

export async function* constrainedDecode(
  sequence: Sequence,
  { tokens, choose, limit, endIds, signal }: DecodeRequest,
  constraint: Constraint,
): AsyncGenerator<Choice, void, undefined> {
  const penalised = [...choose.penalised];
  let next: readonly number[] = tokens;
  for (let count = 0; count < limit; count++) {
    const [choice] = await sequence.append({
      tokens: next,
      at: 'last',
      choose: { ...choose, penalised, allowed: constraint.allowed() },
      ...(signal === undefined ? {} : { signal }),
    });
    if (choice === undefined) throw new EngineError('internal', 'The decoder chose no token.');
    constraint.accept(choice.id);
    yield choice;
    if (endIds.has(choice.id)) return;
    penalised.push(choice.id);
    next = [choice.id];
  }
}
