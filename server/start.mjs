// `npm start`, after the build: serves the demo on http://localhost:8080 (PORT changes it).
// ISOLATE=1 sends COOP and COEP, which gives pages WebAssembly threads.

import { createStaticServer, distFolder, listen } from './static-server.mjs';

const wanted = process.env.PORT ?? '8080';
const port = Number(wanted);
if (!Number.isInteger(port) || port < 0 || port > 65535) {
  console.error(`PORT is "${wanted}"; it must be a whole number from 0 to 65535.`);
  process.exit(1);
}
const server = createStaticServer({ root: distFolder, isolate: process.env.ISOLATE === '1' });
try {
  console.log(`llm-elements demo: http://localhost:${await listen(server, port)}  (Ctrl+C stops it)`);
} catch (error) {
  console.error(error.message);
  process.exit(1);
}
