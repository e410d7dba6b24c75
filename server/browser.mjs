// Finds the Chromium-family browser that tests, `npm run ask` and benches drive, and says what to install when there
// is none. On Debian and Ubuntu as root it installs the distribution's `chromium` package itself.
// Knows nothing of what the browser is wanted for beyond the flags that give software WebGPU.

import { spawnSync } from 'node:child_process';
import { accessSync, constants, existsSync, readFileSync, statSync } from 'node:fs';
import { join } from 'node:path';

const commands = ['chromium', 'chromium-browser', 'google-chrome-stable', 'google-chrome', 'microsoft-edge', 'chrome'];

const usualPlaces = {
  darwin: [
    '/Applications/Google Chrome.app/Contents/MacOS/Google Chrome',
    '/Applications/Chromium.app/Contents/MacOS/Chromium',
    '/Applications/Microsoft Edge.app/Contents/MacOS/Microsoft Edge',
  ],
  win32: ['PROGRAMFILES', 'PROGRAMFILES(X86)', 'LOCALAPPDATA'].flatMap((name) => {
    const root = process.env[name];
    if (!root) return [];
    return [
      join(root, 'Google/Chrome/Application/chrome.exe'),
      join(root, 'Chromium/Application/chrome.exe'),
      join(root, 'Microsoft/Edge/Application/msedge.exe'),
    ];
  }),
  linux: ['/usr/bin', '/usr/local/bin', '/snap/bin', '/opt/google/chrome'].flatMap((folder) =>
    commands.map((command) => join(folder, command)),
  ),
};

const runnable = (path) => {
  try {
    accessSync(path, constants.X_OK);
    return statSync(path).isFile(); // folders pass for runnable, too
  } catch {
    return false; // not there or not ours to run: the next place is tried
  }
};

function search() {
  const chosen = process.env.CHROME_PATH;
  if (chosen) {
    if (runnable(chosen)) return chosen;
    throw new Error(`CHROME_PATH is ${chosen}, but nothing can be run there. Correct it or unset it.`);
  }
  const onPath = (process.env.PATH ?? '').split(process.platform === 'win32' ? ';' : ':');
  const names = onPath.flatMap((folder) => commands.map((command) => join(folder, command)));
  return [...names, ...(usualPlaces[process.platform] ?? [])].find(runnable);
}

const isDebian = () =>
  existsSync('/etc/debian_version') ||
  (existsSync('/etc/os-release') && /debian|ubuntu/i.test(readFileSync('/etc/os-release', 'utf8')));

/** @returns {string} path of a browser; installs one where that can be done without asking */
export function findBrowser() {
  const found = search();
  if (found) return found;
  if (process.platform === 'linux' && isDebian() && process.getuid?.() === 0) {
    console.error('No Chrome, Chromium or Edge here: installing the chromium package ...');
    const options = {
      stdio: ['ignore', 'ignore', 'inherit'],
      env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    };
    spawnSync('apt-get', ['update', '-qq'], options);
    spawnSync('apt-get', ['install', '-y', '-qq', 'chromium'], options);
    const installed = search();
    if (installed) return installed;
  }
  throw new Error(
    'No Chrome, Chromium or Edge was found. Install one (Debian and Ubuntu: `sudo apt-get install chromium`; others: ' +
      'https://www.google.com/chrome/), or set CHROME_PATH to the browser you want used.',
  );
}

/**
 * Flags for a closed network.
 * @param {'software' | 'real' | 'none'} gpu software WebGPU, the machine's own, or a browser without WebGPU
 */
export const browserFlags = (gpu = 'software') => [
  ...(process.getuid?.() === 0 ? ['--no-sandbox'] : []),
  ...(gpu === 'none'
    ? ['--disable-features=WebGPU', '--disable-blink-features=WebGPU', '--disable-gpu']
    : ['--enable-unsafe-webgpu']),
  ...(gpu === 'software' ? ['--use-webgpu-adapter=swiftshader'] : []),
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
  '--disable-dev-shm-usage',
];
