// The build puts these files into dist/cli.js as texts: scripts/bundle-cli.mjs.
declare module '*.html' {
  const text: string
  export default text
}

declare module '*.css' {
  const text: string
  export default text
}
