// How often an engine that dies is started again, on what, and what visitors are told.

import assert from 'node:assert/strict';
import { test } from 'node:test';
import { demoLoaded, ScriptedEngine } from '../../test/support/scripted-engine.js';
import type { EngineSettings } from '../protocol/host-api.js';
import type { EngineState } from '../protocol/state.js';
import { Revival } from './revival.js';

const settings: EngineSettings = {
  catalogueUrl: 'https://site.example/models.json',
  defaultModel: 'default',
  device: 'auto',
  cloudUrl: null,
  cloudModel: null,
};
const idle = new ScriptedEngine().state;
const ready = (device: 'webgpu' | 'wasm'): EngineState => ({
  ...idle,
  status: { kind: 'ready', model: { ...demoLoaded, device } },
});

function revival() {
  const clock = { now: 0 };
  const made = new Revival(() => clock.now);
  const died = (state: EngineState, pinned: 'auto' | 'webgpu' = 'auto') =>
    made.died(state, { ...settings, device: pinned }, 'default');
  return { made, died, clock };
}

test('the same device twice, then the next one, then only when asked; after five minutes it is forgotten', () => {
  const { made, died, clock } = revival();
  assert.deepEqual(died(ready('webgpu')), { model: 'default' });
  assert.equal(made.state?.action, 'reloading');
  assert.deepEqual(died(ready('webgpu')), { model: 'default' });
  assert.deepEqual(died(ready('webgpu')), { model: 'default', device: 'wasm' });
  assert.match(made.state.message, /without the graphics card/);
  assert.equal(died(ready('wasm')), null);
  assert.deepEqual([made.state.action, made.state.attempt, made.state.attemptsAllowed], ['gave-up', 3, 3]);
  made.done();
  assert.equal(made.state, null);
  clock.now = 5 * 60_000 + 1;
  assert.deepEqual(died(ready('webgpu')), { model: 'default' });
});

test('a device that the site pinned is never left; what was not loaded is not loaded', () => {
  const { died } = revival();
  for (let death = 0; death < 3; death++) assert.deepEqual(died(ready('webgpu'), 'webgpu'), { model: 'default' });
  assert.deepEqual(revival().died(idle), {});
});

test('an engine that lived in a tab may go as often as tabs are closed', () => {
  const { made, died } = revival();
  for (let tab = 0; tab < 20; tab++) assert.deepEqual(died({ ...ready('webgpu'), host: 'tab' }), { model: 'default' });
  assert.match(made.state?.message ?? '', /tab in which the engine ran is gone/);
});
