// Registers `<llm-settings>`.

import './engine.js';
import { LlmSettings } from '../settings/settings.js';
import { register } from './register.js';

register('llm-settings', LlmSettings);
