// Every story: the elements registered, a switch for the colour scheme and the writing direction, room around it. Every
// element has a docs page, made of its manifest.

import { html } from 'lit';
import type { Preview } from '@storybook/web-components-vite';
import '../components/define/all.js';
import manifest from '../custom-elements.json';
import { argTypesOf, descriptionOf } from '../stories/manifest-docs.js';

const ground = 'light-dark(#f6f7fa, #0f1115)';

const preview: Preview = {
  tags: ['autodocs'],
  parameters: {
    layout: 'padded',
    controls: { expanded: true, sort: 'requiredFirst' },
    docs: {
      extractArgTypes: (tag: string) => argTypesOf(manifest, tag),
      extractComponentDescription: (tag: string) => descriptionOf(manifest, tag),
    },
  },
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
    (story, { globals, viewMode }) => {
      const { scheme, direction, width } = globals as Record<string, string>;
      const root = document.documentElement;
      root.style.colorScheme = scheme === 'light' || scheme === 'dark' ? scheme : 'light dark';
      root.dir = direction ?? 'ltr';
      root.style.background = viewMode === 'docs' ? '' : ground;
      document.body.style.background = 'transparent'; // Storybook's own is white
      root.style.fontFamily = 'system-ui, sans-serif';
      // A docs page is always light: each story on it has its own ground.
      const docs = viewMode === 'docs' ? `padding: 1rem; background: ${ground}; box-sizing: border-box` : '';
      return html`<div style=${`inline-size: ${width ?? '100%'}; max-inline-size: 100%; ${docs}`}>${story()}</div>`;
    },
  ],
};

export default preview;
