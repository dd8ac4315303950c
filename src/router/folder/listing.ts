import { printable } from '../../util/display.js'
import { formatSize } from '../../util/size.js'
import type { Entry } from './entries.js'

const style =
  ':root{color-scheme:light dark}body{font:16px/1.6 system-ui,sans-serif;max-width:60rem;margin:1rem auto;padding:0 1rem}' +
  'table{border-collapse:collapse;width:100%}td{padding:.2rem .5rem .2rem 0;border-top:1px solid #8884;vertical-align:top}' +
  'td:first-child{overflow-wrap:anywhere}td+td{white-space:nowrap;text-align:right;font-variant-numeric:tabular-nums;opacity:.75}' +
  '@media(max-width:30rem){td:last-child{display:none}}'

/** Headers that prevent a listing from loading resources. */
export const listingPolicy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'"

/** The HTML of a folder. */
export function listingPage(names: readonly string[], entries: readonly Entry[], isCut: boolean): string {
  const title = escaped(printable(`/${names.map(name => `${name}/`).join('')}`))
  const parent = names.length === 0 ? [] : ['<tr><td><a href="../">../</a></td><td></td><td></td></tr>']
  const rows = [...parent, ...entries.map(row)].join('\n')
  const more = isCut ? `<p>Truncated: only ${entries.length.toLocaleString('en')} entries are shown.</p>\n` : ''
  return `<!doctype html>
<html lang="en">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width">
<title>${title}</title>
<style>${style}</style>
<h1>${title}</h1>
<table>
${rows}
</table>
${more}</html>
`
}

function row({ name, isFolder, size, changed }: Entry): string {
  const slash = isFolder ? '/' : ''
  // './' prevents a name with a colon from being parsed as a scheme.
  const link = `<a href="./${encodeURIComponent(name)}${slash}">${escaped(printable(name))}${slash}</a>`
  const date = new Date(changed)
  // Some file systems have times outside the range of Date.
  const time = Number.isNaN(date.getTime()) ? '' : date.toISOString().slice(0, 16).replace('T', ' ')
  return `<tr><td>${link}</td><td>${isFolder ? '' : formatSize(size)}</td><td>${time}</td></tr>`
}

const escapes: Readonly<Record<string, string>> = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;' }

function escaped(text: string): string {
  return text.replace(/[&<>"]/g, character => escapes[character] ?? '')
}
