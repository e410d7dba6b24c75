// Registers every element of the kit: what a page's one script tag loads (dist/define.js).

import './engine.js';
import './chat.js';
import './metrics.js';
import './model-picker.js';
import './privacy.js';
import './settings.js';
import './status.js';
