// Registers `<llm-chat>`.

import './engine.js';
import { LlmChat } from '../chat/chat.js';
import { register } from './register.js';

register('llm-chat', LlmChat);
