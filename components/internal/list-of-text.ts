// Attributes that hold several short texts: "Tell a story | What can you do?". Lit's converter for such a property.

import type { ComplexAttributeConverter } from 'lit';

export const listOfText: ComplexAttributeConverter<readonly string[]> = {
  fromAttribute: (value) =>
    (value ?? '')
      .split('|')
      .map((text) => text.trim())
      .filter((text) => text !== ''),
};
