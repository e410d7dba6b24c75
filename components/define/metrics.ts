// Registers `<llm-metrics>`.

import './engine.js';
import { LlmMetrics } from '../metrics/metrics.js';
import { register } from './register.js';

register('llm-metrics', LlmMetrics);
