// Every story: the elements registered, a switch for the colour scheme and the writing direction, room around it.

import { html } from 'lit';
import type { Preview } from '@storybook/web-components-vite';
import '../components/define/all.js';

const preview: Preview = {
  parameters: { layout: 'padded', controls: { expanded: true } },
  globalTypes: {
    scheme: {
      description: 'Colour scheme',
      toolbar: { title: 'Scheme', icon: 'contrast', items: ['system', 'light', 'dark'], dynamicTitle: true },
    },
    direction: {
      description: 'Writing direction',
      toolbar: { title: 'Direction', icon: 'transfer', items: ['ltr', 'rtl'], dynamicTitle: true },
    },
    width: {
      description: 'Width of the story',
      toolbar: { title: 'Width', icon: 'grow', items: ['100%', '768px', '375px', '320px'], dynamicTitle: true },
    },
  },
  // The system's scheme first: a browser set to dark, or a test that says so, sees the stories dark.
  initialGlobals: { scheme: 'system', direction: 'ltr', width: '100%' },
  decorators: [
    (story, { globals }) => {
      const { scheme, direction, width } = globals as Record<string, string>;
      const root = document.documentElement;
      root.style.colorScheme = scheme === 'light' || scheme === 'dark' ? scheme : 'light dark';
      root.dir = direction ?? 'ltr';
      root.style.background = 'light-dark(#f6f7fa, #0f1115)';
      document.body.style.background = 'transparent'; // Storybook's own is white
      root.style.fontFamily = 'system-ui, sans-serif';
      return html`<div style=${`inline-size: ${width ?? '100%'}; max-inline-size: 100%`}>${story()}</div>`;
    },
  ],
};

export default preview;
