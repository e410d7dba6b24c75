// Registers `<llm-model-picker>`.

import './engine.js';
import { LlmModelPicker } from '../model-picker/model-picker.js';
import { register } from './register.js';

register('llm-model-picker', LlmModelPicker);
