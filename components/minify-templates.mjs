// A step of the build: Lit's templates in as few characters as mean the same. Spaces and line ends of html`` and svg``
// become one space each (never none: between words and inline elements a space is content), css`` is minified by esbuild.
// Strings inside attributes are left alone only as far as they hold no run of spaces; the kit's hold none.
// Called by rollup.config.mjs for files of components/; templates are found by TypeScript's own parser.

import { transform } from 'esbuild';
import ts from 'typescript';

const markup = new Set(['html', 'svg']);

/** A rollup plugin; runs before types are taken away. */
export function minifyTemplates() {
  return {
    name: 'minify-templates',
    async transform(code, id) {
      if (!id.endsWith('.ts') || !/[/\\]components[/\\]/.test(id)) return null;
      const changes = [];
      for (const { tag, pieces } of templatesOf(code, id)) {
        if (markup.has(tag)) {
          for (const { start, end } of pieces) {
            changes.push({ start, end, text: code.slice(start, end).replace(/\s+/g, ' ') });
          }
        } else if (tag === 'css' && pieces.length === 1) {
          const [{ start, end }] = pieces;
          const { code: small } = await transform(code.slice(start, end), {
            loader: 'css',
            minify: true,
            target: 'es2022',
          });
          changes.push({ start, end, text: small.trim().replaceAll('\\', '\\\\').replaceAll('`', '\\`') });
        }
      }
      if (changes.length === 0) return null;
      let written = code;
      for (const { start, end, text } of changes.sort((one, two) => two.start - one.start)) {
        written = written.slice(0, start) + text + written.slice(end);
      }
      return { code: written, map: null };
    },
  };
}

/** The tagged templates of a file: the tag's name, and where the text between its expressions stands. */
function templatesOf(code, id) {
  const found = [];
  const visit = (node) => {
    if (ts.isTaggedTemplateExpression(node) && ts.isIdentifier(node.tag)) {
      const { template } = node;
      const parts = ts.isNoSubstitutionTemplateLiteral(template)
        ? [template]
        : [template.head, ...template.templateSpans.map((span) => span.literal)];
      // A part begins with a backtick or "}" and ends with a backtick or "${".
      const pieces = parts.map((part) => ({
        start: part.getStart() + 1,
        end: part.getEnd() - (code.endsWith('${', part.getEnd()) ? 2 : 1),
      }));
      found.push({ tag: node.tag.text, pieces });
    }
    ts.forEachChild(node, visit);
  };
  visit(ts.createSourceFile(id, code, ts.ScriptTarget.Latest, true));
  return found;
}
