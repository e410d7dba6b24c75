// `npm start`, after the build: serves the demo on http://localhost:8080 (PORT changes it).
// ISOLATE=1 sends COOP and COEP, which gives pages WebAssembly threads.

import { createStaticServer, distFolder, listen, portFromEnvironment } from './static-server.mjs';

const server = createStaticServer({ root: distFolder, isolate: process.env.ISOLATE === '1' });
try {
  const port = await listen(server, portFromEnvironment(8080));
  console.log(`llm-elements demo: http://localhost:${port}  (Ctrl+C stops it)`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
