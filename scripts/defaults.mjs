// Places in TSDoc and docs that repeat a default value. `npm run sync` updates them, and __test__/unit/defaults.test.ts compares them.
import { readdirSync, readFileSync } from 'node:fs'
import { at } from './util.mjs'

/** The defaults of the code: by options type, and by the option names that pages use alone. Needs `dist` and the addon. */
export async function codeDefaults() {
  const { limitDefaults } = await import('../dist/modules/endpoint/options.js')
  const { native } = await import('../dist/modules/native/addon.js')
  const { defaults, endpointDefaults } = await import('../dist/modules/settings.js')
  const core = native().optionDefaults()
  const flows = { ...core.bridge, maxFlows: core.bridge.maxConnections }
  const http = { ...defaults.http, maxBodyBytes: defaults.maxBodyBytes }
  const types = {
    EndpointOptions: limitDefaults(),
    Authorize: core.authorize,
    ConnectOptions: core.connect,
    GracefulOptions: { timeout: defaults.gracefulTimeout },
    BodyOptions: { maxBytes: defaults.maxBodyBytes },
    RequestOptions: { timeout: defaults.callTimeout, maxBytes: defaults.requests.maxBytes },
    ServeOptions: defaults.requests,
    FetchOptions: http,
    ServeHttpOptions: http,
    ExposeOptions: core.expose,
    ExposeUdpOptions: core.expose,
    ExposeHttpOptions: core.exposeHttp,
    BridgeOptions: core.bridge,
    BridgeUdpOptions: flows,
    BridgeHttpOptions: core.bridgeHttp,
    PeerToTcpOptions: { connectTimeout: defaults.tcpConnectTimeout }
  }
  // The only `timeout` that pages use without the name of its call is that of `call`.
  const bare = {
    ...endpointDefaults,
    ...defaults,
    ...defaults.requests,
    ...limitDefaults(),
    timeout: defaults.callTimeout
  }
  return { types, bare: Object.fromEntries(Object.entries(bare).filter(([, value]) => typeof value === 'number')) }
}

/**
 * Every place that repeats a default: its file, the position of its number, the number as written, the option, and the value in the code.
 */
export function defaultPlaces({ types, bare }) {
  return [...sources().flatMap(file => inSource(file, types, bare)), ...pages().flatMap(file => inPage(file, bare))]
}

/** Whether a place has the code's value. */
export function isRight({ text, value }) {
  return amount(text) === value
}

/** Numeric options of the types whose TSDoc has no `Default:`. */
export function undocumented({ types }) {
  return sources().flatMap(file =>
    [...members(file, types)].filter(({ comment }) => !comment.includes('Default:')).map(({ label }) => label)
  )
}

/** Converts `30 s`, `64 KiB` or `1,024` to milliseconds, bytes or a count. */
export function amount(text) {
  const [, number, unit = ''] = new RegExp(`^${AMOUNT}`).exec(text) ?? []
  return number === undefined ? undefined : Number(number.replaceAll(',', '')) * FACTORS[unit]
}

/** Writes a value in the unit of `old`, which the page had before. */
export function written(value, old) {
  const [, , unit = ''] = new RegExp(`^${AMOUNT}`).exec(old) ?? []
  const units = { ms: ['s', 'ms'], s: ['s', 'ms'], KiB: ['MiB', 'KiB'], MiB: ['MiB', 'KiB'] }[unit] ?? ['']
  const best = units.find(each => value % FACTORS[each] === 0 && value >= FACTORS[each]) ?? ''
  const number = (value / FACTORS[best]).toLocaleString('en-US')
  return best === '' ? number : `${number} ${best}`
}

const AMOUNT = '(\\d[\\d,]*)(?: (ms|s|KiB|MiB)\\b)?'
const FACTORS = { '': 1, ms: 1, s: 1_000, KiB: 1_024, MiB: 1_048_576 }

function sources() {
  const names = readdirSync(at('src'), { recursive: true, encoding: 'utf8' })
  return names.filter(name => /(?<!\.d)\.ts$/.test(name)).map(name => `src/${name.replaceAll('\\', '/')}`)
}

function pages() {
  const names = readdirSync(at('docs'), { recursive: true, encoding: 'utf8' })
  return ['README.md', ...names.filter(name => name.endsWith('.md')).map(name => `docs/${name.replaceAll('\\', '/')}`)]
}

const textOf = file => readFileSync(at(file), 'utf8')

/** The documented numeric members of the known types. */
function* members(file, types) {
  const text = textOf(file)
  for (const type of text.matchAll(/^export interface (\w+)[^{]*\{\n[\s\S]*?^\}/gm)) {
    const [body, name] = type
    if (!Object.hasOwn(types, name)) continue
    for (const member of body.matchAll(/\/\*\*((?:(?!\*\/)[\s\S])*)\*\/\s+(\w+)\?: number/g)) {
      const [, comment, option] = member
      yield {
        comment,
        option,
        label: `${name}.${option}`,
        at: type.index + member.index + 3,
        value: types[name][option]
      }
    }
  }
}

function inSource(file, types, bare) {
  const found = []
  for (const { comment, option, at, value } of members(file, types)) {
    const default_ = new RegExp(`(Default:\\s+(?:\\*\\s+)?)(${AMOUNT})`).exec(comment)
    if (default_ !== null && value !== undefined) {
      found.push({ file, at: at + default_.index + default_[1].length, text: default_[2], option, value })
    }
  }
  const inherited = new RegExp(`(the endpoint's\\s+(?:\\*\\s+)?\`(\\w+)\`,\\s+(?:\\*\\s+)?)(${AMOUNT})`, 'g')
  for (const { index, 1: before, 2: option, 3: text } of textOf(file).matchAll(inherited)) {
    found.push({ file, at: index + before.length, text, option, value: bare[option] })
  }
  return found
}

function inPage(file, bare) {
  const text = textOf(file)
  const found = []
  const add = (at, option, number) => {
    if (Object.hasOwn(bare, option)) found.push({ file, at, text: number, option, value: bare[option] })
  }
  // "(its `headerTimeout`, 10 s unless …)" and "64 KiB (`maxHeaderBytes`)".
  for (const { index, 1: before, 2: option, 3: number } of text.matchAll(
    new RegExp(`(\`(\\w+)\`, )(${AMOUNT})(?= unless|\\))`, 'g')
  )) {
    add(index + before.length, option, number)
  }
  for (const { index, 1: number, 4: option } of text.matchAll(new RegExp(`(${AMOUNT}) \\(\`(\\w+)\``, 'g'))) {
    add(index, option, number)
  }
  // "| `maxConnections`, `maxConnectionsPerPeer` | 10,000, 64 |".
  for (const { index, 1: before, 2: options, 3: values } of text.matchAll(/^(\| (`[^|]*`[^|]*) \| )(\d[^|]*) \|/gm)) {
    let at = index + before.length
    const numbers = values.split(', ')
    for (const [place, [, option]] of [...options.matchAll(/`(\w+)`/g)].entries()) {
      const number = numbers[place] ?? ''
      add(at, option, number)
      at += number.length + 2
    }
  }
  return found
}

/** Rows of tables of defaults with a number that no place covers. */
export function uncovered(places) {
  return pages().flatMap(file => {
    const rows = [...textOf(file).matchAll(/^\| [^|]* \| default \|.*\n(?:\|.*\n)+/gm)].flatMap(table =>
      [...table[0].matchAll(/^\| [^|]* \| \d.*\|/gm)].map(row => ({ text: row[0], at: table.index + row.index }))
    )
    const covers = row =>
      places.some(place => place.file === file && place.at >= row.at && place.at < row.at + row.text.length)
    return rows.filter(row => !covers(row)).map(row => `${file}: ${row.text}`)
  })
}
