// The page that shows one story at a time, as Storybook would: arguments merged, rendered, played. Bundled with all
// stories by bundle.ts; driven from outside through `window.stories`. It knows no test.

import { html, render, type TemplateResult } from 'lit';
import '../../components/define/all.js';
import * as reading from './reading.js';
import { hearStates, surface } from './surface.js';

interface PlayContext {
  readonly canvasElement: HTMLElement;
  readonly args: Record<string, unknown>;
  readonly step: (name: string, play: (context: PlayContext) => unknown) => Promise<void>;
}

type Render = (args: Record<string, unknown>) => TemplateResult | Node;

interface Story {
  readonly args?: Record<string, unknown>;
  readonly globals?: Record<string, string>;
  readonly render?: Render;
  readonly play?: (context: PlayContext) => unknown;
}

export interface StoryFile {
  readonly default: Story & { readonly title: string; readonly component?: string };
  readonly [name: string]: Story;
}

export interface StoryName {
  /** Of the file: "components/chat/chat". */
  readonly file: string;
  readonly name: string;
}

declare global {
  interface Window {
    readonly stories: {
      list(): StoryName[];
      show(story: StoryName, scheme: 'light' | 'dark'): Promise<void>;
    };
    readonly reading: typeof reading;
    readonly surface: typeof surface;
  }
}

export function serveStories(files: Readonly<Record<string, StoryFile>>): void {
  const place = document.createElement('main');
  document.body.append(place);
  Object.defineProperty(window, 'reading', { value: reading });
  Object.defineProperty(window, 'surface', { value: surface });
  hearStates();
  Object.defineProperty(window, 'stories', {
    value: {
      list: (): StoryName[] =>
        Object.entries(files).flatMap(([file, stories]) =>
          Object.keys(stories)
            .filter((name) => name !== 'default')
            .map((name) => ({ file, name })),
        ),
      show: async ({ file, name }: StoryName, scheme: string): Promise<void> => {
        const stories = files[file];
        const story = stories?.[name];
        if (stories === undefined || story === undefined) throw new Error(`There is no story ${file} ${name}.`);
        const meta = stories.default;
        const args = { ...meta.args, ...story.args };
        const { direction = 'ltr' } = { ...meta.globals, ...story.globals };
        document.documentElement.dir = direction;
        document.documentElement.dataset['scheme'] = scheme;
        const draw = story.render ?? meta.render ?? ((): Node => document.createElement(meta.component ?? 'div'));
        render(html`${draw(args)}`, place);
        await updated(place);
        const context: PlayContext = {
          canvasElement: place,
          args,
          step: async (_name, play) => void (await play(context)),
        };
        await (story.play ?? meta.play)?.(context);
        await updated(place);
      },
    },
  });
}

/** Every element below has rendered. */
async function updated(root: ParentNode): Promise<void> {
  for (const element of root.querySelectorAll('*')) {
    if ('updateComplete' in element) await element.updateComplete;
    if (element.shadowRoot !== null) await updated(element.shadowRoot);
  }
}
