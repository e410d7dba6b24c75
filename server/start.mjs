// `npm start`, after the build: serves the demo on http://localhost:8080 (PORT changes it).
// ISOLATE=0 leaves out COOP and COEP, which give pages WebAssembly threads, as a host without headers does.

import { createStaticServer, distFolder, listen, portFromEnvironment } from './static-server.mjs';

const server = createStaticServer({ root: distFolder, isolate: process.env.ISOLATE !== '0' });
try {
  const port = await listen(server, portFromEnvironment(8080));
  console.log(`llm-elements demo: http://localhost:${port}  (Ctrl+C stops it)`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
