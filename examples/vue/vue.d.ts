// How TypeScript reads a component's file without Vue's own checker.
declare module '*.vue' {
  import type { Component } from 'vue';
  const component: Component;
  // eslint-disable-next-line no-restricted-syntax -- a component's file exports itself so
  export default component;
}
