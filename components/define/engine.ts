// Registers `<llm-engine>`. The other modules of this folder import it first: a provider must be there before the elements
// inside it ask for their engine.

import { LlmEngine } from '../engine/engine.js';
import { register } from './register.js';

register('llm-engine', LlmEngine);
