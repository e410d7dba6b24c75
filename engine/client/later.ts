// Parts of the client that few pages need, fetched when one does. Called by the client's files. A part that cannot be
// fetched (offline without the service worker, a site that was built anew meanwhile) is a typed error, and the next call
// tries again.

import { EngineError } from '../protocol/errors.js';

/** @throws EngineError `network` when the part cannot be fetched */
export const later = async <T>(part: () => Promise<T>): Promise<T> => {
  try {
    return await part();
  } catch (cause) {
    throw new EngineError('network', 'A part of the engine could not be fetched.', {
      hint: 'Check the connection, then try again or reload the page.',
      cause,
    });
  }
};
