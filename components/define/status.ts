// Registers `<llm-status>`.

import './engine.js';
import { LlmStatus } from '../status/status.js';
import { register } from './register.js';

register('llm-status', LlmStatus);
