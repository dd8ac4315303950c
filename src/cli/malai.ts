import { UsageError } from './failure.js'

/** The commands of malai that have another name here. */
const commands: Readonly<Record<string, string>> = { 'http-proxy': 'proxy', 'http-proxy-remote': 'proxy-remote' }

/** The options of malai that have another name here, by the command's name here. `''`: the argument itself. */
const options: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  'http-bridge': { '--proxy-target': '--peer', '-t': '--peer', '--port': '', '-p': '' }
}

const noBridge =
  "'--bridge' names a public website of malai, which reaches no fastn-net peers: open it with browse or http-bridge"

/** The options of malai that nothing here has, and what to do instead. */
const missing: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  http: { '--bridge': noBridge },
  folder: { '--bridge': noBridge },
  run: { '--home': "'--home' is not known: give the TOML file itself, fastn-net run FILE" }
}

/**
 * A command line in which the words of malai are replaced by those of this program.
 *
 * @throws {UsageError} for an option of malai that nothing here has.
 */
export function ownWords([command = '', ...rest]: readonly string[]): readonly string[] {
  const name = nameOf(commands, command) ?? command
  const words = name === 'browse' ? rest.flatMap(wordsOfUrl) : rest
  return [name, ...words.flatMap(word => wordsFor(name, word))]
}

/** The word, or what it is here. A word that looks like an option is one: values that do are given with `=`. */
function wordsFor(command: string, word: string): readonly string[] {
  const [, option = word, value] = /^(--[^=]+)(=.*)$/s.exec(word) ?? []
  const advice = nameOf(missing[command], option)
  if (advice !== undefined) throw new UsageError(advice)
  const own = nameOf(options[command], option)
  if (own === undefined) return [word]
  if (own !== '') return [`${own}${value ?? ''}`]
  return value === undefined ? [] : [value.slice(1)]
}

/** `kulfi://ID52/PATH`, as browse takes it. Such a URL is of a malai peer. */
function wordsOfUrl(word: string): readonly string[] {
  const [, peer, path] = /^kulfi:\/\/([^/]*)(\/.*)?$/s.exec(word) ?? []
  if (peer === undefined) return [word]
  return ['--malai', peer, ...(path === undefined ? [] : [path])]
}

function nameOf(table: Readonly<Record<string, string>> | undefined, word: string): string | undefined {
  return table !== undefined && Object.hasOwn(table, word) ? table[word] : undefined
}
