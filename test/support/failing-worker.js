// A worker script that fails as it starts: the client must say so instead of waiting.
throw new Error('this worker fails on purpose');
