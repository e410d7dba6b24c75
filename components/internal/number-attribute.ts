// Attributes that hold a number. As in HTML, one that is no number counts as absent: a slip of an editor's hand must not
// end in an error for every visitor. Lit's converter for such a property.

import type { ComplexAttributeConverter } from 'lit';

export const numberOrNull: ComplexAttributeConverter<number | null> = {
  fromAttribute: (value) => (value === null || value.trim() === '' || !Number.isFinite(+value) ? null : +value),
};
