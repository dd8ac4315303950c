import { UsageError } from './failure.js'

/** Commands of malai with another name here. */
const commands: Readonly<Record<string, string>> = { 'http-proxy': 'proxy', 'http-proxy-remote': 'proxy-remote' }

/** Options of malai with another name here, by command. `''`: the argument itself. */
const options: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'http-bridge': { '--proxy-target': '--peer', '-t': '--peer', '--port': '', '-p': '' }
}

const noBridge =
  "'--bridge' names a public website of malai, which reaches no fastn-net peers: open it with browse or http-bridge"

/** Options of malai without an equivalent, with advice. */
const missing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  http: { '--bridge': noBridge },
  folder: { '--bridge': noBridge },
  run: { '--home': "'--home' is not known: give the TOML file itself, fastn-net run FILE" }
}

/**
 * Translates malai's command line into this program's.
 *
 * @throws {UsageError} for an option of malai without an equivalent.
 */
export function ownWords([command = '', ...rest]: readonly string[]): readonly string[] {
  const name = nameOf(commands, command) ?? command
  const words = name === 'browse' ? rest.flatMap(wordsOfUrl) : rest
  return [name, ...words.flatMap(word => wordsFor(name, word))]
}

/** Translates a word. A word that looks like an option is one: such values are passed with `=`. */
function wordsFor(command: string, word: string): readonly string[] {
  const [, option = word, value] = /^(--[^=]+)(=.*)$/s.exec(word) ?? []
  const advice = nameOf(missing[command], option)
  if (advice !== undefined) throw new UsageError(advice)
  const own = nameOf(options[command], option)
  if (own === undefined) return [word]
  if (own !== '') return [`${own}${value ?? ''}`]
  return value === undefined ? [] : [value.slice(1)]
}

/** Converts `kulfi://ID52/PATH` to arguments of browse. Such a URL belongs to a malai peer. */
function wordsOfUrl(word: string): readonly string[] {
  const [, peer, path] = /^kulfi:\/\/([^/]*)(\/.*)?$/s.exec(word) ?? []
  if (peer === undefined) return [word]
  return ['--malai', peer, ...(path === undefined ? [] : [path])]
}

function nameOf(table: Readonly<Record<string, string>> | undefined, word: string): string | undefined {
  return table !== undefined && Object.hasOwn(table, word) ? table[word] : undefined
}
