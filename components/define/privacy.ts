// Registers `<llm-privacy>`.

import './engine.js';
import { LlmPrivacy } from '../privacy/privacy.js';
import { register } from './register.js';

register('llm-privacy', LlmPrivacy);
