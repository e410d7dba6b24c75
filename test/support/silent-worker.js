// A worker that takes every connection and never says a word: the client must give up in time.
globalThis.onconnect = () => undefined;
