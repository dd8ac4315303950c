// npm run sync: updates all files that repeat the code. Tests compare the same places.
//
// - src/errors.ts: the error codes; src/code-classes.ts: their classes
// - src/native/find-addon.ts, deny.toml, npm: the platforms of `napi.targets` in package.json
// - TSDoc and docs: defaults
// - docs/metrics.md: the table; docs/wire.md: the refusal words, and the lines of their golden vectors; docs/cli.md: a row for each missing option
// - index.d.ts, node.d.ts
import { cpSync, existsSync, readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { register } from 'node:module'
import { join } from 'node:path'
import { codeDefaults, defaultPlaces, isRight, written } from './defaults.mjs'
import { list, metrics, metricsTable } from './metrics.mjs'
import { prepare } from './prepare.mjs'
import { at, run, say, tool } from './util.mjs'

const { napi } = JSON.parse(readFileSync(at('package.json'), 'utf8'))
if (readdirSync(at('npm')).length < napi.targets.length) addPlatforms()
change('src/native/find-addon.ts', withPlatforms)
change('deny.toml', withTargets)

await prepare()
const { native } = await import('../dist/modules/native/addon.js')
// Only the bundler resolves the text files of the status page.
const noTexts = `export const resolve = (specifier, context, next) =>
  /page\\.(css|html|js)$/.test(specifier) ? { url: 'data:text/javascript,export default ""', shortCircuit: true } : next(specifier, context)`
register(`data:text/javascript,${encodeURIComponent(noTexts)}`)
const { commands } = await import('../dist/modules/cli/commands.js')
change('src/errors.ts', withCodes)
change('src/code-classes.ts', withCodeClasses)
const wrong = defaultPlaces(await codeDefaults()).filter(place => !isRight(place))
for (const file of new Set(wrong.map(place => place.file)))
  change(file, text =>
    withDefaults(
      text,
      wrong.filter(place => place.file === file)
    )
  )
const families = await metrics()
change('docs/metrics.md', text => replaced(text, /^\| metric .*\n(?:\|.*\n)+/m, metricsTable(families)))
change('docs/wire.md', withRefusalWords)
change('crates/fastn-net-proto/tests/golden/wire.json', withRefusalLines)
change('docs/cli.md', withOptions)
// The declarations repeat TSDoc and codes.
await prepare()

/** Creates the missing folders of `npm`. The tool would also rewrite existing ones. */
function addPlatforms() {
  const all = at('target', 'npm')
  run(process.execPath, [tool.napi, 'create-npm-dirs', '--npm-dir', all])
  for (const name of readdirSync(all)) {
    if (existsSync(at('npm', name))) continue
    cpSync(join(all, name), at('npm', name), { recursive: true })
    run(process.execPath, [tool.biome, 'format', '--write', at('npm', name)])
    say(`made npm/${name}`)
  }
}

function change(file, edit) {
  const text = readFileSync(at(file), 'utf8')
  const edited = edit(text)
  if (edited === text) return
  writeFileSync(at(file), edited)
  say(`changed ${file}`)
}

/** Replaces the match of `pattern`, which must exist. */
function replaced(text, pattern, replacement) {
  if (!pattern.test(text)) throw new Error(`nothing matches ${pattern}`)
  return text.replace(pattern, replacement)
}

function withPlatforms(text) {
  const platforms = readdirSync(at('npm')).sort()
  const list = platforms.map(platform => `  '${platform}'`)
  const cases = platforms.map(name => `    case '${name}':\n      return requireFrom('fastn-net-${name}')\n`)
  const listed = replaced(text, /(const targets = \[\n)[^\]]*(\n\])/, `$1${list.join(',\n')}$2`)
  return replaced(listed, /( switch \(target\) \{\n)[^}]*( {2}\})/, `$1${cases.join('')}$2`)
}

function withTargets(text) {
  return replaced(text, /(\ntargets = \[\n)[^\]]*/, `$1${napi.targets.map(target => `  "${target}",\n`).join('')}`)
}

function withRefusalWords(text) {
  // The metrics have a label for each word.
  const { labels } = families.find(({ name }) => name === 'fastn_net_refusals_sent_total')
  const words = [...labels.get('code')].filter(word => word !== 'other')
  return replaced(text, /^(\| refusal, `error` \| )[^.|]*/m, `$1${list(words)}`)
}

/** Adds the bytes of the line to a vector without them. Those of released words stay unchanged. */
function withRefusalLines(text) {
  const vector = /(\{\s*"error": ".*",\s*"message": ".*",(\s*)"becomes": "\w+")(?=\s*\})/g
  return text.replace(vector, (found, fields, gap) => {
    const { error, message } = JSON.parse(`${found}}`)
    const line = `${JSON.stringify({ error, message })}\n`
    return `${fields},${gap}"hex": "${Buffer.from(line).toString('hex')}"`
  })
}

function withCodes(text) {
  const codes = native()
    .errorCodes()
    .map(([code]) => `  '${code}'`)
  return replaced(text, /(export const errorCodes = \[\n)[^\]]*(\n\] as const)/, `$1${codes.join(',\n')}$2`)
}

function withCodeClasses(text) {
  const classes = native()
    .errorCodes()
    .map(([code, kind]) => `  ${code}: '${kind}'`)
  return replaced(text, /(export const codeClasses = \{\n)[^}]*(\n\} as const)/, `$1${classes.join(',\n')}$2`)
}

function withDefaults(text, places) {
  // From the end, so that the earlier positions stay valid.
  const sorted = places.toSorted((a, b) => b.at - a.at)
  return sorted.reduce(
    (edited, { at, text, value }) => edited.slice(0, at) + written(value, text) + edited.slice(at + text.length),
    text
  )
}

/** Adds a row, with the help's text, for each option that the section of its command lacks. */
function withOptions(page) {
  const [common, ...sections] = page.split(/^(?=### )/m)
  const edited = sections.map(section => {
    const command = commands.find(({ name }) => section.startsWith(`### ${name}\n`))
    const options = Object.entries(command?.options ?? {})
    const missing = options.filter(([name]) => !section.includes(`--${name}`) && !common.includes(`--${name}`))
    return missing.length === 0 ? section : withRows(section, missing.map(rowOf))
  })
  return [common, ...edited].join('')
}

function rowOf([name, { help, value, short, multiple }]) {
  const option = `${short === undefined ? '' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`
  return `| \`${option}\` | ${help}${multiple === true ? ' May be repeated.' : ''} |\n`
}

function withRows(section, rows) {
  const table = /^\| option \| \|\n(?:\|.*\n)+/m.exec(section)
  if (table === null) return `${section.trimEnd()}\n\n| option | |\n|---|---|\n${rows.join('')}\n`
  const end = table.index + table[0].length
  return section.slice(0, end) + rows.join('') + section.slice(end)
}
