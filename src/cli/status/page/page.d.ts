// The build puts page.js into dist/cli.js as a text.
declare const text: string
export default text
