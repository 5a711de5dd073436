/** esbuild takes style sheets in; TypeScript only needs to know that they may be imported. */
declare module '*.css';
