// Whose pictures are kept: each element as visitors meet it most, and the states that styles break first. Each at both
// widths and in both schemes.

import type { StoryName } from './story-page.js';

const of = (file: string, ...names: readonly string[]): StoryName[] => names.map((name) => ({ file, name }));

export const shown: readonly StoryName[] = [
  ...of('components/chat/chat', 'Empty', 'Suggestions', 'Markdown', 'Failed', 'Cloud', 'RightToLeft', 'Long'),
  ...of('components/model-picker/model-picker', 'InUse', 'Downloading', 'TooLarge'),
  ...of('components/metrics/metrics', 'AfterAnswers'),
  ...of('components/settings/settings', 'NothingChosen'),
  ...of('components/privacy/privacy', 'EverythingStaysHere', 'CloudAllowed'),
  ...of('components/status/status', 'Ready', 'DeviceLost'),
];

export const widths = [375, 1280] as const;
export const schemes = ['light', 'dark'] as const;
